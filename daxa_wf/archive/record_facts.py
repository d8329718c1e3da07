"""The facts of records that decide whether these are made again: small, and kept in the index.

A record in full has the results, warnings and versions of its step as well, and takes pydantic to check.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import Any

import daxa_wf
from daxa_wf.archive.index import IndexTable
from daxa_wf.archive.records import FileStamp, Record, Status, read_record
from daxa_wf.files import checked_relative
from daxa_wf.units import Unit

KEPT_RESULTS = ("ask_again",)
"""Results that decide whether a step is repeated."""
NO_RESULTS: Mapping[str, Any] = MappingProxyType({})
RecordedFile = tuple[str, int, int, str]
"""Path, size in bytes, modification time in ns, SHA-256."""


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """The facts of one record. The names and meanings are those of `Record`."""

    step: str
    unit: Unit
    status: Status
    reason: str
    made_by: str
    """Version of daxa_wf."""
    parameters: str
    """The parameters as `canonical_text`."""
    built_on: Mapping[str, str]
    products: tuple[RecordedFile, ...]
    raw: tuple[RecordedFile, ...]
    fingerprint: str
    former_fingerprint: str
    results: Mapping[str, Any]
    """The results in KEPT_RESULTS that the record has."""

    @property
    def is_outdated(self) -> bool:
        """Return True if another version of daxa_wf made the record."""
        return self.made_by not in ("", daxa_wf.__version__)


def canonical_text(values: Mapping[str, Any]) -> str:
    """Return values as JSON in which the order of names does not matter.

    >>> canonical_text({"b": 1, "a": [2]})
    '{"a": [2], "b": 1}'
    """
    return json.dumps(values, sort_keys=True, default=str)


def recorded_file(stamp: FileStamp) -> RecordedFile:
    """Return the parts of a stamp that tell whether the file is the same."""
    return stamp.path, stamp.size, stamp.mtime_ns, stamp.sha256


def _text(record: Record) -> str:
    unit, fingerprint, former = record.unit, record.fingerprint(), record.former_fingerprint()
    return json.dumps(
        [
            [recorded_file(stamp) for stamp in record.products],
            [recorded_file(stamp) for stamp in record.raw],
            record.built_on,
            {name: record.results[name] for name in KEPT_RESULTS if name in record.results},
            record.step, unit.mission, unit.obsid, unit.instrument, unit.exposure, record.status, record.reason,
            record.made_by, canonical_text(record.parameters), fingerprint, former if former != fingerprint else "",
        ],
        separators=(",", ":"),
    )  # fmt: skip


def _facts(mission: str, obsid: str, step: str, text: str) -> RecordFacts:
    """Return the facts in the index. Raise ValueError or TypeError for a text of another form."""
    del mission, obsid, step
    products, raw, built_on, results, *texts = json.loads(text)
    step, mission, obsid, instrument, exposure, status, reason, made_by, parameters = map(intern, texts[:-2])
    fingerprint, former = texts[-2:]
    if not all(isinstance(value, str) for value in (fingerprint, former, *built_on.values())):
        raise ValueError("a fingerprint is not text")
    _require_object(parameters)
    unit = Unit(mission, obsid, instrument, exposure)
    return RecordFacts(
        step, unit, Status(status), reason, made_by, parameters, built_on, _files(products, is_checked=True),
        _files(raw), fingerprint, former or fingerprint, dict(results) or NO_RESULTS,
    )  # fmt: skip


@lru_cache(1024)
def _require_object(text: str) -> None:
    """Raise ValueError if a text is not a JSON object. Most records share few texts."""
    if not isinstance(json.loads(text), dict):
        raise ValueError("the parameters have no names")


def _files(values: list[list[Any]], is_checked: bool = False) -> tuple[RecordedFile, ...]:
    """Return files in the index. `is_checked` refuses paths that lead out of the archive, as those of products must not."""
    for path, size, mtime_ns, sha256 in values:
        if not (type(path) is type(sha256) is str and type(size) is type(mtime_ns) is int):
            raise ValueError("a file has another form")
        if is_checked:
            checked_relative(path, "the index of the archive")
    return tuple(map(tuple, values))


def _all_files(mission: str, obsid: str, step: str, text: str) -> tuple[RecordedFile, ...]:
    del mission, obsid, step
    products, raw, *_ = json.loads(text)
    return _files(products) + _files(raw)


FACTS = IndexTable("vouching", read_record, _text, _facts)
"""The facts in the index. Another form of their text needs another name."""
FILES = IndexTable(FACTS.name, read_record, _text, _all_files)
"""The products and raw files in the same rows."""
