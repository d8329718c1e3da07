"""Compare every product of an archive with its record, by content."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from daxa_wf.archive.layout import PLOT_FILES, Layout
from daxa_wf.archive.records import FileStamp, read_record, record_paths
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import sha256_of

DiscrepancyKind = Literal["missing", "altered", "unreadable", "unrecorded", "damaged record"]

TREES = ("processed_data", "failed_data", "work")
"""Directories of an archive in which every file belongs to a record."""
DRAWN = (".html", *PLOT_FILES)
"""Endings of pages and plots, which no record has."""
READERS = 4
"""Files that are read at once. Python computes SHA-256 outside of its lock."""


@dataclass(frozen=True)
class Discrepancy:
    """A file that is not as the archive's records have it."""

    problem: DiscrepancyKind
    path: str
    """Relative to the archive."""
    detail: str = ""


@dataclass(frozen=True)
class RecordedFiles:
    """The products in an archive's records by path, and a discrepancy for each record that cannot be read."""

    stamps: dict[str, FileStamp] = field(default_factory=dict)
    damaged: list[Discrepancy] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """Return the total size of the products in bytes."""
        return sum(stamp.size for stamp in self.stamps.values())


def recorded_files(layout: Layout) -> RecordedFiles:
    """Read all records of an archive."""
    recorded = RecordedFiles()
    for path in record_paths(layout):
        try:
            recorded.stamps.update({stamp.path: stamp for stamp in read_record(path).products})
        except CorruptFileError as error:
            recorded.damaged.append(
                Discrepancy(
                    "damaged record", layout.relative(path), f"{error}; its products are among the unrecorded files"
                )
            )
    return recorded


def verify(
    layout: Layout, progress: Callable[[int], None] = lambda _: None, recorded: RecordedFiles | None = None
) -> list[Discrepancy]:
    """Compare all products with the SHA-256 in their records. Return the discrepancies, sorted by path.

    Every product is read, so an altered byte is found even if size and time are the recorded ones. `progress` gets the size
    in bytes of each file that was read. `recorded` are the records if they have been read already.
    """
    recorded = recorded or recorded_files(layout)
    stamps, discrepancies = recorded.stamps, list(recorded.damaged)
    with ThreadPoolExecutor(READERS) as pool:
        for stamp, discrepancy in zip(
            stamps.values(), pool.map(lambda stamp: _compared(layout, stamp), stamps.values()), strict=True
        ):
            progress(stamp.size)
            discrepancies += [discrepancy] if discrepancy else []
    places = {layout.find(name) for name in stamps}
    unrecorded = (path for path in _files(layout) if path not in places and path.suffix not in DRAWN)
    discrepancies += [Discrepancy("unrecorded", layout.relative(path)) for path in unrecorded]
    return sorted(discrepancies, key=lambda discrepancy: discrepancy.path)


def _compared(layout: Layout, stamp: FileStamp) -> Discrepancy | None:
    path = layout.find(stamp.path)
    try:
        size = path.stat().st_size
        if size != stamp.size:
            return Discrepancy("altered", stamp.path, f"it has {size} bytes, its record {stamp.size}")
        if sha256_of(path) != stamp.sha256:
            return Discrepancy("altered", stamp.path, "its SHA-256 differs from the one in its record")
    except (FileNotFoundError, NotADirectoryError):
        return Discrepancy("missing", stamp.path)
    except OSError as error:
        return Discrepancy("unreadable", stamp.path, error.strerror or str(error))
    return None


def _files(layout: Layout) -> Iterator[Path]:
    for tree in TREES:
        for folder, _, names in os.walk(layout.root / tree):
            yield from (Path(folder, name) for name in names)


def mark_altered(layout: Layout, discrepancies: list[Discrepancy]) -> list[str]:
    """Give altered files the present time, so that the next run compares their content and makes them again.

    A run compares the content of a file only if its size or time is not the recorded one. Return the paths that could not be
    changed.
    """
    unchanged = []
    for discrepancy in discrepancies:
        if discrepancy.problem == "altered":
            try:
                os.utime(layout.find(discrepancy.path))
            except OSError:
                unchanged.append(discrepancy.path)
    return unchanged
