"""Results in the records of the cleaning steps, typed for the report."""

from __future__ import annotations

from dataclasses import dataclass

from daxa_wf.archive.records import Record


@dataclass(frozen=True)
class FlareResults:
    """The results of espfilt: seconds kept and removed, accepted rates in count/s, the bin in seconds, the GTIs.

    Values that a record lacks are None or empty.

    `judged` names the quantity that was compared with the limits, '' if the filter (SAS's) did not record its values.
    """

    method: str
    kept_seconds: float | None
    lost_seconds: float | None
    limits: tuple[float, float] | None
    judged: str
    judged_bin: float
    gti: tuple[tuple[float, float], ...]

    @classmethod
    def from_record(cls, record: Record) -> FlareResults:
        """Return the results in a record of espfilt that is done."""
        results = record.results
        limits = results.get("limits")
        return cls(
            method=results.get("method", ""),
            kept_seconds=results.get("kept_seconds"),
            lost_seconds=results.get("lost_seconds"),
            limits=(float(limits[0]), float(limits[1])) if limits else None,
            judged=results.get("judged") or "",
            judged_bin=float(results.get("judged_bin") or 1.0),
            gti=tuple((float(start), float(stop)) for start, stop in results.get("gti", ())),
        )


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
class CleaningResults:
    """The results of evselect: events before and after the filters. Values that a record lacks are None."""

    rows: int | None
    selected: int | None

    @classmethod
    def from_record(cls, record: Record) -> CleaningResults:
        """Return the results in a record of evselect that is done."""
        return cls(record.results.get("rows"), record.results.get("selected"))
