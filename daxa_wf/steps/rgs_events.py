"""rgs_events: the calibrated events of an RGS exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.steps.inventory import usable
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Run the first stage of rgsproc in a new directory, and keep that."""
    from daxa_wf.steps.rgs import run_stage
    from daxa_wf.steps.sas_tools import SasTools

    del options
    tools = SasTools(workspace)
    usable(inputs.record("inventory").results["exposures"], unit)
    _, directory = run_stage(unit, inputs, tools)
    workspace.keep(directory)
    return Outcome()
