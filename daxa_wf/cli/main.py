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


for group in (
    first_config,
    run,
    previews,
    archive,
    inspection,
    versions,
    verify,
    lock,
    handover,
    repeating,
    removal,
    step,
    missions,
    export,
    regions,
    tables,
    update,
    doctor,
    generated,
):
    app.add_typer(group.commands)


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
