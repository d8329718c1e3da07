"""A timeline of observations: a lane for each mission, a mark for each observation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daxa_wf.report.svg.elements import drawing, number, tag, text
from daxa_wf.report.svg.sky_map import COLOURS
from daxa_wf.report.svg.ticks import date_ticks

WIDTH = 640.0
LANE, MARK = 38.0, 14.0
LEFT, RIGHT = 8.0, 632.0
EDGE = 40.0
"""Width beside the edges in which labels begin or end at their dates."""
SHORTEST = 2.5
"""Width of the mark of a short observation."""


@dataclass(frozen=True)
class Span:
    """The dates of an observation: index of its row on the page, name and colour of its mission."""

    row: int
    mission: str
    colour: int
    start: datetime
    end: datetime


def parse_date(date: str) -> datetime | None:
    """Return a date of a table or a header (UTC), or None if the text is not one.

    >>> parse_date("2004-05-29T01:02:03"), parse_date("20/05/04")
    (datetime.datetime(2004, 5, 29, 1, 2, 3), None)
    """
    try:
        parsed = datetime.fromisoformat(date.strip())
    except ValueError:
        return None
    return parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else parsed


def timeline(spans: Sequence[Span]) -> str:
    """Draw the dates of observations, one lane a mission; '' without dates."""
    if not spans:
        return ""
    first, last = min(span.start for span in spans), max(max(span.start, span.end) for span in spans)
    margin = max((last - first) * 0.02, timedelta(hours=1))
    first, last = first - margin, last + margin
    seconds = (last - first).total_seconds()

    def across(date: datetime) -> float:
        return LEFT + (date - first).total_seconds() / seconds * (RIGHT - LEFT)

    lanes = {name: index for index, name in enumerate(dict.fromkeys(span.mission for span in spans))}
    bottom = 6 + LANE * len(lanes)
    parts = []
    for index, (date, label) in enumerate(date_ticks(first, last)):
        x = across(date)
        parts.append(tag("path", d=f"M{number(x)} 6V{number(bottom)}", class_="grid"))
        anchor = "start" if x < EDGE else "end" if x > WIDTH - EDGE else "middle"
        parts.append(text(label, x, bottom + 18, "unit" + (" alternate" if index % 2 else ""), anchor))
    parts += [text(name, LEFT, 19 + LANE * lane, "lane") for name, lane in lanes.items()]
    for span in spans:
        x, y = across(span.start), 24 + LANE * lanes[span.mission]
        width = max(across(span.end) - x, SHORTEST) if span.end > span.start else SHORTEST
        parts.append(tag("rect", x=x, y=y, width=width, height=MARK, class_=f"span m{span.colour % COLOURS}",
                         data_i=span.row))  # fmt: skip
    parts.append(tag("path", d=f"M{number(LEFT)} {number(bottom)}H{number(RIGHT)}", class_="axis"))
    return drawing(WIDTH, bottom + 24, "Timeline of the observations", parts, "chart map")
