"""The vignetting of the XMM-Newton telescopes: an approximation, measured from genuine exposure maps.

`data/vignetting.json` was made by benchmarks/measure_vignetting.py from the eexpmap maps of ObsID 0201903501 (SAS,
Abell 907, 0.5-2.0 and 2.0-10.0 keV, filter Thin1): the map over the live time, in bins of off-axis angle and, for MOS
(whose gratings shade it), of azimuth. It holds to 16 arcmin and from 0.5 to 10 keV; docs/exposure_maps.md has its test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

ARCMIN = 1200.0
"""Sky pixels of 0.05 arcsec in an arcminute."""


@dataclass(frozen=True)
class Vignetting:
    """Effective area off the axis over that on it, for one instrument.

    `axis`: where the axis is, in sky pixels from the pointing, rotated by the position angle. `energies` in keV, of
    shape (energies,); `tables` of shape (energies, off-axis bins, azimuth bins); `step` in arcmin.
    """

    axis: tuple[float, float]
    step: float
    energies: NDArray[np.float64]
    tables: NDArray[np.float64]

    def at(self, u: NDArray[np.float64], v: NDArray[np.float64], energy: float) -> NDArray[np.float64]:
        """Return the factor at offsets (sky pixels, spacecraft frame) and an energy in keV, nearest beyond the measured ones."""
        du, dv = u - self.axis[0], v - self.axis[1]
        radius = np.hypot(du, dv) / ARCMIN / self.step - 0.5
        azimuth = (np.arctan2(dv, du) / (2 * np.pi) % 1.0) * self.tables.shape[2] - 0.5
        return _bilinear(self._table(energy), radius, azimuth)

    def _table(self, energy: float) -> NDArray[np.float64]:
        if len(self.energies) == 1:
            return self.tables[0]
        position = float(np.interp(energy, self.energies, np.arange(len(self.energies))))
        lower = min(int(position), len(self.energies) - 2)
        weight = position - lower
        return (1 - weight) * self.tables[lower] + weight * self.tables[lower + 1]


def _bilinear(table: NDArray[np.float64], radius: Any, azimuth: Any) -> NDArray[np.float64]:
    rows, columns = table.shape
    radius = np.clip(radius, 0, rows - 1)
    row = np.minimum(radius.astype(int), rows - 2)
    column = np.floor(azimuth).astype(int)
    along, around = radius - row, azimuth - column
    left, right = column % columns, (column + 1) % columns
    near = (1 - around) * table[row, left] + around * table[row, right]
    far = (1 - around) * table[row + 1, left] + around * table[row + 1, right]
    return (1 - along) * near + along * far


@cache
def measured_vignetting(instrument: str) -> Vignetting:
    """Return the measured vignetting of PN, M1 or M2."""
    entry = json.loads((files("daxa_wf.observatories.xmm.native") / "data" / "vignetting.json").read_text())[instrument]
    return Vignetting(tuple(entry["axis"]), entry["step"], np.array(entry["energies"]), np.array(entry["tables"]))


def spacecraft_frame(
    x: NDArray[np.float64], y: NDArray[np.float64], position_angle: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotate sky offsets from the pointing (pixels, X towards west) by the position angle in degrees."""
    angle = np.deg2rad(position_angle)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
