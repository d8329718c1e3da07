"""Commands that print generated texts: version, schema and the page about the configuration."""

from __future__ import annotations

import typer

import daxa_wf

commands = typer.Typer()


@commands.command()
def version() -> None:
    """Print the version."""
    print(daxa_wf.__version__)


@commands.command("config-schema")
def config_schema() -> None:
    """Print the configuration's JSON schema, for editors."""
    import json

    from daxa_wf.config.model import config_model

    print(json.dumps(config_model().model_json_schema(), indent=2))


@commands.command("config-docs")
def config_docs() -> None:
    """Print the documentation of every key of the configuration (docs/configuration.md)."""
    from daxa_wf.config.docs import configuration_page

    print(configuration_page(), end="")
