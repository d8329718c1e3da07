"""Give Snakemake the files to make again. Only this module uses Snakemake's inner objects (`snakemake>=9.5,<10`).

Reading the Snakefile changes no file. Jobs are forced like with Snakemake's own option --forcerun, so dry runs show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daxa_wf.archive.page import is_page_outdated
from daxa_wf.archive.vouching import Staleness
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.restoring import find_restored
from daxa_wf.chain.staleness import Conditions, find_stale, manifest_changes, summary, work_of
from daxa_wf.mission.step import ACQUIRE, REPORT


def force_what_is_stale(workflow: Any, plan: Plan, remake_outdated: bool = False) -> StaleRecords:
    """Let Snakemake make an outdated manifest again, and stale records after the manifest.

    `workflow` is Snakemake's object. Its graph of jobs exists when input functions need the manifest.
    Return the stale records, which are known when Snakemake has read the manifest.
    """
    records = StaleRecords(workflow, plan, remake_outdated)
    plan.when_manifest_is_needed = records.force_manifest
    plan.when_manifest_is_read = records.force
    return records


class StaleRecords:
    """The records that Snakemake makes again, each with its staleness, and the reasons to make the manifest again."""

    def __init__(self, workflow: Any, plan: Plan, remake_outdated: bool) -> None:
        self._workflow = workflow
        self._plan = plan
        self._remake_outdated = remake_outdated
        self._stale: dict[Path, Staleness] = {}
        self._has_begun = False
        self._of_manifest: list[str] = []
        self._of_records: list[str] = []

    def force_manifest(self) -> None:
        """Force Snakemake to make an outdated manifest again."""
        if changes := manifest_changes(self._plan):
            self._of_manifest = [f"the list of observations is made again: {'; '.join(changes)}"]
            self._workflow.dag.forcefiles.add(self._plan.manifest)

    def force(self) -> None:
        """Find the stale records of the present manifest, and force Snakemake to make them again."""
        plan, dag = self._plan, self._workflow.dag
        steps, files = _forced_by_user(dag)
        conditions = Conditions(
            plan.login_marks(), remake_outdated=self._remake_outdated,
            forced=lambda path: (bool(steps) and path.parent.name in steps) or (bool(files) and plan.place(path) in files),
        )  # fmt: skip
        work = list(work_of(plan))
        self._stale = find_stale(plan.layout, work, conditions)
        restored = find_restored(plan.layout, work, self._stale)
        self._of_records = summary([*self._stale.values(), *restored.values()])
        plan.stale = {plan.place(path) for path in self._stale}
        dag.forcefiles.update(plan.stale)
        if self._has_begun:
            self._remove_of_whole_observations()
        if self._stale or is_page_outdated(plan.layout):
            dag.forcefiles.add(plan.place(plan.layout.report))

    def begin(self) -> None:
        """Begin the run: from now on, records may be removed. Dry runs do not begin."""
        self._has_begun = True
        self._remove_of_whole_observations()

    def _remove_of_whole_observations(self) -> None:
        """Remove stale records that a job of a whole observation makes again, because it makes those that do not exist.

        Such a job finds most of them itself, but not those that the user forces. Snakemake removes the records of other
        jobs when these start.
        """
        for path in self._stale:
            step, mission = path.parts[-2], path.parts[-4]
            if step not in (ACQUIRE.name, REPORT.name) and self._plan.is_whole(mission):
                path.unlink(missing_ok=True)

    def reasons(self) -> list[str]:
        """Return a line for every reason to make the manifest or records again."""
        return [*self._of_manifest, *self._of_records]


def _forced_by_user(dag: Any) -> tuple[set[str], set[str]]:
    """Return the steps of forced rules, which a caller's prefix may have renamed, and the forced files."""
    outputs = [str(output) for rule in dag.forcerules for output in rule.output]
    return {Path(output).parent.name for output in outputs}, set(map(str, dag.forcefiles))


def is_requested(config: Mapping[str, Any], key: str) -> bool:
    """Return True if a value of Snakemake's --config is true."""
    return str(config.get(key, "")).lower() in ("true", "1", "yes")
