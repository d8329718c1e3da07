"""Gives Snakemake the files to make again: the only place that touches its inner objects (`snakemake>=9.5,<10`).

Reading the Snakefile changes no file. Jobs are forced as by Snakemake's own option --forcerun, so dry runs show them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from daxa_wf.archive.page import is_page_outdated
from daxa_wf.archive.vouching import Finding
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.staleness import Conditions, find_stale, summary, work_of


def force_what_is_stale(workflow: Any, plan: Plan, remake_outdated: bool = False) -> Callable[[], list[str]]:
    """Let Snakemake make again what no longer holds: the manifest, and records once the manifest is known.

    `workflow` is Snakemake's object. Its graph of jobs exists when functions of input ask for the manifest.
    Return a function that gives the reasons, a line each.
    """
    findings: dict[Path, Finding] = {}
    plan.when_manifest_is_needed = partial(_force_manifest, workflow, plan)
    plan.when_manifest_is_read = partial(_force_records, workflow, plan, remake_outdated, findings)
    return lambda: summary(findings.values())


def _force_manifest(workflow: Any, plan: Plan) -> None:
    if plan.is_manifest_outdated():
        workflow.dag.forcefiles.add(plan.manifest)


def _force_records(workflow: Any, plan: Plan, remake_outdated: bool, findings: dict[Path, Finding]) -> None:
    steps, files = _forced_by_user(workflow.dag)
    conditions = Conditions(
        plan.login_marks(), remake_outdated=remake_outdated,
        forced=lambda path: path.parent.name in steps or plan.place(path) in files,
    )  # fmt: skip
    findings.clear()
    findings.update(find_stale(plan.layout, work_of(plan), conditions))
    plan.stale = {plan.place(path) for path in findings}
    workflow.dag.forcefiles.update(plan.stale)
    if findings or is_page_outdated(plan.layout):
        workflow.dag.forcefiles.add(plan.place(plan.layout.report))


def _forced_by_user(dag: Any) -> tuple[set[str], set[str]]:
    """Return the steps of forced rules, which a caller's prefix may have renamed, and the forced files."""
    outputs = [str(output) for rule in dag.forcerules for output in rule.output]
    return {Path(each).parent.name for each in outputs}, set(map(str, dag.forcefiles))


def is_requested(config: Mapping[str, Any], key: str) -> bool:
    """Return whether a value of Snakemake's --config is true."""
    return str(config.get(key, "")).lower() in ("true", "1", "yes")
