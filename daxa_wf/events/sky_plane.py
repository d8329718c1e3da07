"""Projections of X and Y onto the sky, and the way from one to another (Calabretta & Greisen 2002, A&A 395, 1077)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from daxa_wf.errors import CorruptFileError


@dataclass(frozen=True)
class TangentPlane:
    """A gnomonic projection (RA---TAN, DEC--TAN): reference point in degrees, reference pixel, size of a pixel in degrees.

    >>> plane = TangentPlane(150.0, 2.0, x0=100.0, y0=100.0, dx=-0.001, dy=0.001)
    >>> ra, dec = plane.sky(100.0, 1100.0)
    >>> round(float(ra), 4), round(float(dec), 4)
    (150.0, 2.9999)
    """

    ra: float
    dec: float
    x0: float
    y0: float
    dx: float
    dy: float

    def sky(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return right ascension and declination in degrees of pixels, in any shape."""
        xi, eta = np.deg2rad((x - self.x0) * self.dx), np.deg2rad((y - self.y0) * self.dy)
        ra0, dec0 = np.deg2rad(self.ra), np.deg2rad(self.dec)
        down = np.cos(dec0) - eta * np.sin(dec0)
        ra = ra0 + np.arctan2(xi, down)
        dec = np.arctan2(np.sin(dec0) + eta * np.cos(dec0), np.hypot(xi, down))
        return np.rad2deg(ra) % 360, np.rad2deg(dec)

    def pixel(self, ra: Any, dec: Any) -> tuple[Any, Any]:
        """Return the pixels of right ascensions and declinations in degrees, in any shape."""
        ra0, dec0 = np.deg2rad(self.ra), np.deg2rad(self.dec)
        lon, lat = np.deg2rad(ra) - ra0, np.deg2rad(dec)
        depth = np.sin(lat) * np.sin(dec0) + np.cos(lat) * np.cos(dec0) * np.cos(lon)
        xi = np.cos(lat) * np.sin(lon) / depth
        eta = (np.sin(lat) * np.cos(dec0) - np.cos(lat) * np.sin(dec0) * np.cos(lon)) / depth
        return np.rad2deg(xi) / self.dx + self.x0, np.rad2deg(eta) / self.dy + self.y0

    def from_plane(self, other: TangentPlane) -> Callable[[Any, Any], tuple[Any, Any]]:
        """Return the function from pixels of another plane to pixels of this one."""
        if other == self:
            return lambda x, y: (x, y)
        return lambda x, y: self.pixel(*other.sky(x, y))


@dataclass(frozen=True)
class OrthographicPlane(TangentPlane):
    """RA---SIN, DEC--SIN with the numbers of a TangentPlane (Calabretta & Greisen 2002, section 5.1.5)."""

    def sky(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return right ascension and declination in degrees of pixels; NaN beyond the hemisphere."""
        xi, eta = np.deg2rad((x - self.x0) * self.dx), np.deg2rad((y - self.y0) * self.dy)
        dec0 = np.deg2rad(self.dec)
        with np.errstate(invalid="ignore"):
            depth = np.sqrt(1 - xi**2 - eta**2)
        dec = np.arcsin(eta * np.cos(dec0) + depth * np.sin(dec0))
        ra = np.deg2rad(self.ra) + np.arctan2(xi, depth * np.cos(dec0) - eta * np.sin(dec0))
        return np.rad2deg(ra) % 360, np.rad2deg(dec)

    def pixel(self, ra: Any, dec: Any) -> tuple[Any, Any]:
        """Return the pixels of right ascensions and declinations in degrees; NaN on the far side of the sky."""
        dec0, lon, lat = np.deg2rad(self.dec), np.deg2rad(ra) - np.deg2rad(self.ra), np.deg2rad(dec)
        near = np.sin(lat) * np.sin(dec0) + np.cos(lat) * np.cos(dec0) * np.cos(lon) > 0
        xi = np.cos(lat) * np.sin(lon)
        eta = np.sin(lat) * np.cos(dec0) - np.cos(lat) * np.sin(dec0) * np.cos(lon)
        x, y = np.rad2deg(xi) / self.dx + self.x0, np.rad2deg(eta) / self.dy + self.y0
        return np.where(near, x, np.nan), np.where(near, y, np.nan)


PLANES: dict[str, type[TangentPlane]] = {"SIN": OrthographicPlane, "TAN": TangentPlane}
"""Projection codes of CTYPE -> planes."""


def projection_of(plane: TangentPlane) -> str:
    """Return the code that CTYPE has for a plane: SIN or TAN."""
    return next(code for code, kind in PLANES.items() if type(plane) is kind)


def plane_in(header: Any, columns: Mapping[str, int], place: str) -> TangentPlane:
    """Return the plane of a list's positions, from the cards of the columns (TCTYPn, ...) or else REFXCTYP and the like.

    `columns`: X and Y -> number of the column. Raise CorruptFileError, which names the `place`, if neither set of cards is
    complete, or the projection is neither SIN nor TAN.
    """
    for cards in (
        {axis: tuple(f"TC{word}{number}" for word in ("TYP", "RVL", "RPX", "DLT")) for axis, number in columns.items()},
        {axis: tuple(f"REF{axis}C{word}" for word in ("TYP", "RVL", "RPX", "DLT")) for axis in columns},
    ):
        if all(card in header for four in cards.values() for card in four):
            (kind, *x), (_, *y) = ([header[card] for card in four] for four in cards.values())
            return _plane(str(kind).strip(), [value for pair in zip(x, y, strict=True) for value in pair], place)
    raise CorruptFileError(f"{place} does not say where X and Y are: no TCTYPn and no REFXCTYP cards")


def _plane(kind: str, values: list[Any], place: str) -> TangentPlane:
    if kind[-3:] not in PLANES:
        raise CorruptFileError(f"{place}: X is {kind!r}; expected RA---SIN or RA---TAN")
    try:
        return PLANES[kind[-3:]](*map(float, values))
    except (TypeError, ValueError) as error:
        raise CorruptFileError(f"{place}: expected numbers in the cards that place X and Y: {error}") from None
