"""Find the products of an archive from Python, by ObsID, instrument, exposure and energy band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from daxa_wf.archive.layout import NO_EXPOSURE, Layout, band_of, unit_of
from daxa_wf.archive.records import Record, read_record
from daxa_wf.archive.requested import RequestedUnits, read_requested
from daxa_wf.archive.results import PreprocessedResults
from daxa_wf.errors import ConfigError, DaxaError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.spec import Instrument, MissionSpec
from daxa_wf.mission.step import PREPROCESSED
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


class Archive:
    """The archive in a directory, as a run of the workflow left it.

    Raises ConfigError if the directory does not hold records.

    >>> archive = Archive("my_archive")
    >>> archive.observations
    [('xmm_pointed', '0201903501')]
    >>> archive.event_list("0201903501", "PN")
    PosixPath('my_archive/processed_data/xmm_pointed/0201903501/events/obsid0201903501-instPN-subexpALL-finalevents.fits')
    >>> archive.image("0201903501", "pn", band=(0.5, 2.0)).name
    'obsid0201903501-instPN-subexpALL-en0.5_2.0keV-image.fits'
    >>> archive.image("0201903501", "M1")
    Traceback (most recent call last):
        ...
    daxa_wf.archive.access.NoSuchProductError: 0201903501 has no such image of M1; there is PN ALL 0.5-2 keV, PN ALL 2-10 keV
    >>> sorted(product.kind for product in archive.products("0201903501"))
    ['finalevents', 'image', 'image']
    """

    def __init__(self, directory: Path | str) -> None:
        self.layout = Layout(Path(directory))
        if not (self.layout.root / "records").is_dir():
            raise ConfigError(f"{directory} is not an archive: it has no records")

    @property
    def observations(self) -> list[tuple[str, str]]:
        """List mission and ObsID of every observation that the archive's configuration requests."""
        return [(name, obsid) for name, obsid in self._recorded if self._requested.has(Unit(name, obsid))]

    @property
    def no_longer_requested(self) -> list[tuple[str, str]]:
        """List mission and ObsID of every observation that only an earlier configuration requested."""
        return [(name, obsid) for name, obsid in self._recorded if not self._requested.has(Unit(name, obsid))]

    @property
    def _recorded(self) -> list[tuple[str, str]]:
        return sorted((path.parent.name, path.name) for path in (self.layout.root / "records").glob("*/*"))

    @cached_property
    def _requested(self) -> RequestedUnits:
        return read_requested(self.layout)

    def event_list(self, obsid: str, instrument: str, exposure: str | None = None, mission: str | None = None) -> Path:
        """Return the path of an instrument's final event list, of an exposure's cleaned one, or of the data centre's own.

        Raise NoSuchProductError if the archive lacks it. The message lists the event lists that it has.
        """
        return self._one("event list", obsid, instrument, exposure, None, mission)

    def image(
        self, obsid: str, instrument: str, band: tuple[float, float] | None = None, exposure: str | None = None,
        mission: str | None = None,
    ) -> Path:  # fmt: skip
        """Return the path of an instrument's image in an energy band (keV; not needed if only one band exists)."""
        return self._one("image", obsid, instrument, exposure, band, mission)

    def exposure_map(
        self, obsid: str, instrument: str, band: tuple[float, float] | None = None, exposure: str | None = None,
        mission: str | None = None,
    ) -> Path:  # fmt: skip
        """Return the path of an instrument's exposure map in an energy band (keV; not needed if only one band exists)."""
        return self._one("exposure map", obsid, instrument, exposure, band, mission)

    def background(
        self, obsid: str, instrument: str, band: tuple[float, float] | None = None, exposure: str | None = None,
        mission: str | None = None,
    ) -> Path:  # fmt: skip
        """Return the path of an instrument's background map in an energy band (keV; not needed if only one band exists)."""
        return self._one("background map", obsid, instrument, exposure, band, mission)

    def products(self, obsid: str, mission: str | None = None) -> list[Product]:
        """Return every product of an observation. Products of an earlier configuration have `requested` False."""
        unit = Unit(self._mission_of(obsid, mission), obsid)
        paths = sorted(self.layout.records(unit).glob("*/*.json"))
        return [product for path in paths for product in _products(self.layout, read_record(path), self._requested)]

    def _mission_of(self, obsid: str, mission: str | None) -> str:
        missions = [name for name, recorded in self._recorded if recorded == obsid and mission in (None, name)]
        if len(missions) == 1:
            return missions[0]
        if missions:
            raise NoSuchProductError(f"{obsid} is in {' and '.join(missions)}; give the mission")
        raise NoSuchProductError(f"{self.layout.root} has no observation {obsid}{f' of {mission}' if mission else ''}")

    def _behind(self, grating: str, obsid: str, mission: str) -> set[str]:
        """Return the detectors onto which a grating dispersed an observation's light; empty for other instruments."""
        spec = MISSIONS[mission]
        detectors = {item.name for item in spec.instruments if item.is_detector}
        if grating in detectors or grating not in {item.name for item in spec.instruments}:
            return set()
        path = self.layout.record(PREPROCESSED.name, Unit(mission, obsid))
        used = PreprocessedResults.from_record(read_record(path)).observed_with if path.is_file() else frozenset()
        return detectors & used if grating in used else set()

    def _one(
        self, what: str, obsid: str, instrument: str, exposure: str | None, band: tuple[float, float] | None,
        mission: str | None,
    ) -> Path:  # fmt: skip
        """Return the path of the only product that matches. Raise NoSuchProductError if zero or several match."""
        name = self._mission_of(obsid, mission)
        spec = MISSIONS[name]
        inst = next((item.name for item in spec.instruments if instrument.upper() in _spellings(item)), instrument)
        group = set(spec.groups.get(instrument.upper(), ())) | self._behind(inst, obsid, name)
        kinds = KINDS[what] if exposure is None else EXPOSURE_KINDS[what]
        candidates = [
            product for product in self.products(obsid, name) if product.kind in kinds and not _is_uncleaned(product)
        ]

        def matches(product: Product) -> bool:
            return (
                (product.instrument == inst or set(product.instrument.split("_")) <= group)
                and exposure in (None, product.exposure)
                and band in (None, product.band)
            )

        earlier = [product for product in candidates if not product.requested and matches(product)]
        present = [product for product in candidates if product.requested]
        kinds_present = {product.kind for product in present}
        if exposure is not None:
            kinds_present = {product.kind for product in present if matches(product)} or kinds_present
        best = next((kind for kind in kinds if kind in kinds_present), "")
        of_kind = [product for product in present if product.kind == best]
        matching = [product for product in of_kind if matches(product)]
        if len(matching) == 1:
            return _existing(matching[0])
        raise NoSuchProductError(_why_not_one(spec, what, f"{obsid} has", inst, matching, of_kind, earlier))


def _why_not_one(
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
        return no_such_kind(spec.pretty_name, what)
    return f"{has} no such {what} of {inst}; there is {choice}"


def _is_uncleaned(product: Product) -> bool:
    """Return True for an event list that a step made and did not clean yet. It is never an instrument's event list."""
    return product.kind == "events" and product.step != PREPROCESSED.name


def _existing(product: Product) -> Path:
    if not product.path.exists():
        raise NoSuchProductError(f"{product.path} is recorded, and is gone; 'daxa-wf run' makes it again")
    return product.path


def no_such_kind(pretty_name: str, what: str) -> str:
    """Return the message for a mission that never has a kind of product."""
    return f"{pretty_name} has no {what}s"


def _spellings(instrument: Instrument) -> Sequence[str]:
    return [name.upper() for name in (instrument.name, *instrument.aliases)]


def _described(product: Product) -> str:
    exposure = "" if product.exposure == NO_EXPOSURE else f" {product.exposure}"
    band = f" {product.band[0]:g}-{product.band[1]:g} keV" if product.band else ""
    return f"{product.instrument}{exposure}{band}"


def _products(layout: Layout, record: Record, requested: RequestedUnits) -> list[Product]:
    products = []
    cause = requested.why_not(record.step, record.unit)
    for stamp in record.products:
        name = Path(stamp.path).name
        instrument, exposure = unit_of(name)
        band = band_of(name)
        edges = (band.low, band.high) if band else None
        path = layout.find(stamp.path)
        products.append(Product(path, stamp.kind, instrument, exposure, edges, not cause, record.step, cause))
    return products
