"""Measures daxa_wf/events/data/vignetting.json from the eexpmap maps and cleaned lists of one observation.

python benchmarks/measure_vignetting.py .../xmm/a907/0201903501 > daxa_wf/events/data/vignetting.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.exposure_map import exposure_maps
from daxa_wf.observatories.xmm.native.images import epic_grid
from daxa_wf.observatories.xmm.native.vignetting import ARCMIN, spacecraft_frame

BANDS = {1.25: "0.50-2.00", 6.0: "2.00-10.00"}
STEP, RADII = 0.5, 34
AZIMUTHS = {"M1": 24, "M2": 24, "PN": 1}
FILES = {"M1": "mos1", "M2": "mos2", "PN": "pn"}


def paraboloid_axis(seconds: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Where the map is highest: the top of a quartic fitted to its bright middle, and its value there."""
    from scipy.optimize import least_squares

    middle = seconds > 0.8 * seconds.max()
    start = [np.median(u[middle]), np.median(v[middle]), seconds.max(), -0.3, 0.0]

    def residuals(p: np.ndarray) -> np.ndarray:
        squared = ((u[middle] - p[0]) ** 2 + (v[middle] - p[1]) ** 2) / 1e8
        return p[2] * (1 + p[3] * squared + p[4] * squared**2) - seconds[middle]

    return least_squares(residuals, start, loss="soft_l1", f_scale=0.01 * seconds.max()).x


def main(folder: Path) -> None:
    """Print the tables of the three instruments as JSON."""
    grid, result = epic_grid(87), {}
    centres = grid.centres()
    for instrument, name in FILES.items():
        maps = {
            energy: fits.open(folder / f"images/{folder.name}_{name}_exp1-{band}keVexpmap.fits.gz")[0]
            for energy, band in BANDS.items()
        }
        header = maps[6.0].header
        x, y = np.meshgrid(centres - 25921, centres - 25921)
        u, v = spacecraft_frame(x, y, header["PA_PNT"])
        tops = [paraboloid_axis(each.data.astype(float), u, v) for each in maps.values()]
        axis = np.mean([top[:2] for top in tops], axis=0)
        radius = (np.hypot(u - axis[0], v - axis[1]) / ARCMIN / STEP).astype(int)
        azimuth = ((np.arctan2(v - axis[1], u - axis[0]) / (2 * np.pi) % 1) * AZIMUTHS[instrument]).astype(int)
        tables = []
        for (_, each), top in zip(maps.items(), tops, strict=True):
            seconds = each.data.astype(float)
            if instrument == "PN":
                factor = np.where(seconds > 0, seconds / top[2], np.nan)
            else:
                events = EpicEventList.open(folder / f"eclean/{name}_exp1_clean_evts.fits")
                live = exposure_maps([events], grid, events.plane, [1.0], "none").seconds[0]
                whole = np.abs(live / np.median(live[live > 0]) - 1) < 0.01
                factor = np.where(whole & (seconds > 0), seconds / np.where(whole, live, 1), np.nan)
            tables.append(binned(factor, radius, azimuth, AZIMUTHS[instrument], 80 if instrument == "PN" else 50))
        result[instrument] = {
            "axis": [round(float(value), 1) for value in axis],
            "step": STEP,
            "energies": list(BANDS),
            "tables": np.round(tables, 4).tolist(),
        }
    json.dump(result, sys.stdout, separators=(",", ":"))


def binned(factor: np.ndarray, radius: np.ndarray, azimuth: np.ndarray, azimuths: int, percentile: float) -> np.ndarray:
    """A percentile of the factor in each bin; that of the whole ring where a bin has too few pixels."""
    table = np.zeros((RADII, azimuths))
    for row in range(RADII):
        ring = factor[(radius == row) & np.isfinite(factor)]
        middle = np.percentile(ring, percentile) if len(ring) else table[row - 1].mean()
        for column in range(azimuths):
            values = factor[(radius == row) & (azimuth == column) & np.isfinite(factor)]
            table[row, column] = np.percentile(values, percentile) if len(values) >= 5 else middle
    return table


if __name__ == "__main__":
    main(Path(sys.argv[1]))
