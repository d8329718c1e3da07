"""What the start of a run does to an archive: damaged files are set aside, and times in records brought up to date."""

from __future__ import annotations

from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import read_manifest
from daxa_wf.archive.status import damaged_notes
from daxa_wf.archive.vouching import refresh_records, set_aside_damaged_records
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import set_aside


def prepare_archive(layout: Layout) -> None:
    """At the start of a run: set aside what cannot be read, and bring the times in records up to date."""
    set_aside_damaged(layout)
    refresh_records(layout)


def set_aside_damaged(layout: Layout) -> list[Path]:
    """Set aside a manifest, records and fault notes that cannot be read; return where they are.

    A user can look at them there, and the run makes them anew.
    """
    damaged = set_aside_damaged_records(layout)
    if layout.manifest.exists():
        try:
            read_manifest(layout.manifest)
        except CorruptFileError as error:
            damaged.append(set_aside(layout.manifest, str(error)))
    return damaged + [set_aside(note, "not a fault note") for note in damaged_notes(layout)]
