"""evselect: the events of an exposure that pass the filters within its good time intervals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import ConfigError, Fault, StepFailedError, UnfitDataError
from daxa_wf.observatories.xmm.results import EpicCleaningResults
from daxa_wf.observatories.xmm.steps.calibrated import calibrated_list
from daxa_wf.observatories.xmm.steps.emanom import kept_ccds
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.options import EvselectJob


def run(unit: Unit, inputs: Inputs, options: EvselectJob, workspace: Workspace) -> Outcome:
    """Write the cleaned event list with the engine of the options, and clean pn's out-of-time list, if any, in the same way.

    UnfitDataError `NoFilteredEvents` if no event is left.
    """
    lists = {kind: calibrated_list(inputs, workspace, kind) for kind in ("events", "ootevents")}
    if lists["events"] is None:
        lists = {kind: inputs.file(kind) for kind in lists}
    if lists["events"] is None:
        raise Fault("the event list is gone from the raw data; run again, which fetches it again")
    engine = _with_sas if options.engine == "sas" else _natively
    return engine(unit, inputs, options, workspace, lists["events"], lists["ootevents"])


def _natively(
    unit: Unit, inputs: Inputs, options: EvselectJob, workspace: Workspace, path: Path, ootevents: Path | None
) -> Outcome:
    from daxa_wf.events.findings import Finding
    from daxa_wf.events.gti_files import read_gti
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.evselect import evselect
    from daxa_wf.observatories.xmm.sas.list_commands import cleaning_expression

    events = EpicEventList.open(path)
    gti = read_gti(workspace.layout.find(inputs.record("espfilt").product("gti")))
    expression = cleaning_expression(options, unit.instrument, kept_ccds(inputs, options))
    try:
        result = evselect(events, expression, gti, workspace.stage("cleanevents", options.band))
        if ootevents is not None:
            evselect(EpicEventList.open(ootevents), expression, gti, workspace.stage("cleanootevents", options.band))
    except ConfigError as error:
        raise StepFailedError("badExpression", str(error)) from error
    if result.selected == 0:
        raise UnfitDataError("NoFilteredEvents", f"none of {result.rows} events passes {expression!r} within the GTIs")
    results = EpicCleaningResults(
        result.rows, result.selected, expression, result.rejected_by_expression, result.rejected_by_gti,
        ontime={str(ccd): seconds for ccd, seconds in result.ontime.items()},
        livetime={str(ccd): seconds for ccd, seconds in result.livetime.items()},
    )  # fmt: skip
    findings = [*(Finding("attribute", text) for text in result.attributes), *result.findings]
    warnings = [finding.warning("evselect") for finding in findings]
    return Outcome(results.as_results(), warnings, results.message)


def _with_sas(
    unit: Unit, inputs: Inputs, options: EvselectJob, workspace: Workspace, path: Path, ootevents: Path | None
) -> Outcome:
    from daxa_wf.chain.toolkit import reading_products
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.sas.list_commands import evselect
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    tools, ccds = SasTools(workspace), kept_ccds(inputs, options)
    gti = workspace.layout.find(inputs.record("espfilt").product("gti"))
    commands = evselect(unit, path, gti, tools.summary_only(inputs), options, ccds, ootevents)
    products = tools.run(commands)
    with reading_products():
        cleaned = EpicEventList.open(products["cleanevents"])
    if cleaned.row_count == 0:
        raise UnfitDataError("NoFilteredEvents", "evselect kept no event")
    results = EpicCleaningResults(
        rows=EpicEventList.open(path).row_count,
        selected=cleaned.row_count,
        expression=str(dict(commands[0].parameters)["expression"]),
        ontime=_seconds_by_ccd(cleaned, "ONTIME"),
        livetime=_seconds_by_ccd(cleaned, "LIVETI"),
    )
    for kind in ("cleanevents", "cleanootevents"):
        if kind in products:
            tools.take(kind, products[kind], band=options.band)
    return Outcome(results.as_results(), [], results.message)


def _seconds_by_ccd(events: EpicEventList, card: str) -> dict[str, float]:
    names = {ccd: f"{card}{ccd:02d}" for ccd in events.ccds}
    return {str(ccd): float(events.header[name]) for ccd, name in names.items() if name in events.header}
