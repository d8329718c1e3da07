"""A mission as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from daxa_wf.mission.citation import Citation
from daxa_wf.mission.xga_names import XgaNames

if TYPE_CHECKING:
    import pandas as pd

ColumnKind = Literal["text", "number", "flag", "mjd", "utc", "instrument"]
"""Form of a service's column: `mjd` days (UTC) and `utc` text both become UTC timestamps; `instrument` holds one name."""

ProductKind = Literal[
    "events", "image", "expmap", "background", "centreimage", "spectrum", "sourcelightcurve", "sourcelist"
]


@dataclass(frozen=True)
class Instrument:
    """One instrument: name, radius of the field of view in degrees, other spellings, whether it is selected by default."""

    name: str
    field_of_view: float
    aliases: tuple[str, ...] = ()
    default: bool = True
    exposure_column: str | None = None
    """Column of the observation table with this instrument's exposure in seconds, if the table has one."""
    radius_caution: str = ""
    """Reason why the default radius, 1.2 fields of view, suits few purposes, as the end of a sentence; '' if it suits most."""
    is_detector: bool = True
    """False for a grating, whose data are in the files of the detector behind it."""

    @property
    def all_names(self) -> str:
        """Return the name with its other spellings, for messages.

        >>> Instrument("M1", 0.25, ("MOS1", "EMOS1")).all_names
        'M1 (MOS1, EMOS1)'
        """
        return f"{self.name} ({', '.join(self.aliases)})" if self.aliases else self.name


@dataclass(frozen=True)
class Column:
    """One column of the mission's table: its name at the service (`source`) and in the observation table (`name`)."""

    source: str
    name: str
    kind: ColumnKind = "text"
    null_values: tuple[float | str, ...] = ()
    """Values that stand for 'unknown' (0 or a far-future public date, -100 as a coordinate)."""
    required: bool = True
    factor: float = 1.0
    """Factor for numbers, such as 1000 if a service gives ks."""


@dataclass(frozen=True)
class RowCut:
    """A named cut on the service's rows. `keep` maps the table to a boolean Series, True for rows that stay."""

    name: str
    description: str
    keep: Callable[[pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class TableSource:
    """Source of a mission's observation table: a service (`heasarc`, `xsa`, `package`), a table, its columns."""

    service: str
    table: str
    columns: tuple[Column, ...]
    """The key column has the common name `obsid`."""
    package: str = ""
    """The Python package that holds the table in its folder `data`, if the service is `package`."""


@dataclass(frozen=True)
class EnergyBand:
    """Energy bounds in keV, and their code in file names of the data centre."""

    code: str
    low: float
    high: float


@dataclass(frozen=True)
class ProductPattern:
    """Path of a pre-processed product in an observation's tree: a glob with `{obsid}`-like fields.

    `instrument` is an instrument, or a group whose data one file holds together. `exposure` is a regular expression for
    the path, whose joined groups are the exposure. A product without this expression, or whose path does not match it,
    belongs to no exposure.
    """

    kind: ProductKind
    instrument: str
    glob: str
    bands: tuple[EnergyBand, ...] = ()
    exposure: str = ""
    is_optional: bool = False
    """True if observations may lack it, so that its absence is not worth a note."""


Route = Literal["raw", "preprocessed"]
VERSION = "{version}"


@dataclass(frozen=True)
class FilePattern:
    """Files that a data level (raw or products) needs: globs below an observation's tree (`*` crosses no `/`), instruments.

    VERSION in a glob stands for the version of the data centre's processing, by default for all versions.
    """

    route: Route
    globs: tuple[str, ...]
    instruments: tuple[str, ...] = ()
    """Instruments that need the files; empty if all need them."""
    further: bool = False
    """True if the files are fetched only for a user who wants the mission's further products."""


@dataclass(frozen=True)
class Bundle:
    """Tar files that a data centre offers in place of a tree: paths below its base, and the directory for their content.

    A `shared` bundle holds several observations, and is kept.
    """

    route: Route
    paths: tuple[str, ...]
    into: str = ""
    shared: bool = False
    further: bool = False
    """True if it is fetched only for a user who wants the mission's further products."""


@dataclass(frozen=True)
class SharedDirectory:
    """A directory that many observations need: its local path, path templates by data centre, globs in it."""

    local: str
    archive_paths: Mapping[str, str]
    globs: tuple[str, ...]


@dataclass(frozen=True)
class MissionSpec:
    """All facts about a mission. A new mission is one file that makes a MissionSpec."""

    name: str
    pretty_name: str
    obsid_pattern: str
    instruments: tuple[Instrument, ...]
    tables: tuple[TableSource, ...]
    """Tables in order of preference; later ones are fallbacks."""
    exposures: tuple[TableSource, ...] = ()
    """Tables of the exposures of all observations. With such a table, exposures are known before any download."""
    frame: Literal["icrs", "fk5"] = "icrs"
    row_cuts: tuple[RowCut, ...] = ()
    instrument_columns: tuple[str, ...] = ("instruments",)
    """Columns of the observation table that name the instruments of an observation."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Common columns with one value for every row, such as the target type of a survey."""
    target_types: Mapping[str, str] = field(default_factory=dict)
    """The table's own class -> code of `mission.taxonomy.TARGET_TYPES`; empty if the table has no classes."""
    other_target_type: str = ""
    """Code of the classes that `target_types` does not list."""
    instrument_in: Callable[[Mapping[str, Any]], str] | None = None
    """Function from the cards of a product's header (INSTRUME, DETNAM, SIM_Z) to the name of its instrument.

    Only missions need it whose products have the same names for several instruments, and whose INSTRUME is not sufficient.
    """
    further_target_types: tuple[str, Mapping[str, str]] | None = None
    """Another column, and its values -> codes, for observations to which `target_types` gives `other_target_type`."""
    aliases: Mapping[str, Callable[[str], tuple[str, ...]]] = field(default_factory=dict)
    """Common column -> function from a user's word to the values that it stands for."""
    filters: tuple[str, ...] = ()
    """Filters as headers spell them; services may write them in upper case."""
    unfit_exposure: Callable[[str, str, str], str] | None = None
    """Reason why an exposure of the table is unfit for science, '' if it is fit: from its instrument, mode and filter."""
    footprint: tuple[str, str, str, str] | None = None
    """Columns with the lowest and highest right ascension and declination of an observation, in degrees."""
    footprint_column: str = ""
    """Column with an observation's footprint, as STC-S text."""
    simultaneous: bool = True
    """False if an observation has only one instrument (Chandra, ROSAT pointed)."""
    archive_paths: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Data centre (`heasarc`, `xsa`, ...) -> path template below its base, or several templates in order of preference.

    Fields come from the observation table. The key `heasarc` serves every copy of HEASARC's tree.
    """
    bundles: Mapping[str, tuple[Bundle, ...]] = field(default_factory=dict)
    """Data centre -> the tar files that it offers in place of a tree."""
    files: tuple[FilePattern, ...] = ()
    """Files to fetch from an observation's tree."""
    raw_path: str = "{obsid}"
    """Directory of an observation's files below `<mission>_raw`."""
    path_fields: Callable[[str], Mapping[str, str]] | None = None
    """Function from an ObsID to further fields of `archive_paths`, in addition to the columns of the observation table."""
    shared: tuple[SharedDirectory, ...] = ()
    products: tuple[ProductPattern, ...] = ()
    engines: tuple[str, ...] = ()
    """Names of its pipeline's own engines that can process it; empty if data are only fetched and organised."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of groups of instruments, in capitals."""
    exposure_names: tuple[str, str] | None = None
    """Meaning of the exposures in names of products, and examples, for docs/missions.md; None if files have no exposure."""
    notes: tuple[str, ...] = ()
    """Remarks for docs/missions.md: sentences on data that are not available, and on instruments."""
    event_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Instrument -> columns of its event lists, which a check of expressions before a run uses."""
    citation: Citation = field(default_factory=Citation)
    """How to acknowledge and cite the mission."""
    xga: XgaNames | None = None
    """Its names in the package XGA, None if XGA does not know it."""

    def instrument(self, name: str) -> Instrument:
        """Return the instrument with a name or alias. KeyError lists the instruments."""
        for instrument in self.instruments:
            if name.upper() in (instrument.name.upper(), *(alias.upper() for alias in instrument.aliases)):
                return instrument
        if members := self.groups.get(name.upper()):
            raise KeyError(f"{name!r} is a group of instruments, which cannot be used here; name {', '.join(members)}")
        known = ", ".join(instrument.all_names for instrument in self.instruments)
        raise KeyError(f"{self.pretty_name} has no instrument {name!r}; it has {known}")

    def instruments_named(self, name: str) -> tuple[str, ...]:
        """Return the instruments with a name, an alias or a group's name. KeyError lists instruments and groups.

        >>> from daxa_wf.mission.registry import MISSIONS
        >>> MISSIONS["chandra"].instruments_named("acis")
        ('ACIS-I', 'ACIS-S')
        """
        if members := self.groups.get(name.upper()):
            return members
        try:
            return (self.instrument(name).name,)
        except KeyError as error:
            groups = f", and the groups {', '.join(self.groups)}" if self.groups else ""
            raise KeyError(f"{error.args[0]}{groups}") from None

    @property
    def product_bands(self) -> dict[tuple[str, ProductKind], tuple[tuple[float, float], ...]]:
        """Return the energy bands in keV of each instrument's or group's products of a kind; () for products without a band.

        >>> from daxa_wf.mission.registry import MISSIONS
        >>> MISSIONS["asca"].product_bands["SIS", "image"]
        ((0.4, 2.0), (0.4, 10.0), (2.0, 10.0))
        """
        bands: dict[tuple[str, ProductKind], set[tuple[float, float]]] = {}
        for pattern in self.products:
            bands.setdefault((pattern.instrument, pattern.kind), set()).update(
                (band.low, band.high) for band in pattern.bands
            )
        return {key: tuple(sorted(edges)) for key, edges in bands.items()}

    def instruments_of(self, pattern: ProductPattern) -> tuple[str, ...]:
        """Return the instruments whose data are in a product of the pattern."""
        return self.groups.get(pattern.instrument, (pattern.instrument,))

    def named_instruments(self, text: str) -> tuple[str, ...]:
        """Return the known instruments among the words of a table's column `instruments`, in the mission's order."""
        words = text.split()
        return tuple(instrument.name for instrument in self.instruments if instrument.name in words)

    @property
    def has_versions(self) -> bool:
        """Return True if the paths of its files state the version of the data centre's processing."""
        return any(VERSION in glob for pattern in self.files for glob in pattern.globs)

    @property
    def has_further_products(self) -> bool:
        """Return True if the data centre has products that are fetched on request only."""
        return any(pattern.further for pattern in self.files)

    @property
    def archives(self) -> tuple[str, ...]:
        """Return the data centres that have the mission, in order of preference. HEASARC's bucket on S3 has all its data."""
        names = [*self.archive_paths, *self.bundles]
        return tuple(dict.fromkeys([*names, *(["s3"] if "heasarc" in names else [])]))

    @property
    def known_target_types(self) -> set[str]:
        """Return the codes of target types that the mission's table distinguishes."""
        constant = self.constants.get("target_type")
        further = self.further_target_types[1].values() if self.further_target_types else ()
        listed = {*self.target_types.values(), *further, self.other_target_type}
        return {*listed, *([constant] if constant else [])} - {""}

    def values_for(self, column: str, word: str) -> tuple[str, ...]:
        """Return the values of a column that a user's word stands for: the word itself, unless the mission has aliases."""
        return self.aliases[column](word) if column in self.aliases else (word,)

    def is_obsid(self, text: str) -> bool:
        """Return True if the whole text is an ObsID of this mission.

        >>> from daxa_wf.mission.registry import MISSIONS
        >>> MISSIONS["chandra"].is_obsid("12812"), MISSIONS["chandra"].is_obsid("0201903501")
        (True, False)
        """
        return re.fullmatch(self.obsid_pattern, text) is not None
