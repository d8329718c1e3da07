"""An archive in Python: what it holds, how its steps ended, and its products, by ObsID, instrument, exposure and band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.contents import read_contents
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.observations import UNUSABLE, USABLE, observation_table
from daxa_wf.archive.overview import as_html, as_rich, one_line
from daxa_wf.archive.process_views import (
    ByUnit,
    LogTexts,
    error_texts,
    log_paths,
    nested,
    status_table,
    success,
    summary_of,
    warning_texts,
    without_result,
)
from daxa_wf.archive.product_files import Form, read_product
from daxa_wf.archive.products import (
    EXPOSURE_KINDS,
    KINDS,
    NoSuchProductError,
    Product,
    check_instrument,
    detectors_behind,
    existing,
    instrument_name,
    is_of_instrument,
    is_uncleaned,
    kind_of_name,
    kinds_named,
    path_of_row,
    product_table,
    products_of,
    why_not_one,
)
from daxa_wf.archive.records import read_sound_record
from daxa_wf.archive.region_files import region_files
from daxa_wf.archive.state import ArchiveState
from daxa_wf.archive.status import Verdict
from daxa_wf.archive.versioned import VersionedArchive
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS, check_step, why_unknown
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["Archive", "NoSuchProductError", "Product"]


class Archive(VersionedArchive):
    """The archive in a directory, as a run of the workflow left it.

    Nothing is read until it is asked for, and everything is offline. Facts are read once; `refresh` forgets them, for an
    archive that a run is changing. Raises ConfigError if the directory does not hold records.

    >>> archive = Archive("my_archive")
    >>> archive
    <Archive my_archive: 1 observation of xmm_pointed (1 usable)>
    """

    def __init__(self, directory: Path | str) -> None:
        self.layout = Layout(Path(directory))
        if not (self.layout.root / "records").is_dir():
            raise ConfigError(f"{directory} is not an archive: it has no records")
        self.state = ArchiveState(self.layout)

    def refresh(self) -> None:
        """Forget everything that was read, so that the present state of the archive is read.

        >>> Archive("my_archive").refresh()
        """
        self.state = ArchiveState(self.layout)

    def __repr__(self) -> str:
        return one_line(self.state)

    def _repr_html_(self) -> str:
        return as_html(self.state)

    def __rich__(self) -> Any:
        return as_rich(self.state)

    @property
    def missions(self) -> list[str]:
        """List the missions of the observations that the archive's configuration requests.

        >>> Archive("my_archive").missions
        ['xmm_pointed']
        """
        return sorted({state.mission for state in self.state.states})

    @property
    def observations(self) -> Table:
        """Return a Table of the observations that the archive's configuration requests.

        `exposures` is their number in the manifest, 0 if the manifest lists whole observations of the mission. `status` is
        `usable` or `unusable` after the last step, `fault` if a step met a fault, and `pending` otherwise.

        >>> print(Archive("my_archive").observations)
          mission     obsid    exposures status
        ----------- ---------- --------- ------
        xmm_pointed 0201903501         2 usable
        """
        return observation_table(self.state.states)

    @property
    def no_longer_requested(self) -> list[tuple[str, str]]:
        """List mission and ObsID of every observation that only an earlier configuration requested.

        >>> Archive("my_archive").no_longer_requested
        []
        """
        state = self.state
        return [key for key in state.recorded if not state.requested.has(Unit(*key))]

    @property
    def verdicts(self) -> list[Verdict]:
        """Return the verdict of every step on every unit, done or still to do: the rows of `status` as objects.

        >>> Archive("my_archive").verdicts[0].unit.identifier
        '0201903501M1S001'
        """
        return self.state.verdicts

    @property
    def status(self) -> Table:
        """Return a Table of all verdicts, one row a unit and step, with the columns of `status.tsv`.

        >>> print(Archive("my_archive").status["instrument", "step", "status", "exposure"])  # doctest: +NORMALIZE_WHITESPACE
        instrument   step   status  exposure
        ---------- ------- -------- --------
                M1 espfilt rejected     S001
                PN espfilt     done     S003
                PN   merge     done
                PN  images     done
                    report     done
        """
        return status_table(self.state.verdicts)

    @property
    def process_success(self) -> ByUnit[bool]:
        """Map mission, step and unit to True if the step is done, and False if it was rejected, failed, blocked or met a fault.

        Steps that have not run, and units that are no longer requested, are left out.

        >>> Archive("my_archive").process_success["xmm_pointed"]["espfilt"]
        {'0201903501M1S001': False, '0201903501PNS003': True}
        """
        return nested(self.state.verdicts, success)

    @property
    def process_errors(self) -> ByUnit[list[str]]:
        """Map mission, step and unit to the reasons and the errors of tools, of units that have any.

        A blocked unit is left out, because the reason is that of an earlier step.

        >>> Archive("my_archive").process_errors["xmm_pointed"]["espfilt"]
        {'0201903501M1S001': ['noData: no counts in the field of view']}
        """
        outcomes = self.state.outcomes

        def value(verdict: Verdict) -> list[str] | None:
            outcome = outcomes.get((verdict.step, verdict.unit))
            return error_texts(verdict, outcome.errors if outcome and success(verdict) is not None else ())

        return nested(self.state.verdicts, value)

    @property
    def process_warnings(self) -> ByUnit[list[str]]:
        """Map mission, step and unit to its warnings, of units that have any.

        >>> Archive("my_archive").process_warnings["xmm_pointed"]["espfilt"]
        {'0201903501PNS003': ['mostlyFlared: 70 % of the time was removed']}
        """
        return nested(self.state.verdicts, warning_texts)

    @property
    def process_logs(self) -> dict[str, dict[str, LogTexts]]:
        """Map mission, step and unit to the text of its logs. A log is read when it is asked for; a missing one is ''.

        >>> logs = Archive("my_archive").process_logs["xmm_pointed"]["espfilt"]
        >>> logs
        <logs of 2 units: 0201903501M1S001, 0201903501PNS003>
        >>> logs["0201903501M1S001"]
        'no counts in the field of view'
        """
        paths = nested(self.state.verdicts, self._logs_of)
        return {mission: {step: LogTexts(units) for step, units in steps.items()} for mission, steps in paths.items()}

    def _logs_of(self, verdict: Verdict) -> list[Path] | None:
        if success(verdict) is None:
            return None
        outcome = self.state.outcomes.get((verdict.step, verdict.unit))
        return log_paths(self.layout, verdict, outcome.logs if outcome else ())

    @property
    def observation_summaries(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Map mission and ObsID to the facts of the observation table, the exposures, and whether it is usable (None: unknown).

        An exposure has its modes and filter, and `kept_seconds` and `lost_seconds` if flares were searched.

        >>> summary = Archive("my_archive").observation_summaries["xmm_pointed"]["0201903501"]
        >>> summary["facts"]["revolution"], summary["usable"]
        ('819', True)
        >>> [(row["instrument"], row["filter"], row.get("kept_seconds")) for row in summary["exposures"]]
        [('M1', 'Medium', None), ('PN', 'Thin1', 3000.0)]
        """
        rows = self.state.rows_by_observation
        outcomes = self.state.outcomes_by_observation
        summaries: dict[str, dict[str, dict[str, Any]]] = {}
        for state in self.state.states:
            key = (state.mission, state.obsid)
            summaries.setdefault(state.mission, {})[state.obsid] = summary_of(rows.get(key, []), outcomes.get(key, []))
        return summaries

    @property
    def final_process_success(self) -> dict[str, dict[str, bool]]:
        """Map mission and ObsID to True if the observation has a usable product. Unfinished observations are left out.

        >>> Archive("my_archive").final_process_success
        {'xmm_pointed': {'0201903501': True}}
        """
        ends: dict[str, dict[str, bool]] = {}
        for state in self.state.states:
            if state.status in (USABLE, UNUSABLE):
                ends.setdefault(state.mission, {})[state.obsid] = state.status == USABLE
        return ends

    def failed(self, step: str | None = None) -> Table:
        """Return the rows of `status` that are failed, rejected or a fault, of one step or of all. Blocked units are left out.

        Raise ConfigError for an unknown step.

        >>> print(Archive("my_archive").failed("espfilt")["message"][0])
        no counts in the field of view
        """
        if step is not None:
            check_step(step)
        verdicts = (verdict for verdict in self.state.verdicts if step in (None, verdict.step))
        return status_table([verdict for verdict in verdicts if without_result(verdict)])

    def products(
        self, obsid: str | Sequence[str] | None = None, mission: str | None = None, *, instrument: str | None = None,
        kind: str | None = None, band: tuple[float, float] | None = None, exposure: str | None = None,
    ) -> Table:  # fmt: skip
        """Return a Table of the products that match every filter: paths, kinds, energies (keV, NaN for all energies), sizes.

        `kind` is a kind of product such as `gti`, or `event list`, `image`, `exposure map`, `background map`. `requested`
        is False for products that only an earlier configuration requested. Raise ConfigError for an unknown mission,
        instrument or kind, and NoSuchProductError for an observation that the archive lacks.

        >>> archive = Archive("my_archive")
        >>> archive.products(instrument="EPN", kind="image")["obsid", "energy_low", "energy_high"].to_pandas()
                obsid  energy_low  energy_high
        0  0201903501         0.5          2.0
        1  0201903501         2.0         10.0
        >>> [Path(path).name for path in archive.products("0201903501", kind="event list")["path"]]
        ['obsid0201903501-instPN-subexpALL-finalevents.fits']
        """
        return product_table(self._matching(obsid, mission, instrument, kind, band, exposure))

    def find_products(
        self, obsid: str | Sequence[str] | None = None, mission: str | None = None, instrument: str | None = None,
        kind: str | None = None, band: tuple[float, float] | None = None, exposure: str | None = None,
    ) -> list[Product]:  # fmt: skip
        """Return the same products as `products`, as objects with the path of each.

        >>> [product.path.name for product in Archive("my_archive").find_products(kind="gti")]
        ['obsid0201903501-instPN-subexpS003-gti.fits']
        """
        return list(self._matching(obsid, mission, instrument, kind, band, exposure))

    def _matching(
        self, obsid: str | Sequence[str] | None, mission: str | None, instrument: str | None, kind: str | None,
        band: tuple[float, float] | None, exposure: str | None,
    ) -> Iterator[Product]:  # fmt: skip
        if mission is not None and mission not in MISSIONS:
            raise ConfigError(f"mission {mission}: {why_unknown(mission)}")
        if instrument is not None:
            check_instrument(instrument, [mission] if mission else {name for name, _ in self.state.recorded})
        kinds = None if kind is None else kinds_named(kind)
        yield from (
            product
            for product in self._products_in(obsid, mission)
            if (kinds is None or product.kind in kinds)
            and (kind not in KINDS or not is_uncleaned(product))
            and band in (None, product.band)
            and exposure in (None, product.exposure)
            and (instrument is None or is_of_instrument(product, instrument))
        )

    def read(self, product: Any, form: Form = "") -> Any:
        """Read a product: a row of `products`, a Product, or a path (of any file of the archive, or relative to it).

        An event list becomes a `stingray.EventList` if stingray is installed, otherwise a Table; `form="table"` always
        returns the Table, and `form="stingray"` requires stingray. Good times and light curves become a Table. Images and
        maps become `CCDData` with header, celestial WCS and unit, or `NDData` if the file does not state the unit. Raise
        ConfigError if stingray is required and missing or the file is not FITS, CorruptFileError if it cannot be read.

        >>> archive = Archive("my_archive")
        >>> events = archive.read(archive.products(kind="finalevents")[0])
        >>> type(events).__module__, len(events.time)
        ('stingray.events', 1000)
        >>> image = archive.read(archive.image("0201903501", "PN", band=(0.5, 2.0)))
        >>> type(image).__name__, str(image.unit), image.shape, image.wcs.axis_type_names
        ('CCDData', 'ct', (10, 10), ['RA', 'DEC'])
        >>> archive.read(archive.products(kind="gti")[0]).colnames
        ['START', 'STOP']
        """
        if isinstance(product, Product):
            return read_product(product.path, product.kind, form)
        name = product if isinstance(product, (str, Path)) else path_of_row(product)
        path = Path(name)
        if not path.exists() and not path.is_absolute():
            path = self.layout.find(str(path))
        return read_product(path, kind_of_name(path.name), form)

    def regions(self, obsid: str | None = None, mission: str | None = None, name: str | None = None) -> list[Path]:
        """Return the paths of the stored region files: of an observation, of a name, or all.

        >>> Archive("my_archive").regions("0201903501")
        []
        """
        return [file.path for file in region_files(self.layout, obsid, mission, name)]

    def event_list(self, obsid: str, instrument: str, exposure: str | None = None, mission: str | None = None) -> Path:
        """Return the path of an instrument's final event list, of an exposure's cleaned one, or of the data centre's own.

        Raise NoSuchProductError if the archive lacks it. The message lists the event lists that it has.

        >>> Archive("my_archive").event_list("0201903501", "PN").name
        'obsid0201903501-instPN-subexpALL-finalevents.fits'
        """
        return self._one("event list", obsid, instrument, exposure, None, mission)

    def image(
        self, obsid: str, instrument: str, band: tuple[float, float] | None = None, exposure: str | None = None,
        mission: str | None = None,
    ) -> Path:  # fmt: skip
        """Return the path of an instrument's image in an energy band (keV; not needed if only one band exists).

        >>> archive = Archive("my_archive")
        >>> archive.image("0201903501", "pn", band=(0.5, 2.0)).name
        'obsid0201903501-instPN-subexpALL-en0.5_2.0keV-image.fits'
        >>> archive.image("0201903501", "M1", band=(0.5, 2.0))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        daxa_wf.archive.products.NoSuchProductError: 0201903501 has no such image of M1; there is PN ALL 0.5-2 keV, ...
        """
        return self._one("image", obsid, instrument, exposure, band, mission)

    def exposure_map(
        self, obsid: str, instrument: str, band: tuple[float, float] | None = None, exposure: str | None = None,
        mission: str | None = None,
    ) -> Path:  # fmt: skip
        """Return the path of an instrument's exposure map in an energy band (keV; not needed if only one band exists).

        >>> Archive("my_archive").exposure_map("0201903501", "PN").name
        'obsid0201903501-instPN-subexpALL-en0.5_2.0keV-expmap.fits'
        """
        return self._one("exposure map", obsid, instrument, exposure, band, mission)

    def background(
        self, obsid: str, instrument: str, band: tuple[float, float] | None = None, exposure: str | None = None,
        mission: str | None = None,
    ) -> Path:  # fmt: skip
        """Return the path of an instrument's background map in an energy band (keV; not needed if only one band exists).

        >>> Archive("my_archive").background("0201903501", "PN").name
        'obsid0201903501-instPN-subexpALL-en0.5_2.0keV-backmap.fits'
        """
        return self._one("background map", obsid, instrument, exposure, band, mission)

    def _products_in(self, obsid: str | Sequence[str] | None, mission: str | None) -> Iterator[Product]:
        """Yield the products of observations, or of all observations from the records that were read once."""
        state = self.state
        if obsid is None:
            outcomes = (outcome for outcome in state.contents.outcomes if mission in (None, outcome.verdict.mission))
            return products_of(self.layout, outcomes, state.requested)
        obsids = [obsid] if isinstance(obsid, str) else obsid
        parts = [read_contents(self.layout, self.mission_of(name, mission), name) for name in obsids]
        for path in (path for part in parts for path in part.damaged):
            read_sound_record(path)  # raises the error that names the damage
        return products_of(self.layout, (outcome for part in parts for outcome in part.outcomes), state.requested)

    def mission_of(self, obsid: str, mission: str | None = None) -> str:
        """Return the mission of an observation. Raise NoSuchProductError if the archive lacks it, or several missions have it.

        >>> Archive("my_archive").mission_of("0201903501")
        'xmm_pointed'
        """
        missions = [name for name, recorded in self.state.recorded if recorded == obsid and mission in (None, name)]
        if len(missions) == 1:
            return missions[0]
        if missions:
            raise NoSuchProductError(f"{obsid} is in {' and '.join(missions)}; give the mission")
        raise NoSuchProductError(f"{self.layout.root} has no observation {obsid}{f' of {mission}' if mission else ''}")

    def _one(
        self, what: str, obsid: str, instrument: str, exposure: str | None, band: tuple[float, float] | None,
        mission: str | None,
    ) -> Path:  # fmt: skip
        """Return the path of the only product that matches. Raise NoSuchProductError if zero or several match."""
        name = self.mission_of(obsid, mission)
        spec = MISSIONS[name]
        inst = instrument_name(spec, instrument)
        group = set(spec.groups.get(instrument.upper(), ())) | detectors_behind(self.layout, inst, obsid, name)
        kinds = KINDS[what] if exposure is None else EXPOSURE_KINDS[what]
        candidates = [
            product for product in self._products_in(obsid, name) if product.kind in kinds and not is_uncleaned(product)
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
            return existing(matching[0])
        raise NoSuchProductError(why_not_one(spec, what, f"{obsid} has", inst, matching, of_kind, earlier))
