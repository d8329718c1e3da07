"""Views of an archive by mission, step and unit, in the form that DAXA's archives have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from daxa_wf.archive.contents import StepOutcome
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.archive.records import Status
from daxa_wf.archive.requested import NOT_REQUESTED
from daxa_wf.archive.status import PENDING, Verdict
from daxa_wf.mission.step import REPORT

UnitValue = TypeVar("UnitValue")
ByUnit = dict[str, dict[str, dict[str, UnitValue]]]
"""Mission -> step -> identifier of a unit -> value."""

STATUS_COLUMNS = ("mission", "obsid", "instrument", "exposure", "step", "status", "reason", "message", "warnings")


def nested(verdicts: Iterable[Verdict], value: Callable[[Verdict], UnitValue | None]) -> ByUnit[UnitValue]:
    """Return a value for each verdict, by mission, step and unit. Verdicts whose value is None are left out."""
    tree: ByUnit[UnitValue] = {}
    for verdict in verdicts:
        if (content := value(verdict)) is not None:
            tree.setdefault(verdict.mission, {}).setdefault(verdict.step, {})[verdict.unit.identifier] = content
    return tree


def success(verdict: Verdict) -> bool | None:
    """Return True if a step is done, or None if it has not run or is no longer requested."""
    return None if verdict.status in (PENDING, NOT_REQUESTED) else verdict.status == Status.DONE


def without_result(verdict: Verdict) -> bool:
    """Return True for a verdict that is itself a cause: failed, rejected or a fault, and not the effect of another step."""
    return success(verdict) is False and verdict.status != Status.BLOCKED


def error_texts(verdict: Verdict, tool_errors: Sequence[tuple[str, str]]) -> list[str] | None:
    """Return why a unit has no result, and the errors of its tools; None if it has none of them."""
    reasons = [f"{verdict.reason}: {verdict.message}"] if without_result(verdict) else []
    texts = reasons + [f"{name}: {text}" for name, text in tool_errors]
    return list(dict.fromkeys(texts)) or None


def warning_texts(verdict: Verdict) -> list[str] | None:
    """Return the warnings of a unit, each as `name: text`, or None without one."""
    return [f"{name}: {text}" for name, text in verdict.warnings] or None


class LogTexts(Mapping[str, str]):
    """The logs of one step by unit. A log is read when it is asked for; a missing log is ''."""

    def __init__(self, paths: Mapping[str, Sequence[Path]]) -> None:
        self.paths = dict(paths)

    def __getitem__(self, unit: str) -> str:
        return "".join(log_text(path) for path in self.paths[unit])

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"<logs of {len(self)} units: {', '.join(list(self)[:3])}{' ...' if len(self) > 3 else ''}>"


def log_text(path: Path) -> str:
    """Return the text of a log, or '' if it does not exist."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def log_paths(layout: Layout, verdict: Verdict, recorded: Sequence[str] = ()) -> list[Path]:
    """Return the paths of a unit's logs of a step: those in its record, or the usual one without a record."""
    usual = layout.log(verdict.step, verdict.unit)
    return [layout.root / name for name in recorded] or [usual]


def status_table(verdicts: Sequence[Verdict]) -> Any:
    """Return an astropy Table of verdicts, one row a unit and step, with the names of its warnings."""
    from astropy.table import Table

    rows = [status_row(verdict) for verdict in verdicts]
    return Table({name: [row[name] for row in rows] for name in STATUS_COLUMNS}, dtype=[str] * len(STATUS_COLUMNS))


def status_row(verdict: Verdict) -> dict[str, str]:
    """Return a verdict as a row of text."""
    return {
        "mission": verdict.mission, "obsid": verdict.obsid, "instrument": verdict.inst, "exposure": verdict.exposure,
        "step": verdict.step, "status": str(verdict.status), "reason": verdict.reason, "message": verdict.message,
        "warnings": " ".join(dict(verdict.warnings)),
    }  # fmt: skip


def summary_of(rows: Sequence[ManifestRow], outcomes: Iterable[StepOutcome]) -> dict[str, Any]:
    """Return what is known about an observation: facts of the observation table, exposures, and whether it is usable.

    `kept_seconds` and `lost_seconds` of an exposure come from the step that searched it for flares. If that step acts on
    the whole observation, the summary itself has them, as numbers by telescope.
    """
    facts: dict[str, Any] = {}
    exposures: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        facts |= _facts(row)
        exposures[row.inst, row.exposure] = {
            "instrument": row.inst, "exposure": row.exposure, "data_mode": row.data_mode, "submode": row.submode,
            "filter": row.filter, "problem": row.problem,
        }  # fmt: skip
    summary: dict[str, Any] = {"facts": facts, "exposures": list(exposures.values()), "usable": None}
    for outcome in outcomes:
        verdict = outcome.verdict
        if verdict.step == REPORT.name:
            summary["usable"] = bool(outcome.results.get("usable"))
        elif outcome.results:
            exposures.get((verdict.inst, verdict.exposure), summary).update(outcome.results)
    return summary


def _facts(row: ManifestRow) -> dict[str, Any]:
    try:
        facts = json.loads(row.facts or "{}")
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
