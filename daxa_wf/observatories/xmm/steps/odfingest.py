"""odfingest: the summary of an observation's raw data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import StepFailedError
from daxa_wf.units import Unit


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Make the summary from links to the raw data, which are only read. Its PATH is the directory of the raw data.

    StepFailedError `otherObservation` if the raw data belong to another observation.
    """
    from daxa_wf.observatories.xmm.sas.commands import odfingest
    from daxa_wf.observatories.xmm.sas.odf_summary import parse_odf_summary, with_path
    from daxa_wf.observatories.xmm.sas.odf_view import make_odf_view
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    del options
    tools = SasTools(workspace)
    view = make_odf_view(tools.raw, workspace.directory / "odf")
    made = tools.run(odfingest(view, tools.calibration(inputs)))["summary"]
    text = made.read_text(encoding="utf-8", errors="surrogateescape")
    summary = parse_odf_summary(text, made.name)
    if summary.obsid != unit.obsid:
        raise StepFailedError("otherObservation", f"the raw data in {tools.raw} are those of {summary.obsid}")
    staged = workspace.stage("summary", name=made.name)
    staged.write_text(with_path(text, tools.raw.absolute()), encoding="utf-8", errors="surrogateescape")
    numbers = {
        "revolution": summary.revolution, "start": summary.start, "end": summary.end, "files": len(summary.files),
        "active": dict(summary.active),
    }  # fmt: skip
    return Outcome(numbers, [], f"{len(summary.exposures)} exposures, {len(summary.files)} files")
