"""Resources of jobs: memory in MB, from the size of raw event lists, and time in minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from snakemake.exceptions import IncompleteCheckpointException

from daxa_wf.mission.registry import STEPS
from daxa_wf.mission.step import REPORT, Step

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan


class Resources:
    """The resources of the jobs of one step's rule. Each attempt of a job gets as much again as the first.

    Where the rule `report` runs all steps of an observation, it gets the most memory of them and the sum of their times.
    Snakemake cannot wait for a resource. Before the manifest is complete it gets the resources of the step alone, and asks again.
    """

    def __init__(self, plan: Plan, step: Step) -> None:
        self._plan = plan
        self._step = step

    def memory(self, wildcards: Any, attempt: int) -> int:
        """Return the memory of an attempt in MB."""
        try:
            lists, steps = self._plan.raw("events")(wildcards)["events"], self._steps(wildcards)
        except IncompleteCheckpointException:
            lists, steps = [], [self._step]
        sizes = (path.stat().st_size for name in lists if (path := self._plan.layout.root / name).is_file())
        return attempt * (max(step.memory_mb for step in steps) + 2 * sum(sizes) // 1_000_000)

    def minutes(self, wildcards: Any, attempt: int) -> int:
        """Return the time limit of an attempt in minutes."""
        try:
            steps = self._steps(wildcards)
        except IncompleteCheckpointException:
            steps = [self._step]
        return attempt * sum(step.minutes for step in steps)

    def _steps(self, wildcards: Any) -> list[Step]:
        if self._step is REPORT and self._plan.is_whole(wildcards.mission):
            return [STEPS[name] for name in self._plan.mission(wildcards.mission).steps]
        return [self._step]
