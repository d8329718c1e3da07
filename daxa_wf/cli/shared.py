"""Shared by the groups of commands: the argument CONFIG, the Snakefile, the archive of a configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import daxa_wf
from daxa_wf.errors import ConfigError

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
