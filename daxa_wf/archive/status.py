"""The verdicts of all units, read from records and fault notes, and their summary at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.origin import read_origin
from daxa_wf.archive.records import Record, Status, readable_records, record_paths
from daxa_wf.archive.requested import NOT_REQUESTED, RequestedUnits, read_requested
from daxa_wf.archive.tables import write_table
from daxa_wf.errors import CorruptFileError
from daxa_wf.json_files import read_json
from daxa_wf.text import some_of
from daxa_wf.units import Unit

FAULT = "fault"
"""Takes the place of a status: the step met a fault, and the next run repeats it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of one step on one unit."""

    mission: str
    obsid: str
    inst: str
    exposure: str
    step: str
    status: str
    reason: str = ""
    message: str = ""
    warnings: tuple[tuple[str, str], ...] = ()
    """Name and text of each warning."""
    dropped_because: str = ""
    """Why the configuration no longer requests the unit, if so."""
    removed: tuple[str, ...] = ()
    """Files of an earlier run that the step removed, relative to the archive."""
    ended: str = ""
    """Time of the verdict (UTC, ISO), or '' without a record."""

    @property
    def unit(self) -> Unit:
        """Return the unit of the verdict."""
        return Unit(self.mission, self.obsid, self.inst, self.exposure)


@dataclass(frozen=True)
class _FaultNote:
    """The note that a job leaves after a fault."""

    mission: str
    obsid: str
    instrument: str
    exposure: str
    step: str
    error: str
    message: str


PENDING = "pending"
"""Takes the place of a status: the manifest requests the step, and it has neither a record nor a fault note."""

COLUMNS = ("mission", "obsid", "inst", "exposure", "step", "status", "reason", "message", "warnings")
"""Columns of the table of verdicts."""


def read_verdicts(layout: Layout) -> list[Verdict]:
    """Return a verdict for every record, every fault note, and every record that is still to be made.

    The verdicts of units that the configuration no longer requests are marked.
    """
    records = readable_records(layout)
    recorded = [recorded_verdict(record) for record in records.values()]
    unreadable = [path for path in record_paths(layout) if path not in records]
    return complete_verdicts(layout, read_requested(layout), recorded, unreadable)


def complete_verdicts(
    layout: Layout, requested: RequestedUnits, recorded: Sequence[Verdict], unreadable: Sequence[Path]
) -> list[Verdict]:
    """Return the verdicts of all units of an archive, of which the verdicts in its readable records are known."""
    faults = read_faults(layout)
    damaged = [_damaged(layout, path, requested) for path in unreadable]
    known = {(verdict.step, verdict.unit) for verdict in (*recorded, *damaged, *faults)}
    left = [_left(step, unit) for step, unit in requested.all_units() if (step, unit) not in known]
    verdicts = [_unless_behind(faults, verdict) for verdict in (*recorded, *left)] + damaged + faults
    return [_unless_dropped(requested, verdict) for verdict in verdicts]


def _left(step: str, unit: Unit) -> Verdict:
    """Return the verdict for a record that the manifest requests and that was not made yet."""
    return Verdict(unit.mission, unit.obsid, unit.instrument, unit.exposure, step, PENDING)


def _unless_dropped(requested: RequestedUnits, verdict: Verdict) -> Verdict:
    """Mark the verdict of a unit that was processed for an earlier configuration."""
    if not (cause := requested.why_not(verdict.step, verdict.unit)):
        return verdict
    message = f"{cause}; its files stay as they are. {verdict.message}".rstrip()
    return replace(
        verdict,
        status=NOT_REQUESTED,
        reason=f"was {verdict.status}",
        message=message,
        warnings=(),
        dropped_because=cause,
    )


def _unless_behind(faults: Sequence[Verdict], verdict: Verdict) -> Verdict:
    """Mark a unit's result as blocked if a step it depends on has since met a fault."""
    behind = (fault for fault in faults if _rests_on(verdict, fault))
    if verdict.status not in (Status.DONE, PENDING) or (fault := next(behind, None)) is None:
        return verdict
    when = "made before" if verdict.status == Status.DONE else "not made because of"
    message = f"{when} the fault of {fault.step}: {fault.message}"
    return replace(verdict, status=str(Status.BLOCKED), reason=f"{fault.step} {FAULT}", message=message)


def _rests_on(verdict: Verdict, fault: Verdict) -> bool:
    from daxa_wf.mission.registry import earlier_steps

    return (
        (verdict.mission, verdict.obsid) == (fault.mission, fault.obsid)
        and fault.step in earlier_steps(verdict.step)
        and (not (fault.inst and verdict.inst) or fault.inst == verdict.inst)
        and (not (fault.exposure and verdict.exposure) or fault.exposure == verdict.exposure)
    )


def read_faults(layout: Layout, mission: str = "*", obsid: str = "*") -> list[Verdict]:
    """Return the faults that are not repaired yet, of the archive or of one observation. A damaged note counts as a fault."""
    return [_fault(layout, path) for path in fault_notes(layout, mission, obsid)]


def fault_notes(layout: Layout, mission: str = "*", obsid: str = "*") -> list[Path]:
    """Return the paths of the fault notes of the archive or of one observation."""
    return sorted((layout.root / "logs").glob(f"{mission}/{obsid}/*.fault.json"))


def damaged_notes(layout: Layout) -> list[Path]:
    """Return the paths of the fault notes that cannot be read."""
    return [path for path in fault_notes(layout) if _read_note(path) is None]


def _read_note(path: Path) -> _FaultNote | None:
    try:
        note: _FaultNote = read_json(path, _FaultNote, "a note of a fault", "the next run sets it aside")
        return note
    except CorruptFileError:
        return None


def recorded_verdict(record: Record) -> Verdict:
    """Return the verdict in a record."""
    unit = record.unit
    return Verdict(
        unit.mission, unit.obsid, unit.instrument, unit.exposure,
        record.step, str(record.status), record.reason, " ".join(record.message.split()),
        tuple((warning["name"], " ".join(warning["text"].split())) for warning in record.warnings),
        removed=tuple(record.removed),
        ended=record.ended,
    )  # fmt: skip


def _fault(layout: Layout, path: Path) -> Verdict:
    note = _read_note(path)
    if note is None:
        mission, obsid = path.parent.parent.name, path.parent.name
        step = path.name.rpartition(f"_{obsid}")[0]
        return Verdict(mission, obsid, "", "", step, FAULT, "DamagedNote", f"{layout.relative(path)} cannot be read")
    message = " ".join(note.message.split())
    return Verdict(note.mission, note.obsid, note.instrument, note.exposure, note.step, FAULT, note.error, message)


def _damaged(layout: Layout, path: Path, requested: RequestedUnits) -> Verdict:
    """Return the verdict for a record that cannot be read, of its unit if the configuration requests it."""
    mission, obsid, step = path.relative_to(layout.root / "records").parts[:3]
    observation = Unit(mission, obsid)
    unit = requested.unit_named(observation, step, path.stem) or observation
    message = f"{layout.relative(path)} cannot be read; the next run makes it anew"
    return Verdict(mission, obsid, unit.instrument, unit.exposure, step, FAULT, "DamagedRecord", message)


def write_status(layout: Layout, verdicts: Iterable[Verdict]) -> None:
    """Write `status.tsv` and `status.ecsv`: one row a unit and step, with the names of its warnings."""
    rows = [
        {name: getattr(verdict, name) for name in COLUMNS} | {"warnings": " ".join(dict(verdict.warnings))}
        for verdict in verdicts
    ]
    write_table(layout.status, COLUMNS, rows)


def root_causes(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that are neither `done` nor `blocked`, of units that are requested: why a unit has no result."""
    others = (Status.DONE, Status.BLOCKED, NOT_REQUESTED, PENDING)
    return [verdict for verdict in verdicts if verdict.status not in others]


def warnings_by_name(verdicts: Sequence[Verdict]) -> dict[tuple[str, str], list[tuple[Verdict, str]]]:
    """Return the warnings by step and name, each with its verdict and text, in the order of the verdicts."""
    warnings: dict[tuple[str, str], list[tuple[Verdict, str]]] = {}
    for verdict in verdicts:
        for name, text in verdict.warnings:
            warnings.setdefault((verdict.step, name), []).append((verdict, text))
    return warnings


def counts_by_step(verdicts: Sequence[Verdict]) -> dict[str, Counter[str]]:
    """Count the units by step and status, in the order of the steps."""
    from daxa_wf.mission.registry import STEPS

    counts: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        counts.setdefault(verdict.step, Counter())[verdict.status] += 1
    return {step: counts[step] for step in STEPS if step in counts}


def used_statuses(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the statuses of a table of counts: the usual ones, and PENDING and NOT_REQUESTED if a unit has them."""
    used = {verdict.status for verdict in verdicts}
    return [
        *(str(status) for status in Status),
        FAULT,
        *(status for status in (PENDING, NOT_REQUESTED) if status in used),
    ]


def _warning_line(step: str, name: str, verdicts: Sequence[tuple[Verdict, str]]) -> str:
    """Return one line about all units that have a warning, with the text of the first."""
    first, text = verdicts[0]
    others = len({verdict.unit for verdict, _ in verdicts}) - 1
    noun = "unit" if others == 1 else "units"
    more = f" and {others} more {noun}, listed in the report" if others else ""
    return f"warning {name}: {step} of {first.mission} {first.unit.identifier}{more}: {text}"


def _dropped_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a line for each cause for which units are no longer requested."""
    dropped: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        if verdict.dropped_because:
            dropped.setdefault((verdict.dropped_because, verdict.mission), []).append(verdict.obsid)
    return [
        f"{NOT_REQUESTED}: {cause}: {len(obsids)} records of {mission} {some_of(dict.fromkeys(obsids))}"
        for (cause, mission), obsids in dropped.items()
    ]


def removed_line(verdicts: Sequence[Verdict], since: str) -> str:
    """Return a line with the number and the first names of the files that steps have removed since a time, or ''.

    The time has the form of records (UTC, ISO, whole seconds), so texts in order are times in order.
    """
    removed = [Path(name).name for verdict in verdicts if verdict.ended >= since for name in verdict.removed]
    if not removed:
        return ""
    files = "1 file" if len(removed) == 1 else f"{len(removed)} files"
    names = f"{some_of(removed)} (listed in the steps' records and logs)"
    return f"Removed {files} of earlier runs that this run did not make again: {names}\n"


def manifest_fault(layout: Layout) -> str:
    """Return the reason for which the manifest could not be made, and so nothing was processed; '' if it was made."""
    if layout.manifest.exists() or not layout.manifest_fault.exists():
        return ""
    return layout.manifest_fault.read_text(encoding="utf-8").rstrip()


def selection_notes(layout: Layout) -> list[str]:
    """Return a line for each omission of the archive's selections: missions without a match, dropped rows."""
    origin = read_origin(layout)
    return origin.notes if origin is not None else []


def print_summary(layout: Layout, verdicts: Sequence[Verdict], stderr: bool = True) -> None:
    """Print the counts of outcomes by step, the reason of every unit without a result, and the warnings by name."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(stderr=stderr)
    statuses = used_statuses(verdicts)
    console.print(Text(f"Archive {layout.root}"), soft_wrap=True)
    table = Table()
    for heading in ("step", *statuses):
        is_step = heading == "step"
        table.add_column(heading, justify="left" if is_step else "right", no_wrap=is_step)
    for step, counts in counts_by_step(verdicts).items():
        table.add_row(step, *(str(counts[status] or "") for status in statuses))
    console.print(table)
    for verdict in root_causes(verdicts):
        identifier = f"{verdict.obsid}{verdict.inst}{verdict.exposure}"
        what = f"{verdict.step} of {verdict.mission} {identifier}: {verdict.status}"
        console.print(Text(f"{what}: {verdict.reason}: {verdict.message}"), soft_wrap=True)
    for (step, name), warned in warnings_by_name(verdicts).items():
        console.print(Text(_warning_line(step, name, warned)), soft_wrap=True)
    for line in _dropped_lines(verdicts):
        console.print(Text(line), soft_wrap=True)
    for note in selection_notes(layout):
        console.print(Text(note), soft_wrap=True)
    if layout.report.exists():
        console.print(Text(f"Report: {layout.report}"), soft_wrap=True)
