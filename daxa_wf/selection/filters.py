"""Filters of observations: each is a pure function of an observation table.

>>> import pandas as pd
>>> from daxa_wf.mission.registry import MISSIONS
>>> table = pd.DataFrame({"obsid": ["20001", "20002"], "ra": [10.7, 150.0], "dec": [41.3, 2.2]})
>>> circle(10.68, 41.27, radius=0.5).keep(table, MISSIONS["chandra"])
array([ True, False])
"""

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
    """A named cut. `keep` maps a table and its mission to True for rows that stay, `notes` to remarks for the user."""

    name: str
    description: str
    keep: Callable[[pd.DataFrame, MissionSpec], Mask]
    notes: Callable[[pd.DataFrame, MissionSpec], list[str]] = lambda table, spec: []


def obsids(names: tuple[str, ...], exclude: bool = False) -> Filter:
    """Keep only the given ObsIDs, or drop them if `exclude`. ObsIDs that the table lacks are noted.

    ConfigError if an ObsID does not have the mission's pattern.
    """

    def resolve(spec: MissionSpec) -> list[str]:
        for name in names:
            if not spec.is_obsid(name):
                raise ConfigError(f"{spec.name}: {name!r} is not an ObsID; expected {spec.obsid_pattern}")
        return [obsid for name in names for obsid in spec.values_for("obsid", name)]

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        return _array(table["obsid"].isin(resolve(spec)) != exclude)

    def notes(table: pd.DataFrame, spec: MissionSpec) -> list[str]:
        known = set(table["obsid"])
        absent = [obsid for obsid in dict.fromkeys(resolve(spec)) if obsid not in known]
        return [f"ObsIDs that are not in the table: {', '.join(absent)}"] if absent else []

    if exclude:
        return Filter("not_obsids", f"{len(names)} ObsIDs left out", keep, notes)
    return Filter("obsids", f"{len(names)} ObsIDs", keep, notes)


def rectangle(low: tuple[float, float], high: tuple[float, float], galactic: bool = False) -> Filter:
    """Keep pointing centres within a rectangle, given by two corners in degrees.

    From a lower to a higher longitude the rectangle reaches eastwards, however wide it is. From a higher to a lower
    longitude it is the narrower of the two possible rectangles: across 0 h (350 to 10), or as on a sky map with east to
    the left (39 to 30).

    >>> rectangle((350, -5), (10, 5)).description
    'longitude 350 to 10 across 0 h, latitude -5 to 5 degrees'
    """
    for longitude, latitude in (low, high):
        if not math.isfinite(longitude):
            raise ConfigError(f"rectangle: {longitude} is not a longitude; expected degrees")
        if not abs(latitude) <= 90:
            raise ConfigError(f"rectangle: {latitude} is not a latitude; expected -90 to 90 degrees")
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
    """Keep pointing centres within `radius` degrees of a position (ICRS degrees)."""
    from daxa_wf.selection.matching import separations
    from daxa_wf.selection.positions import positions

    centre = positions((lon, lat), radius=radius)

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        return _array(separations(table["ra"], table["dec"], centre.ra, centre.dec) <= radius)

    return Filter("circle", f"within {radius:g} degrees of ({lon:g}, {lat:g})", keep)


def near(name: str, ra: float, dec: float) -> Filter:
    """Keep observations whose instruments reach a position (ICRS degrees) within 1.2 of their fields of view."""
    from daxa_wf.selection.positions import positions
    from daxa_wf.selection.select import associate

    sought = positions((ra, dec), [name])

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        return _array(table["obsid"].isin(associate(table, spec, sought)["obsid"]))

    return Filter("near", f"{name} at ({ra:g}, {dec:g})", keep)


def region(contains: Contains, description: str) -> Filter:
    """Keep pointing centres within a region of the sky."""

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        return _array(contains(table["ra"].to_numpy(float), table["dec"].to_numpy(float)))

    return Filter("region", description, keep)


def polygon(corners: tuple[tuple[float, float], ...]) -> Filter:
    """Keep pointing centres within a polygon of great circles, which must be smaller than half of the sky."""
    from daxa_wf.selection import sky_regions

    if len(corners) < 3:
        raise ConfigError(f"polygon: {len(corners)} corners; expected three or more [ra, dec]")
    try:
        contains = sky_regions.polygon(list(corners))
    except ConfigError as error:
        raise ConfigError(f"polygon: {error}") from None
    return Filter("polygon", f"{len(corners)} corners", region(contains, "").keep)


def time(start: pd.Timestamp | None, end: pd.Timestamp | None, inside: bool = False) -> Filter:
    """Keep observations that overlap [start, end] (UTC), or that lie inside it. None leaves an end open.

    >>> import pandas as pd
    >>> from daxa_wf.mission.registry import MISSIONS
    >>> table = pd.DataFrame({"start": pd.to_datetime(["2009-12-31", "2012-05-01"]),
    ...                       "end": pd.to_datetime(["2010-01-02", "2012-05-02"])})
    >>> time(None, pd.Timestamp("2010-01-01")).keep(table, MISSIONS["chandra"])
    array([ True, False])
    """

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
    """Keep targets of the given types. ConfigError if a code is unknown, or if the mission's table has no types."""
    from daxa_wf.mission.taxonomy import TARGET_TYPES

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        if not spec.target_types and "target_type" not in spec.constants:
            raise ConfigError(f"{spec.name} has no target types in its table; remove target_type for this mission")
        return _array(table["target_type"].isin(codes))

    unknown = [code for code in codes if code not in TARGET_TYPES]
    if unknown:
        raise ConfigError(f"target_type: unknown {', '.join(unknown)}; choose from {', '.join(TARGET_TYPES)}")
    return Filter("target_type", ", ".join(codes), keep)


def instruments(names: tuple[str, ...], exposure: Mapping[str, float] | None = None) -> Filter:
    """Keep observations with data of any of the instruments, and with more than the seconds in `exposure` of each."""

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        unknown = table["instruments"] == ""
        result = unknown.copy()
        for name in instruments_named(spec, names):
            result |= has_instrument(table, name)
        for name, seconds in (exposure or {}).items():
            result &= exposure_of(table, spec, name) > seconds
        return _array(result)

    longer = [f"{name} > {seconds:g} s" for name, seconds in (exposure or {}).items()]
    return Filter("instruments", ", ".join([" or ".join(names), *longer]), keep)


def with_data(names: tuple[str, ...]) -> Filter:
    """Keep observations with data of any of the chosen instruments, and observations whose instruments are unknown."""
    return Filter("data", f"data of {' or '.join(names)}", instruments(names).keep)


def instrument_of(spec: MissionSpec, name: str) -> Instrument:
    """Return the instrument with a name or alias. ConfigError lists the mission's instruments."""
    try:
        return spec.instrument(name)
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from None


def instruments_named(spec: MissionSpec, names: Iterable[str]) -> tuple[str, ...]:
    """Return the instruments with the given names, aliases or groups, without repetition.

    ConfigError lists the mission's instruments and groups.

    >>> from daxa_wf.mission.registry import MISSIONS
    >>> instruments_named(MISSIONS["chandra"], ["ACIS", "acis-s"])
    ('ACIS-I', 'ACIS-S')
    """
    try:
        return tuple(dict.fromkeys(instrument for name in names for instrument in spec.instruments_named(name)))
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from None


def has_instrument(table: pd.DataFrame, instrument: str) -> pd.Series:
    """Return True for observations whose table lists data of the instrument."""
    return (" " + table["instruments"] + " ").str.contains(f" {instrument} ", regex=False)


def exposure_of(table: pd.DataFrame, spec: MissionSpec, name: str) -> pd.Series:
    """Return the seconds of exposure of an instrument, or the longest of a group. ConfigError if the table has none."""
    group = spec.groups.get(name.upper(), ())
    if group:
        return pd.concat([exposure_of(table, spec, member) for member in group], axis=1).max(axis=1)
    instrument = instrument_of(spec, name)
    if instrument.exposure_column in table:
        return table[instrument.exposure_column]
    if not spec.simultaneous:
        return table["exposure"].where(has_instrument(table, instrument.name), 0.0)
    raise ConfigError(f"{spec.name}: its table has no exposure of {name}; use 'exposure' of the observation")


def column_in(column: str, values: tuple[str, ...]) -> Filter:
    """Keep rows with one of the given values in a mission's column (mode, filter, grating, field, field_type ...).

    Text is compared in upper case, numbers as numbers.
    """

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        cells = column_of(table, spec, column)
        accepted = [value for word in values for value in spec.values_for(column, word)]
        if is_number(cells):
            return _array(cells.isin([_number(column, value) for value in accepted]))
        return among(cells, [value.upper() for value in accepted])

    def notes(table: pd.DataFrame, spec: MissionSpec) -> list[str]:
        cells = column_of(table, spec, column)
        if is_number(cells) or not len(table):
            return []
        known = {text for cell in cells.astype(str).unique() for text in (cell, *cell.split(BETWEEN))}
        capitals = {text.upper() for text in known}
        absent = [
            word for word in values if capitals.isdisjoint(value.upper() for value in spec.values_for(column, word))
        ]
        return [f"no observation has {column} {word!r}{_values_to_choose(word, known)}" for word in absent]

    return Filter(column, ", ".join(values), keep, notes)


MOST_VALUES = 50
"""Largest number of values of a column that a note lists."""


def _values_to_choose(word: str, known: set[str]) -> str:
    listed = sorted(known - {""})
    return f"; it has {', '.join(listed)}" if len(listed) <= MOST_VALUES else closest(word, listed)


def among(values: pd.Series, accepted: Collection[str]) -> Mask:
    """Return True where a text is among `accepted` (upper case), or one of the texts of a row with several exposures is."""
    texts, choices = values.astype(str).str.upper(), set(accepted)
    known = {text: not choices.isdisjoint((text, *text.split(BETWEEN))) for text in texts.unique()}
    return _array(texts.map(known))


def column_of(table: pd.DataFrame, spec: MissionSpec, column: str) -> pd.Series:
    """Return a column of the mission's table. ConfigError lists the columns, and suggests the closest name."""
    if column not in table:
        names = ", ".join(table.columns)
        raise ConfigError(f"{spec.name} has no column {column!r}; it has {names}{closest(column, table.columns)}")
    return table[column]


def is_number(values: pd.Series) -> bool:
    """Return True for columns of numbers. Flags are not numbers."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _number(column: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"columns.{column}: {text!r} is not a number, but the column holds numbers") from None


def public(now: pd.Timestamp) -> Filter:
    """Keep observations whose release date is past at `now`. If the mission's table has no release dates, keep all."""

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        known = table["proprietary_end"].notna()
        has_dates = any(column.name == "proprietary_end" for source in spec.tables for column in source.columns)
        return _array((known & (table["proprietary_end"] <= now)) | (~known & (not has_dates)))

    return Filter("public", f"proprietary time over at {now:%Y-%m-%d}", keep)


def science_usable() -> Filter:
    """Keep observations that the mission marks as fit for science."""
    return Filter("science_usable", "fit for science", lambda table, spec: _array(table["science_usable"]))


def expression(text: str) -> Filter:
    """Keep rows for which an expression on numeric columns is true, in the language of selection expressions."""
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
