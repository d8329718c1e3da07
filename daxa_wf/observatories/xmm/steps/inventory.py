"""Inventory: the exposures of an observation, each usable or not, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.archive.records import FileStamp, Record
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import CorruptFileError, IdentityError, UnfitDataError
from daxa_wf.observatories.xmm.results import InventoryEntry, InventoryResults
from daxa_wf.observatories.xmm.sas.odf_summary import OdfExposure, OdfSummary, read_odf_summary
from daxa_wf.observatories.xmm.unfit_exposures import unfit_reason
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.native.event_list import ExposureIdentity
    from daxa_wf.observatories.xmm.options import InventoryJob

UNUSABLE = "unusableList"
"""Reason of the verdict on an event list that cannot be opened, or whose header has no valid identity."""


def run(unit: Unit, inputs: Inputs, options: InventoryJob, workspace: Workspace) -> Outcome:
    """Read the header and the SHA-256 of every planned event list, or with SAS the summary of the raw data."""
    (manifest,) = inputs.files["manifest"]
    planned = [row for row in read_manifest(manifest) if row.unit.observation == unit]
    if inputs.records.get("odfingest"):
        summary = read_odf_summary(workspace.layout.find(inputs.record("odfingest").product("summary")))
        return from_summary(summary, planned, options.instruments, options.process_unscheduled)
    entries = [_entry_of_list(row, inputs.find("events", row.events), inputs.stamps) for row in planned]
    warnings = [_warning("headerDisagrees", entry.warning) for entry in entries if entry.warning]
    warnings += [
        _warning("listPassedOver", f"{row.unit.identifier}: {row.passed_over} left aside for {row.events}")
        for row in planned
        if row.passed_over
    ]
    return Outcome(InventoryResults(tuple(entries)).as_results(), warnings, _summary(entries))


def from_summary(
    summary: OdfSummary, planned: Sequence[ManifestRow], instruments: Sequence[str], unscheduled: bool
) -> Outcome:
    """List every exposure of the summary, planned or not, and the planned exposures that it lacks.

    A usable exposure of the chosen instruments that was not planned causes a warning.
    """
    plan = {(row.inst, row.exposure): row for row in planned}
    entries = [_entry(exposure, (exposure.instrument, exposure.exposure) in plan) for exposure in summary.exposures]
    for instrument, exposure_id in sorted(plan.keys() - {(entry.instrument, entry.exposure) for entry in entries}):
        unfit = "the summary of the raw data has no such exposure"
        entries.append(InventoryEntry(instrument, exposure_id, unfit, planned=True))
    warnings = [
        _warning(
            "exposureNotPlanned", f"{summary.obsid}{entry.instrument}{entry.exposure} is usable, and was not planned"
        )
        for entry in summary.usable(instruments, unscheduled)
        if (entry.instrument, entry.exposure) not in plan
    ]
    passed_over = sorted({row.passed_over for row in planned} - {""})
    warnings += [_warning("directoryPassedOver", f"{name} left aside for {planned[0].odf}") for name in passed_over]
    chosen = [entry for entry in entries if entry.planned]
    return Outcome(InventoryResults(tuple(entries), summary.active).as_results(), warnings, _summary(chosen))


def _entry(exposure: OdfExposure, planned: bool) -> InventoryEntry:
    return InventoryEntry(
        exposure.instrument, exposure.exposure, exposure.unusable, planned=planned, scheduled=exposure.scheduled,
        type=exposure.type, submode=exposure.mode, filter=exposure.filter, start=exposure.start, end=exposure.end,
        imaging_ccds=exposure.imaging_ccds,
    )  # fmt: skip


def usable_entry(inventory: Record, unit: Unit) -> InventoryEntry:
    """Return the entry of an exposure that is fit for science, from the record of the inventory.

    UnfitDataError with the reason if it is unfit, or `unusableList` if the event list cannot be opened or identified.
    CorruptFileError if the list is damaged.
    """
    entry = InventoryResults.from_record(inventory).entry(unit)
    if entry.problem:
        raise CorruptFileError(entry.problem)
    if entry.unfit:
        raise UnfitDataError(entry.reason or "notScience", entry.unfit)
    return entry


def _entry_of_list(row: ManifestRow, path: Path | None, stamps: Mapping[Path, FileStamp]) -> InventoryEntry:
    """Return the entry of a planned exposure. `path` leads to its event list, None if the archive has no such file."""
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    blank = InventoryEntry(row.inst, row.exposure, events=row.events, warning="")
    if not row.events:
        return replace(blank, unfit=row.problem, reason=UNUSABLE)
    if path is None:
        return replace(blank, unfit=f"the archive has no event list {row.events}")
    entry = replace(
        blank, size=stamps[path].size, sha256=stamps[path].sha256, data_mode=row.data_mode, submode=row.submode,
        filter=row.filter,
    )  # fmt: skip
    try:
        events = EpicEventList.open(path)
        identity = events.identity
    except IdentityError as error:
        return replace(entry, unfit=str(error), reason=UNUSABLE)
    except CorruptFileError as error:
        return replace(entry, problem=str(error))
    unit = Unit(row.mission, identity.obsid, identity.instrument, identity.exposure)
    disagreement = f"{row.events} says it is {unit.identifier}, planned as {row.unit.identifier}"
    return replace(
        entry, warning="" if unit == row.unit else disagreement, unfit=_unfit(identity), data_mode=identity.data_mode,
        submode=identity.submode, filter=identity.filter, events_in_list=events.row_count,
    )  # fmt: skip


def _unfit(identity: ExposureIdentity) -> str:
    if identity.data_mode != "IMAGING":
        return f"data mode {identity.data_mode.lower()}: only imaging lists can be cleaned here"
    return unfit_reason("SCIENCE", identity.submode, identity.filter)


def _summary(entries: Sequence[InventoryEntry]) -> str:
    fit = sum(entry.is_fit for entry in entries)
    return f"{fit} of {len(entries)} exposures fit for science"


def _warning(name: str, text: str) -> dict[str, str]:
    return {"task": "inventory", "name": name, "text": text}
