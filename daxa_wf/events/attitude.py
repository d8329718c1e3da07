"""How the pointing moved during an exposure, from the attitude series (ATTTSR) of the observation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daxa_wf.events.gti import Intervals, contains
from daxa_wf.events.tables import read_table
from daxa_wf.events.tangent_plane import TangentPlane

BIN = 80.0
"""Sky pixels: drifts are followed in steps of 4 arcsec (eexpmap's attrebin)."""


@dataclass(frozen=True)
class Drift:
    """Offsets of the pointing from its mean, in sky pixels, with the fraction of time spent at each."""

    steps: tuple[tuple[float, float, float], ...]


NO_DRIFT = Drift(((0.0, 0.0, 1.0),))


def read_drift(path: Path, plane: TangentPlane, good: Intervals) -> Drift:
    """Offsets of the pointing during good time; NO_DRIFT if it stayed within a step of its mean, or is not known.

    Columns TIME, AHFRA, AHFDEC of the table ATTHK; rows are equally spaced in time.
    """
    _, rows = read_table(path, having=("TIME", "AHFRA", "AHFDEC"))
    ra, dec = rows["AHFRA"].astype(float), rows["AHFDEC"].astype(float)
    wanted = contains(good, rows["TIME"].astype(float)) & np.isfinite(ra) & np.isfinite(dec)
    if not wanted.any():
        return NO_DRIFT
    x, y = plane.pixel(ra[wanted], dec[wanted])
    steps = np.rint(np.column_stack([x - x.mean(), y - y.mean()]) / BIN).astype(int)
    places, counts = np.unique(steps, axis=0, return_counts=True)
    weights = counts / counts.sum()
    return Drift(
        tuple((float(dx * BIN), float(dy * BIN), float(w)) for (dx, dy), w in zip(places, weights, strict=True))
    )
