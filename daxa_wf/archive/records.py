"""Records: what a step leaves about one unit, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from daxa_wf.archive.layout import Layout, Unit
from daxa_wf.errors import ConfigError
from daxa_wf.files import checked_relative, sha256_of, write_atomically
from daxa_wf.json_files import read_json
from daxa_wf.near import closest


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

    __pydantic_config__ = ConfigDict(extra="forbid")

    step: str
    unit: Unit
    status: Status
    reason: str = ""
    message: str = ""
    products: list[FileStamp] = field(default_factory=list)
    inputs: list[FileStamp] = field(default_factory=list)
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
    text = json.dumps(asdict(record), indent=1, sort_keys=False, allow_nan=False)
    write_atomically(layout.record(record.step, record.unit), text + "\n")


def read_record(path: Path) -> Record:
    """Read a record; CorruptFileError if it is not one."""
    record: Record = read_json(path, Record, "a record", "delete it and run again")
    for stamp in record.products:
        checked_relative(stamp.path, f"the record {path}")
    return record


def vouches(layout: Layout, products: Sequence[FileStamp]) -> bool:
    """True if every product is still there with its recorded size and modification time (a stat each)."""
    for stamp in products:
        try:
            stat = layout.find(stamp.path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        if (stat.st_size, stat.st_mtime_ns) != (stamp.size, stamp.mtime_ns):
            return False
    return True


def record_paths(layout: Layout) -> list[Path]:
    """Every record of an archive."""
    return sorted((layout.root / "records").glob("*/*/*/*.json"))


def missing_products(layout: Layout) -> list[str]:
    """The recorded products that are no longer there, by their recorded paths."""
    stamps = (stamp for path in record_paths(layout) for stamp in read_record(path).products)
    return [stamp.path for stamp in stamps if not layout.find(stamp.path).exists()]


def drop_stale_records(layout: Layout) -> list[Path]:
    """Delete the records whose products are gone or changed, so that their steps run again; which they were."""
    dropped = []
    for path in record_paths(layout):
        if not vouches(layout, read_record(path).products):
            path.unlink()
            dropped.append(path)
    return dropped


def drop_failed_records(layout: Layout, step: str | None = None, unit: str | None = None) -> list[Path]:
    """Delete the records of what failed, and of what no archive had, of one step or unit if given; which they were.

    ConfigError if the archive has no record of such a unit.
    """
    records = {path: read_record(path) for path in record_paths(layout)}
    units = {record.unit.identifier for record in records.values()}
    if unit is not None and unit not in units:
        raise ConfigError(
            f"--unit {unit}: {layout.root} has no record of it; expected an identifier such as "
            f"{min(units, default='0201903501PNS003')}{closest(unit, units)}"
        )
    dropped = []
    for path, record in records.items():
        wanted = step in (None, record.step) and unit in (None, record.unit.identifier)
        may_go_well = record.status is Status.FAILED or (record.step == "acquire" and not record.done)
        if wanted and may_go_well:
            path.unlink()
            dropped.append(path)
    return dropped
