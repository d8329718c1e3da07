"""Raw files as they were when a step used them: what changed since must not be used in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from daxa_wf.acquire.store import changed_files
from daxa_wf.archive.layout import Layout, Unit
from daxa_wf.archive.records import Record, read_record, record_paths
from daxa_wf.errors import Fault
from daxa_wf.files import sha256_of

RAW_FILES = "raw_files"
"""Key of a record's results: the raw files that the step was the first to read, as stamp_raw describes them."""

CARRIED_FILES = "carried_files"
"""Key of a record's results: stamps of an earlier step, for the next one to compare its files with."""


def stamp_raw(path: Path, name: str) -> dict[str, Any]:
    """Return what a raw file is now: its path below the source or observation, size, time and SHA-256."""
    stat = path.stat()
    return {"path": name, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": sha256_of(path)}


def has_changed(path: Path, stamp: Mapping[str, Any]) -> bool:
    """Return whether a file is another than it was: size and time are compared, and the SHA-256 if only the time differs.

    A file that is gone has not changed: those who read it say so.
    """
    try:
        stat = path.stat()
    except FileNotFoundError:
        return False
    if stat.st_size != stamp["size"]:
        return True
    return stat.st_mtime_ns != stamp["mtime_ns"] and sha256_of(path) != stamp["sha256"]


def require_unchanged(path: Path, stamps: Iterable[Mapping[str, Any]], name: str) -> None:
    """Raise Fault if a raw file is not what it was when an earlier step looked at it; files without a stamp pass."""
    stamp = next((each for each in stamps if each["path"] == name), None)
    if stamp is not None and has_changed(path, stamp):
        raise Fault(
            f"{path} has changed since an earlier step looked at it (its size or SHA-256 differs from the record); run again: "
            "the steps that rest on it are made anew"
        )


def require_fetched(layout: Layout, acquired: Record) -> None:
    """Raise Fault if a file in the raw store is not what was fetched."""
    changed = changed_files(layout.raw(acquired.unit), acquired.results.get("files", []))
    if changed:
        names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        raise Fault(
            f"{names} in {layout.raw(acquired.unit)} changed since fetched (the size or SHA-256 differs from the record); "
            "run again: the files are fetched anew"
        )


def drop_records_of_changed_files(layout: Layout, source_of: Callable[[Unit], Path | None]) -> dict[Path, list[str]]:
    """Delete the records of steps that first read raw files which have changed, so that they run again; record -> the files.

    The steps that rest on them then run again too; until then their records stay, and count as blocked if there is a fault.
    `source_of` gives the directory of an observation's raw files; None if the configuration does not name one.
    """
    dropped: dict[Path, list[str]] = {}
    for path in record_paths(layout):
        record = read_record(path)
        source = source_of(record.unit)
        changed = []
        if record.step == "acquire" and record.done:
            changed = changed_files(layout.raw(record.unit), record.results.get("files", []))
        elif source is not None:
            stamps = record.results.get(RAW_FILES, [])
            changed = [each["path"] for each in stamps if has_changed(source / each["path"], each)]
        if changed:
            path.unlink()
            dropped[path] = changed
    return dropped
