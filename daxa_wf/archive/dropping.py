"""Delete records, so that the next run makes them and all that depends on them again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, readable_records
from daxa_wf.archive.requested import read_requested
from daxa_wf.errors import ConfigError
from daxa_wf.near import closest


@dataclass(frozen=True)
class UnitChoice:
    """Records that a user names by step, unit and mission; None stands for all."""

    step: str | None = None
    unit: str | None = None
    mission: str | None = None

    def includes(self, record: Record) -> bool:
        """Return True for a record of the step, the unit and the mission."""
        return (
            self.step in (None, record.step)
            and self.unit in (None, record.unit.identifier)
            and self.mission in (None, record.unit.mission)
        )


def drop_failed_records(layout: Layout, choice: UnitChoice = UnitChoice()) -> list[Path]:
    """Delete the chosen records of units that failed or that no data centre had. Return their paths.

    Raise ConfigError if the archive has no record of the unit.
    """
    chosen = _requested_records(layout, choice)
    return _delete(
        path
        for path, record in chosen.items()
        if record.status is Status.FAILED or (record.step == "acquire" and not record.done)
    )


def drop_records(layout: Layout, choice: UnitChoice) -> list[Path]:
    """Delete the chosen records. Return their paths.

    Raise ConfigError if nothing is chosen, or if the archive has no such record that the configuration requests.
    """
    if choice == UnitChoice(mission=choice.mission):
        raise ConfigError("name what to make again: --step, --unit, or both")
    chosen = _requested_records(layout, choice)
    if not chosen:
        named = " ".join(filter(None, (choice.step, choice.unit and f"of {choice.unit}", choice.mission)))
        units = _requested_records(layout, UnitChoice(choice.step, None, choice.mission)).values()
        example = min((record.unit.identifier for record in units), default="")
        hint = f"; the units of {choice.step} are such as {example}" if choice.step and example else ""
        raise ConfigError(f"{layout.root} has no record of {named} that its configuration requests{hint}")
    return _delete(chosen)


def _requested_records(layout: Layout, choice: UnitChoice) -> dict[Path, Record]:
    """Return the chosen records that the configuration requests. Raise ConfigError if no record is of the unit."""
    records = readable_records(layout)
    units = {record.unit.identifier for record in records.values()}
    if choice.unit is not None and choice.unit not in units:
        raise ConfigError(
            f"--unit {choice.unit}: {layout.root} has no record of it; expected an identifier such as "
            f"{min(units, default='0201903501PNS003')}{closest(choice.unit, units)}"
        )
    requested = read_requested(layout)
    return {
        path: record
        for path, record in records.items()
        if choice.includes(record) and requested.asks_for(record.step, record.unit)
    }


def _delete(paths: Iterable[Path]) -> list[Path]:
    deleted = list(paths)
    for path in deleted:
        path.unlink()
    return deleted
