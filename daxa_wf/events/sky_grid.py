"""Grids of pixels over X and Y: of images, exposure maps, masks and thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.sky_plane import TangentPlane, projection_of


@dataclass(frozen=True)
class SkyGrid:
    """`nx` by `ny` pixels of `xbin` by `ybin` sky pixels each; the first one begins at `xmin`, `ymin`.

    >>> grid = SkyGrid(0.0, 0.0, 10.0, 10.0, 3, 2)
    >>> grid.index(np.array([5.0, 25.0, 31.0]), np.array([5.0, 15.0, 5.0])).tolist()
    [0, 5, -1]
    """

    xmin: float
    ymin: float
    xbin: float
    ybin: float
    nx: int
    ny: int

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of an image."""
        return self.ny, self.nx

    @cached_property
    def _whole_numbers(self) -> tuple[int, int, int, int] | None:
        """Return first X and Y and the bins if whole numbers of X and Y can be binned by integer division; else None."""
        numbers = (self.xmin + 0.5, self.ymin + 0.5, self.xbin, self.ybin)
        whole = (
            all(float(number).is_integer() and abs(number) < 2**30 for number in numbers) and self.nx * self.ny < 2**31
        )
        return tuple(int(number) for number in numbers) if whole else None  # type: ignore[return-value]

    def index(self, x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
        """Return the flat index of the pixel with each position, -1 outside; a pixel has its lower edges. Shape of `x`.

        Whole numbers take the way of 32-bit integers, which is three times as fast, where the grid's edges lie between them.
        """
        edges = self._whole_numbers
        if edges is not None and x.dtype.kind in "iu" and y.dtype.kind in "iu":
            column, row = (
                axis.astype(np.int32, copy=False) - np.int32(first) for axis, first in ((x, edges[0]), (y, edges[1]))
            )
            column //= np.int32(edges[2])
            row //= np.int32(edges[3])
        else:
            column = np.floor((x.astype(np.float64) - self.xmin) / self.xbin)
            row = np.floor((y.astype(np.float64) - self.ymin) / self.ybin)
        parts = ((column, self.nx), (row, self.ny))
        if all(part.min(initial=0) >= 0 and part.max(initial=0) < size for part, size in parts):
            return self._flat(column, row)
        inside = (column >= 0) & (column < self.nx) & (row >= 0) & (row < self.ny)
        return np.where(inside, self._flat(np.where(inside, column, 0), np.where(inside, row, 0)), -1)

    def _flat(self, column: NDArray[Any], row: NDArray[Any]) -> NDArray[Any]:
        """Return the flat index of pixels inside of the grid. The rows are overwritten."""
        row *= row.dtype.type(self.nx)
        row += column
        return row if row.dtype.kind == "i" else row.astype(np.int64)

    def centres(self, samples: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return X of the columns and Y of the rows: the centres of `samples` equal parts of each pixel.

        Shapes (nx * samples,) and (ny * samples,).
        """
        x = self.xmin + self.xbin * (np.arange(self.nx * samples) + 0.5) / samples
        return x, self.ymin + self.ybin * (np.arange(self.ny * samples) + 0.5) / samples

    def cards(self, plane: TangentPlane) -> list[tuple[str, Any, str]]:
        """Return celestial and physical (X, Y) coordinates of the pixels, as a genuine image of eSASS has them."""
        code = projection_of(plane)
        names = (("1", "X", f"RA---{code}"), ("2", "Y", f"DEC--{code}"))
        references = ((plane.ra, plane.x0, plane.dx), (plane.dec, plane.y0, plane.dy))
        edges = ((self.xmin, self.xbin), (self.ymin, self.ybin))
        cards: list[tuple[str, Any, str]] = []
        for (axis, name, kind), (value, zero, step), (first, size) in zip(names, references, edges, strict=True):
            pixel = (zero - first) / size + 0.5
            cards += [
                (f"CTYPE{axis}", kind, "WCS type"), (f"CUNIT{axis}", "deg", "WCS physical unit"),
                (f"CRPIX{axis}", pixel, "WCS reference pixel"), (f"CRVAL{axis}", value, "[deg] at the reference pixel"),
                (f"CDELT{axis}", step * size, "[deg] increment"),
                (f"CTYPE{axis}P", name, "physical coordinates"), (f"CRPIX{axis}P", pixel, ""),
                (f"CRVAL{axis}P", zero, ""), (f"CDELT{axis}P", size, "sky pixels a pixel"),
            ]  # fmt: skip
        return [("WCSNAMEP", "PHYSICAL", ""), *cards, ("RADESYS", "FK5", ""), ("EQUINOX", 2000.0, "")]


def grid_of_image(header: Any) -> SkyGrid:
    """Return the pixels of an image over X and Y, from its physical coordinates (those of `cards`).

    Raise KeyError if the header has no such coordinates.
    """
    (xmin, xbin, nx), (ymin, ybin, ny) = (
        (
            float(header[f"CRVAL{axis}P"]) - (float(header[f"CRPIX{axis}P"]) - 0.5) * float(header[f"CDELT{axis}P"]),
            float(header[f"CDELT{axis}P"]),
            int(header[f"NAXIS{axis}"]),
        )
        for axis in (1, 2)
    )
    return SkyGrid(xmin, ymin, xbin, ybin, nx, ny)


def covering(xmin: float, xmax: float, ymin: float, ymax: float, binsize: float) -> SkyGrid:
    """Return square pixels over a rectangle; the last ones may stick out of it."""
    nx, ny = (max(1, int(np.ceil((high - low) / binsize))) for low, high in ((xmin, xmax), (ymin, ymax)))
    return SkyGrid(xmin, ymin, binsize, binsize, nx, ny)


def divided(xmin: float, xmax: float, ymin: float, ymax: float, parts: int) -> SkyGrid:
    """Return a rectangle divided into `parts` by `parts` pixels."""
    return SkyGrid(xmin, ymin, (xmax - xmin) / parts, (ymax - ymin) / parts, parts, parts)
