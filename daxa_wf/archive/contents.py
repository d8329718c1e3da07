"""The outcomes of all steps of an archive, read in one pass over its records and kept small."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from types import MappingProxyType
from typing import Any

from daxa_wf.archive.index import IndexTable, read_parts
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, read_sound_record
from daxa_wf.archive.status import Verdict, recorded_verdict
from daxa_wf.files import checked_relative


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """A product in a record: path relative to the archive, size in bytes, kind."""

    path: str
    size: int
    kind: str


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one record holds for a user: the verdict, products, errors and logs, and a few of its results."""

    verdict: Verdict
    products: tuple[ProductFacts, ...]
    errors: tuple[tuple[str, str], ...]
    """Name and text of each error of a tool."""
    logs: tuple[str, ...]
    """Paths relative to the archive; none if the record has only the usual one."""
    made_by: str
    """Version of daxa_wf."""
    results: Mapping[str, Any]
    """The results in KEPT_RESULTS that the record has."""


KEPT_RESULTS = ("usable", "kept_seconds", "lost_seconds")
"""Results that summaries of observations show."""


@dataclass(frozen=True)
class Contents:
    """The outcomes of an archive or of a part of it, and the paths of records that cannot be read."""

    outcomes: list[StepOutcome]
    damaged: list[Path]


def read_contents(layout: Layout, mission: str = "*", obsid: str = "*") -> Contents:
    """Read the outcomes of an archive or of one observation. A record that a run replaces meanwhile is left out."""
    outcomes, damaged = [], []
    for place, outcome in read_parts(layout, OUTCOMES, mission, obsid):
        if isinstance(outcome, Exception):
            damaged.append(layout.root.joinpath("records", *place))
        else:
            outcomes.append(outcome)
    return Contents(outcomes, damaged)


def _text(record: Record) -> str:
    """Return the part of a record that an outcome holds, as JSON."""
    unit, verdict = record.unit, recorded_verdict(record)
    return json.dumps(
        [
            unit.mission, unit.obsid, unit.instrument, unit.exposure, record.step, verdict.status, verdict.reason,
            verdict.message, verdict.ended, str(record.made_by), verdict.warnings, verdict.removed,
            [[stamp.path, stamp.size, stamp.kind] for stamp in record.products],
            [[error["name"], error["text"]] for error in record.errors], _unusual_logs(record),
            {name: record.results[name] for name in KEPT_RESULTS if name in record.results},
        ],
        separators=(",", ":"),
    )  # fmt: skip


def _unusual_logs(record: Record) -> list[str]:
    usual = Layout(Path()).log(record.step, record.unit).as_posix()
    return [] if record.logs == [usual] else record.logs


def _outcome(mission: str, obsid: str, step: str, text: str) -> StepOutcome:
    """Return the outcome in the index. Raise ValueError or TypeError for a text of another form."""
    del mission, obsid, step
    *texts, warnings, removed, products, errors, logs, results = json.loads(text)
    facts = tuple(ProductFacts(path, int(size), intern(kind)) for path, size, kind in products)
    for product in facts:
        checked_relative(product.path, "the index of the archive")
    pairs = [tuple((str(name), str(about)) for name, about in notes) for notes in (warnings, errors)]
    mission, obsid, instrument, exposure, step, status, reason, message, ended, made_by = map(intern, texts)
    verdict = Verdict(
        mission, obsid, instrument, exposure, step, status, reason, message, pairs[0],
        removed=tuple(map(str, removed)), ended=ended,
    )  # fmt: skip
    return StepOutcome(verdict, facts, pairs[1], tuple(map(str, logs)), made_by, dict(results) or NO_RESULTS)


NO_RESULTS: Mapping[str, Any] = MappingProxyType({})
OUTCOMES = IndexTable("outcomes", read_sound_record, _text, _outcome)
"""The outcomes in the index. Another form of their text needs another name."""
