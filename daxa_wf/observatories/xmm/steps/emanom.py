"""emanom: find CCDs of a MOS exposure in an anomalous state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import StepFailedError
from daxa_wf.observatories.xmm.results import AnomalyResults
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.options import EvselectJob


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Run emanom, and keep its log and the state of each CCD, which evselect uses."""
    from daxa_wf.observatories.xmm.sas.commands import emanom
    from daxa_wf.observatories.xmm.sas.logs import ANOMALY_STATES, emanom_log
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    del options
    tools = SasTools(workspace)
    events = workspace.layout.find(inputs.record("emchain").product("events"))
    made = tools.run(emanom(unit, events, tools.summary_only(inputs), tools.version))["anomalies"]
    try:
        results = AnomalyResults(emanom_log(made.read_text(encoding="utf-8", errors="replace")))
    except ValueError as error:
        raise StepFailedError("unreadableLog", str(error)) from None
    tools.take("anomalies", made, suffix=".log")
    message = ", ".join(f"CCD {ccd} {ANOMALY_STATES[state]}" for ccd, state in sorted(results.states.items()))
    return Outcome(results.as_results(), [], message)


def kept_ccds(inputs: Inputs, options: EvselectJob) -> list[int] | None:
    """Return the CCDs that evselect keeps, by the record of the step that judged them, or None if none judged the exposure."""
    from daxa_wf.observatories.xmm.sas.logs import acceptable_ccds

    records = [record for step in ("emanom", "anomalous_ccds") for record in inputs.records.get(step, [])]
    if not records or options.acceptable_states is None:
        return None
    return acceptable_ccds(AnomalyResults.from_record(records[0]).states, options.acceptable_states)
