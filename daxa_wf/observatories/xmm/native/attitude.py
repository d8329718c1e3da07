"""Drift of the pointing during an exposure, from the attitude series (ATTTSR) of the observation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.gti import Intervals, contains
from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.fits.tables import read_table

BIN = 80.0
"""Sky pixels: drifts are followed in steps of 4 arcsec (eexpmap's attrebin)."""

FARTHEST = 1e7
"""Sky pixels: 140 degrees; the telescope cannot have pointed farther off."""


@dataclass(frozen=True)
class Drift:
    """Offsets of the pointing from its mean, in sky pixels, with the fraction of time spent at each."""

    steps: tuple[tuple[float, float, float], ...]


NO_DRIFT = Drift(((0.0, 0.0, 1.0),))


def read_drift(path: Path, plane: TangentPlane, good: Intervals) -> Drift:
    """Read the offsets of the pointing during good time; NO_DRIFT if it stayed within a step of its mean, or is not known.

    Columns TIME, AHFRA, AHFDEC of the table ATTHK; rows are equally spaced in time.
    """
    _, rows = read_table(path, having=("TIME", "AHFRA", "AHFDEC"))
    for column in ("TIME", "AHFRA", "AHFDEC"):
        if rows.dtype[column].kind not in "iuf":
            raise CorruptFileError(f"{path}: the column {column} must hold one number a row")
    ra, dec = rows["AHFRA"].astype(float), rows["AHFDEC"].astype(float)
    usable = contains(good, rows["TIME"].astype(float)) & np.isfinite(ra) & np.isfinite(dec)
    if not usable.any():
        return NO_DRIFT
    x, y = plane.pixel(ra[usable], dec[usable])
    known = np.isfinite(x) & np.isfinite(y) & (np.hypot(x, y) < FARTHEST)
    if not known.any():
        return NO_DRIFT
    x, y = x[known], y[known]
    steps = np.rint(np.column_stack([x - x.mean(), y - y.mean()]) / BIN).astype(int)
    places, counts = np.unique(steps, axis=0, return_counts=True)
    weights = counts / counts.sum()
    return Drift(
        tuple((float(dx * BIN), float(dy * BIN), float(w)) for (dx, dy), w in zip(places, weights, strict=True))
    )
