"""Records: the JSON file that a step writes about one unit."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import daxa_wf
from daxa_wf.archive.layout import Layout
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import checked_relative, sha256_of, write_atomically
from daxa_wf.json_files import read_json
from daxa_wf.units import Unit

PASSING = ("runs", "transferred")
"""Results that differ between equal runs, and so are not part of a record's fingerprint."""
ABOUT_TRANSFERS = ("url", "archive", "etag", "fetched")
"""Facts of a fetched file that differ if the same content is fetched again."""


class Status(StrEnum):
    """The verdict of a step on a unit. Any other end is a fault, which leaves no record."""

    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file at the time of its record: path, size in bytes, modification time in ns, SHA-256, kind of product."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    kind: str = ""


@dataclass
class Record:
    """The record of one step on one unit. `results` holds the numbers that the report and later steps read."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - the name and form are pydantic's

    step: str
    unit: Unit
    status: Status
    reason: str = ""
    message: str = ""
    products: list[FileStamp] = field(default_factory=list)
    inputs: list[FileStamp] = field(default_factory=list)
    """Products of earlier steps that the step read."""
    raw: list[FileStamp] = field(default_factory=list)
    """Raw files that the step read or fetched, with paths relative to the archive."""
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
    removed: list[str] = field(default_factory=list)
    """Files of an earlier run of the step that this run did not make, and removed."""
    pruned: list[FileStamp] = field(default_factory=list)
    """Products that a user removed because only finished steps need them. They are not among `products` any more."""
    complete_fingerprint: str = ""
    """The fingerprint before products were pruned: later steps were built on these."""

    @property
    def done(self) -> bool:
        """Return True if later steps may build on this one."""
        return self.status is Status.DONE

    @property
    def made_by(self) -> str:
        """Return the version of daxa_wf that made the record, or '' if it is unknown."""
        return self.versions.get("daxa_wf", "")

    @property
    def is_outdated(self) -> bool:
        """Return True if another version of daxa_wf made the record."""
        return self.made_by not in ("", daxa_wf.__version__)

    def fingerprint(self) -> str:
        """Return a digest of verdict, parameters, products and results, on which later steps may depend; without times."""
        if self.complete_fingerprint:
            return self.complete_fingerprint
        results = {key: _without_transfers(value) for key, value in self.results.items()}
        return self._digest(results)

    def former_fingerprint(self) -> str:
        """Return the fingerprint as earlier versions computed it: with the times and places of transfers."""
        return self.complete_fingerprint or self._digest(self.results)

    def _digest(self, results: dict[str, Any]) -> str:
        results = {key: value for key, value in results.items() if key not in PASSING}
        content = [
            self.step, asdict(self.unit), self.status, self.reason, self.engine, self.parameters,
            [(stamp.path, stamp.sha256) for stamp in self.products], results,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def product(self, kind: str) -> str:
        """Return the recorded path of the only product of a kind. Raise KeyError if the step made none."""
        for stamp in self.products:
            if stamp.kind == kind:
                return stamp.path
        raise KeyError(f"{self.step} of {self.unit.identifier} made no {kind}")


def _without_transfers(result: Any) -> Any:
    """Return a result without the facts of transfers, if it is a list of fetched files."""
    if not isinstance(result, list) or not all(isinstance(item, dict) and "sha256" in item for item in result):
        return result
    return [{key: value for key, value in item.items() if key not in ABOUT_TRANSFERS} for item in result]


def stamp_file(path: Path, recorded_as: str, kind: str = "") -> FileStamp:
    """Return the stamp of a complete file."""
    stat = path.stat()
    return FileStamp(recorded_as, stat.st_size, stat.st_mtime_ns, sha256_of(path), kind)


def write_record(layout: Layout, record: Record) -> None:
    """Write a record. Call this last, because the record vouches for the products."""
    write_atomically(layout.record(record.step, record.unit), record_text(record))


def record_text(record: Record) -> str:
    """Return the text of a record: JSON, one line a value. Removed and pruned files are left out if there are none."""
    values = asdict(record)
    for name in ("removed", "pruned", "complete_fingerprint"):
        if not values[name]:
            del values[name]
    return json.dumps(values, indent=1, sort_keys=False, allow_nan=False) + "\n"


def read_record(path: Path) -> Record:
    """Read a record and check its form. Raise CorruptFileError if it is damaged."""
    record: Record = read_json(path, Record, "a record", "the next run sets it aside and makes it again")
    for stamp in (*record.products, *record.pruned):
        # Products are moved and deleted by these paths; raw files may be anywhere, and are only read.
        checked_relative(stamp.path, f"the record {path}")
    return record


def read_checked_record(path: Path) -> Record:
    """Read a record that this run has checked or written. Raise CorruptFileError if it is damaged.

    The types are not checked again, so that a job need not import pydantic.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values |= {
            name: [FileStamp(**stamp) for stamp in values.get(name, [])]
            for name in ("products", "inputs", "raw", "pruned")
        }
        return Record(**{**values, "unit": Unit(**values["unit"]), "status": Status(values["status"])})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptFileError(
            f"{path} is not a record ({error}); the next run sets it aside and makes it again"
        ) from None


def read_sound_record(path: Path) -> Record:
    """Read a record without pydantic, and check the values that are shown or become paths.

    Raise CorruptFileError if it is damaged. The message is that of `read_record`.
    """
    try:
        record = read_checked_record(path)
    except CorruptFileError:
        return read_record(path)
    if not _is_sound(record):
        return read_record(path)
    for stamp in (*record.products, *record.pruned):
        checked_relative(stamp.path, f"the record {path}")
    return record


def _is_sound(record: Record) -> bool:
    unit = record.unit
    texts = [record.step, record.reason, record.message, record.ended, unit.mission, unit.obsid, unit.instrument,
             unit.exposure, *record.logs, *record.removed]  # fmt: skip
    for stamp in (*record.products, *record.pruned):
        texts += (stamp.path, stamp.kind, stamp.sha256)
    notes = [*record.warnings, *record.errors]
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(note, dict) and {"name", "text"} <= set(note) for note in notes)
        and all(isinstance(value, str) for note in notes for value in note.values())
        and all(isinstance(stamp.size, int) for stamp in record.products)
        and isinstance(record.results, dict)
        and isinstance(record.versions, dict)
    )


def readable_records(layout: Layout) -> dict[Path, Record]:
    """Return the records of an archive by their paths, without damaged ones."""
    records = {}
    for path in record_paths(layout):
        with suppress(CorruptFileError):
            records[path] = read_record(path)
    return records


def record_paths(layout: Layout, mission: str = "*", obsid: str = "*") -> list[Path]:
    """Return the paths of the records of an archive, of a mission or of one observation, sorted."""
    return list(_paths(layout, mission, obsid))


def has_records(layout: Layout) -> bool:
    """Return True if an archive has a record. Faster than to list all."""
    return next(_paths(layout, "*", "*"), None) is not None


def _paths(layout: Layout, mission: str, obsid: str) -> Iterator[Path]:
    root = f"{layout.root}/records"
    for one_mission in names_in(root) if mission == "*" else [mission]:
        for one_obsid in names_in(f"{root}/{one_mission}") if obsid == "*" else [obsid]:
            folder = f"{root}/{one_mission}/{one_obsid}"
            for step in names_in(folder):
                for name in names_in(f"{folder}/{step}"):
                    if name.endswith(".json"):
                        yield Path(folder, step, name)


def names_in(folder: str) -> list[str]:
    """Return the sorted names in a directory, none if it is not one. Faster than `Path.glob` in archives of many units."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - texts, of which no path is made
    except (FileNotFoundError, NotADirectoryError):
        return []
