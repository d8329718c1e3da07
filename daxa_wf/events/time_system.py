"""Time systems: what the times in a list, a curve or a table of good times are counted from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.headers import Card


@dataclass(frozen=True)
class TimeSystem:
    """The zero of times as a modified Julian date and in words, their scale, and where and how they were assigned."""

    mjdref: float
    epoch: str
    scale: str = "TT"
    scale_comment: str = "time scale"
    reference: str = "LOCAL"
    assigned: str = "SATELLITE"

    @property
    def cards(self) -> list[Card]:
        """Return the cards that a table of times needs to be understood (OGIP memo 93-003)."""
        return [
            ("TIMEUNIT", "s", "all times in s"),
            ("TIMESYS", self.scale, self.scale_comment),
            ("TIMEREF", self.reference, "reference location of photon arrival times"),
            ("MJDREF", self.mjdref, f"[d] {self.epoch} in MJD"),
        ]

    @property
    def gti_cards(self) -> list[Card]:
        """Return the cards of a table of good times, in the order and words of SAS's tabgtigen 2.13."""
        return [
            ("TIMEUNIT", "s", "all times in s unless specified otherwise"),
            ("TIMESYS", self.scale, self.scale_comment),
            ("MJDREF", self.mjdref, f"[d] {self.epoch} expressed in MJD"),
            ("TIMEREF", self.reference, "reference location of photon arrival times"),
            ("TASSIGN", self.assigned, "location of time assignment"),
            ("TIMEZERO", 0, "clock correction (if not zero)"),
            ("CLOCKAPP", True, "clock correction applied?"),
        ]


def time_system_in(header: Any, place: str) -> TimeSystem:
    """Return the time system that a header states in MJDREF, or in MJDREFI and MJDREFF.

    Raise CorruptFileError, which names the `place`, if it states none.
    """
    values = [header.get(card) for card in ("MJDREF", "MJDREFI", "MJDREFF")]
    whole, integer, fraction = (value if isinstance(value, int | float) else None for value in values)
    mjdref = whole if whole is not None else None if integer is None else integer + (fraction or 0.0)
    if mjdref is None:
        raise CorruptFileError(f"{place}: expected a number in the card MJDREF, or in MJDREFI and MJDREFF")
    scale, reference, assigned = (
        str(header.get(card, usual)).strip()
        for card, usual in (("TIMESYS", "TT"), ("TIMEREF", "LOCAL"), ("TASSIGN", "SATELLITE"))
    )
    return TimeSystem(float(mjdref), f"MJD {mjdref:.10g} ({scale})", scale, "time scale", reference, assigned)
