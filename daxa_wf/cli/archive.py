"""Commands on an archive: how its units ended, how its downloads go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daxa_wf.cli.shared import (
    ArchivePlace,
    AsJson,
    ConfigFile,
    MissionOption,
    StepOption,
    archive_of,
    check_choice,
    made_archive,
    print_json,
)
from daxa_wf.errors import ConfigError

if TYPE_CHECKING:
    from daxa_wf.archive.state import ArchiveState
    from daxa_wf.archive.status import Verdict

commands = typer.Typer()


@commands.command()
def status(
    config: ArchivePlace,
    missing: Annotated[bool, typer.Option("--missing", help="list the products that are gone")] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="only units that failed or were rejected, and faults")
    ] = False,
    why: Annotated[
        str | None, typer.Option(metavar="UNIT", help="explain how a unit ended, such as 0201903501PNS003")
    ] = None,
    step: StepOption = None,
    mission: MissionOption = None,
    as_json: AsJson = False,
) -> None:
    """Show how many units of each step are done, rejected, failed or blocked, and the reasons."""
    from daxa_wf.archive.state import ArchiveState
    from daxa_wf.archive.status import print_summary
    from daxa_wf.archive.units_by_name import causes_of, history_of, unit_named
    from daxa_wf.cli.verdicts import print_causes, print_history, status_values

    layout = made_archive(config)
    state = ArchiveState(layout) if why is None else ArchiveState.around(layout, why)
    verdicts = _chosen(state.verdicts, step, mission)
    unit = None if why is None else unit_named(state.verdicts, why, mission)
    if unit is not None:
        verdicts = history_of(verdicts, unit)
    if failed:
        verdicts = causes_of(verdicts)
    if as_json:
        print_json(status_values(state, verdicts))
    elif unit is not None:
        print_history(state, unit, verdicts)
    elif failed:
        print_causes(state, verdicts)
    else:
        print_summary(state.layout, verdicts, stderr=False)
        _print_notes(state, config, missing)


def _chosen(verdicts: Sequence[Verdict], step: str | None, mission: str | None) -> list[Verdict]:
    """Return the verdicts of a step and a mission. Raise ConfigError for an unknown one, or a mission without verdicts."""
    check_choice(step, mission)
    missions = sorted({verdict.mission for verdict in verdicts})
    if mission is not None and mission not in missions:
        raise ConfigError(f"--mission {mission}: the archive has nothing of it; its missions are {', '.join(missions)}")
    return [item for item in verdicts if step in (None, item.step) and mission in (None, item.mission)]


def _print_notes(state: ArchiveState, config: Path, missing: bool) -> None:
    """Print the products that are gone, the records of other versions, and why the last run processed nothing."""
    from daxa_wf.archive.status import manifest_fault

    gone = state.missing_products()
    if gone:
        listed = ":" if missing else "; 'daxa-wf status --missing' lists them"
        print(f"{len(gone)} recorded products are gone, and the next run makes them again{listed}")
    print("".join(f"  {state.layout.root / path}\n" for path in gone if missing), end="")
    run = f"daxa-wf run {'CONFIG' if config.is_dir() else config}"
    for version, number in state.outdated_by_version().items():
        print(f"{number} records were made by daxa_wf {version}; '{run} --remake-outdated' makes them again")
    if fault := manifest_fault(state.layout):
        print(f"The last run processed nothing: {fault}")


@commands.command()
def watch(
    config: ConfigFile, once: Annotated[bool, typer.Option("--once", help="print the state once, and end")] = False
) -> None:
    """Show the downloads of a run in progress: files, bytes, rate and remaining time, by observation and in total."""
    from daxa_wf.download.watching import watch_downloads

    watch_downloads(archive_of(config), once)
