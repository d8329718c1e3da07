"""What became of every unit: read from the records, told at the end of a run."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, read_record, record_paths
from daxa_wf.files import write_atomically
from daxa_wf.json_files import read_json

FAULT = "fault"
"""In the place of a status: the step met a fault, and the next run takes it up again."""


@dataclass(frozen=True)
class Verdict:
    """How one step ended for one unit."""

    mission: str
    obsid: str
    inst: str
    exposure: str
    step: str
    status: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class _FaultNote:
    """What a job that met a fault leaves."""

    mission: str
    obsid: str
    instrument: str
    exposure: str
    step: str
    error: str
    message: str


COLUMNS = tuple(column.name for column in fields(Verdict))


def read_verdicts(layout: Layout) -> list[Verdict]:
    """The verdict of every record of the archive, and the faults that are not yet mended."""
    faults = read_faults(layout)
    records = [read_record(path) for path in record_paths(layout)]
    return [_unless_behind(faults, _verdict(record)) for record in records] + faults


def _unless_behind(faults: Sequence[Verdict], verdict: Verdict) -> Verdict:
    """What was done of an earlier state of a unit whose earlier step now meets a fault does not count as done."""
    behind = (fault for fault in faults if _rests_on(verdict, fault))
    if verdict.status != Status.DONE or (fault := next(behind, None)) is None:
        return verdict
    message = f"made before the fault of {fault.step}: {fault.message}"
    return replace(verdict, status=str(Status.BLOCKED), reason=f"{fault.step} {FAULT}", message=message)


def _rests_on(verdict: Verdict, fault: Verdict) -> bool:
    from daxa_wf.steps.catalogue import earlier_steps

    return (
        (verdict.mission, verdict.obsid) == (fault.mission, fault.obsid)
        and fault.step in earlier_steps(verdict.step)
        and (not (fault.inst and verdict.inst) or fault.inst == verdict.inst)
        and (not (fault.exposure and verdict.exposure) or fault.exposure == verdict.exposure)
    )


def read_faults(layout: Layout, mission: str = "*", obsid: str = "*") -> list[Verdict]:
    """The faults that are not yet mended, of the archive or of one observation."""
    paths = sorted((layout.root / "logs").glob(f"{mission}/{obsid}/*.fault.json"))
    return [_fault(path) for path in paths]


def _verdict(record: Record) -> Verdict:
    unit = record.unit
    return Verdict(
        unit.mission, unit.obsid, unit.instrument, unit.exposure,
        record.step, str(record.status), record.reason, " ".join(record.message.split()),
    )  # fmt: skip


def _fault(path: Path) -> Verdict:
    note: _FaultNote = read_json(path, _FaultNote, "a note of a fault", "delete it and run again")
    message = " ".join(note.message.split())
    return Verdict(note.mission, note.obsid, note.instrument, note.exposure, note.step, FAULT, note.error, message)


def write_status(layout: Layout, verdicts: Iterable[Verdict]) -> None:
    """Write `status.tsv`: one row a unit and step."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(verdict) for verdict in verdicts)
    write_atomically(layout.status, text.getvalue())


def root_causes(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that are neither `done` nor `blocked`: why something did not make it."""
    return [verdict for verdict in verdicts if verdict.status not in (Status.DONE, Status.BLOCKED)]


def counts_by_step(verdicts: Sequence[Verdict]) -> dict[str, Counter[str]]:
    """How many units ended how, by step in the order of the steps."""
    from daxa_wf.steps.catalogue import STEPS

    counts: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        counts.setdefault(verdict.step, Counter())[verdict.status] += 1
    return {step: counts[step] for step in STEPS if step in counts}


def manifest_fault(layout: Layout) -> str:
    """Why the manifest could not be made: nothing else was done then; '' if it could."""
    if layout.manifest.exists() or not layout.manifest_fault.exists():
        return ""
    return layout.manifest_fault.read_text(encoding="utf-8").rstrip()


def print_summary(layout: Layout, verdicts: Sequence[Verdict], stderr: bool = True) -> None:
    """Print what was done, rejected, failed, blocked or met a fault, and why what did not make it did not."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(stderr=stderr)
    statuses = [*Status, FAULT]
    table = Table(title=f"Archive {layout.root}", title_justify="left")
    for heading in ("step", *statuses):
        table.add_column(str(heading), justify="left" if heading == "step" else "right")
    for step, counts in counts_by_step(verdicts).items():
        table.add_row(step, *(str(counts[status] or "") for status in statuses))
    console.print(table)
    for verdict in root_causes(verdicts):
        identifier = f"{verdict.obsid}{verdict.inst}{verdict.exposure}"
        what = f"{verdict.step} of {verdict.mission} {identifier}: {verdict.status}"
        console.print(Text(f"{what}: {verdict.reason}: {verdict.message}"))
    if layout.report.exists():
        console.print(Text(f"Report: {layout.report}"))
