"""Versions of an archive: every change of its products makes one, with author, time and reason.

Numbers are `major.minor.patch`. Major: a step that the version before had gives other products or another verdict from the
same raw data, because options or software changed. Minor: products or steps were added or removed, or raw data changed.
Patch: the products are the same, and options, versions of software, the configuration or the missions' tables changed.
"""

from __future__ import annotations

import getpass
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from daxa_wf.archive.history import History, ProductCounts, Version, content_path, read_history, write_version
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.made_from import Configuration, keep_configuration
from daxa_wf.archive.origin import read_origin
from daxa_wf.archive.version_changes import ChangeKind, ProductChange, changed_steps, largest
from daxa_wf.archive.version_contents import (
    ArchiveNumbers,
    ContentLine,
    PresentContent,
    digest_of,
    present_lines,
    read_content,
    write_present_content,
)
from daxa_wf.errors import CorruptFileError
from daxa_wf.text import fit_to_show

log = logging.getLogger("daxa_wf")

LONGEST_REASON = 2000
"""Largest number of characters of an author or a reason."""
MOST_NAMED = 100
"""Largest number of damaged records that a version names."""
PRESENT = "now"
"""In place of the number of a version: the records as they are."""


@dataclass(frozen=True)
class RunDescription:
    """The author of a change, its reason, and the configuration. Without an author, the user's name is used."""

    author: str = ""
    message: str = ""
    configuration: Configuration | None = None


def record_version(layout: Layout, description: RunDescription | None = None) -> Version | None:
    """Make a version of an archive if its products, or what they were made from, changed. Return it, or None.

    Call this after every change of products or records, while the archive is held (`archive.running.held`). No product is
    read: the SHA-256 come from records. A kill on the way leaves the history as it was.
    """
    description = description or RunDescription()
    present = write_present_content(layout)
    try:
        if not _is_sound(layout, present.sha256):
            present.publish(content_path(layout, present.sha256))
    finally:
        present.discard()
    version = _next(layout, description, read_history(layout), present)
    if version is not None:
        write_version(layout, version)
    return version


def user_name() -> str:
    """Return the name of the user who runs this process, or 'unknown' if the system has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def differences(layout: Layout, first: str, second: str) -> Iterator[ProductChange]:
    """Yield the products that differ between two versions, `now` for the present records, in the order of observations.

    Raise ConfigError for an unknown version, CorruptFileError if the content of a version is damaged.
    """
    history = read_history(layout)
    before, after = (_lines(layout, history, number) for number in (first, second))
    for change in changed_steps(before, after):
        yield from change.products()


def _lines(layout: Layout, history: History, number: str) -> Iterator[ContentLine]:
    if number == PRESENT:
        return present_lines(layout)
    return _content_of(layout, history.version(number))


def _content_of(layout: Layout, version: Version) -> Iterator[ContentLine]:
    try:
        yield from read_content(content_path(layout, version.content))
    except FileNotFoundError:
        raise CorruptFileError(
            f"{content_path(layout, version.content)}, the content of version {version.number}, is missing"
        ) from None


@dataclass(frozen=True)
class _ContentComparison:
    """The comparison of the present content with that of the version before: None if nothing changed."""

    kind: ChangeKind | None
    products: ProductCounts
    notes: tuple[str, ...] = ()


def _next(layout: Layout, description: RunDescription, history: History, present: PresentContent) -> Version | None:
    """Return the next version, or None if nothing changed since the latest one, or if the archive holds no records."""
    latest, origin = history.latest, read_origin(layout)
    snapshots = origin.snapshots if origin is not None else {}
    configuration = latest.configuration if latest is not None else ""
    if description.configuration is not None:
        configuration = keep_configuration(layout, description.configuration)
    compared = _compared(layout, history, present)
    is_same = latest is not None and (latest.configuration, latest.snapshots) == (configuration, snapshots)
    if compared.kind is None and (is_same or not present.numbers.steps):
        return None
    change = compared.kind or "metadata"
    return Version(
        str(history.next_number(change)), change, datetime.now(UTC).isoformat(timespec="seconds"),
        _clean(description.author) or user_name(), _clean(description.message), compared.products,
        latest.after if latest is not None else ArchiveNumbers(), present.numbers, present.software, present.sha256,
        configuration, snapshots, [layout.relative(path) for path in present.damaged[:MOST_NAMED]], list(compared.notes),
    )  # fmt: skip


def _compared(layout: Layout, history: History, present: PresentContent) -> _ContentComparison:
    """Compare the present content with the newest version whose content can be read."""
    base = next((version for version in reversed(history.versions) if _is_sound(layout, version.content)), None)
    if base is None and not (history.versions or history.damaged):
        return _ContentComparison(
            "first" if present.numbers.steps else None, ProductCounts(added=present.numbers.products)
        )
    if base is None:
        note = "the contents of earlier versions cannot be read, so the changes are unknown"
        return _ContentComparison("metadata", ProductCounts(), (note,))
    notes = (
        () if base is history.latest else (f"compared with {base.number}, the newest version with a readable content",)
    )
    counts, kinds = Counter[str](), set[ChangeKind]()
    for change in changed_steps(_content_of(layout, base), read_content(content_path(layout, present.sha256))):
        counts.update(product.change for product in change.products())
        kinds.add(change.kind)
    kind = largest(kinds) or (None if base is history.latest else "metadata")
    return _ContentComparison(kind, ProductCounts(counts["added"], counts["removed"], counts["changed"]), notes)


def _is_sound(layout: Layout, digest: str) -> bool:
    """Return True if the content with a SHA-256 is kept and undamaged."""
    try:
        return digest_of(read_content(content_path(layout, digest))) == digest
    except (CorruptFileError, OSError):
        return False


def _clean(text: str) -> str:
    return fit_to_show(" ".join(text.split()))[:LONGEST_REASON]
