"""evselect: the events of an exposure that pass the filters within its good time intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.errors import ConfigError, StepFailedError, UnfitDataError
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Write the cleaned list, and pn's out-of-time list cleaned alike where there is one.

    UnfitDataError `NoFilteredEvents` if no event is left.
    """
    from daxa_wf.events.event_list import EventList
    from daxa_wf.events.evselect import evselect
    from daxa_wf.events.gti_files import read_gti

    (events,) = (EventList.open(path) for path in inputs.files["events"])
    gti = read_gti(workspace.layout.find(inputs.record("espfilt").product("gti")))
    expression = cleaning_expression(options, unit.instrument)
    try:
        result = evselect(events, expression, gti, workspace.stage("cleanevents"))
        for path in inputs.files.get("ootevents", []):
            evselect(EventList.open(path), expression, gti, workspace.stage("cleanootevents"))
    except ConfigError as error:
        raise StepFailedError("badExpression", str(error)) from error
    if result.selected == 0:
        raise UnfitDataError("NoFilteredEvents", f"none of {result.rows} events passes {expression!r} within the GTIs")
    numbers = {
        "expression": expression,
        "rows": result.rows,
        "selected": result.selected,
        "rejected_by_expression": result.rejected_by_expression,
        "rejected_by_gti": result.rejected_by_gti,
        "ontime": {str(ccd): seconds for ccd, seconds in result.ontime.items()},
        "livetime": {str(ccd): seconds for ccd, seconds in result.livetime.items()},
    }
    warnings = [{"task": "evselect", "name": "attribute", "text": text} for text in result.warnings]
    return Outcome(numbers, warnings, f"kept {result.selected} of {result.rows} events")


def cleaning_expression(options: Mapping[str, Any], instrument: str) -> str:
    """The instrument's expression, with the energy range if one is asked for."""
    expression = str(options["pn_filt_expr" if instrument == "PN" else "mos_filt_expr"])
    if options["lo_en"] is None:
        return expression
    return f"({expression}) && (PI in [{round(options['lo_en'] * 1000)}:{round(options['hi_en'] * 1000)}])"
