"""Run one step on one unit in this process, without Snakemake, to examine a step that misbehaves."""

from __future__ import annotations

import logging
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import read_manifest
from daxa_wf.archive.records import Record
from daxa_wf.archive.running import held
from daxa_wf.chain.observation import call_of
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.runner import log_to
from daxa_wf.errors import ConfigError
from daxa_wf.files import copy_file
from daxa_wf.mission.registry import STEPS
from daxa_wf.mission.step import Step
from daxa_wf.near import closest
from daxa_wf.text import FitToShow
from daxa_wf.units import Unit


def run_by_hand(plan: Plan, step_name: str, identifier: str, into: Path | None = None, mission: str = "") -> Record:
    """Run a step on a unit, into the plan's archive or into a copy of the observation at `into`. Return the record.

    The log goes to the terminal and to the archive's log of the step. Raise ConfigError if the step, the unit or a record
    of an earlier step does not exist, or if another run is active in the archive.
    """
    step = _step(step_name)
    unit = _unit(plan, step, identifier, mission)
    call = call_of(plan, step, unit)
    for path in call.missing():
        earlier = path.parent.name
        raise ConfigError(
            f"{step.name} needs the record of {earlier}; make it first: daxa-wf step {earlier} {path.stem}"
        )
    layout = plan.layout if into is None else _copy_observation(plan.layout, into, unit)
    with held(layout.root):
        log_to(layout.log(step_name, unit))
        logging.getLogger().addHandler(_terminal_log())
        return call.run(layout)


def _step(name: str) -> Step:
    if name not in STEPS:
        raise ConfigError(f"{name} is not a step; the steps are {', '.join(STEPS)}{closest(name, STEPS)}")
    return STEPS[name]


def _unit(plan: Plan, step: Step, identifier: str, mission: str) -> Unit:
    """Return the unit of the manifest with an identifier. Raise ConfigError if it is unknown or ambiguous."""
    if not plan.layout.manifest.exists():
        raise ConfigError(f"{plan.layout.root} has no manifest yet; make it with 'daxa-wf run'")
    rows = read_manifest(plan.layout.manifest)
    units = [
        unit
        for configured in plan.processed()
        if mission in ("", configured.name) and step.name in configured.steps
        for unit in plan.units(step, [row for row in rows if row.mission == configured.name])
    ]
    matching = [unit for unit in units if unit.identifier == identifier]
    if len(matching) > 1:
        missions = ", ".join(unit.mission for unit in matching)
        raise ConfigError(f"{identifier} is a unit of {missions}; name one of them with --mission")
    if not matching:
        names = [unit.identifier for unit in units]
        kind = {"observation": "an observation", "instrument": "an instrument", "exposure": "an exposure"}[step.per]
        example = f", such as {names[0]}" if names else "; the configuration does not request such a unit"
        raise ConfigError(
            f"{identifier} is not a unit of {step.name}, which acts on {kind}{example}{closest(identifier, names)}"
        )
    return matching[0]


def _terminal_log() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    handler.addFilter(FitToShow())
    return handler


def _copy_observation(layout: Layout, into: Path, unit: Unit) -> Layout:
    """Copy an observation's records and products into a scratch archive, as clones where the file system can share blocks.

    Raw files are linked. Raise ConfigError if `into` lies in the archive or is the archive.
    """
    scratch = Layout(into.absolute())
    if scratch.root.resolve().is_relative_to(layout.root.resolve()):
        raise ConfigError(
            f"--into {into}: this directory is in the archive {layout.root}; choose a directory outside the archive"
        )
    for folder in (layout.records(unit), layout.observation(unit), layout.failed_observation(unit), layout.work(unit)):
        for path in sorted(folder.rglob("*")):
            copy = scratch.root / layout.relative(path)
            if path.is_dir():
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():
                copy.unlink(missing_ok=True)
                copy.symlink_to(path.resolve())
            else:
                copy_file(path, copy)
    raw = scratch.raw(unit)
    if layout.raw(unit).exists() and not raw.exists():
        raw.parent.mkdir(parents=True, exist_ok=True)
        raw.symlink_to(layout.raw(unit).resolve(), target_is_directory=True)
    return scratch
