"""Inventory: what an observation turned out to hold, each exposure usable or not and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_wf.acquire.manifest import ManifestRow, read_manifest
from daxa_wf.archive.layout import Unit
from daxa_wf.archive.records import stamp_file
from daxa_wf.errors import CorruptFileError, UnfitDataError
from daxa_wf.missions.xmm_exposures import unfit_reason
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Look at the header of every planned event list, and take its SHA-256."""
    del options, workspace
    (manifest,) = inputs.files["manifest"]
    planned = [row for row in read_manifest(manifest) if row.unit.observation == unit]
    exposures = [_look(row, inputs.find("events", row.events)) for row in planned]
    warnings = [_warning("headerDisagrees", each["warning"]) for each in exposures if each["warning"]]
    warnings += [
        _warning("listPassedOver", f"{row.unit.identifier}: {row.passed_over} left aside for {row.events}")
        for row in planned
        if row.passed_over
    ]
    return Outcome({"exposures": exposures}, warnings, _summary(exposures))


def usable(exposures: Sequence[Mapping[str, Any]], unit: Unit) -> Mapping[str, Any]:
    """The inventory's entry of an exposure that is fit for science.

    UnfitDataError with its reason if it is not fit; CorruptFileError if its list could not be read.
    """
    entry = next(each for each in exposures if (each["inst"], each["exposure"]) == (unit.instrument, unit.exposure))
    if entry["problem"]:
        raise CorruptFileError(entry["problem"])
    if entry["unfit"]:
        raise UnfitDataError("notScience", entry["unfit"])
    return entry


def _look(row: ManifestRow, path: Path | None) -> dict[str, Any]:
    from daxa_wf.events.event_list import EventList

    if path is None:
        return {"inst": row.inst, "exposure": row.exposure, "events": row.events, "problem": "", "warning": "",
                "unfit": f"the archive has no event list {row.events}"}  # fmt: skip
    stamp = stamp_file(path, row.events, "rawevents")
    entry: dict[str, Any] = {
        "inst": row.inst, "exposure": row.exposure, "events": row.events, "size": stamp.size, "sha256": stamp.sha256,
        "data_mode": row.data_mode, "submode": row.submode, "filter": row.filter,
        "unfit": "", "problem": "", "warning": "",
    }  # fmt: skip
    try:
        events = EventList.open(path)
        identity = events.identity
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
