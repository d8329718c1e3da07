"""Write the archive's page: its observations on the sky, in time and in a table; outcomes, failures and warnings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.origin import read_origin
from daxa_wf.archive.page import with_digest
from daxa_wf.archive.requested import NOT_REQUESTED
from daxa_wf.archive.status import counts_by_step, read_verdicts, root_causes, used_statuses, warnings_by_name
from daxa_wf.files import write_atomically
from daxa_wf.report.archive_rows import ObservationRow, observation_rows
from daxa_wf.report.pages import mark_page, observation_folder, part, render
from daxa_wf.report.svg.sky_map import Footprint, field_map, sky_map
from daxa_wf.report.svg.timeline import Span, parse_date, timeline

MOST_WARNINGS = 50
"""Units that the page lists for one warning of one step."""
MOST_CAUSES = 500
"""Units without a result that the page lists."""


def write_archive_page(layout: Layout) -> Path:
    """Write the archive's page. Also mark the pages of observations that are no longer requested."""
    verdicts = read_verdicts(layout)
    rows = observation_rows(layout, verdicts)
    for row in rows:
        mark_page(observation_folder(layout, row.unit) / "report.html", row.status != NOT_REQUESTED)
    colours = {name: index for index, name in enumerate(dict.fromkeys(row.mission for row in rows))}
    footprints = _footprints(rows, colours)
    causes = root_causes(verdicts)
    text = render("archive.html", {
        "name": layout.root.name, "rows": rows, "colours": colours,
        "per_mission": Counter(row.mission for row in rows), "states": _states(rows),
        "exposures": exposures_by_instrument(rows),
        "sky": sky_map(footprints) if footprints else "", "field": field_map(footprints),
        "timeline": timeline(_spans(rows, colours)),
        "configuration": configuration(layout),
        "statuses": used_statuses(verdicts), "counts": counts_by_step(verdicts),
        "causes": causes[:MOST_CAUSES], "left_causes": max(0, len(causes) - MOST_CAUSES),
        "warnings": warnings_by_name(verdicts), "most_warnings": MOST_WARNINGS,
    }, part("archive.js"))  # fmt: skip
    write_atomically(layout.report, with_digest(layout, text))
    return layout.report


def _states(rows: Sequence[ObservationRow]) -> list[tuple[str, int]]:
    """Return the states of observations with their numbers, the most frequent first."""
    return sorted(Counter(row.status for row in rows).items(), key=lambda state: (-state[1], state[0]))


def _footprints(rows: Sequence[ObservationRow], colours: dict[str, int]) -> list[Footprint]:
    return [
        Footprint(row.number, colours[row.mission], row.summary.ra, row.summary.dec, row.radius)
        for row in rows
        if row.summary.ra is not None and row.summary.dec is not None and abs(row.summary.dec) <= 90
    ]


def _spans(rows: Sequence[ObservationRow], colours: dict[str, int]) -> list[Span]:
    dates = [(row, parse_date(row.summary.start), parse_date(row.summary.end)) for row in rows]
    return [
        Span(row.number, row.mission, colours[row.mission], start, end or start) for row, start, end in dates if start
    ]


@dataclass(frozen=True)
class InstrumentTime:
    """The good time of one instrument of a mission: seconds, observations, and share of the longest (0 to 1)."""

    mission: str
    instrument: str
    seconds: float
    observations: int
    share: float


def exposures_by_instrument(rows: Sequence[ObservationRow]) -> list[InstrumentTime]:
    """Add up the good time of each instrument over the observations that are still requested."""
    seconds, numbers = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in (row for row in rows if row.status != NOT_REQUESTED):
        for instrument, time in row.summary.exposures.items():
            seconds[row.mission, instrument] += time  # type: ignore[assignment]
            numbers[row.mission, instrument] += 1
    longest = max(seconds.values(), default=0)
    return [
        InstrumentTime(*key, seconds=time, observations=numbers[key], share=time / longest if longest else 0.0)
        for key, time in sorted(seconds.items())
    ]


def configuration(layout: Layout) -> list[tuple[str, str]]:
    """Return each mission with the options of its selection and processing as text; options without a value are left out."""
    origin = read_origin(layout)
    if origin is None:
        return []
    return [(name, json.dumps(_given(options), indent=1)) for name, options in sorted(origin.options.items())]


def _given(value: Any) -> Any:
    """Return options without those that have no value, at any depth."""
    if not isinstance(value, dict):
        return value
    inner = {name: _given(option) for name, option in value.items()}
    return {name: option for name, option in inner.items() if option or (option == 0 and option is not False)}
