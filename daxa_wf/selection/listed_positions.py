"""Make positions from objects that the configuration lists with their own radii and windows of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from daxa_wf.errors import ConfigError
from daxa_wf.selection.option_types import moment
from daxa_wf.selection.positions import Positions, degrees_of_texts, distinct, to_icrs

if TYPE_CHECKING:
    from daxa_wf.selection.options import ListedPosition

OPEN = (np.datetime64("1900-01-01", "ms"), np.datetime64("2200-01-01", "ms"))
"""Ends of a window that is open on a side: before and after all observations."""


def listed_positions(
    objects: Sequence[ListedPosition],
    frame: str,
    radius: float | Mapping[str, float] | None,
    instruments: tuple[str, ...],
    footprint: bool,
) -> Positions:
    """Return the positions of listed objects, in ICRS. Objects without a radius have `radius`.

    ConfigError if only some of the objects have a radius, and `radius` is not one number for the others.
    """
    lon, lat = degrees_of_texts([str(item.ra) for item in objects], [str(item.dec) for item in objects])
    ra, dec = to_icrs(lon, lat, frame)
    names = [item.name or f"({east:g}, {north:g})" for item, east, north in zip(objects, ra, dec, strict=True)]
    start, end = _windows(objects)
    reach = _radii(objects, names, radius)
    if footprint and reach is not None:
        raise ConfigError("positions: match: footprint does not use a radius; remove the objects' 'radius'")
    return Positions(distinct(names), ra, dec, reach, start, end, instruments, footprint)


def _radii(objects: Sequence[ListedPosition], names: Sequence[str], radius: float | Mapping[str, float] | None) -> Any:
    own = [item.radius for item in objects]
    if all(value is None for value in own):
        return radius
    usual = None if isinstance(radius, Mapping) else radius
    without = [name for name, value in zip(names, own, strict=True) if value is None]
    if without and usual is None:
        raise ConfigError(
            f"positions: {without[0]} has no radius, but other objects have one; give it a radius, or write one 'radius' "
            "for all objects without their own beside 'positions'"
        )
    return np.array([usual if value is None else value for value in own], float)


def _windows(objects: Sequence[ListedPosition]) -> tuple[Any, Any]:
    """Return the starts and ends of the windows, UTC, or (None, None) if no object has a window."""
    if all(item.start is None and item.end is None for item in objects):
        return None, None
    starts = [OPEN[0] if item.start is None else _utc(item.start) for item in objects]
    ends = [OPEN[1] if item.end is None else _utc(item.end) for item in objects]
    return np.array(starts, "datetime64[ms]"), np.array(ends, "datetime64[ms]")


def _utc(text: str) -> np.datetime64:
    time = moment(text)
    plain = time.tz_convert("UTC").tz_localize(None) if time.tzinfo is not None else time
    return np.datetime64(plain.to_datetime64(), "ms")
