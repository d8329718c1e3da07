"""Geometry of the simulated detectors: CCDs, their pixels, and how they lie on the sky.

CCD centres of MOS are those of ESAS command files, orientations and camera offsets were measured on genuine lists
(ObsIDs 0201903501, 0404910601); pn's tiling is schematic, at pn's scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOS_PIXEL = 22.0
"""Size of a MOS pixel (1.1 arcsec) in units of 0.05 arcsec."""
PN_PIXEL = 82.0
"""Size of a pn pixel (4.1 arcsec) in units of 0.05 arcsec."""

MOS_CENTRES: dict[str, dict[int, tuple[float, float]]] = {
    "M1": {1: (48, -255), 2: (6635, -13625), 3: (13295, -306), 4: (6529, 13027), 5: (-6435.5, 13094), 6: (-13169, -105),
           7: (-6520, -13438)},
    "M2": {1: (5, -100), 2: (6673, -13427), 3: (13372, -228), 4: (6571, 13104), 5: (-6628, 13172), 6: (-13226, -61),
           7: (-6628, -13427)},
}  # fmt: skip
MOS_TURNS = {1: 0, 2: 1, 3: 1, 4: 1, 5: 3, 6: 3, 7: 3}
"""Quarter turns from (RAWX, RAWY) to (DETX, DETY)."""
PN_COLUMNS = {1: 3, 2: 4, 3: 5, 4: 2, 5: 1, 6: 0, 7: 2, 8: 1, 9: 0, 10: 3, 11: 4, 12: 5}
"""Column of each pn CCD, from low DETX; 1-6 are the lower row."""


@dataclass(frozen=True)
class Ccd:
    """One CCD: size in pixels, pixel size, centre in DETX and DETY, quarter turns."""

    number: int
    width: int
    height: int
    pixel: float
    centre: tuple[float, float]
    turns: int

    def to_camera(
        self, rawx: NDArray[np.float64], rawy: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return DETX and DETY of positions on the CCD, which are in pixels from 1."""
        x, y = (rawx - (self.width + 1) / 2) * self.pixel, (rawy - (self.height + 1) / 2) * self.pixel
        x, y = ((x, y), (-y, x), (-x, -y), (y, -x))[self.turns]
        return x + self.centre[0], y + self.centre[1]

    def from_camera(
        self, detx: NDArray[np.float64], dety: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return positions in pixels of the CCD, from 1; they may lie outside of it."""
        x, y = detx - self.centre[0], dety - self.centre[1]
        x, y = ((x, y), (y, -x), (-x, -y), (-y, x))[self.turns]
        return x / self.pixel + (self.width + 1) / 2, y / self.pixel + (self.height + 1) / 2


@dataclass(frozen=True)
class Camera:
    """One instrument: INSTRUME card, CCDs, and where DETX and DETY lie in the spacecraft frame (u, v)."""

    name: str
    card: str
    ccds: tuple[Ccd, ...]
    axes: tuple[tuple[int, int], tuple[int, int]]
    offset: tuple[float, float]

    def to_spacecraft(
        self, detx: NDArray[np.float64], dety: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (u, v) of camera positions, in sky pixels from the pointing."""
        (a, b), (c, d) = self.axes
        return a * detx + b * dety + self.offset[0], c * detx + d * dety + self.offset[1]

    def from_spacecraft(
        self, u: NDArray[np.float64], v: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return DETX and DETY of spacecraft positions."""
        (a, b), (c, d) = self.axes
        determinant = a * d - b * c
        u, v = u - self.offset[0], v - self.offset[1]
        return (d * u - b * v) / determinant, (a * v - c * u) / determinant


def _mos(name: str) -> tuple[Ccd, ...]:
    return tuple(Ccd(n, 600, 600, MOS_PIXEL, centre, MOS_TURNS[n]) for n, centre in MOS_CENTRES[name].items())


def _pn() -> tuple[Ccd, ...]:
    width, height = 64 * PN_PIXEL + 105, 200 * PN_PIXEL + 100
    return tuple(
        Ccd(
            n,
            64,
            200,
            PN_PIXEL,
            (-2196 + (column - 2.5) * width, -1110 + (-0.5 if n <= 6 else 0.5) * height),
            0 if n <= 6 else 2,
        )
        for n, column in PN_COLUMNS.items()
    )


CAMERAS = {
    "M1": Camera("M1", "EMOS1", _mos("M1"), ((-1, 0), (0, 1)), (-1409.0, 1406.0)),
    "M2": Camera("M2", "EMOS2", _mos("M2"), ((0, -1), (-1, 0)), (-1605.0, 1145.0)),
    "PN": Camera("PN", "EPN", _pn(), ((1, 0), (0, 1)), (694.0, 2344.0)),
}
