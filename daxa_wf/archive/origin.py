"""The origin of a manifest: the snapshots of tables, notes of its selections, and the time to make it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.files import write_atomically

UNFINISHED = "the last run could not complete it"
"""Reason to make a manifest again, although nothing that it was made from has changed."""
OTHER_TABLES = "the missions' tables changed"
NOW_PUBLIC = "more observations have become public"
OF_TABLES = (UNFINISHED, OTHER_TABLES, NOW_PUBLIC)
"""Reasons to make a manifest again for the same configuration."""


@dataclass
class Origin:
    """The identity that the manifest's job received, and the state of the tables when it made the manifest."""

    asked: str = ""
    snapshots: dict[str, str] = field(default_factory=dict)
    """Name of a snapshot -> its SHA-256, or '' for a missing one."""
    notes: list[str] = field(default_factory=list)
    """One line for each omission of a selection, for the end of a run."""
    is_unfinished: bool = False
    """True if a service did not answer for a part of the manifest, or a mirror lacks a part: the next run asks again."""
    unasked: list[str] = field(default_factory=list)
    """Missions with a part that no service answered for: an observation that the manifest lacks may be requested."""
    steps: dict[str, list[str]] = field(default_factory=dict)
    """Mission -> the steps that its observations go through."""
    options: dict[str, Any] = field(default_factory=dict)
    """Mission -> what its part of the manifest was made from: selection, source, listing of a local directory."""
    until: str = ""
    """The time at which the next selected observation becomes public (UTC, ISO), or ''."""

    def instruments(self) -> dict[str, list[str]]:
        """Return the configuration's instruments by mission. Earlier versions did not record the options of missions."""
        recorded = {
            name: values.get("instruments") for name, values in self.options.items() if isinstance(values, dict)
        }
        return {name: names for name, names in recorded.items() if isinstance(names, list)}


def read_origin(layout: Layout) -> Origin | None:
    """Return the origin of an archive's manifest, or None if its file is missing or damaged."""
    try:
        origin = Origin(**json.loads(layout.manifest_origin.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    kinds = {"asked": str, "snapshots": dict, "notes": list, "is_unfinished": bool, "unasked": list, "steps": dict,
             "options": dict, "until": str}  # fmt: skip
    return origin if all(isinstance(getattr(origin, name), kind) for name, kind in kinds.items()) else None


def write_origin(layout: Layout, origin: Origin) -> None:
    """Write the origin of an archive's manifest."""
    write_atomically(layout.manifest_origin, json.dumps(asdict(origin), indent=1) + "\n")


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values after a round trip through JSON text."""
    read: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return read


def identity_to_ask(origin: Origin | None, snapshots: Mapping[str, str], now: datetime) -> str:
    """Return the identity for the manifest's job. Snakemake runs the job again if it differs from the last one.

    It stays the same while the manifest's origin holds. The first run fetches the tables within the job, so the tables are
    compared with their state when the manifest was made, not with their state before.
    """
    if origin is not None and not why_outdated(origin, snapshots, now):
        return origin.asked
    known = [dict(snapshots), asdict(origin) if origin is not None else None]
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def why_outdated(origin: Origin, snapshots: Mapping[str, str], now: datetime) -> str:
    """Return why a manifest must be made again although the configuration is the same, or ''."""
    if origin.is_unfinished:
        return UNFINISHED
    if origin.snapshots != snapshots:
        return OTHER_TABLES
    return NOW_PUBLIC if _is_past(origin.until, now) else ""


def _is_past(moment: str, now: datetime) -> bool:
    try:
        return bool(moment) and datetime.fromisoformat(moment).replace(tzinfo=UTC) <= now
    except ValueError:
        return True
