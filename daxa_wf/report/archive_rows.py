"""The rows of the archive's page: one observation each, from verdicts, summaries and the missions' tables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, read_checked_record
from daxa_wf.archive.requested import NOT_REQUESTED
from daxa_wf.archive.selected import Row, selected_rows
from daxa_wf.archive.status import FAULT, PENDING, Verdict, root_causes
from daxa_wf.errors import CorruptFileError
from daxa_wf.mission.registry import MISSIONS, STEPS
from daxa_wf.mission.step import PREPROCESSED
from daxa_wf.report.event_lists import delivered_lists, instruments_of_lists
from daxa_wf.report.pages import PAGE, THUMBNAIL
from daxa_wf.report.panels import instruments_of
from daxa_wf.report.summary import Summary
from daxa_wf.units import Unit


@dataclass(frozen=True)
class ObservationRow:
    """An observation on the archive's page: its number there, links to its page and thumbnail ('' for none), its facts."""

    number: int
    unit: Unit
    mission: str
    link: str
    thumbnail: str
    summary: Summary
    instruments: tuple[str, ...]
    status: str
    causes: int
    warnings: int

    @property
    def seconds(self) -> float:
        """Return the good time of the instrument with the longest one, in seconds; 0 if it is not known."""
        return max(self.summary.exposures.values(), default=0.0)

    @property
    def radius(self) -> float:
        """Return the radius of the field of view in degrees: of its instruments, or of the mission's default ones."""
        spec = MISSIONS.get(self.unit.mission)
        fields = {item.name: item.field_of_view for item in spec.instruments} if spec else {}
        defaults = [item.field_of_view for item in spec.instruments if item.default] if spec else []
        used = [fields[name] for name in self.instruments if name in fields]
        return max(used or defaults or [0.0])


def observation_rows(layout: Layout, verdicts: Sequence[Verdict]) -> list[ObservationRow]:
    """Return the rows of an archive's observations, sorted by mission and ObsID."""
    observations: dict[Unit, list[Verdict]] = {}
    for verdict in verdicts:
        observations.setdefault(Unit(verdict.mission, verdict.obsid), []).append(verdict)
    missions = {unit.mission for unit in observations}
    table = {mission: {row.get("obsid", ""): row for row in selected_rows(layout, mission)} for mission in missions}
    units = sorted(observations, key=lambda unit: (unit.mission, unit.obsid))
    return [_row(layout, number, unit, observations[unit], table[unit.mission]) for number, unit in enumerate(units)]


def _row(
    layout: Layout, number: int, unit: Unit, verdicts: Sequence[Verdict], table: Mapping[str, Row]
) -> ObservationRow:
    failed = layout.failed_observation(unit)
    is_failed = failed.exists()
    folder = failed if is_failed else layout.observation(unit)
    spec = MISSIONS.get(unit.mission)
    return ObservationRow(
        number=number,
        unit=unit,
        mission=spec.pretty_name if spec else unit.mission,
        link=_link(layout, folder / PAGE),
        thumbnail=_link(layout, folder / THUMBNAIL),
        summary=Summary.from_record(_report(layout, unit), table.get(unit.obsid, {})),
        instruments=tuple(sorted({name for verdict in verdicts for name in _final_instruments(layout, verdict)})),
        status=_status(verdicts, is_failed),
        causes=len(root_causes(verdicts)),
        warnings=sum(len(verdict.warnings) for verdict in verdicts),
    )


def _link(layout: Layout, path: Path) -> str:
    """Return the address of a file below the archive's page, or '' if the file does not exist."""
    return quote(layout.relative(path)) if os.path.exists(path) else ""  # noqa: PTH110 - twice as fast for 4000 files


def _report(layout: Layout, unit: Unit) -> Record | None:
    try:
        return read_checked_record(layout.record("report", unit))
    except (OSError, CorruptFileError):
        return None


def _status(verdicts: Sequence[Verdict], is_failed: bool) -> str:
    """Return the state of an observation for people: the most important one of its units."""
    statuses = {verdict.status for verdict in verdicts}
    if statuses == {NOT_REQUESTED}:
        return NOT_REQUESTED
    if FAULT in statuses:
        return FAULT
    if PENDING in statuses:
        return PENDING
    return "nothing usable" if is_failed else "usable"


def _final_instruments(layout: Layout, verdict: Verdict) -> list[str]:
    """Return the instruments of a verdict's final event list, or of the lists that the data centre delivered."""
    is_final = verdict.step in STEPS and STEPS[verdict.step].is_final
    if verdict.status != Status.DONE or not (is_final or verdict.step == PREPROCESSED.name):
        return []
    if is_final and verdict.inst:
        return [verdict.inst]
    record = read_checked_record(layout.record(verdict.step, Unit(verdict.mission, verdict.obsid)))
    if is_final:
        return instruments_of(record)
    return [name for joined in instruments_of_lists(delivered_lists([record])) for name in joined.split("_")]
