"""rgs_events: the calibrated events of an RGS exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.xmm.steps.inventory import usable_entry
from daxa_wf.units import Unit


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Run the first stage of rgsproc in a new directory, and keep this directory."""
    from daxa_wf.observatories.xmm.steps.rgs import run_stage
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    del options
    tools = SasTools(workspace)
    usable_entry(inputs.record("inventory"), unit)
    _, directory = run_stage(unit, inputs, tools)
    workspace.keep(directory)
    return Outcome()
