"""The products of an archive: what a record states about each file, the search among them, and the table of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from sys import intern
from typing import Any

from daxa_wf.archive.contents import StepOutcome
from daxa_wf.archive.layout import NO_EXPOSURE, SUBDIRECTORIES, Layout, band_of, unit_of
from daxa_wf.archive.records import read_sound_record
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


PRODUCT_COLUMNS = {
    "mission": str, "obsid": str, "instrument": str, "exposure": str, "kind": str, "energy_low": float,
    "energy_high": float, "step": str, "requested": bool, "size": int, "path": str,
}  # fmt: skip
"""Columns of the table of products, with their types."""


class NoSuchProductError(DaxaError):
    """The archive lacks the product. The message lists the products that it has."""


@dataclass(frozen=True, slots=True)
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


def products_of(layout: Layout, outcomes: Iterable[StepOutcome], requested: RequestedUnits) -> Iterator[Product]:
    """Yield the products of outcomes, one after the other, so that a large archive need not be in memory."""
    root, is_failed = layout.root, dict[tuple[str, str], bool]()
    for outcome in outcomes:
        unit, step = outcome.verdict.unit, outcome.verdict.step
        key = (unit.mission, unit.obsid)
        if key not in is_failed:
            is_failed[key] = layout.failed_observation(unit).exists()
        # Files move only to `failed_data`, so without it no disk needs to be asked for the place of each file.
        find = layout.find if is_failed[key] else root.joinpath
        cause = requested.why_not(step, unit) if outcome.products else ""
        for stamp in outcome.products:
            name = stamp.path.rpartition("/")[2]
            edges = _edges(name.partition("-en")[2])
            instrument, exposure = map(intern, unit_of(name))
            path = find(stamp.path)
            yield Product(path, stamp.kind, instrument, exposure, edges, not cause, step, cause, *key, stamp.size)


@lru_cache(1024)
def _edges(rest: str) -> tuple[float, float] | None:
    """Return the edges of the band in a product's name after `-en`, in keV, or None. Products share the same pair."""
    band = band_of(f"-en{rest}")
    return (band.low, band.high) if band else None


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


def product_table(products: Iterable[Product]) -> Any:
    """Return an astropy Table with a row for each product. Energies are in keV, NaN for files with all energies."""
    import numpy as np
    from astropy.table import Table

    columns: dict[str, list[Any]] = {name: [] for name in PRODUCT_COLUMNS}
    for product in products:
        low, high = product.band or (float("nan"), float("nan"))
        path = str(product.path)
        row = (product.mission, product.obsid, product.instrument, product.exposure, product.kind, low, high,
               product.step, product.requested, product.size, path)  # fmt: skip
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    # A list is freed when its array is made, and no array is copied: paths take most of the memory.
    arrays: dict[str, Any] = {name: np.array(columns.pop(name), dtype=kind) for name, kind in PRODUCT_COLUMNS.items()}
    table = Table(arrays, copy=False)
    for name in ("energy_low", "energy_high"):
        table[name].unit = "keV"
    table["size"].unit = "byte"
    return table
