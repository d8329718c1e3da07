"""Shared by the groups of commands: the argument CONFIG, the Snakefile, the archive of a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import daxa_wf
from daxa_wf.errors import ConfigError

if TYPE_CHECKING:
    from daxa_wf.archive.layout import Layout
    from daxa_wf.chain.plan import Plan

ArchivePlace = Annotated[
    Path,
    typer.Argument(
        metavar="CONFIG", help="the configuration, YAML, or the directory of an archive", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON, for other programs")]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="the configuration, YAML", show_default=False)]

StepOption = Annotated[str | None, typer.Option("--step", help="only this step, as `daxa-wf status` lists them")]
UnitOption = Annotated[str | None, typer.Option("--unit", help="only this unit, such as 0201903501PNS003")]
MissionOption = Annotated[str | None, typer.Option("--mission", help="only this mission")]


def workflow_root() -> Path:
    """Return the directory with `workflow/` and `config/`: a checkout, or `share/daxa_wf` of an installation.

    An installer puts `share` beside `lib`, or beside the package (`pip --target`), so every directory above the package counts.
    Raise ConfigError if none has the workflow.
    """
    above = Path(daxa_wf.__file__).resolve().parents[1:]
    for place in (above[0], *(directory / "share" / "daxa_wf" for directory in above)):
        if (place / "workflow" / "Snakefile").is_file():
            return place
    raise ConfigError(f"the workflow is neither in {above[0]} nor in 'share/daxa_wf' above it; install daxa_wf again")


def snakefile() -> Path:
    """Return the workflow's Snakefile."""
    return workflow_root() / "workflow" / "Snakefile"


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


def plan_of(config: Path) -> Plan:
    """Return the plan of a configuration."""
    from daxa_wf.chain.plan import Plan
    from daxa_wf.config.reading import read_config

    return Plan(read_config(config), Path.cwd())


def check_choice(step: str | None, mission: str | None) -> None:
    """Raise ConfigError for the name of a step or of a mission that does not exist."""
    from daxa_wf.mission.registry import MISSIONS, check_step, why_unknown

    if step is not None:
        check_step(step, "--step")
    if mission is not None and mission not in MISSIONS:
        raise ConfigError(f"--mission {mission}: {why_unknown(mission)}")


def made_archive(config: Path) -> Layout:
    """Return the layout of an archive. Raise ConfigError if it holds no records."""
    from daxa_wf.archive.layout import Layout
    from daxa_wf.archive.records import has_records
    from daxa_wf.archive.status import manifest_fault, read_faults

    layout = Layout(archive_at(config))
    if has_records(layout) or read_faults(layout):
        return layout
    if fault := manifest_fault(layout):
        raise ConfigError(f"{layout.root} holds no records: {fault}")
    raise ConfigError(f"{layout.root} holds no records yet; 'daxa-wf run {config}' makes them")


def lines_of_user_defaults(config: Path | None = None) -> list[str]:
    """Return what the user's defaults give to a configuration, or give at all; empty if there is no such file.

    ConfigError if a file cannot be used.
    """
    from daxa_wf.config.reading import read_user_defaults, read_values
    from daxa_wf.config.user_defaults import used_defaults, user_defaults_file

    path, defaults = user_defaults_file(), read_user_defaults()
    if not path.exists():
        return []
    given = {key: str(value) for key, value in defaults.model_dump(exclude_none=True).items()}
    if config is not None:
        used = used_defaults(read_values(config), defaults, config.stem)
        given = used | {key: value for key, value in given.items() if key == "cores"}
    listed = ", ".join(f"{key} {value}" for key, value in given.items())
    return [f"from {path}: {listed or 'nothing, because the configuration gives the values itself'}"]


def print_json(values: Any) -> None:
    """Print values as JSON."""
    import json

    print(json.dumps(values, indent=1))


def given_band(band: str | None) -> tuple[float, float] | None:
    """Return the edges of the band that an option gives, in keV; None without the option."""
    return None if band is None else band_edges(band)


def band_edges(band: str) -> tuple[float, float]:
    """Return the edges of a band in keV, written as `0.5-2.0`. Raise ConfigError for another form."""
    low, _, high = band.lower().replace("kev", "").replace(" ", "").partition("-")
    try:
        edges = float(low), float(high)
    except ValueError:
        raise ConfigError(f"--band {band}: expected two energies in keV, such as 0.5-2.0") from None
    if not edges[0] < edges[1]:
        raise ConfigError(f"--band {band}: the first energy must be lower than the second, such as 0.5-2.0")
    return edges
