"""Make the manifest's rows of downloads: exposures if a table has them, else observations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.download.paths import FIELDS
from daxa_wf.errors import CorruptFileError
from daxa_wf.json_files import parse_json
from daxa_wf.mission.registry import pipeline_of
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.mission.step import Engine, load

if TYPE_CHECKING:
    import pandas as pd


def observation_facts(row: Any) -> dict[str, Any]:
    """Return the facts of an observation that templates of paths may name: texts and times."""
    import pandas as pd

    said = {name: row.get(name) for name in FIELDS}
    known = {name: value for name, value in said.items() if not pd.isna(value)}
    return {name: value if isinstance(value, datetime) else str(value) for name, value in known.items()}


def facts_of(row: Any) -> str:
    """Return the facts of an observation as JSON, for the manifest."""
    return facts_text(observation_facts(row))


def facts_text(facts: Mapping[str, Any]) -> str:
    """Return facts as JSON, times as ISO text."""
    return json.dumps(dict(facts), default=datetime.isoformat)


def facts_from(text: str) -> dict[str, Any]:
    """Read the facts from the JSON of `facts_of`. CorruptFileError if the text has another form."""
    try:
        facts: dict[str, Any] = parse_json(text, dict[str, str])
        if "start" in facts:
            facts["start"] = datetime.fromisoformat(facts["start"])
    except ValueError as error:
        raise CorruptFileError(
            f"facts of an observation {text[:200]!r}: {error}; delete the manifest and run again"
        ) from None
    return facts


def planned_observations(spec: MissionSpec, rows: pd.DataFrame) -> list[ManifestRow]:
    """Return one row for each observation."""
    return [ManifestRow(spec.name, row["obsid"], "", "", facts=facts_of(row)) for _, row in rows.iterrows()]


def planned_exposures(
    spec: MissionSpec,
    rows: pd.DataFrame,
    exposures: pd.DataFrame | None,
    instruments: Sequence[str],
    engine: Engine,
) -> tuple[list[ManifestRow], list[str]]:
    """Return one row for each exposure in the table of exposures, with its input files, and the ObsIDs that the table lacks."""
    from daxa_wf.tables.exposures import exposures_of

    found: dict[str, list[Mapping[Any, Any]]] = {}
    if exposures is not None:
        mine = exposures_of(exposures, set(rows["obsid"]), instruments)
        mine = mine[mine["exposure"].str.fullmatch(pipeline_of(spec.name).exposure_pattern)]
        for record in mine.to_dict("records"):
            found.setdefault(str(record["obsid"]), []).append(record)
    files = load(engine.planned_files)
    planned, without = [], []
    for _, row in rows.iterrows():
        obsid = str(row["obsid"])
        facts = facts_of(row)
        if obsid not in found:
            without.append(obsid)
        for each in found.get(obsid, []):
            unit = (spec.name, obsid, each["inst"], each["exposure"])
            planned.append(ManifestRow(*unit, "", each["mode"], each["filter"], facts=facts, **files(obsid, each)))
    return planned, without
