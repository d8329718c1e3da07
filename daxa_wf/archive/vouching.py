"""Find the records that still vouch for their files: compare size and time, and content if the time differs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from daxa_wf.archive.index import PartReader, RecordPlace, read_parts
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.record_facts import FACTS, FILES, RecordFacts
from daxa_wf.archive.records import FileStamp, Record, read_record, record_text
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
    changed = _changed_raw(layout, acquired.raw)
    if changed:
        raise Fault(f"{some_of(changed)} changed since they were fetched; run again: the next run fetches them again")


def _changed_raw(layout: Layout, raw: Iterable[FileStamp]) -> list[str]:
    """Return the recorded paths of existing raw files whose content changed."""
    return [stamp.path for stamp in _existing(layout, raw) if confirm_stamp(layout, stamp) is None]


@dataclass(frozen=True)
class Staleness:
    """Why a record must be made again: a reason that many records may share, and an example from this record."""

    reason: str
    about: str = ""


@dataclass
class ExaminedRecords:
    """The readable records of an archive or an observation, and the staleness of those that no longer vouch for their files.

    The keys are paths relative to the archive.
    """

    layout: Layout
    records: dict[str, RecordFacts] = field(default_factory=dict)
    findings: dict[str, Staleness] = field(default_factory=dict)

    @property
    def stale(self) -> dict[Path, Staleness]:
        """Return the staleness by the path of the record."""
        return {self.layout.root / name: staleness for name, staleness in self.findings.items()}

    def __contains__(self, name: str) -> bool:
        return name in self.records or name in self.findings


def examine_records(layout: Layout) -> ExaminedRecords:
    """Read every record of an archive, and compare it with its files and earlier records.

    A record no longer vouches if it is damaged, if a product is missing or changed, if a raw file changed, or if an earlier
    record is a new one. Raw files may be deleted after processing. This function writes no files.
    """
    return _examined(layout, read_parts(layout, FACTS, keeps_index=False))


@contextmanager
def examiner(layout: Layout) -> Iterator[Callable[[str, str], ExaminedRecords]]:
    """Yield a function that examines the records of one observation, by mission and ObsID, like `examine_records`.

    Steps build on records of the same observation only, so an archive need not be in memory as a whole.
    """
    with PartReader(layout, FACTS, keeps_index=False) as reader:
        yield lambda mission, obsid: _examined(layout, reader.parts(mission, obsid))


def _examined(layout: Layout, parts: Iterable[tuple[RecordPlace, RecordFacts | Exception]]) -> ExaminedRecords:
    examined = ExaminedRecords(layout)
    for place, facts in parts:
        name = "/".join(("records", *place))
        if isinstance(facts, CorruptFileError):
            examined.findings[name] = Staleness("the record is damaged", str(facts))
        elif isinstance(facts, Exception):
            raise facts
        else:
            examined.records[name] = facts
            if staleness := _compared_with_files(layout, facts):
                examined.findings[name] = staleness
    sound = examined.records.keys() - examined.findings.keys()
    for name in examined.records:
        if name in sound and (other := _rebuilt(examined, name, sound)):
            examined.findings[name] = Staleness("an earlier step came to another result", other)
    return examined


def _compared_with_files(layout: Layout, facts: RecordFacts) -> Staleness | None:
    for file in facts.products:
        if not _has_its_time(layout, *file) and confirm_stamp(layout, FileStamp(*file)) is None:
            return Staleness("a product is gone or changed", file[0])
    late = [FileStamp(*file) for file in facts.raw if not _has_its_time(layout, *file)]
    changed = _changed_raw(layout, late)
    return Staleness("raw data changed", some_of(changed)) if changed else None


def _rebuilt(examined: ExaminedRecords, name: str, sound: Collection[str]) -> str:
    """Return the path of an earlier record whose content changed after the named record was made, or ''."""
    for earlier, fingerprint in examined.records[name].built_on.items():
        if earlier in sound:
            present = examined.records[earlier]
            if fingerprint not in (present.fingerprint, present.former_fingerprint):
                return earlier
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
        for place, files in read_parts(layout, FILES)
        if not isinstance(files, Exception) and not all(_has_its_time(layout, *file) for file in files)
    ]


def _has_its_time(layout: Layout, name: str, size: int, time_ns: int, sha256: str) -> bool:
    """Return True if a file is in its recorded place with the recorded size and time. This decides most cases."""
    del sha256
    try:
        stat = os.stat(os.path.join(layout.root, name))  # noqa: PTH116, PTH118 - of 100,000 texts no paths are made
    except (OSError, ValueError):
        return False
    return (stat.st_size, stat.st_mtime_ns) == (size, time_ns)


def _existing(layout: Layout, stamps: Iterable[FileStamp]) -> list[FileStamp]:
    return [stamp for stamp in stamps if layout.find(stamp.path).exists()]


def set_aside_damaged_records(layout: Layout) -> list[Path]:
    """Rename the records that cannot be read, so that a user can examine them. Return their new paths."""
    damaged = []
    for place, files in read_parts(layout, FILES):
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
