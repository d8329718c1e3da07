"""The outcomes of all steps of an archive, read in one pass over its records and kept small."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import FileStamp, Record, read_checked_record, read_record
from daxa_wf.archive.status import Verdict, recorded_verdict
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import checked_relative


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one record holds for a user: the verdict, products, errors and logs, and a few of its results."""

    verdict: Verdict
    products: tuple[FileStamp, ...]
    errors: tuple[tuple[str, str], ...]
    """Name and text of each error of a tool."""
    logs: tuple[str, ...]
    """Paths relative to the archive."""
    made_by: str
    """Version of daxa_wf."""
    results: Mapping[str, Any]
    """The results in KEPT_RESULTS that the record has."""


KEPT_RESULTS = ("usable", "kept_seconds", "lost_seconds")
"""Results that summaries of observations show."""


PLAIN_PATH = re.compile(r"\w[\w.+-]{0,99}(/\w[\w.+-]{0,99}){0,9}", re.ASCII)
"""Paths that are surely plain and relative, so that the slower examination can be left out."""


@dataclass(frozen=True)
class Contents:
    """The outcomes of an archive or of a part of it, and the paths of records that cannot be read."""

    outcomes: list[StepOutcome]
    damaged: list[Path]


def read_contents(layout: Layout, mission: str = "*", obsid: str = "*") -> Contents:
    """Read the records of an archive or of one observation. A record that a run replaces meanwhile is left out."""
    outcomes, damaged = [], []
    for path in paths_of_records(layout, mission, obsid):
        try:
            outcomes.append(_outcome(read_sound_record(path)))
        except FileNotFoundError:
            continue
        except (CorruptFileError, OSError):
            damaged.append(path)
    return Contents(outcomes, damaged)


def paths_of_records(layout: Layout, mission: str = "*", obsid: str = "*") -> Iterator[Path]:
    """Yield the paths of the records of an archive or of one observation, sorted."""
    root = str(layout.root / "records")
    for one_mission in _names(root) if mission == "*" else [mission]:
        for one_obsid in _names(f"{root}/{one_mission}") if obsid == "*" else [obsid]:
            folder = f"{root}/{one_mission}/{one_obsid}"
            for step in _names(folder):
                for name in _names(f"{folder}/{step}"):
                    if name.endswith(".json"):
                        yield Path(folder, step, name)


def _names(folder: str) -> list[str]:
    """Return the sorted names in a directory, none if it is not one. Faster than `Path.glob` in archives of many units."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - texts, of which no path is made
    except (FileNotFoundError, NotADirectoryError):
        return []


def read_sound_record(path: Path) -> Record:
    """Read a record without pydantic, and check the values that are shown or become paths.

    Raise CorruptFileError if it is damaged. The message is that of `read_record`.
    """
    try:
        record = read_checked_record(path)
    except CorruptFileError:
        return read_record(path)
    if not _is_sound(record):
        return read_record(path)
    for stamp in (*record.products, *record.pruned):
        if not PLAIN_PATH.fullmatch(stamp.path):
            checked_relative(stamp.path, f"the record {path}")
    return record


def _is_sound(record: Record) -> bool:
    unit = record.unit
    texts = [record.step, record.reason, record.message, record.ended, unit.mission, unit.obsid, unit.instrument,
             unit.exposure, *record.logs, *record.removed]  # fmt: skip
    for stamp in (*record.products, *record.pruned):
        texts += (stamp.path, stamp.kind, stamp.sha256)
    notes = [*record.warnings, *record.errors]
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(note, dict) and {"name", "text"} <= set(note) for note in notes)
        and all(isinstance(value, str) for note in notes for value in note.values())
        and all(isinstance(stamp.size, int) for stamp in record.products)
        and isinstance(record.results, dict)
        and isinstance(record.versions, dict)
    )


def _outcome(record: Record) -> StepOutcome:
    return StepOutcome(
        recorded_verdict(record),
        tuple(record.products),
        tuple((error["name"], error["text"]) for error in record.errors),
        tuple(record.logs),
        str(record.made_by),
        {name: record.results[name] for name in KEPT_RESULTS if name in record.results},
    )
