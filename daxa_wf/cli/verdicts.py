"""Print verdicts: the units without a result, and the history of one unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daxa_wf.archive.process_views import log_paths, status_row, success
from daxa_wf.archive.state import ArchiveState
from daxa_wf.archive.status import Verdict, counts_by_step
from daxa_wf.archive.units_by_name import causes_of
from daxa_wf.text import fit_to_show
from daxa_wf.units import Unit


def status_values(state: ArchiveState, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return verdicts as values for JSON: counts by step and status, and a row for each unit with its warnings and logs."""
    return {
        "archive": str(state.layout.root),
        "counts": {step: dict(counts) for step, counts in counts_by_step(verdicts).items()},
        "units": [
            {
                **status_row(verdict),
                "unit": verdict.unit.identifier,
                "warnings": [{"name": name, "text": text} for name, text in verdict.warnings],
                "logs": _existing_logs(state, verdict),
            }
            for verdict in verdicts
        ],
    }


def print_causes(state: ArchiveState, verdicts: Sequence[Verdict]) -> None:
    """Print each unit without a result: step, status, reason, and its logs."""
    for verdict in verdicts:
        print(_line(verdict))
        print("".join(f"  {path}\n" for path in _existing_logs(state, verdict)), end="")
    if not verdicts:
        print("No unit failed or was rejected, and no step met a fault.")


def print_history(state: ArchiveState, unit: Unit, verdicts: Sequence[Verdict]) -> None:
    """Print how a unit went through the steps, with warnings, and then the causes for which it has no result."""
    print(f"{unit.mission} {unit.identifier}")
    for verdict in verdicts:
        print(f"  {_line(verdict)}")
        print("".join(f"    warning {name}: {fit_to_show(text)}\n" for name, text in verdict.warnings), end="")
    causes = causes_of(verdicts)
    if not causes:
        print("Nothing failed or was rejected.")
    for verdict in causes:
        print(f"Cause: {_line(verdict)}")
        print("".join(f"  {path}\n" for path in _existing_logs(state, verdict)), end="")


def _line(verdict: Verdict) -> str:
    parts = [
        f"{verdict.step} of {verdict.mission} {verdict.unit.identifier}",
        verdict.status,
        verdict.reason,
        verdict.message,
    ]
    return fit_to_show(": ".join(part for part in parts if part))


def _existing_logs(state: ArchiveState, verdict: Verdict) -> list[str]:
    """Return the paths of a unit's logs that exist."""
    if success(verdict) is None:
        return []
    outcome = state.outcomes.get((verdict.step, verdict.unit))
    paths = log_paths(state.layout, verdict, outcome.logs if outcome else ())
    return [str(path) for path in paths if path.exists()]
