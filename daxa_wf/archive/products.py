"""The products of an archive: what a record states about each file, the search among them, and the table of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_wf.archive.contents import read_sound_record
from daxa_wf.archive.layout import NO_EXPOSURE, SUBDIRECTORIES, Layout, band_of, unit_of
from daxa_wf.archive.records import FileStamp
from daxa_wf.archive.requested import RequestedUnits
from daxa_wf.archive.results import PreprocessedResults
from daxa_wf.errors import ConfigError, DaxaError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.spec import Instrument, MissionSpec
from daxa_wf.mission.step import PREPROCESSED
from daxa_wf.near import closest
from daxa_wf.units import Unit

KINDS = {
    "event list": ("finalevents", "events"),
    "image": ("image",),
    "exposure map": ("expmap",),
    "background map": ("backmap",),
}
"""Name of a product for users -> kinds of products, the best first."""
EXPOSURE_KINDS = {**KINDS, "event list": ("cleanevents", "finalevents", "events")}
"""The same for one exposure of an instrument that may have several."""
SPEC_KINDS = {"event list": "events", "image": "image", "exposure map": "expmap", "background map": "background"}


class NoSuchProductError(DaxaError):
    """The archive lacks the product. The message lists the products that it has."""


@dataclass(frozen=True)
class Product:
    """A file of the archive: kind, instrument, exposure ('None' or '' without one), energy band in keV, step.

    `requested` is False if the archive's configuration no longer requests it, and `dropped_because` is the cause.
    """

    path: Path
    kind: str
    instrument: str
    exposure: str
    band: tuple[float, float] | None
    requested: bool = True
    step: str = ""
    dropped_because: str = ""
    mission: str = ""
    obsid: str = ""
    size: int = 0
    """Size in bytes."""


def why_not_one(
    spec: MissionSpec, what: str, has: str, inst: str, matching: Sequence[Product], of_kind: Sequence[Product],
    earlier: Sequence[Product],
) -> str:  # fmt: skip
    """Return the message for a request that no product matches, or several do; `of_kind` are the products to choose from."""
    choice = ", ".join(_described(product) for product in of_kind) or "none"
    if matching:
        return f"{has} more than one {what} of {inst}; say which: {choice}"
    if earlier:
        return (
            f"{has} no {what} of {inst} that its configuration requests; {earlier[0].path} is no longer "
            f"requested: {earlier[0].dropped_because}; there is {choice}"
        )
    if not of_kind and not spec.engines and SPEC_KINDS[what] not in {pattern.kind for pattern in spec.products}:
        return f"{spec.pretty_name} has no {what}s"
    return f"{has} no such {what} of {inst}; there is {choice}"


def is_uncleaned(product: Product) -> bool:
    """Return True for an event list that a step made and did not clean yet. It is never an instrument's event list."""
    return product.kind == "events" and product.step != PREPROCESSED.name


def existing(product: Product) -> Path:
    """Return the path of a product. Raise NoSuchProductError if the file is gone."""
    if not product.path.exists():
        raise NoSuchProductError(f"{product.path} is recorded, and is gone; 'daxa-wf run' makes it again")
    return product.path


def instrument_name(spec: MissionSpec, instrument: str) -> str:
    """Return a mission's own name of an instrument, or the name unchanged if the mission has no such instrument."""
    return next((item.name for item in spec.instruments if instrument.upper() in spellings(item)), instrument)


def spellings(instrument: Instrument) -> Sequence[str]:
    """Return the names of an instrument in capitals: its own and its aliases."""
    return [name.upper() for name in (instrument.name, *instrument.aliases)]


def _described(product: Product) -> str:
    exposure = "" if product.exposure == NO_EXPOSURE else f" {product.exposure}"
    band = f" {product.band[0]:g}-{product.band[1]:g} keV" if product.band else ""
    return f"{product.instrument}{exposure}{band}"


def products_of(
    layout: Layout, step: str, unit: Unit, stamps: Iterable[FileStamp], requested: RequestedUnits
) -> list[Product]:
    """Return the products that the record of a step on a unit lists."""
    cause = requested.why_not(step, unit)
    # Files move only to `failed_data`, so without it no disk needs to be asked for the place of each file.
    find = layout.find if layout.failed_observation(unit).exists() else layout.root.joinpath
    products = []
    for stamp in stamps:
        name = stamp.path.rpartition("/")[2]
        instrument, exposure = unit_of(name)
        band = band_of(name)
        edges = (band.low, band.high) if band else None
        path, identity = find(stamp.path), (unit.mission, unit.obsid)
        products.append(
            Product(path, stamp.kind, instrument, exposure, edges, not cause, step, cause, *identity, stamp.size)
        )
    return products


def is_of_instrument(product: Product, instrument: str) -> bool:
    """Return True if a file is of an instrument, or of some instruments of a group, in any spelling that missions use."""
    if (spec := MISSIONS.get(product.mission)) is None:
        return product.instrument == instrument
    name = instrument_name(spec, instrument)
    group = set(spec.groups.get(instrument.upper(), ()))
    return product.instrument == name or set(product.instrument.split("_")) <= group


def kinds_named(kind: str) -> tuple[str, ...]:
    """Return the kinds of products that a name stands for: `image`, or `event list` for every kind of final event list.

    Raise ConfigError for an unknown name.
    """
    known = {name: (name,) for name in SUBDIRECTORIES} | KINDS
    if kind not in known:
        raise ConfigError(f"kind {kind!r}: unknown; there are {', '.join(known)}{closest(kind, known)}")
    return known[kind]


def detectors_behind(layout: Layout, grating: str, obsid: str, mission: str) -> set[str]:
    """Return the detectors onto which a grating dispersed an observation's light; empty for other instruments."""
    spec = MISSIONS[mission]
    detectors = {item.name for item in spec.instruments if item.is_detector}
    if grating in detectors or grating not in {item.name for item in spec.instruments}:
        return set()
    path = layout.record(PREPROCESSED.name, Unit(mission, obsid))
    used = PreprocessedResults.from_record(read_sound_record(path)).observed_with if path.is_file() else frozenset()
    return detectors & used if grating in used else set()


def path_of_row(row: Any) -> str:
    """Return the path in a row of a table of products. Raise ConfigError if it is not such a row."""
    try:
        return str(row["path"])
    except (KeyError, TypeError, IndexError, ValueError):
        raise ConfigError(f"{row!r} is not a product; expected a row of Archive.products, or a path") from None


def kind_of_name(name: str) -> str:
    """Return the kind of product in a file's name, or ''."""
    kind = name.rpartition("-")[2].partition(".")[0]
    return kind if kind in SUBDIRECTORIES else ""


def check_instrument(instrument: str, missions: Iterable[str]) -> None:
    """Raise ConfigError if none of the missions has an instrument or group of a name."""
    known: list[str] = []
    for spec in (MISSIONS[name] for name in missions if name in MISSIONS):
        known += (*spec.groups, *(name for item in spec.instruments for name in spellings(item)))
    if instrument.upper() not in known:
        raise ConfigError(
            f"instrument {instrument!r}: unknown; there are {', '.join(dict.fromkeys(known)) or 'none'}"
            f"{closest(instrument, known)}"
        )


def product_table(products: Sequence[Product]) -> Any:
    """Return an astropy Table with a row for each product. Energies are in keV, NaN for files with all energies."""
    from astropy.table import Table

    none = (float("nan"),) * 2
    texts = ("mission", "obsid", "instrument", "exposure", "kind")
    table = Table(
        {name: [str(getattr(product, name)) for product in products] for name in texts}, dtype=[str] * len(texts)
    )
    edges = [product.band or none for product in products]
    table["energy_low"] = [low for low, _ in edges] if edges else [0.0][:0]
    table["energy_high"] = [high for _, high in edges] if edges else [0.0][:0]
    for name in ("energy_low", "energy_high"):
        table[name].unit = "keV"
    for name, kind in (("step", str), ("requested", bool), ("size", int), ("path", str)):
        table[name] = Table.Column([kind(getattr(product, name)) for product in products], dtype=kind)
    table["size"].unit = "byte"
    return table
