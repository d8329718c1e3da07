"""Prepare an archive at the start of a run: set damaged files aside, and update the times in records."""

from __future__ import annotations

from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import read_manifest
from daxa_wf.archive.status import damaged_notes
from daxa_wf.archive.vouching import refresh_records, set_aside_damaged_records
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import set_aside


def prepare_archive(layout: Layout) -> None:
    """Set aside unreadable files of an archive and update the times in records, at the start of a run."""
    set_aside_damaged(layout)
    refresh_records(layout)


def set_aside_damaged(layout: Layout) -> list[Path]:
    """Set aside a manifest, records and fault notes that cannot be read. Return their new paths.

    A user can examine them there, and the run makes them again.
    """
    damaged = set_aside_damaged_records(layout)
    if layout.manifest.exists():
        try:
            read_manifest(layout.manifest)
        except CorruptFileError as error:
            damaged.append(set_aside(layout.manifest, str(error)))
    return damaged + [set_aside(note, "not a fault note") for note in damaged_notes(layout)]
