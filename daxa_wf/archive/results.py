"""Results in the records of the steps that every mission has, typed for later steps, the report and `Archive`."""

from __future__ import annotations

from dataclasses import dataclass

from daxa_wf.archive.records import Record
from daxa_wf.files import checked_relative


@dataclass(frozen=True)
class AcquireResults:
    """The results of acquire: the paths of the fetched files, relative to the observation's raw data."""

    paths: tuple[str, ...]

    @classmethod
    def from_record(cls, record: Record) -> AcquireResults:
        """Return the results in a record. Raise UnsafePathError if a path leaves the observation's directory."""
        origin = f"the record of {record.step} of {record.unit.identifier}"
        return cls(tuple(checked_relative(file["path"], origin) for file in record.results["files"]))


@dataclass(frozen=True)
class PreprocessedResults:
    """The results of preprocessed: the instruments that the observation was made with, by the mission's table."""

    observed_with: frozenset[str]

    @classmethod
    def from_record(cls, record: Record) -> PreprocessedResults:
        """Return the results in a record. A record of an earlier version may lack the instruments."""
        return cls(frozenset(record.results.get("observed_with", ())))


@dataclass(frozen=True)
class ReportResults:
    """The results of report: True if the observation has a usable product."""

    usable: bool

    @classmethod
    def from_record(cls, record: Record) -> ReportResults:
        """Return the results in a record."""
        return cls(bool(record.results.get("usable")))
