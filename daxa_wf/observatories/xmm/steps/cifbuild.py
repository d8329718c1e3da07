"""cifbuild: the index of the calibration files for an observation's date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import Fault, UnfitDataError
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.options import CifbuildJob


def run(unit: Unit, inputs: Inputs, options: CifbuildJob, workspace: Workspace) -> Outcome:
    """Make the index for the day of the observation, with the calibration of the analysis date (default: today).

    UnfitDataError `unusableData` if the raw data cannot be opened. Fault if the environment has no calibration files.
    """
    from datetime import UTC, datetime

    from daxa_wf.observatories.xmm.sas.commands import cifbuild
    from daxa_wf.observatories.xmm.sas.odf_view import observation_date
    from daxa_wf.observatories.xmm.sas.versions import read_ccf_index
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    del unit, inputs
    if problem := workspace.context.get("problem"):
        raise UnfitDataError("unusableData", problem)
    tools = SasTools(workspace)
    observed = options.observation_date or observation_date(tools.raw)
    analysed = (options.analysis_date or datetime.now(UTC).date()).isoformat()
    made = tools.run(cifbuild(observed, analysed))["cif"]
    index = read_ccf_index(made)
    if not index.constituents:
        raise Fault("cifbuild found no calibration file: SAS_CCFPATH must lead to a mirror of them ('daxa-wf doctor')")
    workspace.told.versions["ccf"] = index.label
    tools.take("cif", made, name="ccf.cif")
    numbers = {"observation_date": observed, "analysis_date": analysed, "constituents": sorted(index.constituents)}
    return Outcome(numbers, [], index.label)
