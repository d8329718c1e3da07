"""Sky coordinates over an image: lines with labels, a scale bar, north and east."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from daxa_wf.report.images.planes import ImagePlane
from daxa_wf.report.svg.elements import number, tag, text

SECOND = 1 / 3600
DEC_STEPS = tuple(seconds * SECOND for seconds in (
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 72000,
))  # fmt: skip
RA_STEPS = tuple(15 * seconds * SECOND for seconds in (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600,
))  # fmt: skip
"""Degrees between lines: round numbers of arcseconds, and of seconds of time."""
BAR_LENGTHS = tuple(seconds * SECOND for seconds in (
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000,
))  # fmt: skip
LINE_POINTS = 41


@dataclass(frozen=True)
class Frame:
    """The place of an image in a drawing: left and top edge and the side of a pixel, all in units of the drawing."""

    left: float
    top: float
    scale: float
    columns: int
    rows: int

    @property
    def right(self) -> float:
        """Return the right edge."""
        return self.left + self.columns * self.scale

    @property
    def bottom(self) -> float:
        """Return the bottom edge."""
        return self.top + self.rows * self.scale

    def place(self, column: float, row: float) -> tuple[float, float]:
        """Return the point of a pixel's centre. Rows count upwards."""
        return self.left + (column + 0.5) * self.scale, self.bottom - (row + 0.5) * self.scale


def sky_overlay(plane: ImagePlane, frame: Frame) -> list[str]:
    """Draw the lines of right ascension and declination, the scale bar and the compass."""
    lines = sky_lines(plane, frame, "graticule")
    return [*lines, scale_bar(plane, frame, "over"), _compass(plane, frame)] if lines else []


def sky_lines(plane: ImagePlane, frame: Frame, class_: str) -> list[str]:
    """Draw the lines of right ascension and declination, with their labels outside the image."""
    columns, rows = np.meshgrid(np.linspace(-0.5, frame.columns - 0.5, 9), np.linspace(-0.5, frame.rows - 0.5, 9))
    ra, dec = plane.sky(columns, rows)
    usable = np.isfinite(ra) & np.isfinite(dec)
    if not usable.any():
        return []
    # Right ascensions are counted from the middle of the image, so that 0 and 360 degrees do not part them.
    middle = float(plane.sky((frame.columns - 1) / 2, (frame.rows - 1) / 2)[0])
    east = (ra[usable] - middle + 180) % 360 - 180
    dec_range = float(dec[usable].min()), float(dec[usable].max())
    ra_range = middle + float(east.min()), middle + float(east.max())
    ra_step, dec_step = (_step(*edges, steps) for edges, steps in ((ra_range, RA_STEPS), (dec_range, DEC_STEPS)))
    parts = []
    for value in _multiples(*ra_range, ra_step):
        line = _line(plane, frame, np.full(LINE_POINTS, value), np.linspace(*dec_range, LINE_POINTS))
        # Labels with seconds are long: every second one is left out on narrow screens.
        is_extra = ra_step < 0.25 and round(value / ra_step) % 2 == 1
        parts += _drawn(line, frame, ra_label(value, ra_step), class_, "alternate" if is_extra else None)
    for value in _multiples(*dec_range, dec_step):
        line = _line(plane, frame, np.linspace(*ra_range, LINE_POINTS), np.full(LINE_POINTS, value))
        parts += _drawn(line, frame, dec_label(value, dec_step), class_)
    return parts


def _step(low: float, high: float, steps: Sequence[float], lines: int = 4) -> float:
    return next((step for step in steps if (high - low) / step <= lines), steps[-1])


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _line(
    plane: ImagePlane, frame: Frame, ra: NDArray[np.float64], dec: NDArray[np.float64]
) -> list[tuple[float, float]]:
    """Return the points of a line inside the image. Points outside are moved to its edge along the line."""
    columns, rows = plane.pixel(ra % 360, dec)
    points = [frame.place(column, row) for column, row in zip(columns.tolist(), rows.tolist(), strict=True)]
    inside: list[tuple[float, float]] = []
    for one, two in pairwise(points):
        clipped = clipped_segment(one, two, (frame.left, frame.top, frame.right, frame.bottom))
        if clipped:
            inside += clipped if not inside or inside[-1] != clipped[0] else clipped[1:]
    return inside


def clipped_segment(
    one: tuple[float, float], two: tuple[float, float], box: tuple[float, float, float, float]
) -> list[tuple[float, float]]:
    """Return the part of a segment inside a box (left, top, right, bottom), or [] (algorithm: Liang & Barsky 1984).

    >>> clipped_segment((-1, 1), (3, 1), (0, 0, 2, 2))
    [(0.0, 1.0), (2.0, 1.0)]
    """
    if not all(map(math.isfinite, (*one, *two))):
        return []
    dx, dy = two[0] - one[0], two[1] - one[1]
    first, last = 0.0, 1.0
    edges = ((-dx, one[0] - box[0]), (dx, box[2] - one[0]), (-dy, one[1] - box[1]), (dy, box[3] - one[1]))
    for towards, distance in edges:
        if towards == 0:
            if distance < 0:
                return []
        elif towards < 0:
            first = max(first, distance / towards)
        else:
            last = min(last, distance / towards)
    if first > last:
        return []
    return [(one[0] + dx * share, one[1] + dy * share) for share in (first, last)]


def _drawn(
    line: Sequence[tuple[float, float]], frame: Frame, label: str, class_: str, label_class: str | None = None
) -> list[str]:
    """Draw a line, and its label where it meets the lower edge (right ascension) or the left edge (declination)."""
    is_ra = "h" in label
    if len(line) < 2:
        return []
    path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in line)
    parts = [tag("path", d=path, class_=class_)]
    x, y = max(line, key=lambda point: point[1]) if is_ra else min(line, key=lambda point: point[0])
    if is_ra and frame.bottom - y < 1.0 and frame.left + 14 < x < frame.right - 10:
        parts.append(text(label, x, frame.bottom + 15, label_class, "middle"))
    elif not is_ra and x - frame.left < 1.0 and frame.top + 4 < y < frame.bottom - 2:
        parts.append(text(label, frame.left - 5, y + 4, None, "end"))
    return parts


def ra_label(degrees: float, step: float) -> str:
    """Return a right ascension as hours, minutes and, if the step needs them, seconds.

    >>> ra_label(150.25, 0.25), ra_label(150.01, 0.01), ra_label(-15.0, 15.0)
    ('10h01m', '10h00m02.4s', '23h')
    >>> ra_label(135.0, 0.25)
    '09h00m'
    """
    tenths = round(degrees % 360 / 15 * 36000)
    hours, minutes, seconds = tenths // 36000 % 24, tenths // 600 % 60, tenths % 600 / 10
    if step >= 15 and not minutes:
        return f"{hours:02}h"
    if step >= 0.25 - 1e-9 and not seconds:
        return f"{hours:02}h{minutes:02}m"
    shown = f"{seconds:02.0f}" if seconds == int(seconds) else f"{seconds:04.1f}"
    return f"{hours:02}h{minutes:02}m{shown}s"


def dec_label(degrees: float, step: float) -> str:
    """Return a declination as degrees, arcminutes and, if the step needs them, arcseconds.

    >>> dec_label(-2.5, 1 / 6), dec_label(10.0, 1.0), dec_label(0.01, 0.001)
    ('-2°30′', '+10°', '+0°00′36″')
    """
    total = round(abs(degrees) * 3600)
    sign = "-" if degrees < 0 and total else "+"
    whole, minutes, seconds = total // 3600, total // 60 % 60, total % 60
    if step >= 1 - 1e-9:
        return f"{sign}{whole}°"
    return f"{sign}{whole}°{minutes:02}′" + ("" if step >= 1 / 60 - 1e-9 else f"{seconds:02}″")


def angle_label(degrees: float) -> str:
    """Return the length of a scale bar.

    >>> angle_label(0.5), angle_label(2.0), angle_label(30 / 3600)
    ('30′', '2°', '30″')
    """
    seconds = round(degrees * 3600)
    if seconds < 60:
        return f"{seconds}″"
    return f"{seconds // 60}′" if seconds < 3600 else f"{seconds / 3600:g}°"


def scale_bar(plane: ImagePlane, frame: Frame, class_: str) -> str:
    """Draw a bar of a round length, at most a quarter of the image, in its lower left corner."""
    per_unit = plane.degrees_per_pixel / frame.scale
    longest = (frame.right - frame.left) / 4 * per_unit
    length = max((length for length in BAR_LENGTHS if length <= longest), default=BAR_LENGTHS[0])
    x, y, width = frame.left + 12, frame.bottom - 12, length / per_unit
    bar = tag("path", d=f"M{number(x)} {number(y - 4)}v4h{number(width)}v-4", class_=class_)
    return tag("g", bar, text(angle_label(length), x + width / 2, y - 8, class_, "middle"), class_="scale")


def _compass(plane: ImagePlane, frame: Frame) -> str:
    """Draw the directions of north and east at the middle of the image, in its lower right corner."""
    column, row = (frame.columns - 1) / 2, (frame.rows - 1) / 2
    ra, dec = (float(value) for value in plane.sky(column, row))
    step = min(20 * plane.degrees_per_pixel, 0.5)
    x, y = frame.right - 34, frame.bottom - 14
    parts = []
    for name, target in (("N", (ra, dec + step)), ("E", (ra + step / max(math.cos(math.radians(dec)), 0.01), dec))):
        pixel = plane.pixel(*target)
        dx, dy = float(pixel[0]) - column, float(pixel[1]) - row
        size = math.hypot(dx, dy)
        if not math.isfinite(size) or size == 0:
            return ""
        dx, dy = dx / size, -dy / size
        parts.append(tag("path", d=f"M{number(x)} {number(y)}l{number(24 * dx)} {number(24 * dy)}", class_="over"))
        parts.append(text(name, x + 32 * dx, y + 32 * dy + 4, "over", "middle"))
    return tag("g", *parts, class_="compass")
