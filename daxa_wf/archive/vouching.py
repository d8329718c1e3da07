"""Which records still vouch for their files: compared by size and time, and by content where the time differs."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import FileStamp, Record, read_record, record_paths, record_text
from daxa_wf.errors import CorruptFileError, Fault
from daxa_wf.files import set_aside, sha256_of, write_atomically

log = logging.getLogger("daxa_wf")
MOST_NAMED = 5
"""Files that a message names; the rest of them is counted."""


def confirm_stamp(layout: Layout, stamp: FileStamp) -> FileStamp | None:
    """Return the stamp of a file that still has its recorded content, with its present time; None if it has not.

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


def _confirm_record(layout: Layout, record: Record) -> Record | None:
    """Return a record with the present times of its files; None if a product is gone or changed, or a raw file changed.

    A raw file that is gone changes nothing: raw data may be deleted once they are processed.
    """
    products = _confirm_all(layout, record.products)
    raw = _confirm_all(layout, [stamp for stamp in record.raw if layout.find(stamp.path).exists()])
    if products is None or raw is None:
        return None
    present = {stamp.path: stamp for stamp in raw}
    return replace(record, products=products, raw=[present.get(stamp.path, stamp) for stamp in record.raw])


def _confirm_all(layout: Layout, stamps: Iterable[FileStamp]) -> list[FileStamp] | None:
    confirmed = []
    for stamp in stamps:
        now = confirm_stamp(layout, stamp)
        if now is None:
            return None
        confirmed.append(now)
    return confirmed


def require_unchanged(layout: Layout, acquired: Record) -> None:
    """Raise Fault if a fetched file is no longer what was fetched; one that is gone is found by those who read it."""
    changed = _changed_raw(layout, acquired)
    if changed:
        raise Fault(f"{_listed(changed)} changed since they were fetched; run again: the next run fetches them anew")


def _changed_raw(layout: Layout, record: Record) -> list[str]:
    """Return the recorded paths of raw files that are there, and are not what they were."""
    present = (stamp for stamp in record.raw if layout.find(stamp.path).exists())
    return [stamp.path for stamp in present if confirm_stamp(layout, stamp) is None]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def drop_stale_records(layout: Layout) -> list[Path]:
    """Delete the records that no longer vouch for their files, so that their steps run again; return their paths.

    Stale is a record whose products are gone or changed, whose raw files changed, or that was made from another state
    of an earlier record. Damaged records are set aside. The others are brought up to date: the times of their files
    after a copy or a restore, and their own times in the order of the steps and not in the future, since Snakemake
    compares them.
    """
    kept: dict[Path, Record] = {}
    dropped = []
    for path in record_paths(layout):
        try:
            record = read_record(path)
        except CorruptFileError as error:
            set_aside(path, str(error))
            dropped.append(path)
            continue
        confirmed = _confirm_record(layout, record)
        if confirmed is None:
            if changed := _changed_raw(layout, record):
                message = "%s: changed since %s of %s, which is done again"
                log.warning(message, _listed(changed), record.step, record.unit.identifier)
            path.unlink()
            dropped.append(path)
            continue
        if confirmed != record:
            _rewrite(path, confirmed)
        kept[path] = confirmed
    outdated = _outdated(layout, kept)
    for path in outdated:
        path.unlink()
        del kept[path]
    _order_times(layout, kept)
    return sorted([*dropped, *outdated])


def _rewrite(path: Path, record: Record) -> None:
    """Write a record that says the same of files with other times; its own time stays."""
    stat = path.stat()
    write_atomically(path, record_text(record))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _outdated(layout: Layout, records: Mapping[Path, Record]) -> list[Path]:
    """Return the records that were made from another state of an earlier record than the present one."""
    fingerprints: dict[str, str] = {}

    def present(name: str) -> str | None:
        earlier = records.get(layout.root / name)
        if earlier is not None and name not in fingerprints:
            fingerprints[name] = earlier.fingerprint()
        return fingerprints.get(name)

    return [
        path
        for path, record in records.items()
        if any(present(name) not in (None, fingerprint) for name, fingerprint in record.built_on.items())
    ]


def _order_times(layout: Layout, records: Mapping[Path, Record]) -> None:
    """Give records times that are not in the future, and none that is before that of a record it was built on."""
    now = time.time_ns()
    times = {path: path.stat().st_mtime_ns for path in records}
    settled: dict[Path, int] = {}

    def settle(path: Path) -> int:
        if path not in settled:
            settled[path] = min(times[path], now)
            earlier = (layout.root / name for name in records[path].built_on)
            settled[path] = max([settled[path], *(settle(each) for each in earlier if each in records)])
        return settled[path]

    for path in records:
        if settle(path) != times[path]:
            os.utime(path, ns=(settled[path], settled[path]))


def clamp_times(paths: Iterable[Path]) -> None:
    """Set the times of files of our own that lie in the future to now: Snakemake refuses inputs from the future."""
    now = time.time_ns()
    for path in paths:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime_ns > now:
                os.utime(path, ns=(now, now))
