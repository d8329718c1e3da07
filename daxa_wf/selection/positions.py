"""Positions of objects, with the radius and the window of time in which observations match them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daxa_wf.errors import ConfigError


@dataclass(frozen=True)
class Positions:
    """Objects with distinct names, ICRS degrees, a radius in degrees, and optional windows of time (UTC). Shapes (objects,).

    The radius is one, one for each object, or one by instrument; None stands for 1.2 fields of view. ConfigError names the
    first object whose numbers cannot be used.
    """

    names: tuple[str, ...]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    radius: float | NDArray[np.float64] | Mapping[str, float] | None = None
    start: NDArray[Any] | None = None
    end: NDArray[Any] | None = None
    instruments: tuple[str, ...] = ()
    footprint: bool = False
    """Match footprints of observations, if the table has them, in place of pointing centres."""

    def __post_init__(self) -> None:
        if len(self.names) == 0:
            raise ConfigError("positions: the list is empty; expected at least one")
        if len(set(self.names)) < len(self.names):
            twice = Counter(self.names).most_common(1)[0][0]
            raise ConfigError(f"positions: {twice!r} is the name of more than one; an association needs distinct names")
        self._refuse(
            ~(np.isfinite(self.ra) & (self.ra >= -180) & (self.ra <= 360) & (np.abs(self.dec) <= 90)),
            lambda row: f"({self.ra[row]}, {self.dec[row]}); expected right ascension and declination in degrees",
        )
        self._check_radius()
        self._check_windows()

    def _check_radius(self) -> None:
        given = self.radius
        if given is None:
            return
        if isinstance(given, Mapping):
            for name, value in given.items():
                if not 0 < value <= 180:
                    raise ConfigError(f"radius.{name} is {value} degrees; expected above 0, at most 180")
            return
        radius = np.broadcast_to(np.asarray(given, float), len(self.names))
        self._refuse(
            ~((radius > 0) & (radius <= 180)),
            lambda row: f"to be matched within {radius[row]} degrees; expected above 0, at most 180",
        )

    def _check_windows(self) -> None:
        if (self.start is None) != (self.end is None):
            raise ConfigError("positions: windows of time need both ends")
        if self.start is None or self.end is None:
            return
        start, end = self.start, self.end
        self._refuse(
            ~(start <= end),
            lambda row: f"to be matched from {start[row]} to {end[row]}; expected two times in their order",
        )

    def _refuse(self, bad: NDArray[np.bool_], is_what: Any) -> None:
        rows = np.flatnonzero(bad)
        if len(rows):
            more = f" ({len(rows)} such positions)" if len(rows) > 1 else ""
            raise ConfigError(f"position {rows[0] + 1} ({self.names[rows[0]]}) is {is_what(rows[0])}{more}")


def positions(coordinates: ArrayLike, names: Sequence[str] | None = None, **options: Any) -> Positions:
    """Make Positions from degrees: one pair (list, tuple or array of two numbers), or shape (objects, 2).

    >>> positions([(10.68, 41.27), (83.63, 22.01)], ["M31", "Crab"], radius=0.5).names
    ('M31', 'Crab')
    """
    pairs = np.atleast_2d(np.asarray(coordinates, dtype=float))
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ConfigError(f"positions: an array of shape {pairs.shape}; expected (2,) or (objects, 2)")
    labels = names or [f"({ra:g}, {dec:g})" for ra, dec in pairs]
    return Positions(distinct(labels), pairs[:, 0], pairs[:, 1], **options)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Make names distinct: add the number of the row (from 1) to repeated names.

    >>> distinct(["A", "B", "A"])
    ('A (row 1)', 'B', 'A (row 3)')
    """
    listed = tuple(names)
    times = Counter(listed)
    if len(times) == len(listed):
        return listed
    numbered = tuple(f"{name} (row {row})" if times[name] > 1 else name for row, name in enumerate(listed, start=1))
    return numbered if len(set(numbered)) == len(listed) else distinct(numbered)


def to_icrs(lon: ArrayLike, lat: ArrayLike, frame: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Convert degrees in one of astropy's frames to ICRS degrees. ConfigError if astropy does not know the frame."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    if frame == "icrs":
        return lon, lat
    from astropy.coordinates import SkyCoord

    try:
        sky = SkyCoord(lon, lat, unit="deg", frame=frame).icrs
    except ValueError as error:
        raise ConfigError(f"frame: {frame!r} cannot be used: {error}") from None
    return sky.ra.deg, sky.dec.deg


def degrees_of_texts(lon: Sequence[str], lat: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Convert texts to degrees: plain numbers are degrees, sexagesimal longitudes are hours.

    ValueError names a text that is not a coordinate.

    >>> lon, lat = degrees_of_texts(["00 42 44.3"], ["+41 16 09"])
    >>> lon.round(4), lat.round(4)
    (array([10.6846]), array([41.2692]))
    """
    return np.array([_degrees(text, 15.0) for text in lon]), np.array([_degrees(text, 1.0) for text in lat])


def _degrees(text: str, degrees_per_unit: float) -> float:
    from astropy.coordinates import Angle
    from astropy.units import UnitsError

    try:
        return float(text)
    except ValueError:
        pass
    try:
        angle = Angle(text.strip(), unit="deg")
    except (ValueError, UnitsError):
        raise ValueError(
            f"{text!r} is not a coordinate; write degrees (10.68), or hours and degrees as '00 42 44.3', '+41 16 09'"
        ) from None
    has_unit = any(letter in text.lower() for letter in "hd")
    return float(angle.deg) if has_unit else float(angle.deg) * degrees_per_unit
