"""Find the cause of a difference between two states of a step, from what its products were made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from daxa_wf.archive.records import Record
from daxa_wf.json_files import Count
from daxa_wf.text import some_of

CauseKind = Literal["options", "sources", "earlier step", "software", "verdict", "products", "unknown"]


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
    pruned: list[str] = field(default_factory=list)
    """Paths of products that were deleted on purpose."""

    @property
    def result(self) -> tuple[str, str, dict[str, str]]:
        """Return the verdict, its reason, and the products."""
        return self.status, self.reason, self.products


class LockedContent(Protocol):
    """The steps of an archive, or of an observation, by the path of their record, and the source files by path."""

    @property
    def steps(self) -> Mapping[str, LockedStep]:
        """Return the steps by the path of their record."""

    @property
    def sources(self) -> Mapping[str, LockedFile]:
        """Return the source files by path."""


def locked_step(record: Record) -> LockedStep:
    """Return the step of a record."""
    return LockedStep(
        str(record.status), record.reason, record.engine, record.parameters, record.versions,
        sorted(stamp.path for stamp in record.raw), sorted(record.built_on),
        {stamp.path: stamp.sha256 for stamp in sorted(record.products, key=lambda stamp: stamp.path)},
        sorted(stamp.path for stamp in record.pruned),
    )  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """Why a step made another product. `about` names the options, files or versions, or the earlier step's record."""

    kind: CauseKind
    text: str
    about: str = ""


def cause_of(before: LockedContent, old: LockedStep, after: LockedContent, new: LockedStep) -> Cause:
    """Return why a step made another product: the first of the things that it was made from that differs."""
    if changed := _changed(old.parameters, new.parameters):
        return Cause("options", f"options differ: {some_of(changed)}", some_of(changed))
    if changed := _changed(_content(before, old.sources), _content(after, new.sources)):
        return Cause("sources", f"source files differ: {some_of(changed)}", some_of(changed))
    for path in sorted({*old.built_on, *new.built_on}):
        earlier, now = before.steps.get(path), after.steps.get(path)
        if earlier is None or now is None or (earlier.products, earlier.status) != (now.products, now.status):
            return Cause("earlier step", f"an earlier step differs: {path}", path)
    if old.engine != new.engine:
        return Cause("software", f"the engine was {old.engine}, and is {new.engine}", "engine")
    if changed := _changed(old.versions, new.versions):
        versions = ", ".join(f"{name} {old.versions.get(name)} and {new.versions.get(name)}" for name in changed)
        return Cause("software", f"versions differ: {versions}", some_of(changed))
    if (old.status, old.reason) != (new.status, new.reason):
        was, now_is = f"{old.status} {old.reason}".rstrip(), f"{new.status} {new.reason}".rstrip()
        return Cause("verdict", f"the verdict was {was}, and is {now_is}")
    if old.products.keys() != new.products.keys():
        return Cause("products", "only one of the archives has this product")
    return Cause("unknown", "unknown: options, source files, earlier steps and versions are the same")


def _content(content: LockedContent, names: Iterable[str]) -> dict[str, str]:
    return {Path(name).name: content.sources[name].sha256 for name in names if name in content.sources}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
