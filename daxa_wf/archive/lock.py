"""Locks: one file that states what an archive was made from and what came out, and the comparison of two archives by it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import read_manifest
from daxa_wf.archive.records import Record, read_record, record_paths
from daxa_wf.archive.requested import read_requested
from daxa_wf.errors import ConfigError
from daxa_wf.files import write_atomically
from daxa_wf.json_files import Count, read_json
from daxa_wf.text import mask_secrets, some_of

FORMAT = 1
"""Version of the form of a lock."""


@dataclass(frozen=True)
class LockedFile:
    """A source file: its size in bytes and its SHA-256."""

    size: Count
    sha256: str


@dataclass(frozen=True)
class LockedStep:
    """A step on a unit: its verdict, what it was made from, and the SHA-256 of its products by path."""

    status: str
    reason: str = ""
    engine: str = "native"
    parameters: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    """Names of the source files that it read or fetched."""
    built_on: list[str] = field(default_factory=list)
    """Paths of the earlier records that it took as input."""
    products: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lock:
    """An archive in one file: its configuration, observations, source files, and steps by the path of their record."""

    format: int
    configuration: dict[str, Any]
    observations: list[dict[str, str]]
    """The rows of the manifest, without empty columns."""
    sources: dict[str, LockedFile]
    steps: dict[str, LockedStep]

    @property
    def obsids(self) -> dict[str, list[str]]:
        """Return the ObsIDs of the observations by mission."""
        obsids: dict[str, list[str]] = {}
        for row in self.observations:
            listed = obsids.setdefault(row["mission"], [])
            if row["obsid"] not in listed:
                listed.append(row["obsid"])
        return obsids

    @property
    def products(self) -> dict[str, str]:
        """Return the record of every product, by the product's path."""
        return {product: record for record, step in self.steps.items() for product in step.products}


def make_lock(layout: Layout, configuration: Mapping[str, Any]) -> Lock:
    """Return the lock of an archive, for the units that its configuration still requests. Passwords in URLs are masked.

    Raise CorruptFileError if a record or the manifest is damaged, ConfigError if the archive has no records.
    """
    requested, sources, steps = read_requested(layout), dict[str, LockedFile](), dict[str, LockedStep]()
    for path in record_paths(layout):
        record = read_record(path)
        if requested.asks_for(record.step, record.unit):
            sources |= {stamp.path: LockedFile(stamp.size, stamp.sha256) for stamp in record.raw}
            steps[layout.relative(path)] = _locked(record)
    if not steps:
        raise ConfigError(f"{layout.root} holds no records to lock; make them with 'daxa-wf run'")
    rows = [{name: cell for name, cell in asdict(row).items() if cell} for row in read_manifest(layout.manifest)]
    plain = json.loads(mask_secrets(json.dumps(configuration, default=str)))
    return Lock(FORMAT, plain, rows, dict(sorted(sources.items())), dict(sorted(steps.items())))


def _locked(record: Record) -> LockedStep:
    return LockedStep(
        str(record.status), record.reason, record.engine, record.parameters, record.versions,
        sorted(stamp.path for stamp in record.raw), sorted(record.built_on),
        {stamp.path: stamp.sha256 for stamp in sorted([*record.products, *record.pruned], key=lambda stamp: stamp.path)},
    )  # fmt: skip


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock as JSON, one value a line."""
    write_atomically(path, json.dumps(asdict(lock), indent=1) + "\n")


def read_lock(path: Path) -> Lock:
    """Read a lock. Raise ConfigError if it does not exist or has another form, CorruptFileError if it is damaged."""
    try:
        lock: Lock = read_json(path, Lock, "a lock", "make it again with 'daxa-wf lock'")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; name a lock that 'daxa-wf lock' wrote") from None
    if lock.format != FORMAT:
        raise ConfigError(f"{path} has the form {lock.format} of locks; this version of daxa_wf reads form {FORMAT}")
    return lock


@dataclass(frozen=True)
class Difference:
    """A product, or the record of a step without products, that differs between two archives, with the cause if it is known."""

    product: str
    cause: str


def compare(expected: Lock, made: Lock) -> list[Difference]:
    """Return the products that differ between two locks, each with its cause, then the verdicts of steps without products.

    Source files are compared by name and content, so they may lie in another directory.
    """
    differences = []
    before, after = expected.products, made.products
    for product in sorted({*before, *after}):
        path = before.get(product) or after[product]
        old, new = expected.steps.get(path), made.steps.get(path)
        if old is None or new is None:
            differences.append(Difference(product, "only one of the archives has a record of its step"))
        elif old.products.get(product) != new.products.get(product):
            differences.append(Difference(product, _cause(expected, old, made, new)))
    for path in sorted(expected.steps.keys() & made.steps.keys()):
        verdicts = [(step.status, step.reason) for step in (expected.steps[path], made.steps[path])]
        if verdicts[0] != verdicts[1] and not (expected.steps[path].products or made.steps[path].products):
            differences.append(Difference(path, _cause(expected, expected.steps[path], made, made.steps[path])))
    return differences


def _cause(expected: Lock, old: LockedStep, made: Lock, new: LockedStep) -> str:
    """Return why a step made another product: the first of the things that it was made from that differs."""
    if changed := _changed(old.parameters, new.parameters):
        return f"options differ: {some_of(changed)}"
    if changed := _changed(_content(expected, old.sources), _content(made, new.sources)):
        return f"source files differ: {some_of(changed)}"
    for path in sorted({*old.built_on, *new.built_on}):
        earlier, now = expected.steps.get(path), made.steps.get(path)
        if earlier is None or now is None or (earlier.products, earlier.status) != (now.products, now.status):
            return f"an earlier step differs: {path}"
    if changed := _changed(old.versions, new.versions):
        return "versions differ: " + ", ".join(
            f"{name} {old.versions.get(name)} and {new.versions.get(name)}" for name in changed
        )
    if (old.status, old.reason) != (new.status, new.reason):
        return f"the verdict was {old.status} {old.reason}".rstrip() + f", and is {new.status} {new.reason}".rstrip()
    if old.products.keys() != new.products.keys():
        return "only one of the archives has this product"
    return "unknown: options, source files, earlier steps and versions are the same"


def _content(lock: Lock, names: Iterable[str]) -> dict[str, str]:
    return {Path(name).name: lock.sources[name].sha256 for name in names if name in lock.sources}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
