"""anomalous_ccds: find CCDs of a MOS exposure in an anomalous state, without SAS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.observatories.xmm.results import AnomalyResults
from daxa_wf.observatories.xmm.steps.inventory import usable_entry
from daxa_wf.units import Unit

NO_LIMITS = (
    "CCD {ccd} of {instrument} has anomalous states too, but emanom's limits for it are not known to daxa_wf: it is not judged, "
    "and stays; 'engine: sas' runs SAS's emanom"
)


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Compare the hardness of the corners with the published limits; keep the states, which evselect uses."""
    from daxa_wf.observatories.xmm.native.anomalies import WITHOUT_LIMITS, corner_hardness, states_of
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.sas.logs import ANOMALY_STATES

    del options, workspace
    entry = usable_entry(inputs.record("inventory"), unit)
    hardness = corner_hardness(EpicEventList.open(inputs.path("events", entry.events or "")))
    states = states_of(unit.instrument, hardness)
    numbers = {
        str(ccd): {"hard": corner.hard, "soft": corner.soft, "ratio": corner.ratio, "error": corner.error}
        for ccd, corner in hardness.items()
    }
    warnings = [
        {"task": "daxa_wf", "name": "noLimits", "text": NO_LIMITS.format(ccd=ccd, instrument=unit.instrument)}
        for ccd in WITHOUT_LIMITS.get(unit.instrument, ())
        if ccd in hardness
    ]
    message = ", ".join(f"CCD {ccd} {ANOMALY_STATES[state]}" for ccd, state in sorted(states.items()))
    return Outcome({**AnomalyResults(states).as_results(), "corners": numbers}, warnings, message)
