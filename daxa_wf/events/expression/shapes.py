"""Shapes on two columns: inside or on the border is true. Angles in degrees, counter-clockwise.

Sizes of boxes, ellipses and rhombi are half widths, as in expressions; region files hold full widths of boxes.
Source: SAS selectlib, 'Region filtering'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PlanePoints = NDArray[np.float64]
Inside = NDArray[np.bool_]


def _turned(x: PlanePoints, y: PlanePoints, x0: float, y0: float, degrees: float) -> tuple[PlanePoints, PlanePoints]:
    cosine, sine = np.round([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], 15)  # quarter turns are exact
    dx, dy = x - x0, y - y0
    return dx * cosine + dy * sine, dy * cosine - dx * sine


def point(x: PlanePoints, y: PlanePoints, x0: float, y0: float) -> Inside:
    """Return True at one point."""
    return (x == x0) & (y == y0)


def line(x: PlanePoints, y: PlanePoints, x0: float, y0: float, x1: float, y1: float) -> Inside:
    """Return True on a segment."""
    on_line = (x - x0) * (y1 - y0) == (y - y0) * (x1 - x0)
    within = (x >= min(x0, x1)) & (x <= max(x0, x1)) & (y >= min(y0, y1)) & (y <= max(y0, y1))
    return on_line & within


def circle(x: PlanePoints, y: PlanePoints, x0: float, y0: float, radius: float) -> Inside:
    """Return True within a circle of a centre and a radius."""
    return (x - x0) ** 2 + (y - y0) ** 2 <= radius**2


def annulus(x: PlanePoints, y: PlanePoints, x0: float, y0: float, inner: float, outer: float) -> Inside:
    """Return True between an inner and an outer radius."""
    squared = (x - x0) ** 2 + (y - y0) ** 2
    return (squared >= inner**2) & (squared <= outer**2)


def sector(x: PlanePoints, y: PlanePoints, x0: float, y0: float, start: float, stop: float) -> Inside:
    """Return True between two angles from a centre."""
    angle = np.rad2deg(np.arctan2(y - y0, x - x0))
    return (angle - start) % 360 <= (stop - start) % 360


def ellipse(x: PlanePoints, y: PlanePoints, x0: float, y0: float, a: float, b: float, degrees: float = 0.0) -> Inside:
    """Return True within an ellipse of a centre, half axes and a rotation."""
    u, v = _turned(x, y, x0, y0, degrees)
    return (u / a) ** 2 + (v / b) ** 2 <= 1


def elliptring(
    x: PlanePoints, y: PlanePoints, x0: float, y0: float,
    xi: float, yi: float, xo: float, yo: float, inner_degrees: float = 0.0, outer_degrees: float = 0.0,
) -> Inside:  # fmt: skip
    """Return True between two ellipses: their centre, inner and outer half axes, their rotations."""
    u, v = _turned(x, y, x0, y0, inner_degrees)
    return ellipse(x, y, x0, y0, xo, yo, outer_degrees) & ((u / xi) ** 2 + (v / yi) ** 2 >= 1)


def box(
    x: PlanePoints, y: PlanePoints, x0: float, y0: float, half_x: float, half_y: float, degrees: float = 0.0
) -> Inside:
    """Return True within a box of a centre, half widths and a rotation."""
    u, v = _turned(x, y, x0, y0, degrees) if degrees else (x - x0, y - y0)
    return (np.abs(u) <= half_x) & (np.abs(v) <= half_y)


def rectangle(
    x: PlanePoints, y: PlanePoints, x0: float, y0: float, x1: float, y1: float, degrees: float = 0.0
) -> Inside:
    """Return True within a box of two corners, lower left and upper right, rotated about its centre."""
    return box(x, y, (x0 + x1) / 2, (y0 + y1) / 2, abs(x1 - x0) / 2, abs(y1 - y0) / 2, degrees)


def rhombus(
    x: PlanePoints, y: PlanePoints, x0: float, y0: float, half_x: float, half_y: float, degrees: float = 0.0
) -> Inside:
    """Return True within a rhombus of a centre, half diagonals and a rotation."""
    u, v = _turned(x, y, x0, y0, degrees)
    return np.abs(u) / half_x + np.abs(v) / half_y <= 1


def polygon(x: PlanePoints, y: PlanePoints, *corners: float) -> Inside:
    """Return True within corners x1, y1, x2, y2, ... by the even-odd rule, and on the edges."""
    xs, ys = np.array(corners[0::2]), np.array(corners[1::2])
    inside, border = np.zeros(np.shape(x), bool), np.zeros(np.shape(x), bool)
    for x0, y0, x1, y1 in zip(xs, ys, np.roll(xs, -1), np.roll(ys, -1), strict=True):
        border |= line(x, y, x0, y0, x1, y1)
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside | border


@dataclass(frozen=True)
class ShapeFunction:
    """A shape: its test, the numbers that it may take, and an example of its text."""

    test: Callable[..., Any]
    counts: tuple[int, ...]
    usage: str

    def accepts(self, count: int) -> bool:
        """Return whether it can be made of `count` numbers; a polygon takes three corners or more."""
        return count in self.counts or (not self.counts and count >= 6 and count % 2 == 0)


_ANNULUS = ShapeFunction(annulus, (4,), "annulus(x, y, inner radius, outer radius, X, Y)")
_SECTOR = ShapeFunction(sector, (4,), "sector(x, y, first angle, last angle, X, Y)")
_RHOMBUS = ShapeFunction(rhombus, (4, 5), "rhombus(x, y, half width, half height, angle, X, Y)")
_POLYGON = ShapeFunction(polygon, (), "polygon(x1, y1, x2, y2, x3, y3, ..., X, Y)")
SHAPES = {
    "point": ShapeFunction(point, (2,), "point(x, y, X, Y)"),
    "line": ShapeFunction(line, (4,), "line(x0, y0, x1, y1, X, Y)"),
    "circle": ShapeFunction(circle, (3,), "circle(x, y, radius, X, Y)"),
    "annulus": _ANNULUS,
    "ring": _ANNULUS,
    "sector": _SECTOR,
    "pie": _SECTOR,
    "ellipse": ShapeFunction(ellipse, (4, 5), "ellipse(x, y, half width, half height, angle, X, Y)"),
    "elliptring": ShapeFunction(
        elliptring, (6, 7, 8), "elliptring(x, y, inner half axes, outer half axes, angles, X, Y)"
    ),
    "box": ShapeFunction(box, (4, 5), "box(x, y, half width, half height, angle, X, Y)"),
    "rectangle": ShapeFunction(rectangle, (4, 5), "rectangle(x lower left, y, x upper right, y, angle, X, Y)"),
    "rhombus": _RHOMBUS,
    "diamond": _RHOMBUS,
    "polygon": _POLYGON,
    "polygon2": _POLYGON,
}
