"""The part of the sky in the circular field of view at each moment of an observation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.sky_grid import SkyGrid
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.sky_pixels import SKY_PIXELS_PER_DEGREE

FOV_RADIUS = 37126.7
"""Sky pixels, 30.94 arcmin: the nominal field of view (eSASS flaregti, 'Algorithm', step 4)."""

BINS_AT_A_TIME = 4096
SUB_ROWS = 3
"""Chords across each row of pixels."""
ROUNDING = 1e-6
"""Rounding error of the convolution in single precision, as a part of the largest sum."""
SUB_PIXELS = (-1 / 3, 0.0, 1 / 3)
"""Samples across a pixel, in pixels from its centre."""


@dataclass(frozen=True)
class PointingPath:
    """The pointing of the telescope in sky pixels, by time in seconds; shape (rows,) each."""

    time: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def at(self, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return X and Y at some times, between rows by straight lines, beyond them as at the ends; shape of `times`."""
        return np.interp(times, self.time, self.x), np.interp(times, self.time, self.y)


def path_of(events: ErositaEventList, module: int) -> PointingPath | None:
    """Return the pointing of a telescope module on the plane of X and Y, from CORRATTn; None without the table."""
    pointing = events.pointing(module)
    if pointing is None:
        return None
    x, y = events.plane.pixel(pointing.ra, pointing.dec)
    near = np.isfinite(x) & np.isfinite(y)
    return PointingPath(pointing.time[near], x[near], y[near]) if near.any() else None


def nominal_path(events: ErositaEventList) -> PointingPath:
    """Return the pointing of the header (RA_PNT, DEC_PNT), or else the centre of the plane, for all times."""
    plane = events.plane
    ra, dec = (float(events.header.get(card, value)) for card, value in (("RA_PNT", plane.ra), ("DEC_PNT", plane.dec)))
    x, y = plane.pixel(ra, dec)
    return PointingPath(np.zeros(1), np.atleast_1d(x).astype(float), np.atleast_1d(y).astype(float))


def mean_position(
    paths: Sequence[PointingPath], times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean X and Y of several telescope modules at some times; shape of `times`."""
    positions = np.array([path.at(times) for path in paths])
    return positions[:, 0].mean(axis=0), positions[:, 1].mean(axis=0)


def visible_area(
    mask: NDArray[np.bool_], grid: SkyGrid, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the square degrees of the mask's True pixels within the field of view, for pointings of shape (bins,).

    The circle is summed along chords, exact in X, three to a row of pixels in Y.
    """
    sums = np.concatenate([np.zeros((grid.ny, 1)), np.cumsum(mask.reshape(grid.shape), axis=1)], axis=1)
    rows = grid.ymin + grid.ybin * (np.arange(grid.ny * SUB_ROWS) + 0.5) / SUB_ROWS
    of_row = np.repeat(np.arange(grid.ny), SUB_ROWS)
    area = np.empty(len(x))
    for first in range(0, len(x), BINS_AT_A_TIME):
        part = slice(first, first + BINS_AT_A_TIME)
        half = np.sqrt(np.maximum(FOV_RADIUS**2 - (rows - y[part, None]) ** 2, 0))
        left, right = ((x[part, None] + side * half - grid.xmin) / grid.xbin for side in (-1, 1))
        area[part] = np.sum(_until(sums, of_row, right) - _until(sums, of_row, left), axis=1)
    return area / SUB_ROWS * grid.xbin * grid.ybin / SKY_PIXELS_PER_DEGREE**2


def _until(sums: NDArray[np.float64], of_row: NDArray[np.int64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pixels of each row up to a column, which may lie within a pixel."""
    place = np.clip(column, 0, sums.shape[1] - 1)
    whole = np.minimum(place.astype(np.int64), sums.shape[1] - 2)
    below = sums[of_row, whole]
    return below + (place - whole) * (sums[of_row, whole + 1] - below)


def exposed(
    grid: SkyGrid, x: NDArray[np.float64], y: NDArray[np.float64], seconds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the seconds that each pixel spent in the field of view, in part at its rim; shape of the grid.

    `x`, `y` (sky pixels) and `seconds` of shape (pointings,).
    """
    dy, dx = offsets(grid)
    disc = np.mean([
        np.hypot(dx + u * grid.xbin, dy + v * grid.ybin) <= FOV_RADIUS for u in SUB_PIXELS for v in SUB_PIXELS
    ], axis=0)  # fmt: skip
    return sum_along(grid, x, y, seconds, disc)


def offsets(grid: SkyGrid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Y and X of pixels from the pointing, as far as the field of view reaches; shape (rows, columns)."""
    reach_x, reach_y = (int(FOV_RADIUS / size) + 1 for size in (grid.xbin, grid.ybin))
    rows, columns = np.mgrid[-reach_y : reach_y + 1, -reach_x : reach_x + 1]
    return rows * grid.ybin, columns * grid.xbin


def sum_along(
    grid: SkyGrid,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    seconds: NDArray[np.float64],
    view: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the sum of a view of the sky over all pointings, weighted by their seconds.

    `x`, `y` in sky pixels and `seconds` of shape (pointings,); `view` of the shape of `offsets`; result of the grid's.
    A pointing is shared out among the four pixels about it, and all of them are convolved with the view at once, in
    single precision: images of the survey have 17 million pixels with their margins.
    """
    from scipy.signal import oaconvolve

    margin_y, margin_x = (length // 2 for length in view.shape)
    shape = grid.ny + 2 * margin_y, grid.nx + 2 * margin_x
    column = (x - grid.xmin) / grid.xbin - 0.5 + margin_x
    row = (y - grid.ymin) / grid.ybin - 0.5 + margin_y
    seen = (column > -1) & (column < shape[1]) & (row > -1) & (row < shape[0]) & (seconds > 0)
    if not seen.any():
        return np.zeros(grid.shape)
    dwell = _shared_out(row[seen], column[seen], seconds[seen], shape)
    summed = oaconvolve(dwell.astype(np.float32), view.astype(np.float32), mode="valid").astype(np.float64)
    return np.where(summed > ROUNDING * summed.max(), summed, 0.0)


def _shared_out(
    row: NDArray[np.float64], column: NDArray[np.float64], weight: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return an image of weights at places between pixels, shared by nearness among the four pixels about each."""
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    image = np.zeros((shape[0] + 2, shape[1] + 2))
    for down in (0, 1):
        for right in (0, 1):
            share = np.abs(1 - down - (row - top)) * np.abs(1 - right - (column - left))
            np.add.at(image, (top + down + 1, left + right + 1), weight * share)
    return image[1:-1, 1:-1]
