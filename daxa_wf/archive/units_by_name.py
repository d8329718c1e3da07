"""Find the verdicts and logs of a unit by its identifier, and explain why it has no result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.process_views import log_paths, success, without_result
from daxa_wf.archive.state import ArchiveState
from daxa_wf.archive.status import Verdict
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import check_step
from daxa_wf.near import closest
from daxa_wf.units import Unit


def unit_named(verdicts: Sequence[Verdict], identifier: str, mission: str | None = None) -> Unit:
    """Return the unit with an identifier such as `0201903501PNS003`.

    Raise ConfigError if the archive has none, or several missions have one.
    """
    units = {verdict.unit for verdict in verdicts if mission in (None, verdict.mission)}
    named = [unit for unit in units if unit.identifier == identifier]
    if len(named) == 1:
        return named[0]
    if named:
        missions = " and ".join(sorted(unit.mission for unit in named))
        raise ConfigError(f"unit {identifier}: {missions} have such a unit; choose one with --mission")
    known = {unit.identifier for unit in units}
    example = min(known, default="0201903501PNS003")
    raise ConfigError(
        f"unit {identifier}: the archive has no such unit; expected an identifier such as {example}"
        f"{closest(identifier, known)}"
    )


def history_of(verdicts: Sequence[Verdict], unit: Unit) -> list[Verdict]:
    """Return the verdicts of a unit, of the observation and instrument that contain it, and of the units within it."""
    return [
        verdict
        for verdict in verdicts
        if (verdict.mission, verdict.obsid) == (unit.mission, unit.obsid)
        and (not (verdict.inst and unit.instrument) or verdict.inst == unit.instrument)
        and (not (verdict.exposure and unit.exposure) or verdict.exposure == unit.exposure)
    ]


def causes_of(history: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that explain why units have no result: rejected, failed or a fault."""
    return [verdict for verdict in history if without_result(verdict)]


def logs_of_unit(root: Path, step: str, identifier: str, mission: str | None = None) -> list[Path]:
    """Return the paths of the logs of a step of a unit. Raise ConfigError if the unit has not gone through the step."""
    check_step(step)
    state = ArchiveState(Layout(root))
    unit = unit_named(state.verdicts, identifier, mission)
    verdict = next((item for item in state.verdicts if (item.step, item.unit) == (step, unit)), None)
    if verdict is None or success(verdict) is None:
        steps = [item.step for item in state.verdicts if item.unit == unit and success(item) is not None]
        raise ConfigError(
            f"{identifier} has not gone through {step}; its steps with logs are {', '.join(steps) or 'none'}"
        )
    outcome = state.outcomes.get((step, unit))
    return log_paths(state.layout, verdict, outcome.logs if outcome else ())
