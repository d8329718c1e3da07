"""CCDs of MOS with too much noise below 1 keV, by the hardness of the events in their unexposed corners.

Kuntz & Snowden (2008, A&A 478, 575) found the anomalous states by the ratio of counts in 2.5-5.0 keV to counts in
0.4-0.8 keV. The limits are the revised ones in the help of SAS's emanom (goflib 0.20.1, 'Description'); those of MOS2's CCD 5
could not be confirmed, so it is not judged. The corners are those of espfilt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.regions import ESAS20

LIMITS = {("M1", 4): (2.75, 3.00), ("M1", 5): (2.25, 3.60), ("M2", 2): (2.10, 2.50)}
"""Instrument and CCD -> hardness below which the CCD is bad, and hardness above which it is good."""
WITHOUT_LIMITS = {"M2": (5,)}
"""CCDs that have anomalous states too, but whose limits are not known here."""
BANDS = {"soft": (400, 800), "hard": (2500, 5000)}
"""Energies in eV."""
MOST_CCDS = 8


@dataclass(frozen=True)
class CornerHardness:
    """The counts of a CCD's corner in the two bands."""

    hard: int
    soft: int

    @property
    def ratio(self) -> float | None:
        """Return the hardness ratio, or None if a band holds no event."""
        return self.hard / self.soft if self.hard and self.soft else None

    @property
    def error(self) -> float | None:
        """Return the standard deviation of the ratio by Poisson statistics, or None without a ratio."""
        return None if self.ratio is None else self.ratio * sqrt(1 / self.hard + 1 / self.soft)


def corner_hardness(events: EpicEventList) -> dict[int, CornerHardness]:
    """Return the hardness of the corners of a MOS exposure by CCD, for its CCDs that were read out; one pass over the list.

    ExpressionError if the list lacks a column.
    """
    selection = ESAS20[events.identity.instrument]
    bound = events.bind(f"(PATTERN <= {selection.pattern}) && {selection.corner}")
    counts = {name: np.zeros(MOST_CCDS, np.int64) for name in BANDS}
    for rows in events.chunks():
        corner = rows[bound.mask(rows)]
        for name, (low, high) in BANDS.items():
            within = (corner["PI"] >= low) & (corner["PI"] <= high)
            counts[name] += np.bincount(corner["CCDNR"][within], minlength=MOST_CCDS)[:MOST_CCDS]
    return {ccd: CornerHardness(int(counts["hard"][ccd]), int(counts["soft"][ccd])) for ccd in events.ccds}


def states_of(instrument: str, hardness: Mapping[int, CornerHardness]) -> dict[int, str]:
    """Return the state of each CCD that has limits: G good, I intermediate, B bad, U undetermined, O not read out.

    >>> states_of("M1", {4: CornerHardness(260, 100), 5: CornerHardness(0, 3)})
    {4: 'B', 5: 'U'}
    """
    return {
        ccd: _state(hardness.get(ccd), bad_below, good_above)
        for (name, ccd), (bad_below, good_above) in LIMITS.items()
        if name == instrument
    }


def _state(hardness: CornerHardness | None, bad_below: float, good_above: float) -> str:
    if hardness is None:
        return "O"
    if hardness.ratio is None:
        return "U"
    return "B" if hardness.ratio < bad_below else "G" if hardness.ratio > good_above else "I"
