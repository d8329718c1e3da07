"""report: write an observation's page and plots, and move the observation to `processed_data` or `failed_data`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.settle import settle_observation
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.mission.registry import STEPS
from daxa_wf.units import Unit


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Write the page. An observation without a final event list moves to `failed_data`, any other to `processed_data`."""
    from daxa_wf.report.observation_page import draw_observation

    del options
    records = [record for step in inputs.records.values() for record in step]
    processed = [record for step in STEPS.values() if step.is_final for record in inputs.records.get(step.name, [])]
    final = processed or inputs.records["preprocessed"] or inputs.records["acquire"]
    usable = any(record.done for record in final)
    settle_observation(workspace.layout, unit, usable)
    page = draw_observation(workspace.layout, unit, records)
    results = {"usable": usable, "page": workspace.layout.relative(page.path), "summary": page.summary.as_results()}
    return Outcome(results, [], "" if usable else "nothing usable")
