"""The contents of a version: a line for each observation, with its steps, source files and the SHA-256 of its products.

Lines are compressed together and compared as text, so only the observations that differ are parsed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path

from daxa_wf.archive.causes import LockedFile, LockedStep, locked_step
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, read_record, record_paths
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import gzip_errors, publish_file
from daxa_wf.json_files import Count, parse_json

log = logging.getLogger("daxa_wf")

LONGEST_LINE = 64 << 20
"""Largest number of bytes of an observation's line."""
LARGEST_CONTENT = 16 << 30
"""Largest number of bytes of all lines together: a small damaged file must not unpack without an end."""
COMPRESSION = 3
"""The strongest level of isal: 100 MB of lines become 6 MB."""


@dataclass(frozen=True)
class ObservationContent:
    """The steps of an observation by the path of their record, and their source files by path."""

    steps: dict[str, LockedStep] = field(default_factory=dict)
    sources: dict[str, LockedFile] = field(default_factory=dict)


@dataclass
class ArchiveNumbers:
    """Numbers of an archive's observations, steps (records), steps that are done, products, and their bytes."""

    observations: Count = 0
    steps: Count = 0
    done: Count = 0
    products: Count = 0
    bytes: Count = 0

    def add(self, records: Iterable[Record]) -> None:
        """Count an observation by its records."""
        self.observations += 1
        for record in records:
            self.steps += 1
            self.done += record.status is Status.DONE
            self.products += len(record.products)
            self.bytes += sum(stamp.size for stamp in record.products)


ContentLine = tuple[str, str]
"""An observation as `mission/ObsID`, and its content as JSON."""


@dataclass(frozen=True)
class PresentContent:
    """The content of the present records in a file that has no name yet, with its SHA-256 (of the lines) and its numbers."""

    part: Path
    sha256: str
    numbers: ArchiveNumbers
    software: dict[str, str]
    """Names of the software in the records -> its versions, joined by a comma."""
    damaged: list[Path]
    """Records that cannot be read, and so are missing in the content."""

    def publish(self, target: Path) -> None:
        """Give the file its name."""
        publish_file(self.part, target)

    def discard(self) -> None:
        """Delete the file."""
        self.part.unlink(missing_ok=True)


def write_present_content(layout: Layout) -> PresentContent:
    """Write the content of an archive's records to a file without a final name. No product is read."""
    from isal import igzip

    part = layout.versions / "contents" / f".{os.getpid()}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    digest, numbers, versions, damaged = hashlib.sha256(), ArchiveNumbers(), dict[str, set[str]](), list[Path]()
    with igzip.open(part, "wb", compresslevel=COMPRESSION) as stream:
        for name, records in _observations(layout, damaged):
            numbers.add(records.values())
            for record in records.values():
                for program, version in record.versions.items():
                    versions.setdefault(program, set()).add(version)
            line = f"{name}\t{_as_json(layout, records)}\n".encode()
            digest.update(line)
            stream.write(line)
    software = {name: ", ".join(sorted(versions[name])) for name in sorted(versions)}
    return PresentContent(part, digest.hexdigest(), numbers, software, damaged)


def present_lines(layout: Layout) -> Iterator[ContentLine]:
    """Yield the lines of the present records. Records that cannot be read are left out."""
    for name, records in _observations(layout, []):
        yield name, _as_json(layout, records)


def _observations(layout: Layout, damaged: list[Path]) -> Iterator[tuple[str, dict[Path, Record]]]:
    """Yield each observation with its readable records; add the paths of the others to `damaged`."""
    for observation, paths in groupby(record_paths(layout), key=lambda path: path.parents[1]):
        records = {}
        for path in paths:
            try:
                records[path] = read_record(path)
            except FileNotFoundError:
                continue
            except (CorruptFileError, OSError):
                damaged.append(path)
        if records:
            yield f"{observation.parent.name}/{observation.name}", records


def _as_json(layout: Layout, records: dict[Path, Record]) -> str:
    steps = {layout.relative(path): locked_step(record) for path, record in records.items()}
    sources = {stamp.path: LockedFile(stamp.size, stamp.sha256) for record in records.values() for stamp in record.raw}
    content = ObservationContent(steps, dict(sorted(sources.items())))
    return json.dumps(asdict(content), separators=(",", ":"), sort_keys=True)


def read_content(path: Path) -> Iterator[ContentLine]:
    """Yield the lines of a version's content. Raise CorruptFileError if it is damaged, FileNotFoundError if it is missing."""
    from isal import igzip

    total = 0
    wrong: tuple[type[Exception], ...] = (UnicodeDecodeError, *gzip_errors())
    try:
        with igzip.open(path, "rb") as stream:
            while line := stream.readline(LONGEST_LINE):
                total += len(line)
                name, tab, text = line.decode("utf-8").rstrip("\n").partition("\t")
                if not (tab and line.endswith(b"\n")) or total > LARGEST_CONTENT:
                    raise CorruptFileError(f"{path} is not the content of a version")
                yield name, text
    except wrong as error:
        raise CorruptFileError(f"{path} is not the content of a version ({error})") from None


def digest_of(lines: Iterable[ContentLine]) -> str:
    """Return the SHA-256 of the lines of a content."""
    digest = hashlib.sha256()
    for name, text in lines:
        digest.update(f"{name}\t{text}\n".encode())
    return digest.hexdigest()


def parse_content(name: str, text: str) -> ObservationContent:
    """Return the content of an observation from its line. Raise CorruptFileError if it is damaged."""
    try:
        content: ObservationContent = parse_json(text, ObservationContent)
    except ValueError as error:
        raise CorruptFileError(f"the content of a version is damaged at {name}: {error}") from None
    return content


def differing_lines(
    before: Iterator[ContentLine], after: Iterator[ContentLine]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield the observations that differ between two contents, with the text in each, or None where one lacks it."""
    old, new = next(before, None), next(after, None)
    while old is not None or new is not None:
        name = min(_place(line[0]) for line in (old, new) if line is not None)
        first = old[1] if old is not None and _place(old[0]) == name else None
        second = new[1] if new is not None and _place(new[0]) == name else None
        if first != second:
            yield "/".join(name), first, second
        old = old if first is None else next(before, None)
        new = new if second is None else next(after, None)


def _place(name: str) -> tuple[str, str]:
    """Return the place of an observation in the order of lines: that of mission, then ObsID."""
    mission, _, obsid = name.partition("/")
    return mission, obsid
