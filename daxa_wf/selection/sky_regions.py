"""Regions of the sky: texts in STC-S, and MOC files, which are read in a separate process.

Source: A. Rots, IVOA Note 'STC-S: Space-Time Coordinate (STC) Metadata Linear String Implementation', version 1.33.
Supported are one shape in ICRS, and shapes joined by Union, Intersection, Difference and Not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, CorruptFileError, ExpressionError

FloatArray = NDArray[np.float64]
Membership = NDArray[np.bool_]
Contains = Callable[[FloatArray, FloatArray], Membership]
"""A test of positions (right ascension and declination in degrees): True inside a region and on its border."""

LONGEST = 100_000
"""Largest number of characters of a text in STC-S."""
DEEPEST = 20
"""Largest depth of parentheses."""
MOST_SHAPES = 1000

TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)(?![^\s()])
  | (?P<word>[A-Za-z][A-Za-z0-9_]*)
  | (?P<sign>[()])
  )""",
    re.VERBOSE | re.ASCII,
)
OPERATORS = ("union", "intersection", "difference", "not")
USAGE = {
    "circle": "Circle ICRS ra dec radius",
    "ellipse": "Ellipse ICRS ra dec half_axis half_axis angle",
    "polygon": "Polygon ICRS ra dec ra dec ra dec ...",
    "positioninterval": "PositionInterval ICRS ra dec ra dec",
    "allsky": "AllSky ICRS",
}
ORIGINS = (
    "geocenter", "barycenter", "heliocenter", "topocenter", "lsr", "lsrk", "lsrd", "galactic_center", "local_group_center",
    "moon", "embarycenter", "relocatable", "unknownrefpos",
)  # fmt: skip
"""Reference positions, which have no effect on directions."""


@dataclass(frozen=True)
class _Word:
    kind: str
    text: str
    position: int


def parse_stcs(text: str) -> Contains:
    """Return the test of a region in STC-S. ExpressionError points at the character that does not fit.

    >>> import numpy as np
    >>> contains = parse_stcs("Circle ICRS 10.0 20.0 1.0")
    >>> contains(np.array([10.5, 12.0]), np.array([20.0, 20.0]))
    array([ True, False])
    """
    return _RegionParser(text).parse()


class _RegionParser:
    """A recursive descent over the words of a text."""

    def __init__(self, text: str) -> None:
        self.text, self.index, self.depth, self.shapes = text, 0, 0, 0
        self.words = self._split()

    def _split(self) -> list[_Word]:
        if len(self.text) > LONGEST:
            raise ExpressionError(
                f"expected at most {LONGEST} characters, found {len(self.text)}", f"{self.text[:60]} ...", 0
            )
        words, position, stripped = [], 0, self.text.rstrip()
        while position < len(stripped):
            match = TOKEN.match(stripped, position)
            if match is None:
                at = len(stripped) - len(stripped[position:].lstrip())
                raise ExpressionError(f"{stripped[at]!r} has no meaning here", self.text, at)
            kind = str(match.lastgroup)
            words.append(_Word(kind, match[kind].lower(), match.start(kind)))
            position = match.end()
        return [*words, _Word("end", "", len(stripped))]

    @property
    def current(self) -> _Word:
        return self.words[self.index]

    def error(self, message: str, word: _Word | None = None) -> ExpressionError:
        return ExpressionError(message, self.text, (word or self.current).position)

    def take(self, *texts: str) -> bool:
        if self.current.kind == "number" or self.current.text not in texts:
            return False
        self.index += 1
        return True

    def parse(self) -> Contains:
        region = self.region()
        if self.current.kind != "end":
            raise self.error("expected the end")
        return region

    def region(self) -> Contains:
        word = self.current
        self.shapes += 1
        if self.shapes > MOST_SHAPES:
            raise self.error(f"expected at most {MOST_SHAPES} shapes")
        if word.kind != "word" or word.text not in (*OPERATORS, *USAGE):
            raise self.error(f"expected a shape ({', '.join(USAGE)}) or one of {', '.join(OPERATORS)}")
        self.index += 1
        self.frame()
        return self.joined(word) if word.text in OPERATORS else self.shape(word)

    def frame(self) -> None:
        """Skip the frame, which must be ICRS, and words that have no effect on directions."""
        self.take("icrs")
        self.take(*ORIGINS)
        self.take("spherical2")
        if self.current.kind == "word" and self.current.text not in (*OPERATORS, *USAGE, "unit"):
            raise self.error(f"{self.current.text} is not supported; expected ICRS and degrees")

    def joined(self, word: _Word) -> Contains:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"expected at most {DEEPEST} parentheses within one another", word)
        if not self.take("("):
            raise self.error("expected '('")
        parts = [self.region()]
        while not self.take(")"):
            parts.append(self.region())
        self.depth -= 1
        counts = {"not": (1,), "difference": (2,)}.get(word.text, range(1, MOST_SHAPES + 1))
        if len(parts) not in counts:
            raise self.error(f"{word.text} has {len(parts)} shapes; expected {counts[0]}", word)
        match word.text:
            case "not":
                return lambda ra, dec: ~parts[0](ra, dec)
            case "difference":
                return lambda ra, dec: parts[0](ra, dec) & ~parts[1](ra, dec)
            case "union":
                return lambda ra, dec: reduce(np.logical_or, (part(ra, dec) for part in parts))
        return lambda ra, dec: reduce(np.logical_and, (part(ra, dec) for part in parts))

    def shape(self, word: _Word) -> Contains:
        numbers = []
        while self.current.kind == "number":
            numbers.append(float(self.current.text))
            self.index += 1
        if self.take("unit") and not self.take("deg"):
            raise self.error("expected degrees: unit deg")
        try:
            return _SHAPES[word.text](numbers)
        except ConfigError as error:
            raise self.error(f"{word.text}: {error}", word) from None


def _expect(word: str, numbers: list[float], *counts: int) -> None:
    if len(numbers) not in counts:
        raise ConfigError(f"{len(numbers)} numbers; write {USAGE[word]}")


def _position(ra: float, dec: float) -> tuple[float, float]:
    if not (-360 <= ra <= 360 and -90 <= dec <= 90):
        raise ConfigError(f"({ra:g}, {dec:g}) is not on the sky; expected right ascension and declination in degrees")
    return ra % 360, dec


def _circle(numbers: list[float]) -> Contains:
    _expect("circle", numbers, 3)
    (ra, dec), radius = _position(*numbers[:2]), numbers[2]
    if not 0 < radius <= 180:
        raise ConfigError(f"a radius of {radius:g} degrees; expected more than 0 and at most 180")
    return lambda lon, lat: _offsets(lon, lat, ra, dec)[0] <= radius


def _ellipse(numbers: list[float]) -> Contains:
    _expect("ellipse", numbers, 5)
    (ra, dec), (first, second, angle) = _position(*numbers[:2]), numbers[2:]
    if not (0 < first <= 90 and 0 < second <= 90 and abs(angle) <= 360):
        raise ConfigError(
            f"half axes of {first:g} and {second:g} degrees at {angle:g}; expected up to 90, at up to 360"
        )

    def contains(lon: FloatArray, lat: FloatArray) -> Membership:
        distance, towards = _offsets(lon, lat, ra, dec)
        along, across = (distance * turn(towards - math.radians(angle)) for turn in (np.cos, np.sin))
        return np.asarray((along / first) ** 2 + (across / second) ** 2 <= 1)

    return contains


def _interval(numbers: list[float]) -> Contains:
    _expect("positioninterval", numbers, 4)
    (first, low), (last, high) = _position(*numbers[:2]), _position(*numbers[2:])
    if not low <= high:
        raise ConfigError(f"the lower declination {low:g} is above the upper one {high:g}")
    width = 360.0 if abs(numbers[2] - numbers[0]) == 360 else (last - first) % 360
    return lambda lon, lat: ((lon - first) % 360 <= width) & (lat >= low) & (lat <= high)


def _all_sky(numbers: list[float]) -> Contains:
    _expect("allsky", numbers, 0)
    return lambda lon, lat: np.isfinite(lon) & np.isfinite(lat)


def _polygon(numbers: list[float]) -> Contains:
    if len(numbers) < 6 or len(numbers) % 2:
        raise ConfigError(f"{len(numbers)} numbers; write {USAGE['polygon']}")
    return polygon(list(zip(numbers[::2], numbers[1::2], strict=True)))


_SHAPES: dict[str, Callable[[list[float]], Contains]] = {
    "circle": _circle, "ellipse": _ellipse, "polygon": _polygon, "positioninterval": _interval, "allsky": _all_sky,
}  # fmt: skip


def polygon(corners: list[tuple[float, float]]) -> Contains:
    """Return the test of a polygon of great circles, by the even-odd rule. ConfigError if it spans half of the sky.

    In a gnomonic projection great circles are straight lines (Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.3).
    """
    from daxa_wf.events.expression import shapes

    vectors = np.array([_vector(*_position(ra, dec)) for ra, dec in corners])
    centre = _centre(vectors)
    if centre is None:
        raise ConfigError("a polygon that spans half of the sky or more; expected a smaller one")
    east, north = _tangents(centre)
    planar = np.column_stack([vectors @ east, vectors @ north]) / (vectors @ centre)[:, None]

    def contains(lon: FloatArray, lat: FloatArray) -> Membership:
        points = _vector(np.asarray(lon, float), np.asarray(lat, float))
        depth = np.tensordot(centre, points, 1)
        with np.errstate(all="ignore"):
            x, y = (np.tensordot(axis, points, 1) / depth for axis in (east, north))
            inside = shapes.polygon(x, y, *planar.ravel())
        return np.asarray((depth > 0) & inside, dtype=bool)

    return contains


def _vector(ra: Any, dec: Any) -> FloatArray:
    """Return unit vectors of positions, shape (3, ...)."""
    lon, lat = np.deg2rad(ra), np.deg2rad(dec)
    return np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


NEAREST_TO_HALF = math.cos(math.radians(89.9))


def _centre(vectors: FloatArray) -> FloatArray | None:
    """Return a direction less than 90 degrees from all corners, shape (corners, 3), or None."""
    around = np.cross(vectors, np.roll(vectors, -1, axis=0)).sum(axis=0)
    for candidate in (vectors.sum(axis=0), around, -around):
        length = np.linalg.norm(candidate)
        if length > 1e-9 and np.all(vectors @ (candidate / length) > NEAREST_TO_HALF):
            return np.asarray(candidate / length)
    return None


def _tangents(centre: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two directions at right angles to a direction and to each other."""
    aside = np.eye(3)[np.argmin(np.abs(centre))]
    east = np.cross(aside, centre)
    east /= np.linalg.norm(east)
    return east, np.cross(centre, east)


def _offsets(lon: FloatArray, lat: FloatArray, ra: float, dec: float) -> tuple[FloatArray, FloatArray]:
    """Return distances from a position in degrees, and directions from it in radians, from north through east."""
    dlon, lat, lat0 = np.deg2rad(np.asarray(lon, float) - ra), np.deg2rad(lat), math.radians(dec)
    east = np.cos(lat) * np.sin(dlon)
    north = np.sin(lat) * np.cos(lat0) - np.cos(lat) * np.sin(lat0) * np.cos(dlon)
    ahead = np.sin(lat) * np.sin(lat0) + np.cos(lat) * np.cos(lat0) * np.cos(dlon)
    return np.rad2deg(np.arctan2(np.hypot(east, north), ahead)), np.arctan2(east, north)


def read_moc(path: Path) -> Contains:
    """Return the test of a MOC file. ConfigError if it does not exist or is not a MOC.

    mocpy aborts the process on some damaged files, so it runs in a separate process with limits.
    """
    from daxa_wf.fits.stream import check_structure
    from daxa_wf.limited import run_limited

    try:
        check_structure(path)
        ranges = run_limited("daxa_wf.selection.sky_regions:moc_ranges", str(path))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (CorruptFileError, ValueError) as error:
        raise ConfigError(f"{path} is not a MOC in a FITS file: {error}") from None
    return _within_ranges(ranges)


def moc_ranges(path: str) -> NDArray[Any]:
    """Return the cells of a MOC file as ranges of HEALPix indices of order 29, shape (ranges, 2)."""
    from mocpy import MOC

    return np.asarray(MOC.from_fits(path).to_depth29_ranges, dtype=np.uint64).reshape(-1, 2)


LAST_CELL = 12 * 4**29


def _within_ranges(ranges: NDArray[Any]) -> Contains:
    from astropy import units
    from mocpy import MOC

    if len(ranges) and not (np.all(ranges[:, 0] < ranges[:, 1]) and ranges.max() <= LAST_CELL):
        raise ConfigError("a MOC with impossible cells; expected HEALPix cells of order 29 or less")
    moc = MOC.from_depth29_ranges(29, ranges)

    def contains(lon: FloatArray, lat: FloatArray) -> Membership:
        known = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90)
        inside = moc.contains_lonlat(np.where(known, lon, 0.0) * units.deg, np.where(known, lat, 0.0) * units.deg)
        return np.asarray(known & inside, dtype=bool)

    return contains
