"""Pixels over X and Y: of images, masks and thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.tangent_plane import TangentPlane
from daxa_wf.observatories.erosita.native.sky_plane import projection_of


@dataclass(frozen=True)
class SkyGrid:
    """`nx` by `ny` pixels of `xbin` by `ybin` sky pixels; the first one begins at `xmin`, `ymin`."""

    xmin: float
    ymin: float
    xbin: float
    ybin: float
    nx: int
    ny: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of an image."""
        return self.ny, self.nx

    def index(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
        """Flat index of the pixel with each position, -1 outside; a pixel has its lower edges. Shape of `x`."""
        column, row = np.floor((x - self.xmin) / self.xbin), np.floor((y - self.ymin) / self.ybin)
        inside = (column >= 0) & (column < self.nx) & (row >= 0) & (row < self.ny)
        return np.where(inside, np.where(inside, row, 0) * self.nx + np.where(inside, column, 0), -1).astype(np.int64)

    def centres(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """X of the columns, shape (nx,), and Y of the rows, shape (ny,)."""
        x = self.xmin + self.xbin * (np.arange(self.nx) + 0.5)
        return x, self.ymin + self.ybin * (np.arange(self.ny) + 0.5)

    def cards(self, plane: TangentPlane) -> list[tuple[str, Any, str]]:
        """Celestial and physical (X, Y) coordinates of the pixels, as a genuine evtool image has them."""
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
    """The pixels of an image over X and Y, from its physical coordinates (`cards`, or those of a genuine evtool image).

    KeyError if the header has none.
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
    """Square pixels over a rectangle; the last ones may stick out of it."""
    nx, ny = (max(1, int(np.ceil((high - low) / binsize))) for low, high in ((xmin, xmax), (ymin, ymax)))
    return SkyGrid(xmin, ymin, binsize, binsize, nx, ny)


def divided(xmin: float, xmax: float, ymin: float, ymax: float, parts: int) -> SkyGrid:
    """A rectangle in `parts` by `parts` regions."""
    return SkyGrid(xmin, ymin, (xmax - xmin) / parts, (ymax - ymin) / parts, parts, parts)
