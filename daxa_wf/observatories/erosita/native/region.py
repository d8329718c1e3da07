"""Regions of the sky as eSASS's evtool takes them: `fk5; circle(133.237, 5.461, 0.1)`, in the words of DS9.

Source: eSASS evtool 2.29, 'Description' (RA, DEC via a region specification); the parameters of a genuine evtool
(SASSHIST: `region=j2000;circle(133.2369537d,5.461465359d,0.1d)`); DS9 reference manual, 'Regions'. The package regions
(0.12) is not used: it skips shapes that it does not know with a warning only, tests sky regions on the pixels of a WCS only,
and its import takes 0.4 s of CPU.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError

FRAMES = ("fk5", "j2000", "icrs")
"""Frames; fk5 and icrs differ by less than 0.1 arcsec, which is nothing to eROSITA."""

SHAPES = {"circle": (1, False), "annulus": (2, False), "ellipse": (2, True), "box": (2, True)}
"""Shape -> number of lengths after the position, and True if an angle follows them."""

UNITS = {"": 1.0, "d": 1.0, "'": 1 / 60, '"': 1 / 3600}
"""Suffix of a number -> degrees."""

SHAPE = re.compile(r"(?P<sign>[+-]?)\s*(?P<name>[a-z]+)\s*\((?P<numbers>[^()]*)\)")
NUMBER = re.compile(r"(?P<value>[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)(?P<unit>[d'\"]?)")
SEXAGESIMAL = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d+):(?P<minutes>\d+):(?P<seconds>\d+\.?\d*)")
EXAMPLE = "such as 'fk5; circle(133.237, 5.461, 0.1)'"


@dataclass(frozen=True)
class SkyShape:
    """A circle (radius), annulus (radii), ellipse (half axes) or box (widths) about `ra`, `dec`; all in degrees.

    `angle`: from west to north, as DS9 has it. `excluded`: positions within it are left out.
    """

    name: str
    excluded: bool
    ra: float
    dec: float
    lengths: tuple[float, ...]
    angle: float = 0.0

    def contains(self, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return True for positions (degrees) within it, its edge included; shape of `ra`."""
        lon, lat, lat0 = np.deg2rad(ra - self.ra), np.deg2rad(dec), np.deg2rad(self.dec)
        west = -np.cos(lat) * np.sin(lon)
        north = np.sin(lat) * np.cos(lat0) - np.cos(lat) * np.sin(lat0) * np.cos(lon)
        ahead = np.sin(lat) * np.sin(lat0) + np.cos(lat) * np.cos(lat0) * np.cos(lon)
        distance = np.rad2deg(np.arctan2(np.hypot(west, north), ahead))
        if self.name == "circle":
            return np.asarray(distance <= self.lengths[0])
        if self.name == "annulus":
            return np.asarray((distance >= self.lengths[0]) & (distance <= self.lengths[1]))
        turned = np.arctan2(north, west) - np.deg2rad(self.angle)
        along, across = distance * np.cos(turned), distance * np.sin(turned)
        first, second = self.lengths
        if self.name == "ellipse":
            return np.asarray((along / first) ** 2 + (across / second) ** 2 <= 1)
        return np.asarray((np.abs(along) <= first / 2) & (np.abs(across) <= second / 2))

    def __str__(self) -> str:
        numbers = [f"{value:.10g}d" for value in (self.ra, self.dec, *self.lengths)]
        numbers += [f"{self.angle:.10g}"] if SHAPES[self.name][1] else []
        return f"{'-' if self.excluded else ''}{self.name}({','.join(numbers)})"


@dataclass(frozen=True)
class Region:
    """The positions in any of the included shapes (without one, in all of the sky) and outside of the excluded ones."""

    shapes: tuple[SkyShape, ...]

    def contains(self, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return True for positions (degrees) in it; shape of `ra`."""
        included = [shape for shape in self.shapes if not shape.excluded]
        kept = np.full(ra.shape, not included)
        for shape in included:
            kept |= shape.contains(ra, dec)
        for shape in self.shapes:
            if shape.excluded:
                kept &= ~shape.contains(ra, dec)
        return kept

    def __str__(self) -> str:
        return f"j2000;{';'.join(str(shape) for shape in self.shapes)}"


def parse_region(text: str) -> Region:
    """Parse the text of a region; ConfigError names the part that is not understood."""
    frame, *shapes = [part.strip() for part in re.split(r"[;\n]", text.lower()) if part.strip()] or [""]
    if frame not in FRAMES or not shapes:
        raise ConfigError(f"region {text!r}: expected a frame ({', '.join(FRAMES)}) and shapes, {EXAMPLE}")
    return Region(tuple(_shape(part) for part in shapes))


def _shape(text: str) -> SkyShape:
    match = SHAPE.fullmatch(text)
    if match is None or match["name"] not in SHAPES:
        raise ConfigError(f"region: {text!r} is not a shape; choose from {', '.join(SHAPES)}, {EXAMPLE}")
    name, (lengths, turned) = match["name"], SHAPES[match["name"]]
    words = [word for word in re.split(r"[,\s]+", match["numbers"].strip()) if word]
    if len(words) not in (2 + lengths, 2 + lengths + turned):
        count = f"{2 + lengths} or {3 + lengths}" if turned else f"{2 + lengths}"
        raise ConfigError(f"region: {text!r} has {len(words)} numbers, {name} has {count}")
    ra, dec = _degrees(words[0], 15.0), _degrees(words[1], 1.0)
    sizes = tuple(_degrees(word, 1.0) for word in words[2 : 2 + lengths])
    extended = 0 <= sizes[0] < sizes[1] if name == "annulus" else min(sizes) > 0
    if not (0 <= ra <= 360 and -90 <= dec <= 90 and extended):
        raise ConfigError(f"region: {text!r} is nowhere on the sky, or has no extent")
    angle = _degrees(words[-1], 1.0) if len(words) == 3 + lengths else 0.0
    return SkyShape(name, match["sign"] == "-", ra, dec, sizes, angle)


def _degrees(word: str, of_an_hour: float) -> float:
    """Return a number in degrees: 1.5, 1.5d, 90', 5400", or with colons (hours, for right ascension, and degrees)."""
    if match := SEXAGESIMAL.fullmatch(word):
        size = int(match["whole"]) + int(match["minutes"]) / 60 + float(match["seconds"]) / 3600
        return (-size if match["sign"] == "-" else size) * of_an_hour
    if match := NUMBER.fullmatch(word):
        return float(match["value"]) * UNITS[match["unit"]]
    raise ConfigError(f"region: {word!r} is not a number; write degrees, 90', 5400\" or 08:52:56.9")
