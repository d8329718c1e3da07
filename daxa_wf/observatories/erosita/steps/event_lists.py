"""Find and prepare the event lists of eROSITA's steps, and translate names of telescope modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.chain.runner import Inputs, Workspace
from daxa_wf.errors import Fault, UnfitDataError
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList


def raw_lists(
    unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace
) -> tuple[list[Path], list[str]]:
    """Return the event lists of an observation that together hold most of the telescope modules, and the unused names.

    The lists are local or fetched. UnfitDataError `noEventList` if no fetched list has a requested module, `unusableList`
    if no local list can be opened. Fault if a list has disappeared.
    """
    from daxa_wf.observatories.erosita.local import lists_to_join

    if options.get("problems"):
        raise UnfitDataError("unusableList", "; ".join(options["problems"]))
    local = inputs.files.get("events", [])
    if local:
        return list(local), list(options["passed_over"])
    fetched = [each["path"] for record in inputs.records.get("acquire", []) for each in record.results["files"]]
    chosen, others = lists_to_join(fetched, options["instruments"])
    if not chosen:
        modules = ", ".join(options["instruments"])
        raise UnfitDataError("noEventList", f"no list of {modules} among {len(fetched)} files")
    paths = [workspace.layout.raw(unit) / name for name in chosen]
    for path in paths:
        if not path.exists():
            raise Fault(f"{path.name} is gone from the raw data; delete the record of 'acquire' to fetch it again")
    return paths, others


def one_list(
    paths: Sequence[Path], instruments: Iterable[str], workspace: Workspace
) -> tuple[ErositaEventList, tuple[int, ...]]:
    """Return a list with the events of the requested telescope modules that saw the sky, and these modules.

    A single list without other modules is returned unchanged; otherwise a new list is made in the step's directory. Raises
    the errors of sky_modules, and StepFailedError `listsDiffer` if several lists do not belong together.
    """
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
    from daxa_wf.observatories.erosita.native.joining import join
    from daxa_wf.observatories.erosita.native.telescope_modules import select_modules

    lists = [ErositaEventList.open(path) for path in paths]
    modules = sky_modules(lists, instruments)
    with_events = [each for each in lists if set(each.observation.modules) & set(modules)]
    if len(with_events) == 1 and modules == with_events[0].observation.modules:
        return with_events[0], modules
    chosen = workspace.directory / "chosen.fits"
    if len(with_events) == 1:
        select_modules(with_events[0], modules, chosen)
    else:
        join(with_events, modules, chosen)
    return ErositaEventList.open(chosen), modules


def sky_modules(lists: Sequence[ErositaEventList], instruments: Iterable[str]) -> tuple[int, ...]:
    """Return the requested telescope modules with events in the lists, if they saw the sky.

    UnfitDataError `notScience` if the filter wheel was closed, `noInstrument` if the lists have no requested module.
    """
    from daxa_wf.observatories.erosita.native.event_list import SCIENCE_FILTERS
    from daxa_wf.observatories.erosita.native.telescope_modules import parse_modules

    for seen in (each.observation for each in lists):
        if not seen.sees_sky:
            allowed = " and ".join(SCIENCE_FILTERS)
            raise UnfitDataError(
                "notScience", f"filter {seen.filter or 'not told'}: the sky is seen with {allowed} only"
            )
    there = sorted({module for each in lists for module in each.observation.modules})
    chosen = tuple(module for module in parse_modules(instruments) if module in there)
    if not chosen:
        names, has = ", ".join(instruments), ", ".join(module_names(there))
        raise UnfitDataError("noInstrument", f"{lists[0].path.name} has no events of {names}; it has {has}")
    return chosen


def module_names(modules: Iterable[int]) -> list[str]:
    """Convert numbers to names: TM1, TM2 ..."""
    return [f"TM{module}" for module in modules]


def module_numbers(record_results: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the telescope modules of an earlier step, from its record's results."""
    return tuple(int(name.removeprefix("TM")) for name in record_results["modules"])


def together(unit: Unit, modules: Iterable[int], exposure: str = "") -> Unit:
    """Join telescope modules to the instrument of their products, by DAXA's rule: `TM1_TM2`."""
    return Unit(unit.mission, unit.obsid, "_".join(module_names(modules)), exposure)


def unpacked(path: Path, directory: Path) -> Path:
    """Return the event list, or an unpacked copy in `directory` if it is compressed, because tasks write into copies."""
    from daxa_wf.download.unpack import decompress

    if path.suffix != ".gz":
        return path
    plain = directory / "unpacked.fits"
    decompress(path, plain)
    return plain
