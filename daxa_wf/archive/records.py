"""Records: what a step leaves about one unit, as JSON."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import daxa_wf
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.requested import read_requested
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.files import checked_relative, sha256_of, write_atomically
from daxa_wf.json_files import read_json
from daxa_wf.near import closest
from daxa_wf.units import Unit

PASSING = ("runs", "transferred")
"""Results that differ from run to run although nothing else does: they are not part of a record's fingerprint."""


class Status(StrEnum):
    """How a step ended for a unit. Anything else is a fault and leaves no record."""

    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class FileStamp:
    """A file as it was when recorded: path, size in bytes, modification time in ns, SHA-256."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    kind: str = ""


@dataclass
class Record:
    """What a step did to one unit. `results` holds the numbers that the report and later steps read."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - the name and form are pydantic's

    step: str
    unit: Unit
    status: Status
    reason: str = ""
    message: str = ""
    products: list[FileStamp] = field(default_factory=list)
    inputs: list[FileStamp] = field(default_factory=list)
    """Products of earlier steps that it read."""
    raw: list[FileStamp] = field(default_factory=list)
    """Raw files that it read or fetched; paths relative to the archive."""
    built_on: dict[str, str] = field(default_factory=dict)
    """Path of each earlier record -> its fingerprint."""
    parameters: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    engine: str = "native"
    versions: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    exit_code: int | None = None
    started: str = ""
    ended: str = ""
    wall_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    warnings: list[dict[str, str]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """True if later steps may build on this one."""
        return self.status is Status.DONE

    @property
    def made_by(self) -> str:
        """The version of daxa_wf that made it; '' if that is not known."""
        return self.versions.get("daxa_wf", "")

    @property
    def is_outdated(self) -> bool:
        """True if another version of daxa_wf made it than this one."""
        return self.made_by not in ("", daxa_wf.__version__)

    def fingerprint(self) -> str:
        """Return a digest of all that later steps may depend on: verdict, parameters, products and results, but no times."""
        results = {key: value for key, value in self.results.items() if key not in PASSING}
        content = [
            self.step, asdict(self.unit), self.status, self.reason, self.engine, self.parameters,
            [(stamp.path, stamp.sha256) for stamp in self.products], results,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def product(self, kind: str) -> str:
        """Recorded path of the only product of a kind; KeyError if there is none."""
        for stamp in self.products:
            if stamp.kind == kind:
                return stamp.path
        raise KeyError(f"{self.step} of {self.unit.identifier} made no {kind}")


def stamp_file(path: Path, recorded_as: str, kind: str = "") -> FileStamp:
    """The stamp of a file that is complete."""
    stat = path.stat()
    return FileStamp(recorded_as, stat.st_size, stat.st_mtime_ns, sha256_of(path), kind)


def write_record(layout: Layout, record: Record) -> None:
    """Put a record in its place. Call it last: it vouches for the products."""
    write_atomically(layout.record(record.step, record.unit), record_text(record))


def record_text(record: Record) -> str:
    """Return a record as it is written: JSON, one line a value."""
    return json.dumps(asdict(record), indent=1, sort_keys=False, allow_nan=False) + "\n"


def read_record(path: Path) -> Record:
    """Read a record; CorruptFileError if it is not one."""
    record: Record = read_json(path, Record, "a record", "delete it and run again")
    for stamp in record.products:
        # Products are moved and deleted by these paths; raw files may be anywhere, and are only read.
        checked_relative(stamp.path, f"the record {path}")
    return record


def read_checked_record(path: Path) -> Record:
    """Read a record that this run has checked or written; CorruptFileError if it is not one.

    Types are not checked again, so that a job need not import what read_record needs.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values |= {
            name: [FileStamp(**stamp) for stamp in values.get(name, [])] for name in ("products", "inputs", "raw")
        }
        return Record(**{**values, "unit": Unit(**values["unit"]), "status": Status(values["status"])})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptFileError(f"{path} is not a record ({error}); run again") from None


def readable_records(layout: Layout) -> dict[Path, Record]:
    """Return the records of an archive by their paths, without those that are damaged."""
    found = {}
    for path in record_paths(layout):
        with suppress(CorruptFileError):
            found[path] = read_record(path)
    return found


def record_paths(layout: Layout) -> list[Path]:
    """Every record of an archive."""
    return sorted((layout.root / "records").glob("*/*/*/*.json"))


def missing_products(layout: Layout) -> list[str]:
    """Return the recorded products that are gone, by their recorded paths, of the units that are still requested."""
    requested = read_requested(layout)
    records = readable_records(layout).values()
    stamps = (stamp for record in records if requested.asks_for(record.step, record.unit) for stamp in record.products)
    return [stamp.path for stamp in stamps if not layout.find(stamp.path).exists()]


def outdated_by_version(layout: Layout) -> Counter[str]:
    """Return the number of records that other versions of daxa_wf made, by version, of the units that are still requested."""
    requested = read_requested(layout)
    records = (record for record in readable_records(layout).values() if record.is_outdated)
    return Counter(record.made_by for record in records if requested.asks_for(record.step, record.unit))


def drop_failed_records(layout: Layout, step: str | None = None, unit: str | None = None) -> list[Path]:
    """Delete the records of what failed, and of what no archive had, of one step or unit if given; which they were.

    ConfigError if the archive has no record of such a unit.
    """
    records = readable_records(layout)
    units = {record.unit.identifier for record in records.values()}
    if unit is not None and unit not in units:
        raise ConfigError(
            f"--unit {unit}: {layout.root} has no record of it; expected an identifier such as "
            f"{min(units, default='0201903501PNS003')}{closest(unit, units)}"
        )
    requested = read_requested(layout)
    dropped = []
    for path, record in records.items():
        if not requested.asks_for(record.step, record.unit):
            continue
        wanted = step in (None, record.step) and unit in (None, record.unit.identifier)
        may_go_well = record.status is Status.FAILED or (record.step == "acquire" and not record.done)
        if wanted and may_go_well:
            path.unlink()
            dropped.append(path)
    return dropped
