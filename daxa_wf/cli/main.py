"""The command `daxa-wf`: a thin wrapper over the package and over Snakemake."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from daxa_wf.cli import (
    archive,
    doctor,
    export,
    first_config,
    generated,
    handover,
    inspection,
    lock,
    missions,
    previews,
    regions,
    removal,
    repeating,
    run,
    step,
    tables,
    update,
    verify,
    versions,
)
from daxa_wf.errors import DaxaError
from daxa_wf.text import FitToShow

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Make archives of X-ray observations from one configuration file."""
    if version:
        generated.version()
        raise typer.Exit


GROUPS = (
    first_config, run, previews, archive, inspection, versions, verify, lock, handover, repeating, removal, step, missions,
    export, regions, tables, update, doctor, generated,
)  # fmt: skip
PANELS = {
    "Make an archive": ("init", "demo", "check-config", "plan", "run"),
    "Find observations": (
        "select", "missions", "fetch-tables", "import-table", "table", "show", "object", "show-target-types",
    ),
    "Look into an archive": ("status", "info", "logs", "path", "watch"),
    "Change an archive": ("update", "retry", "reprocess", "prune", "delete-raw", "history", "diff"),
    "Prove an archive": ("verify", "lock", "reproduce"),
    "Hand over": ("cite", "export", "regions", "send", "adopt"),
    "Tools": ("step", "doctor", "version", "config-schema", "config-docs"),
}  # fmt: skip
"""Commands by the panel of the help that shows them."""

for group in GROUPS:
    app.add_typer(group.commands)
    for command in (*group.commands.registered_commands, *group.commands.registered_groups):
        own_name = command.name or getattr(command.callback, "__name__", "").replace("_", "-")
        command.rich_help_panel = next((panel for panel, names in PANELS.items() if own_name in names), None)


def main() -> None:
    """Run the command. A mistake ends with one message and an exit code, not with a traceback."""
    if logging.lastResort is not None:
        # Commands set up no logging of their own: warnings go to the terminal by this handler.
        logging.lastResort.addFilter(FitToShow())
    try:
        app()
    except DaxaError as error:
        print(f"daxa-wf: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader has closed the pipe; the rest of the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        print(f"daxa-wf: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
