"""evtool: the events of an eROSITA observation that pass the filters, within its flare-free time."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import UnfitDataError
from daxa_wf.observatories.erosita.options import EvtoolOptions
from daxa_wf.observatories.erosita.results import ErositaCleaningResults, ErositaFlareResults
from daxa_wf.observatories.erosita.steps.event_lists import module_names, together
from daxa_wf.observatories.erosita.steps.jobs import EvtoolJob
from daxa_wf.units import Band, Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList

INVERTED_FLAG = {
    "task": "evtool",
    "name": "invertedFlag",
    "text": "eSASS writes a wrong FLAGSEL for 'flagged: only' (flag_invert=yes, DAXA issue 285): make no spectra of this list",
}


def run(unit: Unit, inputs: Inputs, job: EvtoolJob, workspace: Workspace) -> Outcome:
    """Write the cleaned list.

    Raise UnfitDataError `noInstrument` if the list lacks the chosen modules, `NoFilteredEvents` if no event is left.
    """
    from daxa_wf.chain.toolkit import reading_products
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList

    flares = inputs.record("flaregti")
    events = ErositaEventList.open(workspace.layout.find(flares.product("events")))
    modules = chosen_modules(ErositaFlareResults.from_record(flares), job)
    output = workspace.stage("finalevents", Band(job.lo_en, job.hi_en), unit=together(unit, modules))
    warnings = (
        _with_esass(events, modules, job, workspace, output)
        if job.with_esass
        else _natively(events, modules, job, output)
    )
    with reading_products() if job.with_esass else nullcontext():
        selected = ErositaEventList.open(output).row_count
    if selected == 0:
        raise UnfitDataError("NoFilteredEvents", f"none of {events.row_count} events passes within the good times")
    results = _results(events, job, modules, selected)
    return Outcome(results.as_results(), warnings, f"kept {selected} of {events.row_count} events")


def chosen_modules(flares: ErositaFlareResults, options: EvtoolOptions) -> tuple[int, ...]:
    """Return the numbers of the telescope modules that flaregti worked on, restricted to the requested ones, if any.

    Raise UnfitDataError `noInstrument` if flaregti worked on other modules only.
    """
    chosen = tuple(
        number
        for number, name in zip(flares.module_numbers, flares.modules, strict=True)
        if not options.modules or name in options.modules
    )
    if not chosen:
        raise UnfitDataError(
            "noInstrument", f"none of {', '.join(options.modules)}: it has {', '.join(flares.modules)}"
        )
    return chosen


def _natively(
    events: ErositaEventList, modules: tuple[int, ...], options: EvtoolOptions, output: Path
) -> list[dict[str, str]]:
    from daxa_wf.observatories.erosita.native.evtool import evtool

    result = evtool(events, options.parameters(modules), output)
    return [finding.warning("evtool") for finding in result.findings]


def _with_esass(
    events: ErositaEventList, modules: tuple[int, ...], options: EvtoolOptions, workspace: Workspace, output: Path
) -> list[dict[str, str]]:
    from daxa_wf.observatories.erosita.esass.commands import evtool
    from daxa_wf.observatories.erosita.steps.esass_tools import EsassTools

    chosen = options.model_copy(update={"modules": tuple(module_names(modules))})
    EsassTools(workspace).run(evtool(events.path, chosen))["finalevents"].replace(output)
    return [INVERTED_FLAG] if options.flagged == "only" else []


def _results(
    events: ErositaEventList, options: EvtoolOptions, modules: tuple[int, ...], selected: int
) -> ErositaCleaningResults:
    """Return numbers of events, and by telescope module the seconds in which events were kept, with the live part."""
    from daxa_wf.events.gti import total
    from daxa_wf.observatories.erosita.native.selection import selected_times

    good = selected_times(events, options.gti, modules)
    return ErositaCleaningResults(
        modules=tuple(module_names(modules)),
        rows=events.row_count,
        selected=selected,
        ontime={f"TM{module}": total(intervals) for module, intervals in good.items()},
        livetime={f"TM{module}": events.live_time(module, intervals) for module, intervals in good.items()},
    )
