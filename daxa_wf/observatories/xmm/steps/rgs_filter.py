"""rgs_filter: the final event list of an RGS exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import UnfitDataError
from daxa_wf.units import Unit


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Run the third stage of rgsproc on the files of the second. UnfitDataError `NoFilteredEvents` if no event is left."""
    from daxa_wf.chain.toolkit import reading_products
    from daxa_wf.fits.tables import read_table
    from daxa_wf.observatories.xmm.steps.rgs import run_stage
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    del options
    products, _ = run_stage(unit, inputs, SasTools(workspace), before="rgs_angles")
    with reading_products():
        header, _ = read_table(products["finalevents"], "EVENTS")
    selected = int(header["NAXIS2"])
    if selected == 0:
        raise UnfitDataError("NoFilteredEvents", "rgsproc kept no event")
    products["finalevents"].replace(workspace.stage("finalevents"))
    return Outcome({"selected": selected}, [], f"kept {selected} events")
