"""Find the records that still vouch for their files: compare size and time, and content if the time differs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from daxa_wf.archive.index import IndexTable, read_parts
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import FileStamp, Record, read_record, record_paths, record_text
from daxa_wf.errors import CorruptFileError, Fault
from daxa_wf.files import set_aside, sha256_of, write_atomically
from daxa_wf.text import some_of


def confirm_stamp(layout: Layout, stamp: FileStamp) -> FileStamp | None:
    """Return the stamp of a file with its present time, or None if its content differs from the record.

    A file that was copied or restored has another time, so its SHA-256 decides.
    """
    path = layout.find(stamp.path)
    try:
        stat = path.stat()
        if stat.st_size != stamp.size:
            return None
        if stat.st_mtime_ns == stamp.mtime_ns or sha256_of(path) == stamp.sha256:
            return replace(stamp, mtime_ns=stat.st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError):
        pass
    return None


def _confirm_all(layout: Layout, stamps: Iterable[FileStamp]) -> list[FileStamp] | None:
    confirmed = []
    for stamp in stamps:
        now = confirm_stamp(layout, stamp)
        if now is None:
            return None
        confirmed.append(now)
    return confirmed


def require_unchanged(layout: Layout, acquired: Record) -> None:
    """Raise Fault if the content of a fetched file changed. The steps that read a file report it if it is missing."""
    changed = _changed_raw(layout, acquired)
    if changed:
        raise Fault(f"{some_of(changed)} changed since they were fetched; run again: the next run fetches them again")


def _changed_raw(layout: Layout, record: Record) -> list[str]:
    """Return the recorded paths of existing raw files whose content changed."""
    return [stamp.path for stamp in _existing(layout, record.raw) if confirm_stamp(layout, stamp) is None]


@dataclass(frozen=True)
class Staleness:
    """Why a record must be made again: a reason that many records may share, and an example from this record."""

    reason: str
    about: str = ""


@dataclass
class ExaminedRecords:
    """The readable records of an archive, and the staleness of those that no longer vouch for their files."""

    records: dict[Path, Record] = field(default_factory=dict)
    stale: dict[Path, Staleness] = field(default_factory=dict)
    _fingerprints: dict[Path, str] = field(default_factory=dict)

    def fingerprint(self, path: Path) -> str | None:
        """Return the fingerprint of a record, or None if the record is missing or unreadable."""
        if path not in self._fingerprints and path in self.records:
            self._fingerprints[path] = self.records[path].fingerprint()
        return self._fingerprints.get(path)


def examine_records(layout: Layout, folder: Path | None = None) -> ExaminedRecords:
    """Read every record of an archive, or of one of its folders, and compare it with its files and earlier records.

    A record no longer vouches if it is damaged, if a product is missing or changed, if a raw file changed, or if an earlier
    record is a new one. Raw files may be deleted after processing. This function writes no files. `folder` has the records
    of one observation.
    """
    examined = ExaminedRecords()
    for path in record_paths(layout) if folder is None else sorted(folder.glob("*/*.json")):
        try:
            record = examined.records[path] = read_record(path)
        except CorruptFileError as error:
            examined.stale[path] = Staleness("the record is damaged", str(error))
            continue
        if staleness := _compared_with_files(layout, record):
            examined.stale[path] = staleness
    sound = set(examined.records) - set(examined.stale)
    for path in sound:
        if other := _rebuilt(layout, examined, path, sound):
            examined.stale[path] = Staleness("an earlier step came to another result", other)
    return examined


def _compared_with_files(layout: Layout, record: Record) -> Staleness | None:
    for stamp in record.products:
        if confirm_stamp(layout, stamp) is None:
            return Staleness("a product is gone or changed", stamp.path)
    changed = _changed_raw(layout, record)
    return Staleness("raw data changed", some_of(changed)) if changed else None


def _rebuilt(layout: Layout, examined: ExaminedRecords, path: Path, sound: Collection[Path]) -> str:
    """Return the path of an earlier record whose content changed after the record at `path` was made, or ''."""
    for name, fingerprint in examined.records[path].built_on.items():
        earlier = layout.root / name
        if earlier not in sound or examined.fingerprint(earlier) == fingerprint:
            continue
        if examined.records[earlier].former_fingerprint() != fingerprint:
            return name
    return ""


def refresh_records(layout: Layout) -> None:
    """Write the present times of files into their records, so that a copy of files is compared by content only once.

    Records that do not vouch for their files stay unchanged. Only records of which a file has another time are read.
    """
    for path in _records_with_other_times(layout):
        try:
            record = read_record(path)
        except (CorruptFileError, FileNotFoundError):
            continue
        products, present = (
            _confirm_all(layout, stamps) for stamps in (record.products, _existing(layout, record.raw))
        )
        if products is None or present is None:
            continue
        raw = {stamp.path: stamp for stamp in present}
        confirmed = replace(record, products=products, raw=[raw.get(stamp.path, stamp) for stamp in record.raw])
        if confirmed != record:
            write_atomically(path, record_text(confirmed))


def _records_with_other_times(layout: Layout) -> list[Path]:
    """Return the paths of the readable records of which a file has another size or time, or is missing."""
    return [
        layout.root.joinpath("records", *place)
        for place, files in read_parts(layout, RECORDED_TIMES)
        if not isinstance(files, Exception) and not all(_has_its_time(layout, *file) for file in files)
    ]


def _has_its_time(layout: Layout, name: str, size: int, time_ns: int) -> bool:
    try:
        stat = os.stat(f"{layout.root}/{name}")  # noqa: PTH116 - of 100,000 texts no paths are made
    except (FileNotFoundError, NotADirectoryError):
        return False
    return (stat.st_size, stat.st_mtime_ns) == (size, time_ns)


def _times_text(record: Record) -> str:
    return json.dumps([[stamp.path, stamp.size, stamp.mtime_ns] for stamp in (*record.products, *record.raw)])


def _times(mission: str, obsid: str, step: str, text: str) -> list[tuple[str, int, int]]:
    del mission, obsid, step
    return [(str(path), int(size), int(time_ns)) for path, size, time_ns in json.loads(text)]


RECORDED_TIMES = IndexTable("times", read_record, _times_text, _times)
"""Path, size in bytes and time (ns) of the products and raw files of each record, in the index."""


def _existing(layout: Layout, stamps: Iterable[FileStamp]) -> list[FileStamp]:
    return [stamp for stamp in stamps if layout.find(stamp.path).exists()]


def set_aside_damaged_records(layout: Layout) -> list[Path]:
    """Rename the records that cannot be read, so that a user can examine them. Return their new paths."""
    damaged = []
    for place, files in read_parts(layout, RECORDED_TIMES):
        if isinstance(files, CorruptFileError):
            damaged.append(set_aside(layout.root.joinpath("records", *place), str(files)))
    return damaged


def clamp_times(paths: Iterable[Path]) -> None:
    """Set the times of an archive's own files that lie in the future to now.

    Snakemake ends a job with an error if an input is newer than the output.
    """
    now = time.time_ns()
    for path in paths:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime_ns > now:
                os.utime(path, ns=(now, now))
