"""emchain: the calibrated event list of a MOS exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.xmm.steps.inventory import usable_entry
from daxa_wf.units import Unit


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Make the event list and its attitude series."""
    from daxa_wf.observatories.xmm.sas.commands import emchain
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools, chain_results

    del options
    tools = SasTools(workspace)
    usable_entry(inputs.record("inventory"), unit)
    return Outcome(*chain_results(tools.run(emchain(unit, tools.whole_odf(inputs))), tools, unit))
