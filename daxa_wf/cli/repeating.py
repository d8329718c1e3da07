"""Commands that choose units for the next run to make again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from daxa_wf.cli.shared import ConfigFile, MissionOption, StepOption, UnitOption, check_choice, made_archive

commands = typer.Typer()


@commands.command()
def retry(config: ConfigFile, step: StepOption = None, unit: UnitOption = None, mission: MissionOption = None) -> None:
    """Delete the records of units that failed or that no data centre had, so that the next run repeats only them."""
    from daxa_wf.archive.dropping import UnitChoice, drop_failed_records
    from daxa_wf.archive.running import held

    check_choice(step, mission)
    layout = made_archive(config)
    with held(layout.root):
        dropped = drop_failed_records(layout, UnitChoice(step, unit, mission))
    _print_dropped(dropped, config)
    if not dropped:
        print("No failed records match: 0 records dropped. (Faults need no retry: the next run repeats them.)")


@commands.command()
def reprocess(
    config: ConfigFile, step: StepOption = None, unit: UnitOption = None, mission: MissionOption = None
) -> None:
    """Delete the records of a step, a unit or both, so that the next run makes them and all that depends on them again.

    Products stay until the run replaces them. Give --step, --unit, or both.
    """
    from daxa_wf.archive.dropping import UnitChoice, drop_records
    from daxa_wf.archive.running import held

    check_choice(step, mission)
    layout = made_archive(config)
    with held(layout.root):
        dropped = drop_records(layout, UnitChoice(step, unit, mission))
    _print_dropped(dropped, config)


def _print_dropped(dropped: Sequence[Path], config: Path) -> None:
    for path in dropped:
        print(path)
    if dropped:
        print(f"{len(dropped)} records dropped; 'daxa-wf run {config}' repeats them")
