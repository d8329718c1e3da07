"""Locks: one file that states what an archive was made from and what came out, and the comparison of two archives by it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from daxa_wf.archive.causes import LockedFile, LockedStep, cause_of, locked_step
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import read_manifest
from daxa_wf.archive.records import read_record, record_paths
from daxa_wf.archive.requested import read_requested
from daxa_wf.errors import ConfigError, CorruptFileError, DaxaError
from daxa_wf.files import write_atomically
from daxa_wf.json_files import read_json
from daxa_wf.text import mask_secrets, shown

FORMAT = 1
"""Version of the form of a lock."""


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
            # Pruned products can be made again, as those of the reproduced archive are.
            steps[layout.relative(path)] = locked_step(
                replace(record, products=[*record.products, *record.pruned], pruned=[])
            )
    if not steps:
        raise ConfigError(f"{layout.root} holds no records to lock; make them with 'daxa-wf run'")
    rows = [{name: cell for name, cell in asdict(row).items() if cell} for row in read_manifest(layout.manifest)]
    plain = json.loads(mask_secrets(json.dumps(configuration, default=str)))
    return Lock(FORMAT, plain, rows, dict(sorted(sources.items())), dict(sorted(steps.items())))


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock as JSON, one value a line."""
    write_atomically(path, json.dumps(asdict(lock), indent=1) + "\n")


def read_lock(path: Path) -> Lock:
    """Read a lock. Raise ConfigError if it does not exist or has another form, CorruptFileError if it is damaged."""
    try:
        lock: Lock = read_json(path, Lock, "a lock", "make it again with 'daxa-wf lock'")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; name a lock that 'daxa-wf lock' wrote") from None
    except CorruptFileError as error:
        raise _why_no_lock(path, error) from None
    if not isinstance(lock.configuration.get("missions"), dict):
        raise ConfigError(f"{path}: the configuration in this lock has no missions; make it again with 'daxa-wf lock'")
    if lock.format != FORMAT:
        raise ConfigError(f"{path} has the form {lock.format} of locks; this version of daxa_wf reads form {FORMAT}")
    return lock


def _why_no_lock(path: Path, error: CorruptFileError) -> DaxaError:
    """Return an error that names the missing parts of a lock, or another form of locks; else the given error."""
    try:
        values: dict[str, Any] = read_json(path, dict[str, Any], "a lock", "")
    except CorruptFileError:
        return error
    if values.get("format", FORMAT) != FORMAT:
        return ConfigError(
            f"{path} has the form {shown(values['format'])} of locks; this version of daxa_wf reads form {FORMAT}"
        )
    missing = [part.name for part in fields(Lock) if part.name not in values]
    if missing:
        return ConfigError(f"{path} is not a lock, because it lacks {', '.join(missing)}; make it with 'daxa-wf lock'")
    return error


@dataclass(frozen=True)
class Difference:
    """An observation, source file, product, or record without products that differs between two archives, with the cause."""

    product: str
    cause: str


def compare(expected: Lock, made: Lock) -> list[Difference]:
    """Return the differences of two locks: observations, products, verdicts of steps without products, source files.

    Source files are compared by name and content, so they may lie in another directory. Products have their cause.
    """
    differences = _other_observations(expected, made)
    before, after = expected.products, made.products
    for product in sorted({*before, *after}):
        path = before.get(product) or after[product]
        old, new = expected.steps.get(path), made.steps.get(path)
        if old is None or new is None:
            differences.append(Difference(product, "only one of the archives has a record of its step"))
        elif old.products.get(product) != new.products.get(product):
            differences.append(Difference(product, cause_of(expected, old, made, new).text))
    for path in sorted(expected.steps.keys() & made.steps.keys()):
        verdicts = [(step.status, step.reason) for step in (expected.steps[path], made.steps[path])]
        if verdicts[0] != verdicts[1] and not (expected.steps[path].products or made.steps[path].products):
            differences.append(Difference(path, cause_of(expected, expected.steps[path], made, made.steps[path]).text))
    return [*differences, *_other_sources(expected, made, differences)]


def _other_observations(expected: Lock, made: Lock) -> list[Difference]:
    """Return the observations and exposures that only one of the locks lists."""
    before, after = ({_named(row) for row in lock.observations} for lock in (expected, made))
    return [
        *(Difference(name, "the archive that was made does not list it") for name in sorted(before - after)),
        *(Difference(name, "the lock does not list it") for name in sorted(after - before)),
    ]


def _named(row: Mapping[str, str]) -> str:
    unit = "".join(row.get(name, "") for name in ("obsid", "inst", "exposure"))
    return f"{row.get('mission', '')} {unit}"


def _other_sources(expected: Lock, made: Lock, known: Sequence[Difference]) -> list[Difference]:
    """Return the source files with another name or content that no known difference has as its cause."""
    before, after = (
        {(Path(name).name, file.sha256) for name, file in lock.sources.items()} for lock in (expected, made)
    )
    names = sorted({name for name, _ in before ^ after if not any(name in other.cause for other in known)})
    return [Difference(name, "this source file is missing, new, or has another content") for name in names]
