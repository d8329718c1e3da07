"""Results in the records of XMM-Newton's steps, typed for the steps that write or read them and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from daxa_wf.archive.records import Record
from daxa_wf.units import Band, Unit

Range = tuple[float, float]
"""Beginning and end in seconds, or the lowest and the highest rate in count/s."""


@dataclass(frozen=True)
class InventoryEntry:
    """One exposure of an observation, as an event list or the summary of the raw data describes it.

    `unfit` is the reason why it is unfit for science, `problem` the damage to its event list; '' if there is none. Records
    leave out values that are None: a summary has no event list, and a list that cannot be opened has no header.
    """

    instrument: str
    exposure: str
    unfit: str = ""
    problem: str = ""
    reason: str | None = None
    """Name of the verdict on an unfit exposure, if it is not `notScience`."""
    warning: str | None = None
    """Contradiction between the header and the manifest; '' if they agree."""
    planned: bool | None = None
    scheduled: bool | None = None
    type: str | None = None
    """Type of the exposure in the summary, such as SCIENCE."""
    data_mode: str | None = None
    submode: str | None = None
    filter: str | None = None
    start: str | None = None
    end: str | None = None
    imaging_ccds: Sequence[int] | None = None
    """CCDs of the summary in imaging mode."""
    events: str | None = None
    """Path of the event list; '' if it is unusable."""
    size: int | None = None
    """Bytes of the event list."""
    sha256: str | None = None
    events_in_list: int | None = None

    @property
    def is_fit(self) -> bool:
        """Return True if the exposure is fit for science and its event list is sound."""
        return not self.unfit and not self.problem

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Return an entry of a record's list of exposures."""
        return cls(values["inst"], **{field.name: values[field.name] for field in fields(cls) if field.name in values})

    def as_values(self) -> dict[str, Any]:
        """Return the entry as a record holds it."""
        values = {"inst": self.instrument, **asdict(self)}
        return {name: value for name, value in values.items() if value is not None and name != "instrument"}


@dataclass(frozen=True)
class InventoryResults:
    """The results of inventory: the exposures, and whether each instrument was active by the summary of the raw data."""

    exposures: tuple[InventoryEntry, ...]
    active: Mapping[str, bool] | None = None

    @classmethod
    def from_record(cls, record: Record) -> InventoryResults:
        """Return the results in a record of inventory that is done."""
        entries = tuple(InventoryEntry.from_values(values) for values in record.results["exposures"])
        return cls(entries, record.results.get("active"))

    def entry(self, unit: Unit) -> InventoryEntry:
        """Return the entry of an exposure that the manifest has."""
        key = (unit.instrument, unit.exposure)
        return next(entry for entry in self.exposures if (entry.instrument, entry.exposure) == key)

    def as_results(self) -> dict[str, Any]:
        """Return the results as a record holds them."""
        active = {} if self.active is None else {"active": dict(self.active)}
        return {"exposures": [entry.as_values() for entry in self.exposures], **active}


@dataclass(frozen=True)
class AnomalyResults:
    """The results of emanom: the state of each CCD that it judged, a key of ANOMALY_STATES."""

    states: Mapping[int, str]

    @classmethod
    def from_record(cls, record: Record) -> AnomalyResults:
        """Return the results in a record of emanom that is done."""
        return cls({int(ccd): state for ccd, state in record.results["states"].items()})

    def as_results(self) -> dict[str, Any]:
        """Return the results as a record holds them."""
        return {"states": {str(ccd): state for ccd, state in self.states.items()}}


@dataclass(frozen=True)
class EpicFlareResults:
    """The results of espfilt: seconds kept and removed, accepted rates in count/s, the bin in seconds, the GTIs.

    `judged` names the quantity that was compared with the limits, '' if the filter (SAS's) did not record its values.
    `fit` has the parameters of the curve that was fitted to the rates, `quality` the assessment of the cleaning, and `log`
    the numbers that SAS's espfilt printed. Values that a record lacks are None or empty.
    """

    method: str
    kept_seconds: float
    lost_seconds: float
    limits: Range | None
    judged: str
    judged_bin: float
    gti: tuple[Range, ...]
    fit: Mapping[str, float] | None = None
    quality: Mapping[str, Any] | None = None
    log: Mapping[str, Any] | None = None

    @classmethod
    def from_record(cls, record: Record) -> EpicFlareResults:
        """Return the results in a record of espfilt that is done."""
        results = record.results
        limits = results.get("limits")
        return cls(
            method=results.get("method", ""),
            kept_seconds=results["kept_seconds"],
            lost_seconds=results["lost_seconds"],
            limits=(float(limits[0]), float(limits[1])) if limits else None,
            judged=results.get("judged") or "",
            judged_bin=float(results.get("judged_bin") or 1.0),
            gti=tuple((float(start), float(stop)) for start, stop in results.get("gti", ())),
            fit=results.get("fit"),
            quality=results.get("quality"),
            log=results.get("log"),
        )

    def as_results(self) -> dict[str, Any]:
        """Return the results as a record holds them."""
        optional = {"judged": self.judged or None, "log": self.log, "quality": self.quality}
        return {
            "method": self.method,
            "kept_seconds": self.kept_seconds,
            "lost_seconds": self.lost_seconds,
            "limits": None if self.limits is None else list(self.limits),
            "judged_bin": self.judged_bin,
            "fit": self.fit,
            "gti": [list(edges) for edges in self.gti],
            **{name: value for name, value in optional.items() if value is not None},
        }


@dataclass(frozen=True)
class QualityResults:
    """The quality of espfilt's cleaning: removed share of the time, distance of the fit (KS), IN/OUT ratio.

    `in_out` holds ratio, error and degree of contamination; without it, `no_in_out` gives the reason.
    """

    removed_fraction: float
    fit_distance: float | None
    in_out: tuple[float, float, str] | None
    no_in_out: str

    @classmethod
    def from_record(cls, record: Record) -> QualityResults | None:
        """Return the quality in a record of espfilt, or None if the record is older than the assessment."""
        quality = record.results.get("quality")
        if quality is None:
            return None
        fit, in_out = quality["fit"], quality["in_out"]
        return cls(
            removed_fraction=float(quality["removed_fraction"]),
            fit_distance=None if fit is None else float(fit["distance"]),
            in_out=None if in_out is None else (in_out["ratio"], in_out["error"], in_out["contamination"]),
            no_in_out=quality["no_in_out"],
        )


@dataclass(frozen=True)
class EpicCleaningResults:
    """The results of evselect: events before and after the filters, and the seconds of each CCD.

    Values that a record lacks are None: SAS does not report which filter rejected an event.
    """

    rows: int | None
    selected: int | None
    expression: str | None = None
    rejected_by_expression: int | None = None
    rejected_by_gti: int | None = None
    ontime: Mapping[str, float] | None = None
    """Good seconds by number of the CCD."""
    livetime: Mapping[str, float] | None = None
    """Live seconds by number of the CCD."""

    @property
    def message(self) -> str:
        """Return the message of the record."""
        return f"kept {self.selected} of {self.rows} events"

    @classmethod
    def from_record(cls, record: Record) -> EpicCleaningResults:
        """Return the results in a record of evselect that is done."""
        return cls(**{field.name: record.results.get(field.name) for field in fields(cls)})

    def as_results(self) -> dict[str, Any]:
        """Return the results as a record holds them."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class EpicImageResults:
    """The results of images: sky pixels a side of an image pixel; bands in keV, and the counts in each.

    `outside`: selected events outside of each image, which SAS does not report (None).
    """

    bin_size: int
    bands: tuple[Band, ...]
    counts: tuple[int, ...]
    outside: tuple[int, ...] | None = None

    @property
    def message(self) -> str:
        """Return the message of the record: the counts in each band."""
        pairs = zip(self.bands, self.counts, strict=True)
        return ", ".join(f"{band.label}: {count} counts" for band, count in pairs)

    @classmethod
    def from_record(cls, record: Record) -> EpicImageResults:
        """Return the results in a record of images that is done."""
        results = record.results
        outside = results.get("outside")
        return cls(
            bin_size=results["bin_size"],
            bands=tuple(Band(*edges) for edges in results["bands"]),
            counts=tuple(results["counts"]),
            outside=None if outside is None else tuple(outside),
        )

    def as_results(self) -> dict[str, Any]:
        """Return the results as a record holds them."""
        outside = {} if self.outside is None else {"outside": list(self.outside)}
        bands = [[band.low, band.high] for band in self.bands]
        return {"bin_size": self.bin_size, "bands": bands, "counts": list(self.counts), **outside}
