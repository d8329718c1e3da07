"""Results in the records of flaregti and evtool, typed for the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from daxa_wf.archive.records import Record


@dataclass(frozen=True)
class FlareResults:
    """The results of flaregti: seconds kept and removed by telescope module, the bin in seconds, the GTIs."""

    method: str
    timebin: float
    gti: tuple[tuple[float, float], ...]
    kept_seconds: Mapping[str, float]
    lost_seconds: Mapping[str, float]

    @property
    def modules(self) -> tuple[str, ...]:
        """Return the telescope modules, `TM1` to `TM7`, that were judged."""
        return tuple(self.kept_seconds)

    @classmethod
    def from_record(cls, record: Record) -> FlareResults:
        """Return the results in a record of flaregti that is done."""
        results = record.results
        return cls(
            method=results["method"],
            timebin=float(results["timebin"]),
            gti=tuple((float(start), float(stop)) for start, stop in results["gti"]),
            kept_seconds={name: results["kept_seconds"][name] for name in results["modules"]},
            lost_seconds={name: results["lost_seconds"][name] for name in results["modules"]},
        )


@dataclass(frozen=True)
class CleaningResults:
    """The results of evtool: the telescope modules of the list, and their live time in seconds."""

    modules: tuple[str, ...]
    livetime: Mapping[str, float]

    @classmethod
    def from_record(cls, record: Record) -> CleaningResults:
        """Return the results in a record of evtool that is done."""
        return cls(tuple(record.results["modules"]), record.results["livetime"])
