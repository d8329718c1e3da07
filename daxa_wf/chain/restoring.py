"""Find the records whose files were deleted on purpose, raw data and pruned products, and are needed again.

The job that needs the files runs the steps of these records first. Snakemake does not know of it: the files come back with
the same content, so the steps that were built on them are not repeated.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, read_checked_record
from daxa_wf.archive.vouching import Staleness
from daxa_wf.chain.staleness import Work
from daxa_wf.errors import CorruptFileError
from daxa_wf.mission.step import ACQUIRE, REPORT

PRUNED = "pruned products are needed again"
DELETED = "deleted raw data are needed again"


def find_restored(layout: Layout, work: Sequence[Work], stale: Mapping[Path, Staleness]) -> dict[Path, Staleness]:
    """Return the sound records whose deleted files a step of a run needs, with the reason, by path. Jobs restore them.

    The report needs no files: it shows those that exist.
    """
    by_path = {item.path: item for item in work}
    due = [item for item in work if item.path in stale or not os.path.exists(item.path)]  # noqa: PTH110 - faster
    restored: dict[Path, Staleness] = {}
    while due:
        item = due.pop()
        if item.step is REPORT:
            continue
        needed = [path for path in item.earlier if path in by_path]
        if item.needs_raw:
            # <archive>/records/<mission>/<ObsID>/<step>/<unit>.json
            folder = item.path.parents[1]
            needed.append(folder / ACQUIRE.name / f"{folder.name}.json")
        for path in needed:
            if path in restored or path in stale:
                continue
            if (missing := missing_files(layout, path, item.needs_raw)) is not None:
                restored[path] = missing
                due += [by_path[path]] if path in by_path else []
    return restored


@contextmanager
def restore_once(folder: Path) -> Iterator[None]:
    """Hold a directory, so that only one process at a time brings back files of its observation."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def missing_files(layout: Layout, path: Path, needs_raw: bool) -> Staleness | None:
    """Return which files of a record were deleted, or None if it has them all or does not exist."""
    record: Record | None = None
    with suppress(FileNotFoundError, CorruptFileError):
        record = read_checked_record(path)
    if record is None or not record.done:
        return None
    if record.pruned:
        return Staleness(PRUNED, record.pruned[0].path)
    if needs_raw and record.step == ACQUIRE.name:
        gone = next((stamp.path for stamp in record.raw if not layout.find(stamp.path).exists()), "")
        return Staleness(DELETED, gone) if gone else None
    return None
