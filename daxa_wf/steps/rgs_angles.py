"""rgs_angles: dispersion angles of the events of an RGS exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Run the second stage of rgsproc on what the first one kept, and keep that."""
    from daxa_wf.steps.rgs import run_stage
    from daxa_wf.steps.sas_tools import SasTools

    del options
    _, directory = run_stage(unit, inputs, SasTools(workspace), before="rgs_events")
    workspace.keep(directory)
    return Outcome()
