"""Gnomonic projections of X and Y, and the way from one to another (Calabretta & Greisen 2002, A&A 395, 1077)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from daxa_wf.observatories.xmm.native.event_list import EventList


@dataclass(frozen=True)
class TangentPlane:
    """RA---TAN, DEC--TAN: reference point in degrees, reference pixel, size of a pixel in degrees."""

    ra: float
    dec: float
    x0: float
    y0: float
    dx: float
    dy: float

    def sky(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Right ascension and declination in degrees of pixels."""
        xi, eta = np.deg2rad((x - self.x0) * self.dx), np.deg2rad((y - self.y0) * self.dy)
        ra0, dec0 = np.deg2rad(self.ra), np.deg2rad(self.dec)
        down = np.cos(dec0) - eta * np.sin(dec0)
        ra = ra0 + np.arctan2(xi, down)
        dec = np.arctan2(np.sin(dec0) + eta * np.cos(dec0), np.hypot(xi, down))
        return np.rad2deg(ra) % 360, np.rad2deg(dec)

    def pixel(self, ra: Any, dec: Any) -> tuple[Any, Any]:
        """Pixels of right ascensions and declinations in degrees."""
        ra0, dec0 = np.deg2rad(self.ra), np.deg2rad(self.dec)
        lon, lat = np.deg2rad(ra) - ra0, np.deg2rad(dec)
        depth = np.sin(lat) * np.sin(dec0) + np.cos(lat) * np.cos(dec0) * np.cos(lon)
        xi = np.cos(lat) * np.sin(lon) / depth
        eta = (np.sin(lat) * np.cos(dec0) - np.cos(lat) * np.sin(dec0) * np.cos(lon)) / depth
        return np.rad2deg(xi) / self.dx + self.x0, np.rad2deg(eta) / self.dy + self.y0

    def from_plane(self, other: TangentPlane) -> Callable[[Any, Any], tuple[Any, Any]]:
        """The function from pixels of another plane to pixels of this one."""
        if other == self:
            return lambda x, y: (x, y)
        return lambda x, y: self.pixel(*other.sky(x, y))


def plane_of(events: EventList) -> TangentPlane:
    """The projection of a list's X and Y, from its TCRVL, TCRPX and TCDLT cards."""
    x, y = events.column_number("X"), events.column_number("Y")
    return TangentPlane(
        *(float(events.header[f"{card}{number}"]) for card in ("TCRVL", "TCRPX", "TCDLT") for number in (x, y))
    )
