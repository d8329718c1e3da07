"""emchain: the calibrated event list of a MOS exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.steps.inventory import usable
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Make the list, and the attitude series that comes with it."""
    from daxa_wf.steps.sas_tools import SasTools, chain_results
    from daxa_wf.tools.xmm_commands import emchain

    del options
    tools = SasTools(workspace)
    usable(inputs.record("inventory").results["exposures"], unit)
    return Outcome(*chain_results(tools.run(emchain(unit, tools.whole_odf(inputs))), tools, unit))
