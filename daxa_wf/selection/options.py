"""The section `select` of the configuration, and its translation to filters."""

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
    Coordinate,
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
    """A box between two corners, in degrees. From a lower to a higher longitude it reaches eastwards. From a higher to a lower
    longitude it is the narrower of two boxes: across 0 h (350 to 10), or as on a map with east to the left (39 to 30).
    """

    lower_left: Corner = Field(description="longitude and latitude; the lower latitude")
    upper_right: Corner = Field(description="longitude and latitude of the opposite corner")
    galactic: bool = Field(False, description="the corners are Galactic longitude and latitude")


def _require_order(start: str | None, end: str | None) -> None:
    """Raise ValueError if a window of time ends before it starts. None is an open end."""
    from daxa_wf.selection import filters

    try:
        filters.time(moment(start), moment(end))
    except ConfigError as error:
        raise ValueError(str(error).removeprefix("time: ")) from None


class TimeRange(Section):
    """A range of time, UTC."""

    start: Moment | None = Field(None, description="such as 2010-01-01 or 2010-01-01T12:00")
    end: Moment | None = None
    inside: bool = Field(False, description="only observations wholly inside, not overlapping ones")

    @model_validator(mode="after")
    def _in_order(self) -> TimeRange:
        if self.start is None and self.end is None:
            raise ValueError("give 'start', 'end' or both")
        _require_order(self.start, self.end)
        return self


class PositionTable(Section):
    """Positions in a file: CSV, ECSV, FITS, VOTable or Parquet."""

    file: File
    ra: str = Field("ra", description="column of right ascension (longitude, in other frames)")
    dec: str = Field("dec", description="column of declination (latitude)")
    name: str | None = Field(None, description="column of names (default: row numbers)")
    radius: str | None = Field(None, description="column of radii in degrees")
    start: str | None = Field(None, description="column of the start of each object's window of time, UTC")
    end: str | None = Field(None, description="column of the window's end")
    time: str | None = Field(
        None, description="column of a moment (UTC), such as a discovery, with a window from 'before' to 'after' it"
    )
    before: Seconds = Field(0.0, description="length of the window before the moment")
    after: Seconds = Field(0.0, description="length of the window after the moment")
    frame: str = Field("icrs", description="frame of the positions, by astropy's name")

    @model_validator(mode="after")
    def _one_kind_of_window(self) -> PositionTable:
        if self.time is None and (self.before or self.after):
            raise ValueError("'before' and 'after' need 'time', the column of the moments")
        if self.time is not None and (self.start is not None or self.end is not None):
            raise ValueError("give 'time' with 'before' and 'after', or 'start' and 'end', not both")
        if self.time is not None and not (self.before or self.after):
            raise ValueError("'time' needs 'before', 'after' or both, such as before: 30 d")
        return self


class ListedPosition(Section):
    """One object of a list, with its own radius and window of time."""

    ra: Coordinate = Field(description="right ascension in degrees, or as '00 42 44.3' (longitude, in other frames)")
    dec: Coordinate = Field(description="declination in degrees, or as '+41 16 09' (latitude)")
    name: str | None = Field(None, min_length=1, description="its name (default: its coordinates)")
    radius: Degrees | None = Field(None, description="radius around it (default: the section's 'radius')")
    start: Moment | None = Field(None, description="start of its window of time, UTC (default: open)")
    end: Moment | None = Field(None, description="end of its window (default: open)")

    @model_validator(mode="after")
    def _in_order(self) -> ListedPosition:
        _require_order(self.start, self.end)
        return self


class SkyRegion(Section):
    """A region of the sky: a MOC file or an STC-S text."""

    moc: File | None = Field(None, description="a MOC in a FITS file")
    stcs: str | None = Field(None, description="an STC-S text, such as 'Circle ICRS 149.6 -11.1 1.0'")

    @model_validator(mode="after")
    def _exactly_one(self) -> SkyRegion:
        if (self.moc is None) == (self.stcs is None):
            raise ValueError("give one of 'moc' and 'stcs'")
        return self


def _kind_of_positions(value: Any) -> str:
    if isinstance(value, dict | PositionTable):
        return "table"
    is_list = isinstance(value, list | tuple) and len(value) > 0
    return "objects" if is_list and isinstance(value[0], dict | ListedPosition) else "list"


class Select(Section):
    """Conditions that all selected observations must meet. Without positions, pointings anywhere are selected."""

    obsids: ObsIds | None = Field(None, description="only these ObsIDs")
    obsids_file: File | None = Field(
        None, description="only the ObsIDs of a text file, one a line; '#' begins a comment"
    )
    exclude: ObsIds | None = Field(None, description="all but these ObsIDs")
    positions: (
        Annotated[
            Annotated[Coordinates, Tag("list")]
            | Annotated[tuple[ListedPosition, ...], Tag("objects")]
            | Annotated[PositionTable, Tag("table")],
            Discriminator(_kind_of_positions),
        ]
        | None
    ) = Field(
        None,
        description="[ra, dec] or [[ra, dec], ...], in degrees or as '00 42 44.3', '+41 16 09'; or a list of objects with their "
        "own radii and windows of time; or a table",
    )
    frame: str = Field("icrs", description="frame of such a list, by astropy's name; a table has its own key")
    names: tuple[str, ...] | None = Field(None, min_length=1, description="names of objects, resolved by Sesame")
    radius: Degrees | dict[str, Degrees] | None = Field(
        None,
        description="around positions: one for all, or by instrument (default: 1.2 fields of view of each instrument)",
    )
    match: Literal["centre", "footprint"] = Field(
        "centre",
        description="centre: the pointing lies within the radius; footprint: the observation covers the position",
    )
    rectangle: Rectangle | None = None
    polygon: tuple[Corner, ...] | None = Field(None, min_length=3, description="corners [ra, dec] in degrees")
    region: SkyRegion | None = None
    time: TimeRange | None = None
    target_types: TargetTypes | None = Field(None, min_length=1, description="codes such as GCL and AGN")
    instruments: tuple[str, ...] | None = Field(None, min_length=1, description="with data of any of these")
    exposure: dict[str, Seconds] = Field(default_factory=dict, description="exposures longer than this, by instrument")
    columns: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict, description="text columns -> values to keep"
    )
    query: QueryText | None = Field(None, description="a query text; docs/selection.md explains its language")
    expression: SelectionExpression | None = Field(None, description="a condition on numeric columns of the table")
    public: bool = Field(False, description="only observations whose proprietary time is over")
    science_usable: bool = Field(True, description="only observations that the mission marks as fit for science")

    def only(self, obsids: Sequence[str] | None) -> Select:
        """Replace the section's ObsIDs by the given ones. Without ObsIDs, return the section unchanged."""
        return self.model_copy(update={"obsids": tuple(obsids)}) if obsids else self

    def listed_obsids(self) -> tuple[str, ...]:
        """Return the ObsIDs of the section if it has no other condition that needs a table, else ()."""
        rest = self.model_copy(update={"obsids": None, "obsids_file": None, "science_usable": True})
        if rest != Select() or (self.obsids and self.obsids_file):
            return ()
        return _read_obsids(self.obsids_file) if self.obsids_file else self.obsids or ()

    def started_in(self, directory: Path) -> Select:
        """Return the section with relative paths resolved in `directory`, from which the user started."""
        changed: dict[str, Any] = {}
        if self.obsids_file is not None:
            changed["obsids_file"] = directory / self.obsids_file
        if isinstance(self.positions, PositionTable):
            changed["positions"] = self.positions.model_copy(update={"file": directory / self.positions.file})
        if self.region is not None and self.region.moc is not None:
            changed["region"] = self.region.model_copy(update={"moc": directory / self.region.moc})
        return self.model_copy(update=changed)

    def fingerprints(self) -> list[str]:
        """Return the SHA-256 of each file that the section names, '' for unreadable files."""
        tables = [self.positions.file] if isinstance(self.positions, PositionTable) else []
        paths = [self.obsids_file, *tables, self.region.moc if self.region else None]
        return [_digest(path) for path in paths if path is not None]

    @model_validator(mode="after")
    def _radius_needs_positions(self) -> Select:
        if self.radius is not None and self.positions is None and self.names is None:
            raise ValueError("radius needs 'positions' or 'names'")
        if self.positions is not None and self.names is not None:
            raise ValueError("give 'positions' or 'names', not both")
        if self.frame != "icrs" and (self.positions is None or isinstance(self.positions, PositionTable)):
            raise ValueError("frame belongs to a list of positions; give a table's frame inside of 'positions'")
        if self.match == "footprint" and self.positions is None and self.names is None:
            raise ValueError("match: footprint needs 'positions' or 'names'")
        if self.match == "footprint" and self.radius is not None:
            raise ValueError("match: footprint does not use a radius; remove 'radius'")
        return self


def filters_of(options: Select, now: Any, resolve: Resolver | None = None) -> list[Filter]:
    """Return the filters, in the order of the section's keys. `resolve` turns names in a query into degrees.

    >>> [each.name for each in filters_of(Select(target_types=["GCL"], query="exposure > 10 ks"), now=None)]
    ['science_usable', 'target_type', 'query']
    """
    from daxa_wf.selection import filters
    from daxa_wf.selection.query import compile_query

    chosen = [filters.science_usable()] if options.science_usable else []
    if options.obsids:
        chosen.append(filters.obsids(options.obsids))
    if options.obsids_file:
        chosen.append(filters.obsids(_read_obsids(options.obsids_file)))
    if options.exclude:
        chosen.append(filters.obsids(options.exclude, exclude=True))
    if options.rectangle:
        box = options.rectangle
        chosen.append(filters.rectangle(box.lower_left, box.upper_right, box.galactic))
    if options.polygon:
        chosen.append(filters.polygon(options.polygon))
    if options.region:
        chosen.append(_region(options.region))
    if options.time:
        chosen.append(filters.time(moment(options.time.start), moment(options.time.end), options.time.inside))
    if options.target_types:
        chosen.append(filters.target_types(options.target_types))
    if options.instruments or options.exposure:
        chosen.append(filters.instruments(options.instruments or tuple(options.exposure), options.exposure))
    chosen += [filters.column_in(column, values) for column, values in options.columns.items()]
    if options.query:
        chosen.append(compile_query(options.query, resolve))
    if options.expression:
        chosen.append(filters.expression(options.expression))
    return [*chosen, filters.public(now)] if options.public else chosen


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _read_obsids(path: Path) -> tuple[str, ...]:
    try:
        lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is not text in UTF-8 (byte {error.start})"
        raise ConfigError(f"obsids_file: {path} cannot be read: {reason}") from None
    names = tuple(line for line in lines if line)
    if not names:
        raise ConfigError(f"obsids_file: {path} names no ObsID; expected one a line")
    return names


def _region(options: SkyRegion) -> Filter:
    from daxa_wf.selection import filters
    from daxa_wf.selection.sky_regions import parse_stcs, read_moc

    if options.moc is not None and not options.moc.is_file():
        raise ConfigError(f"region.moc: {options.moc} is not a file; expected a MOC in a FITS file")
    try:
        if options.moc is not None:
            return filters.region(read_moc(options.moc), options.moc.name)
        return filters.region(parse_stcs(str(options.stcs)), str(options.stcs))
    except ConfigError as error:
        raise ConfigError(f"region: {options.moc or options.stcs} cannot be used: {error}") from None


def positions_of(options: Select, spec: MissionSpec, resolve: Resolver | None = None) -> Positions | None:
    """Return the positions that observations must match, or None. `resolve` turns names into degrees.

    >>> from daxa_wf.mission.registry import MISSIONS
    >>> positions_of(Select(positions=["00 42 44.3", "+41 16 09"]), MISSIONS["chandra"]).ra.round(4)
    array([10.6846])
    """
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
    if isinstance(given[0], ListedPosition):
        from daxa_wf.selection.listed_positions import listed_positions

        return listed_positions(given, options.frame, **how)
    lon, lat = np.array(given, dtype=float).T
    return positions(np.column_stack(to_icrs(lon, lat, options.frame)), None, **how)
