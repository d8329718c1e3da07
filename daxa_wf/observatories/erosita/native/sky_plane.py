"""The plane of X and Y of eROSITA's event files: orthographic (SIN), 0.05 arcsec a pixel (eSASS evtool, 'Description')."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.tangent_plane import TangentPlane
from daxa_wf.observatories.xmm.native.event_list import EventList

PIXEL_ARCSEC = 0.05
"""Nominal size of a sky pixel (eROSITA EDR, 'EventFiles')."""

SKY_PIXELS_PER_DEGREE = 3600 / PIXEL_ARCSEC


@dataclass(frozen=True)
class OrthographicPlane(TangentPlane):
    """RA---SIN, DEC--SIN with the numbers of a TangentPlane (Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.5)."""

    def sky(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Right ascension and declination in degrees of pixels; NaN beyond the hemisphere."""
        xi, eta = np.deg2rad((x - self.x0) * self.dx), np.deg2rad((y - self.y0) * self.dy)
        dec0 = np.deg2rad(self.dec)
        with np.errstate(invalid="ignore"):
            depth = np.sqrt(1 - xi**2 - eta**2)
        dec = np.arcsin(eta * np.cos(dec0) + depth * np.sin(dec0))
        ra = np.deg2rad(self.ra) + np.arctan2(xi, depth * np.cos(dec0) - eta * np.sin(dec0))
        return np.rad2deg(ra) % 360, np.rad2deg(dec)

    def pixel(self, ra: Any, dec: Any) -> tuple[Any, Any]:
        """Pixels of right ascensions and declinations in degrees; NaN on the far side of the sky."""
        dec0, lon, lat = np.deg2rad(self.dec), np.deg2rad(ra) - np.deg2rad(self.ra), np.deg2rad(dec)
        near = np.sin(lat) * np.sin(dec0) + np.cos(lat) * np.cos(dec0) * np.cos(lon) > 0
        xi = np.cos(lat) * np.sin(lon)
        eta = np.sin(lat) * np.cos(dec0) - np.cos(lat) * np.sin(dec0) * np.cos(lon)
        x, y = np.rad2deg(xi) / self.dx + self.x0, np.rad2deg(eta) / self.dy + self.y0
        return np.where(near, x, np.nan), np.where(near, y, np.nan)


PLANES: dict[str, type[TangentPlane]] = {"SIN": OrthographicPlane, "TAN": TangentPlane}
"""Projection codes of CTYPE -> planes."""


def projection_of(plane: TangentPlane) -> str:
    """The code that CTYPE has for a plane: SIN or TAN."""
    return next(code for code, kind in PLANES.items() if type(plane) is kind)


def sky_plane_of(events: EventList) -> TangentPlane:
    """The plane of a file's X and Y, from the cards of the columns (TCTYPn, ...) or else from REFXCTYP and the like.

    CorruptFileError if neither set is complete, or the projection is neither SIN nor TAN.
    """
    numbers = {axis: events.column_number(axis) for axis in ("X", "Y")}
    for cards in (
        {axis: tuple(f"TC{word}{number}" for word in ("TYP", "RVL", "RPX", "DLT")) for axis, number in numbers.items()},
        {axis: tuple(f"REF{axis}C{word}" for word in ("TYP", "RVL", "RPX", "DLT")) for axis in numbers},
    ):
        if all(card in events.header for four in cards.values() for card in four):
            (kind, *x), (_, *y) = ([events.header[card] for card in cards[axis]] for axis in ("X", "Y"))
            pairs = zip(x, y, strict=True)
            return _plane(events, str(kind).strip(), [float(value) for pair in pairs for value in pair])
    raise CorruptFileError(f"{events.path}[EVENTS] does not say where X and Y are: no TCTYPn and no REFXCTYP cards")


def _plane(events: EventList, kind: str, numbers: list[float]) -> TangentPlane:
    code = kind[-3:]
    if code not in PLANES:
        raise CorruptFileError(f"{events.path}[EVENTS]: X is {kind!r}; expected RA---SIN or RA---TAN")
    return PLANES[code](*numbers)
