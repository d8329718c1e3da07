"""Commands that print generated texts: version, schema, the page about the configuration, simulated observations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import daxa_wf

commands = typer.Typer()


@commands.command()
def version() -> None:
    """Print the version."""
    print(daxa_wf.__version__)


@commands.command()
def observatory(directory: Annotated[Path, typer.Argument(help="where to put the observations")]) -> None:
    """Simulate the observations of the embedded observatory, with their truth."""
    from daxa_wf_simulator.observatory import make_observatory

    make_observatory(directory)
    print(f"simulated observations in {directory}")


@commands.command("config-schema")
def config_schema() -> None:
    """Print the configuration's JSON schema, for editors."""
    import json

    from daxa_wf.config.model import config_model

    print(json.dumps(config_model().model_json_schema(), indent=2))


@commands.command("config-docs")
def config_docs() -> None:
    """Print docs/configuration.md."""
    from daxa_wf.config.docs import configuration_page

    print(configuration_page(), end="")
