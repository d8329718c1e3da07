"""Results in the records of eROSITA's steps, typed for the steps that write or read them and for the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from daxa_wf.archive.records import Record
from daxa_wf.units import Band

Edges = tuple[float, float]
"""Beginning and end in seconds, or the edges of a band in keV."""


@dataclass(frozen=True)
class ModuleResults:
    """Results of a step that worked on some telescope modules, by their names `TM1` to `TM7`."""

    modules: tuple[str, ...]

    @property
    def module_numbers(self) -> tuple[int, ...]:
        """Return the numbers of the telescope modules."""
        return tuple(int(name.removeprefix("TM")) for name in self.modules)

    def as_results(self) -> dict[str, Any]:
        """Return the results as a record holds them."""
        return {name: _as_lists(value) for name, value in asdict(self).items()}


def _as_lists(value: Any) -> Any:
    return [_as_lists(item) for item in value] if isinstance(value, tuple) else value


def _edges(values: Any) -> tuple[Edges, ...]:
    return tuple((float(first), float(last)) for first, last in values)


@dataclass(frozen=True)
class FlareTimes:
    """Seconds that flaregti kept and removed by telescope module, and the times at which any module is kept."""

    kept_seconds: Mapping[str, float]
    lost_seconds: Mapping[str, float]
    gti: tuple[Edges, ...]

    @property
    def removed_fraction(self) -> float:
        """Return the part of the modules' good time that was removed."""
        kept, removed = sum(self.kept_seconds.values()), sum(self.lost_seconds.values())
        return removed / (kept + removed) if removed else 0.0


@dataclass(frozen=True)
class ErositaFlareResults(ModuleResults):
    """The results of flaregti: seconds kept and removed by telescope module, the bin in seconds, the GTIs.

    `gti` are the times at which any module is kept, `rows` the number of events, `lists` the names of the raw files.
    """

    kept_seconds: Mapping[str, float]
    lost_seconds: Mapping[str, float]
    gti: tuple[Edges, ...]
    method: str
    timebin: float
    rows: int
    lists: tuple[str, ...]
    quality: Mapping[str, Any]

    @classmethod
    def from_record(cls, record: Record) -> ErositaFlareResults:
        """Return the results in a record of flaregti that is done."""
        results = record.results
        modules = tuple(results["modules"])
        return cls(
            modules=modules,
            kept_seconds={name: results["kept_seconds"][name] for name in modules},
            lost_seconds={name: results["lost_seconds"][name] for name in modules},
            gti=_edges(results["gti"]),
            method=results["method"],
            timebin=float(results["timebin"]),
            rows=results["rows"],
            lists=tuple(results["lists"]),
            quality=results["quality"],
        )


@dataclass(frozen=True)
class ErositaCleaningResults(ModuleResults):
    """The results of evtool: events before and after, good and live seconds by telescope module."""

    rows: int
    selected: int
    ontime: Mapping[str, float]
    livetime: Mapping[str, float]

    @classmethod
    def from_record(cls, record: Record) -> ErositaCleaningResults:
        """Return the results in a record of evtool that is done."""
        results = record.results
        return cls(
            modules=tuple(results["modules"]),
            rows=results["rows"],
            selected=results["selected"],
            ontime=results["ontime"],
            livetime=results["livetime"],
        )


@dataclass(frozen=True)
class ErositaImageResults(ModuleResults):
    """The results of erosita_images: sky pixels a side of an image pixel; bands in keV and the counts in each."""

    bin_size: int
    bands: tuple[Edges, ...]
    counts: tuple[int, ...]

    @property
    def energy_bands(self) -> list[Band]:
        """Return the bands, with their labels in file names."""
        return [Band(*edges) for edges in self.bands]

    @property
    def message(self) -> str:
        """Return the message of the record: the counts in each band."""
        pairs = zip(self.energy_bands, self.counts, strict=True)
        return ", ".join(f"{band.label}: {count} counts" for band, count in pairs)

    @classmethod
    def from_record(cls, record: Record) -> ErositaImageResults:
        """Return the results in a record of erosita_images that is done."""
        results = record.results
        return cls(
            modules=tuple(results["modules"]),
            bin_size=results["bin_size"],
            bands=_edges(results["bands"]),
            counts=tuple(results["counts"]),
        )


@dataclass(frozen=True)
class ExposureResults(ModuleResults):
    """The results of erosita_exposure_maps: the longest exposure in each band in seconds, and the vignetting."""

    maximum_seconds: tuple[float, ...]
    vignetted: bool
