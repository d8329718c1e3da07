"""rgs_angles: dispersion angles of the events of an RGS exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.units import Unit


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Run the second stage of rgsproc on the files of the first, and keep its directory."""
    from daxa_wf.observatories.xmm.steps.rgs import run_stage
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    del options
    _, directory = run_stage(unit, inputs, SasTools(workspace), before="rgs_events")
    workspace.keep(directory)
    return Outcome()
