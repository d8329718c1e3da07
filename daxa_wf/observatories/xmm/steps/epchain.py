"""epchain: the calibrated event list of a pn exposure, and its out-of-time list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.xmm.steps.inventory import usable_entry
from daxa_wf.units import Unit


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Make both event lists of the CCDs in imaging mode, and the attitude series."""
    from daxa_wf.observatories.xmm.sas.commands import epchain
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools, chain_results

    del options
    tools = SasTools(workspace)
    entry = usable_entry(inputs.record("inventory"), unit)
    commands = epchain(unit, tools.whole_odf(inputs), entry.imaging_ccds or (), tools.version)
    return Outcome(*chain_results(tools.run(commands), tools, unit))
