"""Commands on an archive: how its units ended, which of them to repeat, how its downloads go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.shared import ConfigFile, archive_of
from daxa_wf.errors import ConfigError

commands = typer.Typer()


@commands.command()
def status(
    config: ConfigFile,
    missing: Annotated[bool, typer.Option("--missing", help="list the products that are gone")] = False,
) -> None:
    """Show how many units of each step are done, rejected, failed or blocked, and the reasons."""
    from daxa_wf.archive.records import missing_products, outdated_by_version
    from daxa_wf.archive.status import manifest_fault, print_summary, read_verdicts

    layout = _made_archive(config)
    print_summary(layout, read_verdicts(layout), stderr=False)
    gone = missing_products(layout)
    if gone:
        listed = ":" if missing else "; 'daxa-wf status --missing' lists them"
        print(f"{len(gone)} recorded products are gone, and the next run makes them again{listed}")
    print("".join(f"  {layout.root / path}\n" for path in gone if missing), end="")
    for version, number in outdated_by_version(layout).items():
        print(
            f"{number} records were made by daxa_wf {version}; 'daxa-wf run {config} --remake-outdated' makes them again"
        )
    if fault := manifest_fault(layout):
        print(f"The last run processed nothing: {fault}")


def _made_archive(config: Path) -> Layout:
    """Return the layout of a configuration's archive. Raise ConfigError if the archive holds no records."""
    from daxa_wf.archive.records import record_paths
    from daxa_wf.archive.status import manifest_fault, read_faults

    layout = Layout(archive_of(config))
    if record_paths(layout) or read_faults(layout):
        return layout
    if fault := manifest_fault(layout):
        raise ConfigError(f"{layout.root} holds no records: {fault}")
    raise ConfigError(f"{layout.root} holds no records yet; 'daxa-wf run {config}' makes them")


@commands.command()
def retry(
    config: ConfigFile,
    step: Annotated[str | None, typer.Option(help="only this step, as `daxa-wf status` lists them")] = None,
    unit: Annotated[str | None, typer.Option(help="only this unit, such as 0201903501PNS003")] = None,
) -> None:
    """Delete the records of units that failed or that no data centre had, so that the next run repeats only them."""
    from daxa_wf.archive.records import drop_failed_records
    from daxa_wf.mission.registry import STEPS
    from daxa_wf.near import closest

    if step is not None and step not in STEPS:
        raise ConfigError(f"--step {step}: no such step; there are {', '.join(STEPS)}{closest(step, STEPS)}")
    dropped = drop_failed_records(_made_archive(config), step, unit)
    for path in dropped:
        print(path)
    if dropped:
        print(f"{len(dropped)} records dropped; 'daxa-wf run {config}' repeats them")
    else:
        print("No failed records match: 0 records dropped. (Faults need no retry: the next run repeats them.)")


@commands.command()
def watch(
    config: ConfigFile, once: Annotated[bool, typer.Option("--once", help="print the state once, and end")] = False
) -> None:
    """Show the downloads of a run in progress: files, bytes, rate and remaining time, by observation and in total."""
    from daxa_wf.download.watching import watch_downloads

    watch_downloads(archive_of(config), once)
