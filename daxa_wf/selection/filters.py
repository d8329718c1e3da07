"""Filters of observations: data that say what to keep, each a pure function of an observation table."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, ExpressionError
from daxa_wf.mission.spec import Instrument, MissionSpec
from daxa_wf.near import closest
from daxa_wf.selection.sky_regions import Contains
from daxa_wf.tables.exposures import BETWEEN

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Filter:
    """A named cut; `keep` maps table and mission to True for rows that stay, `notes` to what the user should know."""

    name: str
    description: str
    keep: Callable[[pd.DataFrame, MissionSpec], Mask]
    notes: Callable[[pd.DataFrame, MissionSpec], list[str]] = lambda table, spec: []


def obsids(wanted: tuple[str, ...], exclude: bool = False) -> Filter:
    """Only these ObsIDs, or all but these; those that the table does not have are noted.

    ConfigError if one is not like the mission's.
    """

    def meant(spec: MissionSpec) -> list[str]:
        for obsid in wanted:
            if not spec.is_obsid(obsid):
                raise ConfigError(f"{spec.name}: {obsid!r} is not an ObsID; expected {spec.obsid_pattern}")
        return [each for obsid in wanted for each in spec.meant("obsid", obsid)]

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        return _array(table["obsid"].isin(meant(spec)) != exclude)

    def notes(table: pd.DataFrame, spec: MissionSpec) -> list[str]:
        known = set(table["obsid"])
        absent = [obsid for obsid in dict.fromkeys(meant(spec)) if obsid not in known]
        return [f"ObsIDs that are not in the table: {', '.join(absent)}"] if absent else []

    if exclude:
        return Filter("not_obsids", f"{len(wanted)} ObsIDs left out", keep, notes)
    return Filter("obsids", f"{len(wanted)} ObsIDs", keep, notes)


def rectangle(low: tuple[float, float], high: tuple[float, float], galactic: bool = False) -> Filter:
    """Keep longitudes between those of two corners, and latitudes between theirs; degrees.

    From a lower to a higher longitude the rectangle reaches eastwards, however wide it is. From a higher to a lower one
    the narrower of the two rectangles is taken: that across 0 h (350 to 10), or that of a sky map with east to the left
    (39 to 30).
    """
    for longitude, latitude in (low, high):
        if not math.isfinite(longitude):
            raise ConfigError(f"rectangle: {longitude} is not a longitude; expected degrees")
        if not abs(latitude) <= 90:
            raise ConfigError(f"rectangle: {latitude} is no latitude; expected -90 to 90 degrees")
    if low[1] > high[1]:
        raise ConfigError(f"rectangle: the lower latitude {low[1]} is above the upper one {high[1]}")
    west, width = _longitudes(low[0], high[0])
    east = west + width

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        lon, lat = _galactic(table) if galactic else (table["ra"].to_numpy(), table["dec"].to_numpy())
        return _array(((lon - west) % 360 <= width) & (lat >= low[1]) & (lat <= high[1]))

    def notes(table: pd.DataFrame, spec: MissionSpec) -> list[str]:
        if not 180 < width < 360:
            return []
        return [
            f"rectangle: {width:g} degrees wide eastwards; for the {360 - width:g} degrees on the other side begin at {east:g}"
        ]

    across = " across 0 h" if east > 360 else ""
    frame = ", Galactic" if galactic else ""
    described = (
        f"longitude {west:g} to {east % 360 or east:g}{across}, latitude {low[1]:g} to {high[1]:g} degrees{frame}"
    )
    return Filter("rectangle", described, keep, notes)


def _longitudes(one: float, two: float) -> tuple[float, float]:
    """Return the western longitude of a rectangle and its width in degrees, from the longitudes of its corners."""
    if two - one >= 360:
        return one, 360.0
    eastwards = (two - one) % 360
    if two > one or eastwards <= 180:
        return one, eastwards
    return two, 360 - eastwards


def _galactic(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from astropy.coordinates import SkyCoord

    sky = SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg").galactic
    return sky.l.deg, sky.b.deg


def circle(lon: float, lat: float, radius: float) -> Filter:
    """Pointing centres within `radius` degrees of a position (ICRS degrees)."""
    from daxa_wf.selection.matching import separations
    from daxa_wf.selection.positions import positions

    centre = positions((lon, lat), radius=radius)

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        return _array(separations(table["ra"], table["dec"], centre.ra, centre.dec) <= radius)

    return Filter("circle", f"within {radius:g} degrees of ({lon:g}, {lat:g})", keep)


def region(contains: Contains, description: str) -> Filter:
    """Pointing centres within a region of the sky."""

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        return _array(contains(table["ra"].to_numpy(float), table["dec"].to_numpy(float)))

    return Filter("region", description, keep)


def polygon(corners: tuple[tuple[float, float], ...]) -> Filter:
    """Pointing centres within a polygon of great circles, which is smaller than half of the sky."""
    from daxa_wf.selection import sky_regions

    if len(corners) < 3:
        raise ConfigError(f"polygon: {len(corners)} corners; expected three or more [ra, dec]")
    try:
        contains = sky_regions.polygon(list(corners))
    except ConfigError as error:
        raise ConfigError(f"polygon: {error}") from None
    return Filter("polygon", f"{len(corners)} corners", region(contains, "").keep)


def time(start: pd.Timestamp | None, end: pd.Timestamp | None, inside: bool = False) -> Filter:
    """Observations that overlap [start, end] (UTC), or lie wholly inside; None is open."""

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        first, last = (table["start"], table["end"]) if inside else (table["end"], table["start"])
        result = table["start"].notna() & table["end"].notna()
        if start is not None:
            result &= first >= start
        if end is not None:
            result &= last <= end
        return _array(result)

    start, end = _utc(start), _utc(end)
    if start is not None and end is not None and start > end:
        raise ConfigError(f"time: the start {start} is after the end {end}")
    return Filter("time", f"{start or ''} to {end or ''}{', wholly inside' if inside else ''}", keep)


def _utc(moment: pd.Timestamp | None) -> pd.Timestamp | None:
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.tz_convert("UTC").tz_localize(None)


def target_types(codes: tuple[str, ...]) -> Filter:
    """Targets of these types. ConfigError if the mission has no types, or none of a code."""
    from daxa_wf.mission.taxonomy import TARGET_TYPES

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        if not spec.target_types and "target_type" not in spec.constants:
            raise ConfigError(f"{spec.name} has no target types in its table; leave target_type out for it")
        return _array(table["target_type"].isin(codes))

    unknown = [code for code in codes if code not in TARGET_TYPES]
    if unknown:
        raise ConfigError(f"target_type: {', '.join(unknown)} unknown; there are {', '.join(TARGET_TYPES)}")
    return Filter("target_type", ", ".join(codes), keep)


def instruments(names: tuple[str, ...], exposure: Mapping[str, float] | None = None) -> Filter:
    """Observations with data of any of the instruments, and more than so many seconds of those in `exposure`."""

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        wanted = instruments_named(spec, names)
        unknown = table["instruments"] == ""
        result = unknown.copy()
        for name in wanted:
            result |= has_instrument(table, name)
        for name, seconds in (exposure or {}).items():
            result &= exposure_of(table, spec, name) > seconds
        return _array(result)

    longer = [f"{name} > {seconds:g} s" for name, seconds in (exposure or {}).items()]
    return Filter("instruments", ", ".join([" or ".join(names), *longer]), keep)


def with_data(names: tuple[str, ...]) -> Filter:
    """Keep observations with data of any of the chosen instruments, and those of which the table does not list any."""
    return Filter("data", f"data of {' or '.join(names)}", instruments(names).keep)


def instrument_of(spec: MissionSpec, name: str) -> Instrument:
    """The instrument that a user's word means; ConfigError names those that there are."""
    try:
        return spec.instrument(name)
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from None


def instruments_named(spec: MissionSpec, names: Iterable[str]) -> tuple[str, ...]:
    """Return the instruments that a user's words and groups mean, each once; ConfigError names those that exist."""
    try:
        return tuple(dict.fromkeys(each for name in names for each in spec.instruments_named(name)))
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from None


def has_instrument(table: pd.DataFrame, instrument: str) -> pd.Series:
    """True for observations whose table lists data of the instrument."""
    return (" " + table["instruments"] + " ").str.contains(f" {instrument} ", regex=False)


def exposure_of(table: pd.DataFrame, spec: MissionSpec, name: str) -> pd.Series:
    """Seconds of exposure of an instrument, the longest of a group; ConfigError if the mission's table does not say."""
    group = spec.groups.get(name.upper(), ())
    if group:
        return pd.concat([exposure_of(table, spec, each) for each in group], axis=1).max(axis=1)
    instrument = instrument_of(spec, name)
    if instrument.exposure_column in table:
        return table[instrument.exposure_column]
    if not spec.simultaneous:
        return table["exposure"].where(has_instrument(table, instrument.name), 0.0)
    raise ConfigError(f"{spec.name}: its table has no exposure of {name}; use 'exposure' of the observation")


def column_in(column: str, values: tuple[str, ...]) -> Filter:
    """Rows whose value in a mission's column (mode, filter, grating, field, field_type ...) is one of these.

    Text is compared in upper case, numbers as numbers.
    """

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        values_there = column_of(table, spec, column)
        meant = [each for value in values for each in spec.meant(column, value)]
        if is_number(values_there):
            return _array(values_there.isin([_number(column, value) for value in meant]))
        return among(values_there, [each.upper() for each in meant])

    return Filter(column, ", ".join(values), keep)


def among(values: pd.Series, meant: Collection[str]) -> Mask:
    """True where a text, or one of the texts that a column holds for several exposures, is among upper-case `meant`."""
    texts, wanted = values.astype(str).str.upper(), set(meant)
    known = {text: not wanted.isdisjoint((text, *text.split(BETWEEN))) for text in texts.unique()}
    return _array(texts.map(known))


def column_of(table: pd.DataFrame, spec: MissionSpec, column: str) -> pd.Series:
    """A column of the mission's table; ConfigError names those that there are, and the closest."""
    if column not in table:
        there = ", ".join(table.columns)
        raise ConfigError(f"{spec.name} has no column {column!r}; it has {there}{closest(column, table.columns)}")
    return table[column]


def is_number(values: pd.Series) -> bool:
    """True for columns of numbers, which flags are not."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _number(column: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"columns.{column}: {text!r} is no number, and the column holds numbers") from None


def public(now: pd.Timestamp) -> Filter:
    """Observations whose proprietary time is over at `now`; an unknown end does not keep one out where none is known."""

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        known = table["proprietary_end"].notna()
        has_dates = any(column.name == "proprietary_end" for source in spec.tables for column in source.columns)
        return _array((known & (table["proprietary_end"] <= now)) | (~known & (not has_dates)))

    return Filter("public", f"proprietary time over at {now:%Y-%m-%d}", keep)


def science_usable() -> Filter:
    """Observations that the mission calls fit for science."""
    return Filter("science_usable", "fit for science", lambda table, spec: _array(table["science_usable"]))


def expression(text: str) -> Filter:
    """Rows for which an expression on numeric columns is true, in the language of selection expressions."""
    from daxa_wf.events.expression import kind_of, parse

    parsed = parse(text)

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        numeric = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
        columns = {name: table[name].to_numpy() for name in numeric}
        kinds = {name.upper(): kind_of(values.dtype) for name, values in columns.items() if values.dtype.kind in "iuf"}
        try:
            return _array(parsed.bind({}, numeric, kinds=kinds).mask(columns))
        except ExpressionError as error:
            raise ConfigError(f"{spec.name}: {error}") from None

    return Filter("expression", text, keep)


def _array(values: Any) -> Mask:
    return np.asarray(values, dtype=bool)
