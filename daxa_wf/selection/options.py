"""The section `select` of the configuration, and the filters that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from daxa_wf.errors import ConfigError
from daxa_wf.missions.spec import MissionSpec
from daxa_wf.options import Section, SelectionExpression, to_number
from daxa_wf.selection.filters import Filter, Positions
from daxa_wf.selection.query import Resolver, compile_query

Degrees = Annotated[
    float,
    BeforeValidator(partial(to_number, unit="deg")),
    WithJsonSchema({"type": "string", "description": "a quantity convertible to deg", "unit": "deg"}),
]
ExposureSeconds = Annotated[
    float,
    BeforeValidator(partial(to_number, unit="s")),
    WithJsonSchema({"type": "string", "description": "a quantity convertible to s", "unit": "s"}),
]
Corner = tuple[float, float]


def _checked_query(text: str) -> str:
    try:
        compile_query(text, lambda _: (0.0, 0.0))
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return text


QueryText = Annotated[str, AfterValidator(_checked_query)]


class Rectangle(Section):
    """A box between two corners, in degrees; across 0 h where the first longitude is above the second."""

    lower_left: Corner
    upper_right: Corner
    galactic: bool = Field(False, description="the corners are Galactic longitude and latitude")


class TimeRange(Section):
    """A range of time, UTC."""

    start: str | None = Field(None, description="such as 2010-01-01 or 2010-01-01T12:00")
    end: str | None = None
    inside: bool = Field(False, description="wholly inside, not only overlapping")


class PositionTable(Section):
    """Positions in a file: CSV, ECSV, FITS, VOTable or Parquet."""

    file: Path
    ra: str = Field("ra", description="column of right ascension (longitude, in other frames)")
    dec: str = Field("dec", description="column of declination (latitude)")
    name: str | None = Field(None, description="column of names; row numbers if none")
    radius: str | None = Field(None, description="column of radii in degrees")
    start: str | None = Field(None, description="column of the start of each object's window of time, UTC")
    end: str | None = Field(None, description="column of its end")
    frame: str = Field("icrs", description="frame of the positions, as astropy calls it")


class Region(Section):
    """A region of the sky: one of a MOC file and an STC-S text."""

    moc: Path | None = Field(None, description="a MOC in a FITS file")
    stcs: str | None = Field(None, description="an STC-S text, such as 'Circle ICRS 149.6 -11.1 1.0'")

    @model_validator(mode="after")
    def _exactly_one(self) -> Region:
        if (self.moc is None) == (self.stcs is None):
            raise ValueError("give one of 'moc' and 'stcs'")
        return self


class Select(Section):
    """Which observations: all conditions must hold. Without positions, wherever they point."""

    obsids: tuple[str, ...] | None = Field(None, min_length=1, description="only these")
    exclude: tuple[str, ...] | None = Field(None, min_length=1, description="all but these")
    positions: tuple[Corner, ...] | PositionTable | None = Field(
        None, description="[[ra, dec], ...] in degrees, or a table"
    )
    names: tuple[str, ...] | None = Field(None, min_length=1, description="objects to look around, resolved by Sesame")
    radius: Degrees | dict[str, Degrees] | None = Field(
        None,
        description="around positions: one for all, or by instrument; 1.2 fields of view of each instrument if none",
    )
    match: Literal["centre", "footprint"] = Field(
        "centre",
        description="centre: the pointing lies within the radius; footprint: the observation covers the position",
    )
    rectangle: Rectangle | None = None
    polygon: tuple[Corner, ...] | None = Field(None, min_length=3, description="corners [ra, dec] in degrees")
    region: Region | None = None
    time: TimeRange | None = None
    target_types: tuple[str, ...] | None = Field(None, min_length=1, description="codes such as GCL and AGN")
    instruments: tuple[str, ...] | None = Field(None, min_length=1, description="with data of any of these")
    exposure: dict[str, ExposureSeconds] = Field(default_factory=dict, description="longer than this, by instrument")
    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict, description="text columns -> values to keep")
    query: QueryText | None = Field(None, description="a query text; docs/selection.md has its language")
    expression: SelectionExpression | None = Field(None, description="a condition on numeric columns of the table")
    public: bool = Field(False, description="only observations whose proprietary time is over")
    science_usable: bool = Field(True, description="only what the mission calls fit for science")

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Select:
        """The section again from what `model_dump(mode="json")` made of it, in which quantities are plain numbers."""
        radius = values["radius"]
        if isinstance(radius, dict):
            radius = {name: f"{value} deg" for name, value in radius.items()}
        elif radius is not None:
            radius = f"{radius} deg"
        exposure = {name: f"{value} s" for name, value in values["exposure"].items()}
        return cls.model_validate({**values, "radius": radius, "exposure": exposure})

    @model_validator(mode="after")
    def _radius_needs_positions(self) -> Select:
        if self.radius is not None and self.positions is None and self.names is None:
            raise ValueError("radius is given, but no positions")
        if self.positions is not None and self.names is not None:
            raise ValueError("give positions or names, not both")
        if self.match == "footprint" and self.radius is not None:
            raise ValueError("match: footprint takes no radius: a position is in a footprint or not")
        return self


def filters_of(options: Select, now: Any, resolve: Resolver | None = None) -> list[Filter]:
    """The filters, in the order of the section's keys; `resolve` turns names in a query into degrees."""
    from daxa_wf.selection import filters

    found = [filters.science_usable()] if options.science_usable else []
    if options.obsids:
        found.append(filters.obsids(options.obsids))
    if options.exclude:
        found.append(filters.obsids(options.exclude, exclude=True))
    if options.rectangle:
        box = options.rectangle
        found.append(filters.rectangle(box.lower_left, box.upper_right, box.galactic))
    if options.polygon:
        found.append(filters.polygon(options.polygon))
    if options.region:
        found.append(_region(options.region))
    if options.time:
        found.append(filters.time(_moment(options.time.start), _moment(options.time.end), options.time.inside))
    if options.target_types:
        found.append(filters.target_types(options.target_types))
    if options.instruments or options.exposure:
        found.append(filters.instruments(options.instruments or tuple(options.exposure), options.exposure))
    found += [filters.column_in(column, values) for column, values in options.columns.items()]
    if options.query:
        found.append(compile_query(options.query, resolve))
    if options.expression:
        found.append(filters.expression(options.expression))
    return [*found, filters.public(now)] if options.public else found


def _region(options: Region) -> Filter:
    from mocpy import MOC

    from daxa_wf.selection import filters

    try:
        if options.moc is not None:
            return filters.region(MOC.from_fits(options.moc), options.moc.name)
        return filters.region(MOC.from_stcs(options.stcs, max_depth=14), str(options.stcs))
    except Exception as error:  # noqa: BLE001 - mocpy raises what its Rust core raises
        raise ConfigError(f"region: {options.moc or options.stcs} cannot be used: {error}") from None


def _moment(text: str | None) -> Any:
    import pandas as pd

    try:
        return None if text is None else pd.Timestamp(text)
    except ValueError:
        raise ConfigError(f"time: {text!r} is not a time; write 2010-01-01 or 2010-01-01T12:00") from None


def positions_of(options: Select, spec: MissionSpec, resolve: Resolver | None = None) -> Positions | None:
    """The positions to look around, or None; `resolve` turns names into degrees."""
    import numpy as np

    given, footprint = options.positions, options.match == "footprint"
    instruments = tuple(spec.instrument(name).name for name in options.instruments or ())
    if options.names is not None and resolve is not None:
        ra, dec = np.array([resolve(name) for name in options.names], dtype=float).T
        return Positions(options.names, ra, dec, options.radius, instruments=instruments, footprint=footprint)
    if given is None:
        return None
    if isinstance(given, PositionTable):
        from daxa_wf.selection.position_files import read_positions

        return replace(read_positions(given, options.radius, instruments), footprint=footprint)
    ra, dec = np.array(given, dtype=float).T
    return Positions(
        tuple(f"({a}, {b})" for a, b in given), ra, dec, options.radius, instruments=instruments, footprint=footprint
    )
