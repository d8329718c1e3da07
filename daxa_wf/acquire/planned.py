"""The manifest of what is to be downloaded: exposures where a table has them, else observations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from daxa_wf.acquire.manifest import ManifestRow
from daxa_wf.acquire.paths import FIELDS
from daxa_wf.missions.spec import MissionSpec

if TYPE_CHECKING:
    import pandas as pd

LISTS = {"M1": ("MI",), "M2": ("MI",), "PN": ("PI",)}
"""Type of the imaging event lists of EPIC in the archive (XMM-Newton Data Files Handbook, PPS file names)."""


def facts_of(row: Any) -> str:
    """What templates of paths may name of an observation, as JSON."""
    import pandas as pd

    said = {}
    for name in FIELDS:
        value = row.get(name)
        if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
            continue
        said[name] = value.isoformat() if isinstance(value, datetime) else str(value)
    return json.dumps(said)


def facts_from(text: str) -> dict[str, Any]:
    """The facts again, times as times."""
    said: dict[str, Any] = json.loads(text)
    if "start" in said:
        said["start"] = datetime.fromisoformat(said["start"])
    return said


def planned_observations(spec: MissionSpec, rows: pd.DataFrame) -> list[ManifestRow]:
    """One row an observation."""
    return [ManifestRow(spec.name, row["obsid"], "", "", facts=facts_of(row)) for _, row in rows.iterrows()]


def planned_exposures(
    spec: MissionSpec, rows: pd.DataFrame, exposures: pd.DataFrame | None, instruments: Sequence[str]
) -> tuple[list[ManifestRow], list[str]]:
    """One row an exposure of EPIC, as the table of exposures has them; and the observations of which it has none."""
    found: dict[str, list[Mapping[Any, Any]]] = {}
    if exposures is not None:
        mine = exposures[exposures["obsid"].isin(rows["obsid"]) & exposures["inst"].isin(list(instruments))]
        for record in mine.to_dict("records"):
            found.setdefault(str(record["obsid"]), []).append(record)
    planned, without = [], []
    for _, row in rows.iterrows():
        obsid = str(row["obsid"])
        facts = facts_of(row)
        if obsid not in found:
            without.append(obsid)
        for each in found.get(obsid, []):
            name = f"PPS/P{obsid}{each['inst']}{each['exposure']}{LISTS[each['inst']][0]}EVLI0000.FTZ"
            planned.append(
                ManifestRow(
                    spec.name, obsid, each["inst"], each["exposure"], "", each["mode"], each["filter"], events=name,
                    ootevents="", attitude=f"PPS/P{obsid}OBX000ATTTSR0000.FTZ", facts=facts,
                )
            )  # fmt: skip
    return planned, without
