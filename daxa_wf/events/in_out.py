"""The IN/OUT ratio: soft protons that are left after cleaning (De Luca & Molendi 2004, A&A 419, 837)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONTAMINATION = ((1.15, "not"), (1.30, "slightly"), (1.50, "very"), (np.inf, "extremely"))
"""IN/OUT ratio below which an exposure is called so (De Luca & Molendi 2004; Fin_over_Fout 1.1)."""


@dataclass(frozen=True)
class InOut:
    """Surface brightness of the outer field of view over that of the unexposed corners, after cleaning.

    >>> in_out = in_out_ratio(240, 100, area=2.0, area_error=0.015)
    >>> round(in_out.ratio, 2), round(in_out.error, 2), in_out.contamination
    (1.2, 0.14, 'slightly')
    """

    inside: int
    outside: int
    ratio: float
    error: float

    @property
    def contamination(self) -> str:
        """Return `not`, `slightly`, `very` or `extremely`: how far soft protons contaminate the exposure."""
        return next(word for limit, word in CONTAMINATION if self.ratio < limit)

    @property
    def is_contaminated(self) -> bool:
        """Return whether the ratio is beyond the first limit by more than its error."""
        return self.ratio - self.error >= CONTAMINATION[0][0]


def in_out_ratio(inside: int, outside: int, area: float, area_error: float) -> InOut:
    """Return the IN/OUT ratio of counts in two regions, with its error.

    `area` is the area of the inner region over that of the outer one, `area_error` its standard deviation as a fraction of
    it. Raise ValueError unless both regions hold counts.
    """
    if not (inside and outside):
        raise ValueError(f"{inside} counts inside and {outside} outside give no ratio")
    ratio = inside / outside / area
    return InOut(inside, outside, ratio, ratio * float(np.sqrt(1 / inside + 1 / outside + area_error**2)))
