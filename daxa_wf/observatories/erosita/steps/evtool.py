"""evtool: the events of an eROSITA observation that pass the filters, within its flare-free time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import UnfitDataError
from daxa_wf.observatories.erosita.steps.event_lists import module_names, module_numbers, together
from daxa_wf.units import Band, Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList

INVERTED_FLAG = {
    "task": "evtool",
    "name": "invertedFlag",
    "text": "eSASS writes a wrong FLAGSEL for 'flagged: only' (flag_invert=yes, DAXA issue 285): make no spectra of this list",
}


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Write the cleaned event list.

    UnfitDataError `noInstrument` if the list has no chosen module, `NoFilteredEvents` if no event remains.
    """
    from daxa_wf.chain.toolkit import reading_products
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList

    flares = inputs.record("flaregti")
    events = ErositaEventList.open(workspace.layout.find(flares.product("events")))
    modules = chosen_modules(module_numbers(flares.results), options["modules"])
    output = workspace.stage("finalevents", Band(options["lo_en"], options["hi_en"]), unit=together(unit, modules))
    with_esass = options["engine"] == "esass"
    warnings = (_with_esass if with_esass else _natively)(events, modules, options, workspace, output)
    with reading_products() if with_esass else nullcontext():
        selected = ErositaEventList.open(output).row_count
    if selected == 0:
        raise UnfitDataError("NoFilteredEvents", f"none of {events.row_count} events passes within the good times")
    numbers = {
        "modules": module_names(modules),
        "rows": events.row_count,
        "selected": selected,
        **_times(events, options["gti"], modules),
    }
    return Outcome(numbers, warnings, f"kept {selected} of {events.row_count} events")


def chosen_modules(there: tuple[int, ...], named: list[str]) -> tuple[int, ...]:
    """Return the requested telescope modules that the list contains, by default all its modules.

    UnfitDataError `noInstrument` if no module remains.
    """
    wanted = {int(name.removeprefix("TM")) for name in named} or set(there)
    chosen = tuple(module for module in there if module in wanted)
    if not chosen:
        raise UnfitDataError("noInstrument", f"none of {', '.join(named)}: it has {', '.join(module_names(there))}")
    return chosen


def _natively(
    events: ErositaEventList, modules: tuple[int, ...], options: Mapping[str, Any], _: Workspace, output: Path
) -> list[dict[str, str]]:
    from daxa_wf.observatories.erosita.native.evtool import evtool
    from daxa_wf.observatories.erosita.native.selection import EvtoolParameters

    parameters = EvtoolParameters(
        options["pattern"], options["flag"], options["flagged"] == "only", options["lo_en"], options["hi_en"],
        gti=options["gti"], telid=modules, region=options["region"],
    )  # fmt: skip
    return [each.warning("evtool") for each in evtool(events, parameters, output).findings]


def _with_esass(
    events: ErositaEventList, modules: tuple[int, ...], options: Mapping[str, Any], workspace: Workspace, output: Path
) -> list[dict[str, str]]:
    from daxa_wf.observatories.erosita.esass.commands import evtool
    from daxa_wf.observatories.erosita.steps.esass_tools import EsassTools

    command = evtool(events.path, {**options, "modules": module_names(modules)})
    EsassTools(workspace).run(command)["finalevents"].replace(output)
    return [INVERTED_FLAG] if options["flagged"] == "only" else []


def _times(events: ErositaEventList, gti: str, modules: tuple[int, ...]) -> dict[str, Any]:
    """Return the selected seconds and the live seconds by telescope module."""
    from daxa_wf.events.gti import total
    from daxa_wf.observatories.erosita.native.selection import selected_times

    good = selected_times(events, gti, modules)
    return {
        "ontime": {f"TM{module}": total(each) for module, each in good.items()},
        "livetime": {f"TM{module}": events.live_time(module, each) for module, each in good.items()},
    }
