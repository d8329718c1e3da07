"""Commands that check a configuration and make its archive."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.cli.shared import ConfigFile, lines_of_user_defaults, snakefile, workflow_root
from daxa_wf.errors import ConfigError

commands = typer.Typer()

Cores = Annotated[int | None, typer.Option(help="cores to use (default: your usual number, or all)", min=1)]
LogFile = Annotated[Path | None, typer.Option(help="add a line of JSON to this file for every job that ends")]
RemakeOutdated = Annotated[
    bool, typer.Option("--remake-outdated", help="make again what an older version of daxa_wf made")
]

CHANGES_NOTHING = {"-n", "--dry-run", "--dryrun", "--unlock"}
"""Arguments of Snakemake with which it does not work on the archive."""


Reason = Annotated[
    str, typer.Option("--message", help="the reason of this run, for the version of the archive that it makes")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", "-n", help="count the jobs, show why records are made again, and change nothing")
]


@commands.command("check-config")
def check_config(config: ConfigFile) -> None:
    """Check a configuration, and that all files, columns and instruments that it names exist. Nothing is run."""
    from daxa_wf.chain.preflight import check_before_a_run
    from daxa_wf.config.reading import read_config

    checked = read_config(config)
    check_before_a_run(checked, Path.cwd())
    for line in lines_of_user_defaults(config):
        print(line)
    print(f"{config} is fine: archive {checked.archive}, missions {', '.join(checked.all_missions)}")


@commands.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
    }
)
def run(
    context: typer.Context,
    config: ConfigFile,
    cores: Cores = None,
    profile: Annotated[str | None, typer.Option(help="slurm, or the directory of a profile of Snakemake")] = None,
    dry_run: DryRun = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print errors and the summary, and nothing else")] = False,
    log_file: LogFile = None,
    remake_outdated: RemakeOutdated = False,
    message: Reason = "",
) -> None:
    """Make or continue the archive of a configuration. Arguments after CONFIG go to Snakemake."""
    from daxa_wf.archive.layout import Layout
    from daxa_wf.archive.running import held
    from daxa_wf.archive.vouching import refresh_records
    from daxa_wf.chain.describing import MESSAGE_VARIABLE
    from daxa_wf.chain.plan import REMAKE_OUTDATED
    from daxa_wf.chain.preflight import check_before_a_run
    from daxa_wf.config.reading import read_config, read_user_defaults

    arguments, own = _without_own_options(_arguments_for_snakemake(config, context.args, dry_run))
    quiet, remake_outdated = quiet or "--quiet" in own, remake_outdated or "--remake-outdated" in own
    log_file = Path(own["--log-file"]) if "--log-file" in own else log_file
    os.environ[MESSAGE_VARIABLE] = own.get("--message", message)
    _check_cores(arguments)
    checked = read_config(config)
    check_before_a_run(checked, Path.cwd())
    if cores is None and profile is None:
        cores = read_user_defaults().cores
    command, further = _snakemake_command(config, cores, profile, arguments)
    command += _output_options(quiet, log_file)
    if remake_outdated:
        further = _with_config_value(further, f"{REMAKE_OUTDATED}=true")
    if CHANGES_NOTHING.intersection(further):
        os.execv(sys.executable, [*command, *further])
    with held(Path.cwd() / checked.archive) as hold:
        refresh_records(Layout(hold.root))
        # The archive is held already, in a way that a killed run does not leave behind.
        code = hold.run([*command, "--nolock", *further])
    raise typer.Exit(code)


@commands.command()
def demo(context: typer.Context, cores: Cores = None, dry_run: DryRun = False) -> None:
    """Make an archive of two simulated observations in ./daxa_wf_demo, without a network, to try daxa_wf."""
    run(context, workflow_root() / "config" / "config.yaml", cores=cores, dry_run=dry_run)


def _arguments_for_snakemake(config: Path, further: list[str], dry_run: bool) -> list[str]:
    """Return the arguments after the configuration. Raise ConfigError if an option of Snakemake stands before it."""
    if str(config).startswith("-"):
        raise ConfigError(f"{config}: write options of Snakemake after the configuration: daxa-wf run CONFIG {config}")
    return [*further, "--dry-run"] if dry_run else further


def _without_own_options(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the arguments for Snakemake, and the options of this command that follow the configuration, with their values.

    `--quiet` with a value is Snakemake's. Raise ConfigError if an option of WITH_VALUE has no value.
    """
    left, own, position = list[str](), dict[str, str](), 0
    while position < len(arguments):
        option, following = arguments[position], arguments[position + 1 : position + 2]
        if option in WITH_VALUE:
            if not following:
                raise ConfigError(f"{option}: {WITH_VALUE[option]}")
            own[option] = following[0]
            position += 1
        elif option == "--remake-outdated" or (
            option == "--quiet" and all(argument.startswith("-") for argument in following)
        ):
            own[option] = ""
        else:
            left.append(option)
        position += 1
    return left, own


WITH_VALUE = {"--log-file": "name a file", "--message": "write the reason of the run after it, in quotes"}
"""Options of this command with a value that may follow the configuration, and the advice if the value is missing."""


def _output_options(quiet: bool, log_file: Path | None) -> list[str]:
    """Return the options of Snakemake's logger plugin of this project."""
    to_file = ["--logger-daxa-log-file", str(log_file.absolute())] if log_file is not None else []
    return [*(["--logger-daxa-quiet"] if quiet else []), *to_file]


def _with_config_value(arguments: list[str], value: str) -> list[str]:
    """Add a value to the last --config in Snakemake's arguments, because Snakemake uses only the last --config."""
    if "--config" not in arguments:
        return [*arguments, "--config", value]
    place = len(arguments) - arguments[::-1].index("--config")
    return [*arguments[:place], value, *arguments[place:]]


def _check_cores(arguments: list[str]) -> None:
    """Raise ConfigError if Snakemake's own option for cores has a value that Snakemake would not understand."""
    for option, value in pairwise(arguments):
        if option in ("--cores", "-c") and value != "all" and not (value.isdigit() and int(value)):
            raise ConfigError(f"{option} {value}: expected a whole number from 1 on, or 'all'")


def _snakemake_command(
    config: Path, cores: int | None, profile: str | None, arguments: list[str]
) -> tuple[list[str], list[str]]:
    """Return the command that runs Snakemake, and the user's further arguments. ConfigError if Snakemake refuses them."""
    from daxa_wf.cli.snakemake_arguments import check_arguments, with_own_profiles

    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile()), "--configfile", str(config)]
    if profile is not None:
        command += ["--profile", profile]
    if cores is not None or profile is None:
        command += ["--cores", str(cores or os.cpu_count() or 1)]
    further = with_own_profiles(arguments, snakefile().parent / "profiles")
    command = with_own_profiles(command, snakefile().parent / "profiles")
    if profile is not None or further:
        check_arguments([*command[3:], *further])
    return command, further
