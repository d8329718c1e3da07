"""The archives that use a raw store, so that none deletes files that another one needs."""

from __future__ import annotations

import hashlib
from pathlib import Path

from daxa_wf.files import write_atomically

USERS = ".archives"
"""Directory of the raw store with a small file for each archive: its path."""


def register(store: Path, archive: Path) -> None:
    """Note in a raw store that an archive uses it. A store that others keep, and that is read-only, stays as it is."""
    path = str(archive.resolve())
    note = store / USERS / f"{hashlib.sha256(path.encode()).hexdigest()[:16]}.txt"
    try:
        if not note.exists():
            write_atomically(note, f"{path}\n")
    except PermissionError:
        return


def other_archives(store: Path, archive: Path) -> tuple[list[Path], list[Path]]:
    """Return the other archives that use a raw store, and those that are no longer at their places."""
    present, absent = list[Path](), list[Path]()
    for note in sorted((store / USERS).glob("*.txt")):
        text = note.read_text(encoding="utf-8", errors="replace").rstrip("\n")
        path = Path(text)
        if path != archive.resolve():
            (present if path.is_dir() else absent).append(path)
    return present, absent
