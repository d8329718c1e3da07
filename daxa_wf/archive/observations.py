"""The observations of an archive and their states, from the manifest, the reports' records and the fault notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.archive.records import read_sound_record
from daxa_wf.archive.requested import RequestedUnits
from daxa_wf.archive.results import ReportResults
from daxa_wf.archive.status import FAULT, PENDING, fault_notes
from daxa_wf.errors import CorruptFileError, UnsafePathError
from daxa_wf.mission.step import REPORT
from daxa_wf.units import Unit

USABLE = "usable"
UNUSABLE = "unusable"
OBSERVATION_COLUMNS = ("mission", "obsid", "exposures", "status")


@dataclass(frozen=True)
class ObservationState:
    """An observation that the configuration requests.

    `exposures` is their number in the manifest, 0 if the manifest lists whole observations of the mission. `status` is
    `usable` or `unusable` after the last step, `fault` if a step met a fault, `pending` otherwise.
    """

    mission: str
    obsid: str
    exposures: int
    status: str


def recorded_observations(layout: Layout) -> list[tuple[str, str]]:
    """Return mission and ObsID of every observation with records, sorted."""
    return sorted((path.parent.name, path.name) for path in (layout.root / "records").glob("*/*"))


def manifest_rows(layout: Layout) -> list[ManifestRow]:
    """Return the rows of an archive's manifest, none if it is missing or damaged."""
    try:
        return read_manifest(layout.manifest)
    except (FileNotFoundError, CorruptFileError, UnsafePathError):
        return []


def observation_states(
    layout: Layout, rows: Iterable[ManifestRow], recorded: Sequence[tuple[str, str]], requested: RequestedUnits
) -> list[ObservationState]:
    """Return the state of every requested observation, sorted. Of the records only those of the reports are read."""
    exposures = {key: 0 for key in recorded if requested.has(Unit(*key))}
    for row in rows:
        key = (row.mission, row.obsid)
        exposures[key] = exposures.get(key, 0) + bool(row.inst)
    faulty = {(note.parent.parent.name, note.parent.name) for note in fault_notes(layout)}
    return [
        ObservationState(*key, number, FAULT if key in faulty else _after_report(layout, Unit(*key)))
        for key, number in sorted(exposures.items())
    ]


def _after_report(layout: Layout, unit: Unit) -> str:
    try:
        record = read_sound_record(layout.record(REPORT.name, unit))
    except FileNotFoundError:
        return PENDING
    except CorruptFileError:
        return FAULT
    return USABLE if ReportResults.from_record(record).usable else UNUSABLE


def observation_table(states: Sequence[ObservationState]) -> Any:
    """Return an astropy Table of observations."""
    from astropy.table import Table

    kinds = (str, str, int, str)
    columns = {name: [getattr(state, name) for state in states] for name in OBSERVATION_COLUMNS}
    return Table(columns, dtype=kinds)
