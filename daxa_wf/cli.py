"""The command `daxa-wf`: a thin wrapper over the package and over Snakemake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import daxa_wf
from daxa_wf.errors import ConfigError, DaxaError

app = typer.Typer(
    help="Archives of X-ray observations from one config file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigFile = Annotated[Path, typer.Argument(help="the configuration, YAML", show_default=False)]


def snakefile() -> Path:
    """The workflow's Snakefile: beside the package in a checkout, in `share` where it was installed."""
    places = (Path(daxa_wf.__file__).parents[1], Path(sys.prefix) / "share" / "daxa_wf")
    for place in places:
        if (place / "workflow" / "Snakefile").is_file():
            return place / "workflow" / "Snakefile"
    raise ConfigError(f"the workflow is in none of {', '.join(map(str, places))}; install daxa_wf again")


def _archive(config: Path) -> Path:
    from daxa_wf.config import read_config

    return Path.cwd() / read_config(config).archive


@app.command()
def version() -> None:
    """Print the version."""
    print(daxa_wf.__version__)


@app.command("check-config")
def check_config(config: ConfigFile) -> None:
    """Check a configuration, without running anything."""
    from daxa_wf.config import read_config

    checked = read_config(config)
    print(f"{config} is fine: archive {checked.archive}, missions {', '.join(checked.missions)}")


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
    }
)
def run(
    context: typer.Context,
    config: ConfigFile,
    cores: Annotated[int, typer.Option(help="cores to use", min=1)] = os.cpu_count() or 1,
) -> None:
    """Make or continue the archive of a configuration; further arguments go to Snakemake."""
    from daxa_wf.config import read_config

    read_config(config)
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(snakefile()),
        "--configfile",
        str(config),
    ]
    raise typer.Exit(subprocess.call([*command, "--cores", str(cores), *context.args]))


@app.command()
def status(config: ConfigFile) -> None:
    """Tell what was done, rejected, failed, blocked, and why."""
    from daxa_wf.archive.layout import Layout
    from daxa_wf.archive.status import print_summary, read_verdicts

    layout = Layout(_archive(config))
    verdicts = read_verdicts(layout)
    if not verdicts:
        raise ConfigError(f"{layout.root} holds no records yet; 'daxa-wf run {config}' makes them")
    print_summary(layout, verdicts)


@app.command()
def retry(
    config: ConfigFile,
    step: Annotated[str | None, typer.Option(help="only this step")] = None,
    unit: Annotated[str | None, typer.Option(help="only this unit, such as 0201903501PNS003")] = None,
) -> None:
    """Drop the records of what failed, so that the next run repeats just that."""
    from daxa_wf.archive.layout import Layout
    from daxa_wf.archive.records import drop_failed_records

    dropped = drop_failed_records(Layout(_archive(config)), step, unit)
    for path in dropped:
        print(path)
    print(f"{len(dropped)} records dropped; 'daxa-wf run {config}' repeats them")


@app.command()
def observatory(directory: Annotated[Path, typer.Argument(help="where to put the observations")]) -> None:
    """Simulate the two observations of the embedded observatory, with their truth."""
    from daxa_wf.demo.observatory import make_observatory

    make_observatory(directory)
    print(f"simulated observations in {directory}")


@app.command("config-schema")
def config_schema() -> None:
    """Print the configuration's JSON schema, for editors."""
    import json

    from daxa_wf.config import Config

    print(json.dumps(Config.model_json_schema(), indent=2))


@app.command("config-docs")
def config_docs() -> None:
    """Print docs/configuration.md."""
    from daxa_wf.config_docs import configuration_page

    print(configuration_page(), end="")


def main() -> None:
    """Run the command; mistakes end with one message and an exit code, not with a traceback."""
    try:
        app()
    except DaxaError as error:
        print(f"daxa-wf: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
