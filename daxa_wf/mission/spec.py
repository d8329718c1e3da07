"""What a mission is, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

ColumnKind = Literal["text", "number", "flag", "mjd", "utc", "instrument"]
"""How a service writes a column: `mjd` days (UTC) and `utc` text both become UTC timestamps, `instrument` one name."""

ProductKind = Literal["events", "image", "expmap", "background"]


@dataclass(frozen=True)
class Instrument:
    """One instrument: name, field-of-view radius in degrees, other spellings, whether it is taken by default."""

    name: str
    field_of_view: float
    aliases: tuple[str, ...] = ()
    default: bool = True
    exposure_column: str | None = None
    """Common-table column with this instrument's exposure in seconds, where the table has one."""
    is_detector: bool = True
    """False for a grating: its data are in the files of the detector behind it."""


@dataclass(frozen=True)
class Column:
    """One column of the mission's table: as the service calls it, as the observation table calls it."""

    source: str
    name: str
    kind: ColumnKind = "text"
    null_values: tuple[float | str, ...] = ()
    """Values that stand for 'not known' (0 or a far-future public date, -100 as a coordinate)."""
    required: bool = True
    factor: float = 1.0
    """What a number is multiplied by, e.g. 1000 where a service gives ks."""


@dataclass(frozen=True)
class RowCut:
    """A named cut on the service's rows; `keep` maps the table to a boolean Series, True for rows that stay."""

    name: str
    description: str
    keep: Callable[[pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class TableSource:
    """Where a mission's observation table comes from: a service (`heasarc`, `xsa`, `package`), a table, its columns."""

    service: str
    table: str
    columns: tuple[Column, ...]
    """The key column is the one whose common name is `obsid`."""
    package: str = ""
    """The Python package that holds the table in its folder `data`, where the service is `package`."""


@dataclass(frozen=True)
class EnergyBand:
    """Energy bounds in keV, and how file names of the archive call them."""

    code: str
    low: float
    high: float


@dataclass(frozen=True)
class ProductPattern:
    """Where a pre-processed product is in an observation's tree: a glob with `{obsid}`-like fields.

    `instrument` is an instrument, or a group of which one file holds all. `exposure` is a regular expression for the
    path; its groups, joined, are the exposure. A product without one, or whose path does not match it, has no exposure.
    """

    kind: ProductKind
    instrument: str
    glob: str
    bands: tuple[EnergyBand, ...] = ()
    exposure: str = ""


Route = Literal["raw", "preprocessed"]


@dataclass(frozen=True)
class FilePattern:
    """Files of an observation's tree that a route needs: globs below it (`*` crosses no `/`), of which instruments."""

    route: Route
    globs: tuple[str, ...]
    instruments: tuple[str, ...] = ()
    """Empty: needed whichever instruments are chosen."""


@dataclass(frozen=True)
class Bundle:
    """Tar files in which an archive gives a route's files, in place of a tree: paths below its base, and where to put them.

    A `shared` one holds several observations, and is kept.
    """

    route: Route
    paths: tuple[str, ...]
    into: str = ""
    shared: bool = False


@dataclass(frozen=True)
class SharedDirectory:
    """A directory that many observations need: where it is kept, path templates by archive, globs in it."""

    local: str
    archive_paths: Mapping[str, str]
    globs: tuple[str, ...]


@dataclass(frozen=True)
class MissionSpec:
    """Everything daxa_wf knows of a mission. A new mission is one file that makes one of these."""

    name: str
    pretty_name: str
    obsid_pattern: str
    instruments: tuple[Instrument, ...]
    tables: tuple[TableSource, ...]
    """In order of preference; later ones are fallbacks."""
    exposures: tuple[TableSource, ...] = ()
    """Tables of the exposures of all observations, where a service has one: they are then known before any download."""
    frame: Literal["icrs", "fk5"] = "icrs"
    row_cuts: tuple[RowCut, ...] = ()
    instrument_columns: tuple[str, ...] = ("instruments",)
    """Columns of the observation table that name the instruments of an observation."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Common columns with one value for every row, e.g. RASS's target type."""
    target_types: Mapping[str, str] = field(default_factory=dict)
    """Native class -> code of `missions.taxonomy.TARGET_TYPES`; empty where the table has no classes."""
    other_target_type: str = ""
    """Code of the classes that `target_types` does not list."""
    aliases: Mapping[str, Callable[[str], tuple[str, ...]]] = field(default_factory=dict)
    """Common column -> what a user's word for one of its values stands for."""
    footprint: tuple[str, str, str, str] | None = None
    """Columns with the lowest and highest right ascension and declination that an observation covers, in degrees."""
    footprint_column: str = ""
    """Column with what an observation covers, as STC-S text."""
    simultaneous: bool = True
    """False where one observation has one instrument (Chandra, ROSAT pointed)."""
    archive_paths: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Archive (`heasarc`, `xsa`, ...) -> path template below its base, or several to try, in order of preference.

    Fields come from the observation table; what has the layout of HEASARC's tree is under `heasarc`.
    """
    bundles: Mapping[str, tuple[Bundle, ...]] = field(default_factory=dict)
    """Archive -> the tar files that it gives in place of a tree."""
    files: tuple[FilePattern, ...] = ()
    """What is fetched of an observation's tree."""
    raw_path: str = "{obsid}"
    """Where an observation's files are kept below `<mission>_raw`."""
    shared: tuple[SharedDirectory, ...] = ()
    products: tuple[ProductPattern, ...] = ()
    engines: tuple[str, ...] = ()
    """Names of its pipeline's own engines that can process it; empty where data are only fetched and organised."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names for several instruments together, in capitals."""
    event_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Instrument -> columns of its event lists, by which expressions are checked before a run."""

    def instrument(self, name: str) -> Instrument:
        """Return the instrument called `name` or one of its aliases; KeyError lists the instruments."""
        for instrument in self.instruments:
            if name.upper() in (instrument.name.upper(), *(alias.upper() for alias in instrument.aliases)):
                return instrument
        if members := self.groups.get(name.upper()):
            raise KeyError(f"{name!r} is a group of instruments, which cannot be used here; name {', '.join(members)}")
        known = ", ".join(instrument.name for instrument in self.instruments)
        raise KeyError(f"{self.pretty_name} has no instrument {name!r}; it has {known}")

    def instruments_named(self, name: str) -> tuple[str, ...]:
        """Return the instruments that a name, an alias or the name of a group stands for; KeyError lists all of them."""
        if members := self.groups.get(name.upper()):
            return members
        try:
            return (self.instrument(name).name,)
        except KeyError as error:
            groups = f", and the groups {', '.join(self.groups)}" if self.groups else ""
            raise KeyError(f"{error.args[0]}{groups}") from None

    def instruments_of(self, pattern: ProductPattern) -> tuple[str, ...]:
        """Return the instruments whose data a product of the pattern holds."""
        return self.groups.get(pattern.instrument, (pattern.instrument,))

    def named_instruments(self, text: str) -> tuple[str, ...]:
        """Return the known instruments among the words of a table's column `instruments`, in the mission's order."""
        words = text.split()
        return tuple(each.name for each in self.instruments if each.name in words)

    @property
    def archives(self) -> tuple[str, ...]:
        """The archives that have the mission, in order of preference; what HEASARC has, its bucket on S3 has too."""
        named = [*self.archive_paths, *self.bundles]
        return tuple(dict.fromkeys([*named, *(["s3"] if "heasarc" in named else [])]))

    @property
    def known_target_types(self) -> set[str]:
        """The codes of target types that the mission's table tells apart."""
        constant = self.constants.get("target_type")
        return {*self.target_types.values(), self.other_target_type, *([constant] if constant else [])} - {""}

    def meant(self, column: str, word: str) -> tuple[str, ...]:
        """The values of a column that a user's word stands for: itself, if the mission has no aliases."""
        return self.aliases[column](word) if column in self.aliases else (word,)

    def is_obsid(self, text: str) -> bool:
        """True if `text` is an ObsID of this mission, to the last character."""
        return re.fullmatch(self.obsid_pattern, text) is not None
