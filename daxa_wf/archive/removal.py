"""Files to remove from an archive: counted first, removed on request, and never outside of their directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, write_record
from daxa_wf.text import shown_bytes, some_of

RECORDS = "records"


@dataclass(frozen=True)
class DoomedFile:
    """A file to remove: its path, its size in bytes, and what it is, such as `products`."""

    path: Path
    size: int
    content: str
    limit: Path
    """The archive, or the observation in the raw store, that it lies in. Empty directories below it are removed too."""


@dataclass
class Removal:
    """The files to remove from an archive, the files that stay although they lie among them, and notes for the user."""

    layout: Layout
    files: dict[Path, DoomedFile] = field(default_factory=dict)
    left: dict[Path, str] = field(default_factory=dict)
    """File that stays -> the reason."""
    rewritten: list[Record] = field(default_factory=list)
    """Records that are written before files are removed, so that the next run does not miss them."""
    notes: list[str] = field(default_factory=list)

    def add(self, path: Path, content: str, limit: Path | None = None) -> None:
        """Add a file if it exists. A file behind a link out of its directory stays, and is listed with the reason.

        The last part of a path may be a link: the link is removed, and the file that it leads to stays.
        """
        limit = limit or self.layout.root
        with suppress(FileNotFoundError, NotADirectoryError):
            size = path.lstat().st_size
            if path.parent.resolve().is_relative_to(limit.resolve()) and not (path.is_dir() and not path.is_symlink()):
                self.files[path] = DoomedFile(path, size, content, limit)
            else:
                self.left[path] = f"a link on its path leads out of {limit}"

    def leave(self, paths: Iterable[Path], reason: str) -> None:
        """Note files that stay, unless they are to be removed."""
        self.left |= {path: reason for path in paths if path not in self.files}

    @property
    def size(self) -> int:
        """Return the total size in bytes."""
        return sum(file.size for file in self.files.values())

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return the number of files and their bytes, by what they are."""
        counts: dict[str, tuple[int, int]] = {}
        for file in self.files.values():
            number, size = counts.get(file.content, (0, 0))
            counts[file.content] = number + 1, size + file.size
        return counts

    def lines(self) -> list[str]:
        """Return the counts, the files that stay with their reasons, and the notes, for people."""
        lines = [f"{content}: {number} files, {shown_bytes(size)}" for content, (number, size) in self.counts().items()]
        for reason in dict.fromkeys(self.left.values()):
            names = [self._name(path) for path, other in self.left.items() if other == reason]
            lines.append(f"{len(names)} files stay ({reason}): {some_of(names)}")
        return [*lines, *self.notes]

    def values(self) -> dict[str, Any]:
        """Return the same as values for JSON, with every file."""
        return {
            "archive": str(self.layout.root),
            "files": [
                {"path": str(file.path), "size": file.size, "content": file.content} for file in self.files.values()
            ],
            "left": [{"path": str(path), "reason": reason} for path, reason in self.left.items()],
            "notes": self.notes,
        }

    def apply(self, hold: Callable[[Path], AbstractContextManager[Any]] = nullcontext) -> None:
        """Remove the files, records last: if this is interrupted, the rest can be found and removed later.

        `hold` is entered for each directory that limits files, while these are removed.
        """
        for record in self.rewritten:
            write_record(self.layout, record)
        by_limit: dict[Path, list[DoomedFile]] = {}
        for file in self.files.values():
            by_limit.setdefault(file.limit, []).append(file)
        for limit, files in by_limit.items():
            with hold(limit):
                for file in sorted(files, key=lambda file: file.content == RECORDS):
                    file.path.unlink(missing_ok=True)
                for file in files:
                    _remove_empty_directories(file)

    def _name(self, path: Path) -> str:
        return self.layout.relative(path) if path.is_relative_to(self.layout.root) else str(path)


def _remove_empty_directories(file: DoomedFile) -> None:
    """Remove the empty directories above a file, below the directory that limits it."""
    for folder in file.path.parents:
        if folder == file.limit or not folder.is_relative_to(file.limit):
            return
        try:
            folder.rmdir()
        except OSError:
            return
