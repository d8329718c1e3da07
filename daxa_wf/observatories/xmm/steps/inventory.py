"""Inventory: the exposures of an observation, each usable or not, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.archive.records import FileStamp
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import CorruptFileError, IdentityError, UnfitDataError
from daxa_wf.observatories.xmm.sas.odf_summary import OdfExposure, OdfSummary, read_odf_summary
from daxa_wf.observatories.xmm.unfit_exposures import unfit_reason
from daxa_wf.units import Unit

if TYPE_CHECKING:
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
    exposures = [_look(row, inputs.find("events", row.events), inputs.stamps) for row in planned]
    warnings = [_warning("headerDisagrees", each["warning"]) for each in exposures if each["warning"]]
    warnings += [
        _warning("listPassedOver", f"{row.unit.identifier}: {row.passed_over} left aside for {row.events}")
        for row in planned
        if row.passed_over
    ]
    return Outcome({"exposures": exposures}, warnings, _summary(exposures))


def from_summary(
    summary: OdfSummary, planned: Sequence[ManifestRow], instruments: Sequence[str], unscheduled: bool
) -> Outcome:
    """List every exposure of the summary, planned or not, and the planned exposures that it lacks.

    A usable exposure of the chosen instruments that was not planned causes a warning.
    """
    plan = {(row.inst, row.exposure): row for row in planned}
    entries = [_entry(each, (each.instrument, each.exposure) in plan) for each in summary.exposures]
    there = {(each.instrument, each.exposure) for each in summary.exposures}
    for instrument, exposure in plan.keys() - there:
        entries.append(_absent(instrument, exposure))
    warnings = [
        _warning(
            "exposureNotPlanned", f"{summary.obsid}{each.instrument}{each.exposure} is usable, and was not planned"
        )
        for each in summary.usable(instruments, unscheduled)
        if (each.instrument, each.exposure) not in plan
    ]
    passed_over = sorted({row.passed_over for row in planned} - {""})
    warnings += [_warning("directoryPassedOver", f"{each} left aside for {planned[0].odf}") for each in passed_over]
    chosen = [each for each in entries if each["planned"]]
    return Outcome({"exposures": entries, "active": dict(summary.active)}, warnings, _summary(chosen))


def _entry(exposure: OdfExposure, planned: bool) -> dict[str, Any]:
    return {
        "inst": exposure.instrument, "exposure": exposure.exposure, "planned": planned, "scheduled": exposure.scheduled,
        "type": exposure.type, "submode": exposure.mode, "filter": exposure.filter, "start": exposure.start,
        "end": exposure.end, "imaging_ccds": exposure.imaging_ccds, "unfit": exposure.unusable, "problem": "",
    }  # fmt: skip


def _absent(instrument: str, exposure: str) -> dict[str, Any]:
    unfit = "the summary of the raw data has no such exposure"
    return {"inst": instrument, "exposure": exposure, "planned": True, "unfit": unfit, "problem": ""}


def usable(exposures: Sequence[Mapping[str, Any]], unit: Unit) -> Mapping[str, Any]:
    """Return the inventory's entry of an exposure that is fit for science.

    UnfitDataError with the reason if it is unfit, or `unusableList` if the event list cannot be opened or identified.
    CorruptFileError if the list is damaged.
    """
    entry = next(each for each in exposures if (each["inst"], each["exposure"]) == (unit.instrument, unit.exposure))
    if entry["problem"]:
        raise CorruptFileError(entry["problem"])
    if entry["unfit"]:
        raise UnfitDataError(entry.get("reason") or "notScience", entry["unfit"])
    return entry


def _look(row: ManifestRow, path: Path | None, stamps: Mapping[Path, FileStamp]) -> dict[str, Any]:
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    if not row.events:
        return {"inst": row.inst, "exposure": row.exposure, "events": "", "problem": "", "warning": "",
                "unfit": row.problem, "reason": UNUSABLE}  # fmt: skip
    if path is None:
        return {"inst": row.inst, "exposure": row.exposure, "events": row.events, "problem": "", "warning": "",
                "unfit": f"the archive has no event list {row.events}"}  # fmt: skip
    stamp = stamps[path]
    entry: dict[str, Any] = {
        "inst": row.inst, "exposure": row.exposure, "events": row.events, "size": stamp.size, "sha256": stamp.sha256,
        "data_mode": row.data_mode, "submode": row.submode, "filter": row.filter,
        "unfit": "", "problem": "", "warning": "",
    }  # fmt: skip
    try:
        events = EpicEventList.open(path)
        identity = events.identity
    except IdentityError as error:
        return entry | {"unfit": str(error), "reason": UNUSABLE}
    except CorruptFileError as error:
        return entry | {"problem": str(error)}
    said = Unit(row.mission, identity.obsid, identity.instrument, identity.exposure)
    if said != row.unit:
        entry["warning"] = f"{row.events} says it is {said.identifier}, planned as {row.unit.identifier}"
    entry |= {"data_mode": identity.data_mode, "submode": identity.submode, "filter": identity.filter}
    entry["events_in_list"] = events.row_count
    entry["unfit"] = _unfit(entry)
    return entry


def _unfit(entry: Mapping[str, Any]) -> str:
    if entry["data_mode"] != "IMAGING":
        return f"data mode {entry['data_mode'].lower()}: only imaging lists can be cleaned here"
    return unfit_reason("SCIENCE", entry["submode"], entry["filter"])


def _summary(exposures: Sequence[Mapping[str, Any]]) -> str:
    fit = sum(not each["unfit"] and not each["problem"] for each in exposures)
    return f"{fit} of {len(exposures)} exposures fit for science"


def _warning(name: str, text: str) -> dict[str, str]:
    return {"task": "inventory", "name": name, "text": text}
