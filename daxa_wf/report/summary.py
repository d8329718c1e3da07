"""The summary of an observation that its report leaves in its record, for the archive's page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from daxa_wf.archive.records import Record
from daxa_wf.archive.selected import Row
from daxa_wf.report.facts import Facts


@dataclass(frozen=True)
class Summary:
    """Target, position in degrees, dates (UTC), and seconds of good time by instrument. Unknown values are '' or None."""

    target: str = ""
    ra: float | None = None
    dec: float | None = None
    start: str = ""
    end: str = ""
    exposures: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_facts(cls, facts: Facts) -> Summary:
        """Return the summary of an observation's facts."""
        ra, dec = (round(value, 6) if math.isfinite(value) else None for value in (facts.ra, facts.dec))
        return cls(facts.target, ra, dec, facts.start, facts.end, facts.exposures)

    @classmethod
    def from_record(cls, record: Record | None, row: Row) -> Summary:
        """Return the summary in a record of report. Missing values are taken from the mission's table."""
        saved = record.results.get("summary") if record is not None else None
        summary = _checked(saved) if isinstance(saved, dict) else cls()
        return cls(
            target=summary.target or row.get("target", "") or row.get("field", ""),
            ra=summary.ra if summary.ra is not None else _number(row.get("ra", "")),
            dec=summary.dec if summary.dec is not None else _number(row.get("dec", "")),
            start=summary.start or row.get("start", ""),
            end=summary.end or row.get("end", ""),
            exposures=summary.exposures,
        )

    def as_results(self) -> dict[str, Any]:
        """Return the summary as a record holds it."""
        return asdict(self)


def _checked(saved: Mapping[str, Any]) -> Summary:
    """Return a recorded summary; values of a wrong type, from a record that was changed by hand, count as unknown."""
    exposures = saved.get("exposures")
    exposures = exposures if isinstance(exposures, dict) else {}
    target, start, end = (
        value if isinstance(value := saved.get(name), str) else "" for name in ("target", "start", "end")
    )
    seconds = {str(name): float(value) for name, value in exposures.items() if isinstance(value, int | float)}
    return Summary(target, _number(saved.get("ra")), _number(saved.get("dec")), start, end, seconds)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
