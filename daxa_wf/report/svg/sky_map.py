"""Maps of observations: the whole sky in an equal-area projection, and the field around neighbouring observations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.report.images.graticule import Frame, scale_bar, sky_lines
from daxa_wf.report.images.planes import ImagePlane
from daxa_wf.report.svg.elements import drawing, number, polyline, tag, text

WIDTH, HEIGHT = 640.0, 345.0
MIDDLE, MARGIN = 162.0, 36.0
SMALLEST_MARK = 3.0
"""Radius in units of the drawing of the smallest footprint on a map: smaller ones would be invisible."""
COLOURS = 12
"""Colours of missions in the style sheet; further missions begin again."""
LARGEST_FIELD = 25.0
"""Largest distance in degrees between observations that get a map of their field."""
FIELD_SIDE = 400
GALACTIC_POLE = (192.85948, 27.12825)
"""Right ascension and declination of the north galactic pole in degrees (ICRS; Hipparcos catalogue, volume 1, section 1.5.3)."""


@dataclass(frozen=True)
class Footprint:
    """The field of view of an observation: index of its row on the page and of its mission's colour; degrees."""

    row: int
    colour: int
    ra: float
    dec: float
    radius: float


def hammer(ra: float, dec: float) -> tuple[float, float]:
    """Return the point of a position in degrees on the map (Hammer 1892): 180 degrees in the middle, east to the left.

    >>> hammer(180.0, 0.0)
    (320.0, 162.0)
    >>> [round(value) for value in hammer(90.0, 0.0)], [round(value) for value in hammer(180.0, 90.0)]
    ([474, 162], [320, 20])
    """
    longitude, latitude = math.radians((180.0 - ra + 180.0) % 360 - 180.0), math.radians(dec)
    if ra in (0.0, 360.0):
        longitude = math.pi if ra == 0.0 else -math.pi
    depth = math.sqrt(1 + math.cos(latitude) * math.cos(longitude / 2))
    half = WIDTH / 2 - MARGIN
    x = WIDTH / 2 + half * math.cos(latitude) * math.sin(longitude / 2) / depth
    return x, MIDDLE - half / 2 * math.sin(latitude) / depth


def sky_map(footprints: Sequence[Footprint]) -> str:
    """Draw the whole sky with a graticule, the galactic equator, and every footprint."""
    parts = [tag("path", d=polyline([*_meridian(0.0), *reversed(_meridian(360.0))], close=True), class_="sky")]
    parts += [tag("path", d=polyline(_meridian(float(ra))), class_="grid") for ra in range(30, 360, 30)]
    parts += [tag("path", d=polyline(_parallel(float(dec))), class_="grid") for dec in range(-60, 90, 30)]
    parts.append(_galactic_equator())
    parts += [_mark(footprint) for footprint in footprints]
    for index, ra in enumerate(range(30, 360, 30)):
        x, y = hammer(float(ra), 0.0)
        parts.append(text(f"{ra // 15}h", x + 4, y + 14, "unit" + (" alternate" if index % 2 else "")))
    for dec in (-60, -30, 0, 30, 60):
        x, y = hammer(360.0, float(dec))
        parts.append(text(f"{dec:+d}°" if dec else "0°", x - 6, y + 4, "unit", "end"))
    note = "ICRS, equal-area; dashed: galactic equator; small fields are enlarged"
    parts.append(text(note, WIDTH / 2, HEIGHT - 8, "unit", "middle"))
    return drawing(WIDTH, HEIGHT, "Map of the sky with the observations", parts, "chart map")


def _meridian(ra: float) -> list[tuple[float, float]]:
    return [hammer(ra, float(dec)) for dec in range(-90, 91, 5)]


def _parallel(dec: float) -> list[tuple[float, float]]:
    return [hammer(float(ra), dec) for ra in range(0, 361, 6)]


def _galactic_equator() -> str:
    """Draw the great circle around the galactic pole, in the pieces that the edge of the map leaves."""
    ra0, dec0 = (math.radians(value) for value in GALACTIC_POLE)
    points = []
    for degrees in range(0, 361, 3):
        angle = math.radians(degrees)
        dec = math.asin(math.cos(dec0) * math.cos(angle))
        ra = ra0 + math.atan2(math.sin(angle), -math.sin(dec0) * math.cos(angle))
        points.append(hammer(math.degrees(ra) % 360, math.degrees(dec)))
    path, last = "", None
    for point in points:
        path += ("M" if last is None or abs(point[0] - last[0]) > WIDTH / 4 else "L") + " ".join(map(number, point))
        last = point
    return tag("path", d=path, class_="galactic")


def _mark(footprint: Footprint) -> str:
    """Draw the footprint of an observation: a circle of its size, or of the smallest visible one."""
    x, y = hammer(footprint.ra, footprint.dec)
    radius = max(SMALLEST_MARK, footprint.radius * (WIDTH - 2 * MARGIN) / 360 * math.sqrt(math.pi / 4))
    return tag("circle", cx=x, cy=y, r=radius, class_=f"field m{footprint.colour % COLOURS}", data_i=footprint.row)


def field_map(footprints: Sequence[Footprint]) -> str:
    """Draw neighbouring observations with footprints of their true size; '' if they lie far from each other."""
    if not footprints:
        return ""
    ra, dec = mean_position(footprints)
    plane = TangentPlane(ra, dec, 0.0, 0.0, 1.0, 1.0)
    if any(separation(ra, dec, footprint.ra, footprint.dec) > LARGEST_FIELD / 2 for footprint in footprints):
        return ""
    offsets = [tuple(map(float, plane.pixel(footprint.ra, footprint.dec))) for footprint in footprints]
    half = max(max(map(abs, offset)) + footprint.radius for offset, footprint in zip(offsets, footprints, strict=True))
    half = max(half * 1.15, 0.1)
    side = 2 * half / FIELD_SIDE
    middle = (FIELD_SIDE - 1) / 2
    grid = ImagePlane(plane, (middle, middle), ((-side, 0.0), (0.0, side)))
    frame = Frame(66.0, 6.0, 1.0, FIELD_SIDE, FIELD_SIDE)
    parts = [
        *sky_lines(grid, frame, "grid"),
        tag("rect", x=frame.left, y=frame.top, width=FIELD_SIDE, height=FIELD_SIDE, class_="frame"),
    ]
    for footprint in footprints:
        column, row = (float(value) for value in grid.pixel(footprint.ra, footprint.dec))
        x, y = frame.place(column, row)
        circle = tag("circle", cx=x, cy=y, r=max(footprint.radius / side, SMALLEST_MARK),
                     class_=f"field m{footprint.colour % COLOURS}", data_i=footprint.row)  # fmt: skip
        parts.append(circle)
    parts.append(scale_bar(grid, frame, "bar"))
    return drawing(frame.right + 8, frame.bottom + 24, "Map of the field with the observations", parts, "chart map")


def mean_position(footprints: Sequence[Footprint]) -> tuple[float, float]:
    """Return the direction of the mean of the positions' unit vectors, in degrees."""
    ra, dec = (np.radians([getattr(footprint, name) for footprint in footprints]) for name in ("ra", "dec"))
    x, y, z = (np.cos(dec) * np.cos(ra)).sum(), (np.cos(dec) * np.sin(ra)).sum(), np.sin(dec).sum()
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def separation(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Return the angle between two positions in degrees.

    >>> round(separation(10.0, 0.0, 350.0, 0.0), 6)
    20.0
    """
    lon, one, two = math.radians(ra2 - ra1), math.radians(dec1), math.radians(dec2)
    across = math.hypot(
        math.cos(two) * math.sin(lon),
        math.cos(one) * math.sin(two) - math.sin(one) * math.cos(two) * math.cos(lon),
    )
    along = math.sin(one) * math.sin(two) + math.cos(one) * math.cos(two) * math.cos(lon)
    return math.degrees(math.atan2(across, along))
