"""Shared by the groups of commands: the argument CONFIG, the Snakefile, the archive of a configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import daxa_wf
from daxa_wf.errors import ConfigError

ArchivePlace = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG", help="the configuration, YAML, or the directory of an archive", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON, for other programs")]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="the configuration, YAML", show_default=False)]


def snakefile() -> Path:
    """Return the workflow's Snakefile: beside the package in a checkout, in `share` of an installation."""
    places = (Path(daxa_wf.__file__).parents[1], Path(sys.prefix) / "share" / "daxa_wf")
    for place in places:
        if (place / "workflow" / "Snakefile").is_file():
            return place / "workflow" / "Snakefile"
    raise ConfigError(f"the workflow is not in {' or '.join(map(str, places))}; install daxa_wf again")


def archive_of(config: Path) -> Path:
    """Return the directory of a configuration's archive."""
    from daxa_wf.config.reading import read_config

    return Path.cwd() / read_config(config).archive


def archive_at(place: Path) -> Path:
    """Return an archive's absolute directory: the place itself if it holds records, otherwise the archive of a configuration.

    Raise ConfigError if a directory holds no records.
    """
    if (place / "records").is_dir():
        return Path.cwd() / place
    if place.is_dir():
        raise ConfigError(f"{place} cannot be read: Is a directory that is not an archive, because it holds no records")
    return archive_of(place)


def print_json(values: Any) -> None:
    """Print values as JSON."""
    import json

    print(json.dumps(values, indent=1))


def band_edges(band: str | None) -> tuple[float, float] | None:
    """Return the edges of a band in keV, written as `0.5-2.0`. Raise ConfigError for another form."""
    if band is None:
        return None
    low, _, high = band.lower().replace("kev", "").replace(" ", "").partition("-")
    try:
        return float(low), float(high)
    except ValueError:
        raise ConfigError(f"--band {band}: expected two energies in keV, such as 0.5-2.0") from None
