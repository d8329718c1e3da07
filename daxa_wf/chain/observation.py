"""Run the steps of one observation in one process, each with its own record, verdict, log and fault note.

An archive of many observations then needs one job for each of them, not one for each step and unit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, read_checked_record
from daxa_wf.archive.vouching import clamp_times
from daxa_wf.chain.restoring import missing_files, restore_once
from daxa_wf.chain.runner import Inputs, clear_staging, find_raw_files, log_to, noted_faults, run_step
from daxa_wf.chain.runner import run_from_snakemake as run_step_from_snakemake
from daxa_wf.chain.staleness import Wildcards, Work, find_stale_of_observation
from daxa_wf.errors import DaxaError
from daxa_wf.mission.registry import STEPS
from daxa_wf.mission.step import ACQUIRE, REPORT, Step, load
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan

log = logging.getLogger("daxa_wf")


@dataclass(frozen=True)
class StepCall:
    """One step on one unit, with all that its function gets, as plain values."""

    step: str
    unit: Unit
    earlier: Mapping[str, Sequence[Path]]
    """Absolute paths of the records that the step takes as input, by step."""
    manifest: Path | None = None
    """The manifest, for a first step."""
    raw: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Raw files by role, relative to the archive."""
    options: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    restore: Sequence[StepCall] = ()
    """Earlier steps that bring back files which were deleted on purpose and which this step needs."""

    def work(self, layout: Layout) -> Work:
        """Return the call as a record that is compared with what the archive has."""
        earlier = tuple(path for paths in self.earlier.values() for path in paths)
        raw = tuple(layout.root / name for names in self.raw.values() for name in names)
        return Work(layout.record(self.step, self.unit), STEPS[self.step], earlier, self.options, raw)

    def missing(self) -> list[Path]:
        """Return the earlier records that do not exist."""
        return [path for paths in self.earlier.values() for path in paths if not path.exists()]

    def run(self, layout: Layout) -> Record:
        """Run the step, and return the record that it wrote. Raise DaxaError after a fault, which leaves a note.

        The steps in `restore` run before.
        """
        restore_files(self.restore, self.unit, layout)
        return self._run(layout)

    def bring_back(self, layout: Layout) -> None:
        """Run the step, after those in its own `restore`, if its files are still missing."""
        if missing_files(layout, layout.record(self.step, self.unit), needs_raw=True) is not None:
            for call in self.restore:
                call.bring_back(layout)
            self._run(layout)

    def _run(self, layout: Layout) -> Record:
        step = STEPS[self.step]
        with noted_faults(layout.fault(self.step, self.unit), step, self.unit):
            records = {name: [read_checked_record(path) for path in paths] for name, paths in self.earlier.items()}
        files = {"manifest": [self.manifest]} if self.manifest else {}
        raw, given = find_raw_files(layout, self.raw)
        inputs = Inputs(records, files | raw, given=given)
        return run_step(step, self.unit, inputs, self.options, layout, load(step.run), self.context)


def call_of(plan: Plan, step: Step, unit: Unit) -> StepCall:
    """Return the call of a step on a unit, with the values that the step's rule would pass."""
    wildcards = Wildcards.of(unit)
    earlier = {name: plan.paths_of(name, wildcards) for name in plan.earlier(step)}
    params = plan.params(step.name)
    params.pop("restore", None)
    if "context" in params:
        params["context"] = partial(params["context"], resources=None)
    values = {name: value(wildcards) for name, value in params.items()}
    manifest = plan.layout.manifest if step.is_first else None
    return StepCall(step.name, unit, earlier, manifest, restore=calls_to_restore(plan, step, unit), **values)


def calls_to_restore(plan: Plan, step: Step, unit: Unit) -> list[StepCall]:
    """Return the calls that bring back the files of earlier steps that a step needs, if they were deleted on purpose."""
    if step in (ACQUIRE, REPORT):
        return []
    needs_raw = step.name in plan.mission(unit.mission).steps_with_raw_data
    names = dict.fromkeys((*([ACQUIRE.name] if needs_raw else []), *plan.earlier(step)))
    return [
        call_of(plan, STEPS[name], earlier)
        for name in names
        for earlier in plan.units(STEPS[name], plan.rows(**dict(Wildcards.of(unit).items())))
        if missing_files(plan.layout, plan.layout.record(name, earlier), needs_raw) is not None
    ]


def restored_for(plan: Plan, step: Step, wildcards: Any, resources: Any) -> list[StepCall]:
    """Return the calls to restore for a job. It depends on `resources`, so Snakemake leaves it out of the params trigger."""
    del resources
    parts = dict(wildcards.items())
    return calls_to_restore(
        plan, step, Unit(*(parts.get(name, "") for name in ("mission", "obsid", "inst", "exposure")))
    )


def restore_files(calls: Sequence[StepCall], unit: Unit, layout: Layout) -> None:
    """Run the calls that bring back files of an observation. Jobs that need the same files wait for each other."""
    if calls:
        with restore_once(layout.records(unit)):
            for call in calls:
                call.bring_back(layout)


class ObservationJobs:
    """The rule `report` where it is the only job of an observation after `acquire`: its input and its parameter.

    Elsewhere it takes the records of all other steps.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def inputs(self) -> dict[str, Any]:
        """Return the input of the rule, by step or role."""
        from snakemake.io import ancient

        inputs: dict[str, Any] = {step: self._records(step) for step in self._plan.earlier(REPORT)}
        return inputs | {"manifest": ancient(self._plan.manifest_of), "image": ancient(self._image)}

    def calls(self, wildcards: Any, resources: Any) -> list[StepCall]:
        """Return the calls of the observation's steps after `acquire`, earlier ones first; empty if they have jobs of their own.

        It depends on `resources`, so Snakemake leaves it out of the params trigger.
        """
        del resources
        plan, mission = self._plan, wildcards.mission
        if not plan.is_whole(mission):
            return []
        rows = plan.rows(mission, wildcards.obsid)
        steps = (STEPS[name] for name in plan.mission(mission).steps if name != ACQUIRE.name)
        return [call_of(plan, step, unit) for step in steps for unit in plan.units(step, rows)]

    def _records(self, step: str) -> Callable[[Any], list[str]]:
        records = self._plan.records_of(step)

        def taken(wildcards: Any) -> list[str]:
            is_earlier_job = step == ACQUIRE.name or not self._plan.is_whole(wildcards.mission)
            return records(wildcards) if is_earlier_job else []

        return taken

    def _image(self, wildcards: Any) -> list[str]:
        return self._plan.container_image(wildcards) if self._plan.is_whole(wildcards.mission) else []


def run_calls(calls: Sequence[StepCall], layout: Layout) -> list[DaxaError]:
    """Run the steps of one observation whose records are missing or stale. Return the faults.

    A fault does not end the others. A step without one of its earlier records is left to the next run.
    The job itself finds the stale records, because only it runs in every case: a workflow that uses this one as a module
    does not take over `onstart`.
    """
    faults = []
    for unit in {call.unit.observation for call in calls}:
        for path in find_stale_of_observation(layout, unit, [call.work(layout) for call in calls]):
            path.unlink(missing_ok=True)
    for call in calls:
        if layout.record(call.step, call.unit).exists() or call.missing():
            continue
        log_to(layout.log(call.step, call.unit))
        try:
            call.run(layout)
        except DaxaError as fault:
            log.error("%s of %s: %s", call.step, call.unit.identifier, fault)
            faults.append(fault)
    return faults


def run_from_snakemake(job: Any) -> None:
    """Run the job of a rule `report`: the calls in its parameter, or the report alone if it has none."""
    if not job.params.calls:
        run_step_from_snakemake(job)
        return
    layout = Layout.of_record(Path(job.output[0]))
    clear_staging(layout)
    clamp_times(map(Path, job.input))
    faults = run_calls(job.params.calls, layout)
    if faults:
        log_to(Path(job.log[0]))
        for fault in faults:
            log.error("not drawn, because of a fault: %s", fault)
        raise SystemExit(1)
