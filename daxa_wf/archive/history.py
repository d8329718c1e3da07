"""The history of an archive: one file for each version, with its number, author, time, reason and numbers."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from functools import total_ordering
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.made_from import NAME_DIGITS
from daxa_wf.archive.version_changes import ChangeKind
from daxa_wf.archive.version_contents import ArchiveNumbers
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.files import write_atomically
from daxa_wf.json_files import Count, read_json
from daxa_wf.near import closest

FORM = 1
"""Version of the form of a version's file."""
UNREADABLE = "check its permissions"
NUMBER = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", re.ASCII)


@total_ordering
@dataclass(frozen=True)
class VersionNumber:
    """A number `major.minor.patch`."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> VersionNumber | None:
        """Return the number in a text, or None."""
        match = NUMBER.fullmatch(text)
        return cls(*map(int, match.groups())) if match else None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def __lt__(self, other: VersionNumber) -> bool:
        return (self.major, self.minor, self.patch) < (other.major, other.minor, other.patch)

    def after(self, change: ChangeKind) -> VersionNumber:
        """Return the number of the next version: major if processing changed, minor if data changed, else patch."""
        if change == "processing":
            return VersionNumber(self.major + 1, 0, 0)
        if change == "data":
            return VersionNumber(self.major, self.minor + 1, 0)
        return VersionNumber(self.major, self.minor, self.patch + 1)


@dataclass(frozen=True)
class ProductCounts:
    """Numbers of products that a version added, removed and changed."""

    added: Count = 0
    removed: Count = 0
    changed: Count = 0


@dataclass(frozen=True)
class Version:
    """A version of an archive."""

    number: str
    change: ChangeKind
    time: str
    """Time of the version (UTC, ISO), which products do not hold."""
    author: str
    message: str
    """The reason, as its author gave it; '' for none."""
    products: ProductCounts
    before: ArchiveNumbers
    after: ArchiveNumbers
    software: dict[str, str]
    """Names of the software that made the products -> versions."""
    content: str
    """SHA-256 of the list of products."""
    configuration: str = ""
    """SHA-256 of the configuration, '' if it is unknown."""
    snapshots: dict[str, str] = field(default_factory=dict)
    """Names of the missions' tables -> SHA-256."""
    damaged: list[str] = field(default_factory=list)
    """Records that could not be read, and so are missing in the content."""
    notes: list[str] = field(default_factory=list)
    form: int = FORM

    def line(self) -> str:
        """Return the version in one line, without its time."""
        numbers = self.products
        counts = f"{numbers.added} products added, {numbers.removed} removed, {numbers.changed} changed"
        return f"version {self.number} ({self.change}): {counts}"


@dataclass(frozen=True)
class History:
    """The versions of an archive, the oldest first, and the files of versions that cannot be read."""

    versions: list[Version]
    damaged: list[Path]

    @property
    def latest(self) -> Version | None:
        """Return the newest readable version, or None."""
        return self.versions[-1] if self.versions else None

    def next_number(self, change: ChangeKind) -> VersionNumber:
        """Return the number of the next version. Numbers of damaged versions are not used again."""
        names = [*(version.number for version in self.versions), *(path.stem for path in self.damaged)]
        numbers = [number for name in names if (number := VersionNumber.parse(name)) is not None]
        return max(numbers).after(change) if numbers else VersionNumber(1, 0, 0)

    def version(self, number: str) -> Version:
        """Return the version of a number. Raise ConfigError if the history lacks it."""
        for version in self.versions:
            if version.number == number:
                return version
        known = [version.number for version in self.versions]
        listed = ", ".join(known[-10:]) or "none"
        raise ConfigError(f"version {number}: unknown; the archive has {listed}{closest(number, known)}")


def read_history(layout: Layout) -> History:
    """Return the history of an archive. A damaged file of a version is listed, and does not affect the others.

    Raise ConfigError if the directory or a file of a version may not be read, because it is then unknown, not damaged.
    """
    versions, damaged = [], []
    for path in _version_paths(layout.versions):
        try:
            version: Version = read_json(
                path, Version, "a version", "its products and the other versions are not affected"
            )
            if version.number != path.stem:
                raise CorruptFileError(f"{path} is not the version of its name")
            versions.append(version)
        except (CorruptFileError, FileNotFoundError):  # a broken link is damaged
            damaged.append(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}; {UNREADABLE}") from None
    return History(versions, damaged)


def _version_paths(folder: Path) -> list[Path]:
    """Return the files of versions, the oldest first. Raise ConfigError if their directory cannot be read."""
    try:
        # Path.glob would pass over a directory without permission.
        entries = list(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{folder} cannot be read: {error.strerror}; {UNREADABLE}") from None
    paths = [path for path in entries if path.suffix == ".json"]
    numbers = {path: number for path in paths if (number := VersionNumber.parse(path.stem)) is not None}
    return sorted(numbers, key=numbers.__getitem__)


def write_version(layout: Layout, version: Version) -> None:
    """Write the file of a version. Call this last, because it makes the version."""
    write_atomically(layout.versions / f"{version.number}.json", json.dumps(asdict(version), indent=1) + "\n")


def content_path(layout: Layout, digest: str) -> Path:
    """Return the path of a version's content. Versions with the same content share it."""
    return layout.versions / "contents" / f"{digest[:NAME_DIGITS]}.jsonl.gz"
