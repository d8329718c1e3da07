"""Find the files of XMM-Newton's exposures in a data centre's listing, or derive them from a table of exposures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from daxa_wf.observatories.xmm.local import PPS_ATTITUDE, PPS_EVENT_LIST
from daxa_wf.observatories.xmm.local_odf import DIAGNOSTIC_DUMPS, ODF_FILE

ODF = "ODF"
"""Directory of an observation's fetched raw data."""

LISTS = {"M1": ("MI",), "M2": ("MI",), "PN": ("PI",)}
"""Type of EPIC's imaging event lists at the data centre (XMM-Newton Data Files Handbook, PPS file names)."""

Found = Mapping[tuple[str, str], dict[str, str]]
"""Instrument and exposure -> the files of the manifest's row."""


def calibrated_lists(obsid: str, paths: Sequence[str], instruments: Sequence[str]) -> Found:
    """Return the event list of each exposure, preferring imaging to timing lists."""
    names = {path: PurePosixPath(path).name for path in paths}
    attitude = next((path for path in paths if (m := PPS_ATTITUDE.fullmatch(names[path])) and m["obsid"] == obsid), "")
    exposures: dict[tuple[str, str], dict[str, str]] = {}
    for path in paths:
        match = PPS_EVENT_LIST.fullmatch(names[path])
        if match is None or match["obsid"] != obsid or match["inst"] not in instruments:
            continue
        exposure = match["inst"], match["exposure"]
        if exposure not in exposures or match["type"] != "TI":
            exposures[exposure] = {"events": path, "attitude": attitude}
    return exposures


def raw_data(obsid: str, paths: Sequence[str], instruments: Sequence[str]) -> Found:
    """Return the directory of raw data for each exposure with a file in it."""
    matches = (ODF_FILE.fullmatch(PurePosixPath(path).name) for path in paths)
    return {
        (match["inst"], match["exposure"]): {"odf": ODF}
        for match in matches
        if match
        and match["obsid"] == obsid
        and match["inst"] in instruments
        and not DIAGNOSTIC_DUMPS.fullmatch(match["inst"] + match["exposure"])
    }


def planned_list(obsid: str, exposure: Mapping[Any, Any]) -> dict[str, str]:
    """Return the files of an exposure in a table of exposures: its calibrated event list, and the attitude."""
    name = f"P{obsid}{exposure['inst']}{exposure['exposure']}{LISTS[exposure['inst']][0]}EVLI0000.FTZ"
    return {"events": f"PPS/{name}", "attitude": f"PPS/P{obsid}OBX000ATTTSR0000.FTZ"}


def planned_raw_data(_obsid: str, _exposure: Mapping[Any, Any]) -> dict[str, str]:
    """Return the directory of raw data of an exposure in a table of exposures."""
    return {"odf": ODF}
