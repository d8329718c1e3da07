"""The sky coordinates of an image's pixels, from its header (Calabretta & Greisen 2002, A&A 395, 1077)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from daxa_wf.events.sky_plane import PLANES, TangentPlane
from daxa_wf.fits.blocks import Cards
from daxa_wf.fits.images import real_number

Matrix = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class ImagePlane:
    """The projection of an image: pixels count from 0 at the centre of the first one.

    `plane` maps degrees on the tangent plane to the sky, and `matrix` maps offsets in pixels from `centre` to these degrees.
    """

    plane: TangentPlane
    centre: tuple[float, float]
    matrix: Matrix

    def sky(self, column: Any, row: Any) -> tuple[Any, Any]:
        """Return right ascension and declination in degrees of pixels, in any shape."""
        (a, b), (c, d) = self.matrix
        x, y = column - self.centre[0], row - self.centre[1]
        return self.plane.sky(a * x + b * y, c * x + d * y)

    def pixel(self, ra: Any, dec: Any) -> tuple[Any, Any]:
        """Return column and row of sky positions in degrees, in any shape; NaN on the far side of the sky."""
        (a, b), (c, d) = self.matrix
        xi, eta = self.plane.pixel(ra, dec)
        lon, lat, dec0 = np.deg2rad(ra) - np.deg2rad(self.plane.ra), np.deg2rad(dec), np.deg2rad(self.plane.dec)
        near = np.sin(lat) * np.sin(dec0) + np.cos(lat) * np.cos(dec0) * np.cos(lon) > 0
        size = a * d - b * c
        column, row = (d * xi - b * eta) / size + self.centre[0], (a * eta - c * xi) / size + self.centre[1]
        return np.where(near, column, np.nan), np.where(near, row, np.nan)

    @property
    def degrees_per_pixel(self) -> float:
        """Return the side of a pixel in degrees."""
        (a, b), (c, d) = self.matrix
        return math.sqrt(abs(a * d - b * c))

    def part(self, column: int, row: int, factor: int) -> ImagePlane:
        """Return the plane of a part of the image that begins at a pixel, with blocks of `factor` pixels joined."""
        shift = (factor - 1) / 2
        centre = ((self.centre[0] - column - shift) / factor, (self.centre[1] - row - shift) / factor)
        (a, b), (c, d) = self.matrix
        return replace(self, centre=centre, matrix=((a * factor, b * factor), (c * factor, d * factor)))


def plane_of_image(cards: Cards, axes: tuple[int, int] = (1, 2)) -> ImagePlane | None:
    """Return the projection of an image, or None if its header has none, or another one than TAN and SIN of RA and Dec."""
    first, second = axes
    kinds = [str(cards.get(f"CTYPE{axis}", "")).strip() for axis in axes]
    code = kinds[0][-3:]
    if not (kinds[0].startswith("RA--") and kinds[1].startswith("DEC-")) or code not in PLANES:
        return None
    ra, dec, x, y = (real_number(cards, f"{card}{axis}") for card in ("CRVAL", "CRPIX") for axis in axes)
    matrix = _matrix(cards, first, second)
    numbers = (ra, dec, x, y, *matrix[0], *matrix[1])
    determinant = matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]
    if not all(map(math.isfinite, numbers)) or determinant == 0 or abs(dec) > 90:
        return None
    return ImagePlane(PLANES[code](ra, dec, 0.0, 0.0, 1.0, 1.0), (x - 1, y - 1), matrix)


def _matrix(cards: Cards, first: int, second: int) -> Matrix:
    """Return degrees per pixel: CDi_j, or CDELTi with PCi_j or CROTA2."""
    if f"CD{first}_{first}" in cards or f"CD{second}_{second}" in cards:
        a, b, c, d = (
            real_number(cards, f"CD{row}_{column}", 0.0) for row in (first, second) for column in (first, second)
        )
        return (a, b), (c, d)
    dx, dy = (real_number(cards, f"CDELT{axis}") for axis in (first, second))
    angle = math.radians(real_number(cards, f"CROTA{second}", 0.0))
    a, b, c, d = math.cos(angle), -math.sin(angle) * dy / dx if dx else 0.0, math.sin(angle), math.cos(angle)
    c = c * dx / dy if dy else 0.0
    a, b, c, d = (
        real_number(cards, f"PC{row}_{column}", usual)
        for row, column, usual in ((first, first, a), (first, second, b), (second, first, c), (second, second, d))
    )
    return (dx * a, dx * b), (dy * c, dy * d)
