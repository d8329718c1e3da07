"""The command `daxa-wf`: a thin wrapper over the package and over Snakemake."""

from __future__ import annotations

import logging
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

import daxa_wf
from daxa_wf.archive.layout import Layout
from daxa_wf.errors import ConfigError, DaxaError
from daxa_wf.limits import Limits
from daxa_wf.text import FitToShow

app = typer.Typer(
    help="Archives of X-ray observations from one config file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

CHANGES_NOTHING = {"-n", "--dry-run", "--dryrun", "--unlock"}
"""Arguments of Snakemake with which it does not work on the archive."""

ConfigFile = Annotated[Path, typer.Argument(help="the configuration, YAML", show_default=False)]


def snakefile() -> Path:
    """The workflow's Snakefile: beside the package in a checkout, in `share` where it was installed."""
    places = (Path(daxa_wf.__file__).parents[1], Path(sys.prefix) / "share" / "daxa_wf")
    for place in places:
        if (place / "workflow" / "Snakefile").is_file():
            return place / "workflow" / "Snakefile"
    raise ConfigError(f"the workflow is in none of {', '.join(map(str, places))}; install daxa_wf again")


def _archive(config: Path) -> Path:
    from daxa_wf.config.model import read_config

    return Path.cwd() / read_config(config).archive


@app.command()
def version() -> None:
    """Print the version."""
    print(daxa_wf.__version__)


@app.command("check-config")
def check_config(config: ConfigFile) -> None:
    """Check a configuration, and that what it names is there, without running anything."""
    from daxa_wf.chain.preflight import check_before_a_run
    from daxa_wf.config.model import read_config

    checked = read_config(config)
    check_before_a_run(checked, Path.cwd())
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
    cores: Annotated[int | None, typer.Option(help="cores to use (default: all)", min=1)] = None,
    profile: Annotated[str | None, typer.Option(help="slurm, or a directory with a profile of your own")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="print errors and the summary, and nothing else")] = False,
    log_file: Annotated[
        Path | None, typer.Option(help="add a line of JSON to this file for every job that ends")
    ] = None,
) -> None:
    """Make or continue the archive of a configuration; further arguments go to Snakemake."""
    from daxa_wf.archive.running import held
    from daxa_wf.chain.preflight import check_before_a_run
    from daxa_wf.cli.snakemake_arguments import check_arguments, with_own_profiles
    from daxa_wf.config.model import read_config

    for option, value in pairwise(context.args):
        if option in ("--cores", "-c") and value != "all" and not (value.isdigit() and int(value)):
            raise ConfigError(f"{option} {value}: expected a whole number from 1 on, or 'all'")
    checked = read_config(config)
    check_before_a_run(checked, Path.cwd())
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile()), "--configfile", str(config)]
    if profile is not None:
        command += ["--profile", profile]
    if cores is not None or profile is None:
        command += ["--cores", str(cores or os.cpu_count() or 1)]
    command += ["--logger-daxa-quiet"] if quiet else []
    command += ["--logger-daxa-log-file", str(log_file.absolute())] if log_file is not None else []
    further = with_own_profiles(context.args, snakefile().parent / "profiles")
    command = with_own_profiles(command, snakefile().parent / "profiles")
    if profile is not None or further:
        check_arguments([*command[3:], *further])
    if CHANGES_NOTHING.intersection(further):
        os.execv(sys.executable, [*command, *further])
    with held(Path.cwd() / checked.archive) as hold:
        if hold.is_left_locked:
            hold.unlock([*command, "--unlock"])
            print("The last run was killed; its lock is removed.", file=sys.stderr)
        code = hold.run([*command, *further])
    raise typer.Exit(code)


@app.command()
def status(
    config: ConfigFile, missing: Annotated[bool, typer.Option(help="list the products that are gone")] = False
) -> None:
    """Tell what was done, rejected, failed, blocked, and why."""
    from daxa_wf.archive.records import missing_products
    from daxa_wf.archive.status import manifest_fault, print_summary, read_verdicts

    layout = _made_archive(config)
    print_summary(layout, read_verdicts(layout), stderr=False)
    gone = missing_products(layout)
    if gone:
        listed = ":" if missing else "; 'daxa-wf status --missing' lists them"
        print(f"{len(gone)} recorded products are gone, and the next run makes them again{listed}")
    print("".join(f"  {layout.root / path}\n" for path in gone if missing), end="")
    if fault := manifest_fault(layout):
        print(f"The last run processed nothing: {fault}")


def _made_archive(config: Path) -> Layout:
    """The layout of a configuration's archive. ConfigError if it holds no records."""
    from daxa_wf.archive.records import record_paths
    from daxa_wf.archive.status import manifest_fault, read_faults

    layout = Layout(_archive(config))
    if record_paths(layout) or read_faults(layout):
        return layout
    if fault := manifest_fault(layout):
        raise ConfigError(f"{layout.root} holds no records: {fault}")
    raise ConfigError(f"{layout.root} holds no records yet; 'daxa-wf run {config}' makes them")


@app.command()
def retry(
    config: ConfigFile,
    step: Annotated[str | None, typer.Option(help="only this step")] = None,
    unit: Annotated[str | None, typer.Option(help="only this unit, such as 0201903501PNS003")] = None,
) -> None:
    """Drop the records of what failed, or was in no archive, so that the next run repeats just that."""
    from daxa_wf.archive.records import drop_failed_records
    from daxa_wf.mission.catalogue import STEPS
    from daxa_wf.near import closest

    if step is not None and step not in STEPS:
        raise ConfigError(f"--step {step}: no such step; there are {', '.join(STEPS)}{closest(step, STEPS)}")
    dropped = drop_failed_records(_made_archive(config), step, unit)
    for path in dropped:
        print(path)
    if dropped:
        print(f"{len(dropped)} records dropped; 'daxa-wf run {config}' repeats them")
    else:
        print("nothing of that has failed: 0 records dropped; faults are taken up by every run")


@app.command()
def observatory(directory: Annotated[Path, typer.Argument(help="where to put the observations")]) -> None:
    """Simulate the observations of the embedded observatory, with their truth."""
    from daxa_wf_simulator.observatory import make_observatory

    make_observatory(directory)
    print(f"simulated observations in {directory}")


@app.command()
def missions(markdown: Annotated[bool, typer.Option(help="as docs/missions.md")] = False) -> None:
    """List the missions: instruments, fields of view, where their tables come from."""
    if markdown:
        from daxa_wf.chain.missions_page import missions_page

        print(missions_page(), end="")
        return
    from rich.console import Console
    from rich.table import Table

    from daxa_wf.mission.registry import MISSIONS

    table = Table()
    for heading in ("mission", "ObsID", "instruments (field of view, arcmin)", "table"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("mission", "table"))
    for spec in MISSIONS.values():
        fields = ", ".join(f"{each.name} {each.field_of_view * 60:g}" for each in spec.instruments)
        table.add_row(spec.name, spec.obsid_pattern, fields, f"{spec.tables[0].service}\n{spec.tables[0].table}")
    Console().print(table)


@app.command("show-target-types")
def show_target_types() -> None:
    """List the codes of target types, and which missions' tables have them."""
    from rich.console import Console
    from rich.table import Column, Table

    from daxa_wf.mission.registry import MISSIONS
    from daxa_wf.mission.taxonomy import TARGET_TYPES

    table = Table(Column("code", no_wrap=True), "what it is", Column("missions", overflow="fold"))
    for code, meaning in TARGET_TYPES.items():
        having = [name for name, spec in MISSIONS.items() if code in spec.known_target_types]
        table.add_row(code, meaning, ", ".join(having))
    Console().print(table)


@app.command("object")
def object_command(name: Annotated[str, typer.Argument(help="a name, such as 'Abell 907'")]) -> None:
    """Show what SIMBAD or NED know of an object: position, kind, other names."""
    from daxa_wf.tables.objects import look_up

    found = look_up(name)
    if found is None:
        raise ConfigError(f"no object is called {name!r}, say SIMBAD and NED")
    print(f"{found.name} ({found.service}): {found.ra:.6f}, {found.dec:.6f} ICRS degrees; {', '.join(found.kinds)}")
    print("\n".join(f"  {alias}" for alias in found.aliases))


@app.command("fetch-tables")
def fetch_tables_command(
    mission: Annotated[list[str] | None, typer.Option(help="only this mission; may be given again")] = None,
    tables: Annotated[Path, typer.Option(help="directory of the tables")] = Path("daxa_wf_tables"),
    max_age: Annotated[str, typer.Option(help="leave tables alone that are younger")] = "0 d",
    config: Annotated[Path | None, typer.Option(help="take missions, tables and services from this file")] = None,
) -> None:
    """Fetch missions' observation tables; everything after that runs offline."""
    from datetime import timedelta

    from daxa_wf.chain.select import fetch_embedded_table
    from daxa_wf.mission.registry import MISSIONS, why_unknown
    from daxa_wf.options import to_number
    from daxa_wf.tables.endpoints import ENDPOINTS
    from daxa_wf.tables.http import session
    from daxa_wf.tables.snapshots import SnapshotStore, fetch_tables

    endpoints: dict[str, tuple[str, ...]] = dict(ENDPOINTS)
    limits = Limits()
    simulated: dict[str, Path] = {}
    if config is not None:
        from daxa_wf.config.model import read_config

        checked = read_config(config)
        mission, tables = mission or list(checked.missions), Path.cwd() / checked.tables
        limits = checked.limits.values()
        for service, urls in checked.services.items():
            endpoints[service] = urls
        sources = {name: checked.missions[name].source for name in mission if name in checked.missions}
        simulated = {
            name: checked.tables_for(name, Path.cwd()) for name, source in sources.items() if source and source.embedded
        }
    unknown = sorted(set(mission or ()) - set(MISSIONS))
    if unknown:
        raise ConfigError(f"--mission {unknown[0]}: {why_unknown(unknown[0])}")
    try:
        age = timedelta(seconds=to_number(max_age, "s"))
    except ValueError as error:
        raise ConfigError(f"--max-age: {error}") from None
    specs = [MISSIONS[name] for name in mission or MISSIONS if name not in simulated]
    failed = False
    for name, directory in simulated.items():
        fetch_embedded_table(name, directory)
        print(f"{name}: the table of the embedded observatory, in {directory}")
    for name, fetched in fetch_tables(specs, SnapshotStore(tables), endpoints, session(limits=limits), age).items():
        kept = fetched.snapshot
        state = f"{kept.rows} rows of {kept.fetched}" if kept else "no table"
        print(f"{name}: {state}{' (new)' if fetched.new else ''}{f': {fetched.problem}' if fetched.problem else ''}")
        print("".join(f"  {note}\n" for note in fetched.notes), end="")
        failed |= kept is None and name in MISSIONS
    raise typer.Exit(1 if failed else 0)


@app.command("select")
def select_command(config: ConfigFile) -> None:
    """Select observations as the configuration says, and tell what was found; writes <archive>/selection."""
    import pandas as pd

    from daxa_wf.cli.preview import Found, exit_code, find, report_problem, sizes
    from daxa_wf.config.model import read_config
    from daxa_wf.selection.outputs import summary, write_selection
    from daxa_wf.selection.plots import draw_sky, draw_timeline

    checked = read_config(config)
    made, now = Path.cwd() / checked.archive / "selection", pd.Timestamp.now("UTC").tz_localize(None)
    problems, selected = [], {}
    for name, found in find(checked, Path.cwd()):
        if not isinstance(found, Found):
            report_problem(name, found)
            problems.append(found)
            continue
        write_selection(made, name, found.selection)
        selected[name] = found
        amount = sizes(checked, found, Path.cwd())
        lines = summary(found.spec, found.selection, now)
        print("\n".join([*lines, *(amount.lines() if amount else [])]))
    drawn = {name: found for name, found in selected.items() if "start" in found.selection.rows}
    if drawn:
        rows = {name: (found.spec, found.selection.rows) for name, found in drawn.items()}
        sought = {name: found.positions for name, found in drawn.items() if found.positions is not None}
        draw_sky(made / "sky.png", rows, sought)
        draw_timeline(made / "timeline.png", rows)
        print(f"Pictures: {made / 'sky.png'}, {made / 'timeline.png'}")
    raise typer.Exit(exit_code(problems, bool(selected)))


@app.command()
def plan(
    config: ConfigFile,
    listings: Annotated[
        int, typer.Option("--list", help="observations of each mission to ask the archives about", min=0)
    ] = 0,
) -> None:
    """Say what a run would fetch and process, without doing it."""
    from daxa_wf.cli.preview import (
        Found,
        exit_code,
        find,
        local_work,
        reads_all_of_a_directory,
        report_problem,
        sizes,
        work,
    )
    from daxa_wf.config.model import read_config

    checked, problems, any_selected = read_config(config), [], False
    for name, section in checked.missions.items():
        if reads_all_of_a_directory(name, section):
            any_selected = True
            print("\n".join(local_work(name, section, Path.cwd())))
    for name, found in find(checked, Path.cwd(), not_read_whole=True):
        if not isinstance(found, Found):
            report_problem(name, found)
            problems.append(found)
            continue
        any_selected = True
        amount = sizes(checked, found, Path.cwd(), listings)
        print(f"{found.spec.pretty_name}: {len(found.selection.rows)} observations")
        print("\n".join([*(amount.lines() if amount else []), *work(found, checked.tables_for(name, Path.cwd()))]))
    raise typer.Exit(exit_code(problems, any_selected))


@app.command()
def watch(
    config: ConfigFile, once: Annotated[bool, typer.Option(help="print the state once, and end")] = False
) -> None:
    """Show the downloads of a run as they go: files, bytes, rate and time left, of each observation and in all."""
    from daxa_wf.download.watching import watch_downloads

    watch_downloads(_archive(config), once)


@app.command()
def show(
    obsid: Annotated[str, typer.Argument(help="an ObsID")],
    tables: Annotated[Path, typer.Option(help="directory of the tables")] = Path("daxa_wf_tables"),
) -> None:
    """Show what the fetched tables say of an observation."""
    from daxa_wf.mission.registry import MISSIONS
    from daxa_wf.tables.snapshots import SnapshotStore

    possible = [spec for spec in MISSIONS.values() if spec.is_obsid(obsid)]
    if not possible:
        raise ConfigError(f"{obsid!r} is like the ObsIDs of no mission; 'daxa-wf missions' shows what they look like")
    store, found = SnapshotStore(tables), 0
    there = [spec for spec in possible if store.latest(spec.name) is not None]
    for spec in there:
        rows = store.observations(spec)
        for _, row in rows[rows["obsid"] == obsid].iterrows():
            found += 1
            print(f"{spec.pretty_name}\n{row.to_string()}")
    if not found:
        looked = f"not in the tables of {', '.join(spec.name for spec in there)}" if there else "in none of the tables"
        others = ", ".join(spec.name for spec in possible if spec not in there)
        more = f"; it may be one of {others}, of which 'daxa-wf fetch-tables' fetches the tables" if others else ""
        raise ConfigError(f"{obsid} is {looked} in {tables}{more}")


@app.command()
def doctor(
    config: Annotated[
        Path | None, typer.Argument(help="look for what this configuration needs, where it says", show_default=False)
    ] = None,
    setup_script: Annotated[
        list[Path] | None, typer.Option(help="source this first; may be given more than once")
    ] = None,
) -> None:
    """Tell which tasks of SAS and eSASS are found, their releases and calibration files, and what is missing.

    With a configuration the exit code is 1 if something that it needs is missing.
    """
    from daxa_wf.tools.doctor import examine_esass, examine_sas, lines_of
    from daxa_wf.tools.environment import ToolEnvironment

    if config is not None:
        raise typer.Exit(_examine_for(config))
    for script in setup_script or ():
        if not script.is_file():
            raise ConfigError(f"--setup-script {script}: there is no such file")
    environment = ToolEnvironment(setup_scripts=tuple(setup_script or ()))
    for toolkit, examine in (("SAS", examine_sas), ("eSASS", examine_esass)):
        print(f"{toolkit}, with {environment.describe()}:")
        print("\n".join(f"  {line}" for line in lines_of(examine(environment))))


def _examine_for(path: Path) -> int:
    """Look for what a configuration needs; 1 if something is missing."""
    from daxa_wf.chain.plan import Plan
    from daxa_wf.config.model import read_config
    from daxa_wf.observatories.erosita.plan import ErositaPlan
    from daxa_wf.observatories.xmm.plan import SasPlan
    from daxa_wf.tools.doctor import examine_esass, examine_sas, lines_of
    from daxa_wf.tools.environment import environment_from

    plan = Plan(read_config(path), Path.cwd())
    needed = [
        ("SAS", plan.toolkit("sas"), SasPlan(plan).tasks(), examine_sas),
        ("eSASS", plan.toolkit("esass"), ErositaPlan(plan).tasks(), examine_esass),
    ]
    needed = [each for each in needed if each[2]]
    if not needed:
        print(f"{path} needs no tasks of SAS or eSASS")
        return 0
    problems: list[str] = []
    for label, toolkit, tasks, examine in needed:
        environment = environment_from(toolkit)
        findings = examine(environment, tasks)
        print(f"{label}, with {environment.describe()}:")
        print("\n".join(f"  {line}" for line in lines_of(findings)))
        problems += [each.subject for each in findings if each.is_problem]
    print(f"missing for {path}: {', '.join(problems)}" if problems else f"all that {path} needs is there")
    return 1 if problems else 0


@app.command("config-schema")
def config_schema() -> None:
    """Print the configuration's JSON schema, for editors."""
    import json

    from daxa_wf.config.model import Config

    print(json.dumps(Config.model_json_schema(), indent=2))


@app.command("config-docs")
def config_docs() -> None:
    """Print docs/configuration.md."""
    from daxa_wf.config.docs import configuration_page

    print(configuration_page(), end="")


def main() -> None:
    """Run the command; mistakes end with one message and an exit code, not with a traceback."""
    if logging.lastResort is not None:
        # Commands set up no logging of their own: warnings go to the terminal by this handler.
        logging.lastResort.addFilter(FitToShow())
    try:
        app()
    except DaxaError as error:
        print(f"daxa-wf: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Who reads has had enough; what is still in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        print(f"daxa-wf: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
