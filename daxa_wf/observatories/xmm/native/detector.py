"""Geometry of a detector: the place of its pixels on the sky, and the pixels that see the sky."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.expression.shapes import SHAPES
from daxa_wf.observatories.xmm.native.event_list import EpicEventList

CCD_PIXELS = {"M1": (600, 600), "M2": (600, 600), "PN": (64, 200)}
"""RAWX and RAWY pixels of a CCD, counted from 1 (XMM-Newton Users Handbook, 3.3.1)."""

FEWEST_EVENTS = 30
"""Events that must lie on a CCD for its place on the sky to be measured from them."""

POSITION_COLUMNS = ("CCDNR", "RAWX", "RAWY", "DETX", "DETY", "X", "Y")
"""Columns that give the place of an event on the detector or on the sky."""

EVENTS_TO_THE_RIM = 1200
"""Events on a CCD from which the outermost ones are within about half a pixel of its rim (600 pixels a side)."""

FIELD_OF_VIEW = {
    "M1": (
        ("box", (-2683.5, -15917.0, 2780.5, 1340.0, 0.0)), ("box", (2743.5, -16051.0, 2579.5, 1340.0, 0.0)),
        ("circle", (97.0, -172.0, 17152.0)),
    ),
    "M2": (("circle", (-61.0, -228.0, 17085.0)), ("box", (14.375, -16567.6, 5552.62, 795.625, 0.0))),
    "PN": (("circle", (-2200.0, -1110.0, 17980.0)),),
}  # fmt: skip
"""Exposed area in DETX, DETY (0.05 arcsec): any of the shapes (ESAS command files for SAS 14)."""


@dataclass(frozen=True)
class Affine:
    """A linear map of the plane: (x, y) -> (a x + b y + c, d x + e y + f); `matrix` of shape (3, 2)."""

    matrix: NDArray[np.float64]

    def __call__(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return the images of points; any shapes."""
        m = self.matrix
        return m[0, 0] * x + m[1, 0] * y + m[2, 0], m[0, 1] * x + m[1, 1] * y + m[2, 1]


def fit_affine(x: NDArray[Any], y: NDArray[Any], u: NDArray[Any], v: NDArray[Any]) -> Affine:
    """Fit the linear map from (x, y) to (u, v) by least squares, and once more without outliers; shapes (events,)."""
    points = np.column_stack([x, y, np.ones(len(x))]).astype(float)
    targets = np.column_stack([u, v]).astype(float)
    matrix = np.linalg.lstsq(points, targets, rcond=None)[0]
    distance = np.hypot(*(targets - points @ matrix).T)
    near = distance <= 3 * np.median(distance) + 1e-9
    return Affine(np.linalg.lstsq(points[near], targets[near], rcond=None)[0])


class Detector:
    """A detector during one exposure: its geometry is measured from the events of the list."""

    def __init__(self, events: EpicEventList) -> None:
        self.events, self.instrument = events, events.identity.instrument
        self.width, self.height = CCD_PIXELS[self.instrument]

    @cached_property
    def _columns(self) -> dict[str, NDArray[Any]]:
        columns = self.events.columns("RAWX", "RAWY", "DETX", "DETY", "X", "Y", "CCDNR")
        null = self.events.header.get(f"TNULL{self.events.column_number('X')}")
        seen = (columns["X"] > 0) & (columns["Y"] > 0) & (columns["X"] != null)
        columns = {name: values[seen] for name, values in columns.items()}
        columns["CCDNR"] = columns["CCDNR"] % 10 if self.instrument != "PN" else columns["CCDNR"]
        return columns

    def events_on(self, ccd: int) -> int:
        """Return the number of events on a CCD that have a place on the sky."""
        return int(np.count_nonzero(self._columns["CCDNR"] == ccd))

    def place(self, ccd: int) -> Affine | None:
        """Return the map from sky (X, Y) to (RAWX, RAWY) of a CCD; None if too few events determine it."""
        on_ccd = self._columns["CCDNR"] == ccd
        if np.count_nonzero(on_ccd) < FEWEST_EVENTS:
            return None
        x, y, rawx, rawy = (self._columns[name][on_ccd] for name in ("X", "Y", "RAWX", "RAWY"))
        return fit_affine(x, y, rawx, rawy)

    @cached_property
    def camera(self) -> Affine:
        """Return the map from sky (X, Y) to (DETX, DETY)."""
        return fit_affine(*(self._columns[name] for name in ("X", "Y", "DETX", "DETY")))

    def exposed(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return True for sky positions within the field of view."""
        detx, dety = self.camera(x, y)
        inside = np.zeros(np.shape(detx), bool)
        for shape, numbers in FIELD_OF_VIEW[self.instrument]:
            inside |= SHAPES[shape].test(detx, dety, *numbers)
        return inside

    def good_pixels(self, ccd: int) -> NDArray[np.bool_]:
        """Return the pixels of a CCD that are read out and good, shape (height + 2, width + 2) with a border that is not."""
        header, _ = self.events.extension(f"EXPOSU{ccd:02d}")
        good = np.zeros((self.height + 2, self.width + 2), bool)
        x0, y0 = int(header.get("WINDOWX0", 1)), int(header.get("WINDOWY0", 1))
        dx, dy = int(header.get("WINDOWDX", self.width)), int(header.get("WINDOWDY", self.height))
        good[max(y0, 1) : min(y0 + dy, self.height + 1), max(x0, 1) : min(x0 + dx, self.width + 1)] = True
        good &= self._reached(ccd)
        for pixel in self.events.bad_pixels(ccd):
            rawx, rawy = int(pixel["RAWX"]), int(pixel["RAWY"])
            if 0 <= rawx < self.width + 2:
                good[max(rawy, 0) : max(rawy, 0) + max(int(pixel["YEXTENT"]), 1), rawx] = False
        return without_neighbours(good) if self.neighbours_rejected else good

    def _reached(self, ccd: int) -> NDArray[np.bool_]:
        """Return the rows and columns between the outermost events: the rims of a CCD are hidden or see nothing."""
        reached = np.ones((self.height + 2, self.width + 2), bool)
        on_ccd = self._columns["CCDNR"] == ccd
        if np.count_nonzero(on_ccd) >= EVENTS_TO_THE_RIM:
            reached[:] = False
            rawx, rawy = self._columns["RAWX"][on_ccd], self._columns["RAWY"][on_ccd]
            reached[
                max(int(rawy.min()) - 1, 0) : int(rawy.max()) + 2, max(int(rawx.min()) - 1, 0) : int(rawx.max()) + 2
            ] = True
        return reached

    @cached_property
    def neighbours_rejected(self) -> bool:
        """Return whether the list was cleaned of events next to bad pixels: its data subspace has FLAG == 0."""
        return any(kept.column == "FLAG" and kept.values == "0" for kept in self.events.kept_restrictions)


def without_neighbours(good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the good pixels whose eight neighbours are good too. Events of other pixels have CLOSE_TO_ bits in FLAG.

    Measured: in a genuine list every event with such a bit is one pixel from a bad one or from the border.
    """
    kept = good.copy()
    for row_shift in (-1, 0, 1):
        for column_shift in (-1, 0, 1):
            kept &= np.roll(good, (row_shift, column_shift), axis=(0, 1))
    return kept
