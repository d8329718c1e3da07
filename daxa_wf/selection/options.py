"""The section `select` of the configuration, and the filters that it stands for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from daxa_wf.errors import ConfigError
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.options import File, Seconds, Section
from daxa_wf.selection.option_types import (
    Coordinates,
    Corner,
    Degrees,
    Moment,
    ObsIds,
    QueryText,
    SelectionExpression,
    TargetTypes,
    moment,
)

if TYPE_CHECKING:
    from daxa_wf.selection.filters import Filter
    from daxa_wf.selection.positions import Positions
    from daxa_wf.selection.query import Resolver


class Rectangle(Section):
    """A box between two corners, in degrees: from a lower to a higher longitude eastwards. From a higher to a lower one it is
    the narrower of two boxes: across 0 h (350 to 10), or as on a map with east to the left (39 to 30).
    """

    lower_left: Corner = Field(description="longitude and latitude; the lower latitude")
    upper_right: Corner = Field(description="longitude and latitude of the opposite corner")
    galactic: bool = Field(False, description="the corners are Galactic longitude and latitude")


class TimeRange(Section):
    """A range of time, UTC."""

    start: Moment | None = Field(None, description="such as 2010-01-01 or 2010-01-01T12:00")
    end: Moment | None = None
    inside: bool = Field(False, description="wholly inside, not only overlapping")

    @model_validator(mode="after")
    def _in_order(self) -> TimeRange:
        from daxa_wf.selection import filters

        if self.start is None and self.end is None:
            raise ValueError("give 'start', 'end' or both")
        try:
            filters.time(moment(self.start), moment(self.end))
        except ConfigError as error:
            raise ValueError(str(error).removeprefix("time: ")) from None
        return self


class PositionTable(Section):
    """Positions in a file: CSV, ECSV, FITS, VOTable or Parquet."""

    file: File
    ra: str = Field("ra", description="column of right ascension (longitude, in other frames)")
    dec: str = Field("dec", description="column of declination (latitude)")
    name: str | None = Field(None, description="column of names; row numbers if none")
    radius: str | None = Field(None, description="column of radii in degrees")
    start: str | None = Field(None, description="column of the start of each object's window of time, UTC")
    end: str | None = Field(None, description="column of its end")
    frame: str = Field("icrs", description="frame of the positions, as astropy calls it")


class Region(Section):
    """A region of the sky: one of a MOC file and an STC-S text."""

    moc: File | None = Field(None, description="a MOC in a FITS file")
    stcs: str | None = Field(None, description="an STC-S text, such as 'Circle ICRS 149.6 -11.1 1.0'")

    @model_validator(mode="after")
    def _exactly_one(self) -> Region:
        if (self.moc is None) == (self.stcs is None):
            raise ValueError("give one of 'moc' and 'stcs'")
        return self


def _is_table(value: Any) -> str:
    return "table" if isinstance(value, dict | PositionTable) else "list"


class Select(Section):
    """Which observations: all conditions must hold. Without positions, wherever they point."""

    obsids: ObsIds | None = Field(None, description="only these")
    obsids_file: File | None = Field(None, description="only those of a text file, one a line; '#' begins a comment")
    exclude: ObsIds | None = Field(None, description="all but these")
    positions: (
        Annotated[
            Annotated[Coordinates, Tag("list")] | Annotated[PositionTable, Tag("table")], Discriminator(_is_table)
        ]
        | None
    ) = Field(None, description="[ra, dec] or [[ra, dec], ...], in degrees or as '00 42 44.3', '+41 16 09'; or a table")
    frame: str = Field("icrs", description="frame of such a list, as astropy calls it; a table says its own")
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
    target_types: TargetTypes | None = Field(None, min_length=1, description="codes such as GCL and AGN")
    instruments: tuple[str, ...] | None = Field(None, min_length=1, description="with data of any of these")
    exposure: dict[str, Seconds] = Field(default_factory=dict, description="longer than this, by instrument")
    columns: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict, description="text columns -> values to keep"
    )
    query: QueryText | None = Field(None, description="a query text; docs/selection.md has its language")
    expression: SelectionExpression | None = Field(None, description="a condition on numeric columns of the table")
    public: bool = Field(False, description="only observations whose proprietary time is over")
    science_usable: bool = Field(True, description="only what the mission calls fit for science")

    def only(self, obsids: Sequence[str] | None) -> Select:
        """The section for these ObsIDs, in place of those that it names; itself if none are given."""
        return self.model_copy(update={"obsids": tuple(obsids)}) if obsids else self

    def listed_obsids(self) -> tuple[str, ...]:
        """Return the ObsIDs of the section, if it asks for nothing else that a table would have to answer; () otherwise."""
        rest = self.model_copy(update={"obsids": None, "obsids_file": None, "science_usable": True})
        if rest != Select() or (self.obsids and self.obsids_file):
            return ()
        return _read_obsids(self.obsids_file) if self.obsids_file else self.obsids or ()

    def started_in(self, directory: Path) -> Select:
        """The section with its files where they are if the user started in `directory`."""
        changed: dict[str, Any] = {}
        if self.obsids_file is not None:
            changed["obsids_file"] = directory / self.obsids_file
        if isinstance(self.positions, PositionTable):
            changed["positions"] = self.positions.model_copy(update={"file": directory / self.positions.file})
        if self.region is not None and self.region.moc is not None:
            changed["region"] = self.region.model_copy(update={"moc": directory / self.region.moc})
        return self.model_copy(update=changed)

    def fingerprints(self) -> list[str]:
        """Return the SHA-256 of each file that the section names, '' for those that cannot be read."""
        tables = [self.positions.file] if isinstance(self.positions, PositionTable) else []
        named = [self.obsids_file, *tables, self.region.moc if self.region else None]
        return [_digest(path) for path in named if path is not None]

    @model_validator(mode="after")
    def _radius_needs_positions(self) -> Select:
        if self.radius is not None and self.positions is None and self.names is None:
            raise ValueError("radius is given, but no positions")
        if self.positions is not None and self.names is not None:
            raise ValueError("give positions or names, not both")
        if self.frame != "icrs" and (self.positions is None or isinstance(self.positions, PositionTable)):
            raise ValueError("frame is that of a list of positions; a table has a key 'frame' of its own")
        if self.match == "footprint" and self.positions is None and self.names is None:
            raise ValueError("match: footprint is given, but no positions")
        if self.match == "footprint" and self.radius is not None:
            raise ValueError("match: footprint takes no radius: a position is in a footprint or not")
        return self


def filters_of(options: Select, now: Any, resolve: Resolver | None = None) -> list[Filter]:
    """The filters, in the order of the section's keys; `resolve` turns names in a query into degrees."""
    from daxa_wf.selection import filters
    from daxa_wf.selection.query import compile_query

    found = [filters.science_usable()] if options.science_usable else []
    if options.obsids:
        found.append(filters.obsids(options.obsids))
    if options.obsids_file:
        found.append(filters.obsids(_read_obsids(options.obsids_file)))
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
        found.append(filters.time(moment(options.time.start), moment(options.time.end), options.time.inside))
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


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _read_obsids(path: Path) -> tuple[str, ...]:
    try:
        lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"obsids_file: {path} cannot be read: {error}") from None
    found = tuple(line for line in lines if line)
    if not found:
        raise ConfigError(f"obsids_file: {path} names no ObsID; expected one a line")
    return found


def _region(options: Region) -> Filter:
    from daxa_wf.selection import filters
    from daxa_wf.selection.sky_regions import parse_stcs, read_moc

    if options.moc is not None and not options.moc.is_file():
        raise ConfigError(f"region.moc: {options.moc} is no file; expected a MOC in a FITS file")
    try:
        if options.moc is not None:
            return filters.region(read_moc(options.moc), options.moc.name)
        return filters.region(parse_stcs(str(options.stcs)), str(options.stcs))
    except ConfigError as error:
        raise ConfigError(f"region: {options.moc or options.stcs} cannot be used: {error}") from None


def positions_of(options: Select, spec: MissionSpec, resolve: Resolver | None = None) -> Positions | None:
    """The positions to look around, or None; `resolve` turns names into degrees."""
    import numpy as np

    from daxa_wf.selection.filters import instruments_named
    from daxa_wf.selection.positions import positions, to_icrs

    given, footprint = options.positions, options.match == "footprint"
    instruments = instruments_named(spec, options.instruments or ())
    how: dict[str, Any] = {"radius": options.radius, "instruments": instruments, "footprint": footprint}
    if options.names is not None and resolve is not None:
        return positions([resolve(name) for name in options.names], options.names, **how)
    if given is None:
        return None
    if isinstance(given, PositionTable):
        from daxa_wf.selection.position_files import read_positions

        return read_positions(given, options.radius, instruments, footprint)
    lon, lat = np.array(given, dtype=float).T
    return positions(np.column_stack(to_icrs(lon, lat, options.frame)), None, **how)
