"""The event lists that the steps of eROSITA start from, and the names of telescope modules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.archive.results import AcquireResults
from daxa_wf.chain.runner import Inputs, Workspace
from daxa_wf.errors import Fault, UnfitDataError
from daxa_wf.observatories.erosita.steps.jobs import FlareJob
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList


@dataclass(frozen=True)
class RawLists:
    """The lists of an observation that together hold most of the telescope modules, and the names of the other lists."""

    paths: tuple[Path, ...]
    passed_over: tuple[str, ...]


def raw_lists(unit: Unit, inputs: Inputs, job: FlareJob, workspace: Workspace) -> RawLists:
    """Choose the lists of an observation, from local or fetched ones.

    UnfitDataError `noEventList` if no list was fetched that has one of the modules, `unusableList` if no local list can
    be opened; Fault if a fetched list no longer exists.
    """
    from daxa_wf.observatories.erosita.local import lists_to_join

    if job.problems:
        raise UnfitDataError("unusableList", "; ".join(job.problems))
    local = inputs.files.get("events", [])
    if local:
        return RawLists(tuple(local), job.passed_over)
    fetched = [
        path for record in inputs.records.get("acquire", []) for path in AcquireResults.from_record(record).paths
    ]
    chosen, others = lists_to_join(fetched, job.instruments)
    if not chosen:
        modules = ", ".join(job.instruments)
        raise UnfitDataError("noEventList", f"no list of {modules} among {len(fetched)} files")
    paths = tuple(workspace.layout.raw(unit) / name for name in chosen)
    for path in paths:
        if not path.exists():
            raise Fault(f"{path.name} is gone from the raw data; run again, which fetches it again")
    return RawLists(paths, tuple(others))


def chosen_events(
    paths: Sequence[Path], instruments: Iterable[str], workspace: Workspace
) -> tuple[ErositaEventList, tuple[int, ...]]:
    """Return one list of the chosen telescope modules that some lists have, if these saw the sky, and the modules.

    It is the only list with such modules if it has no other ones, else a new list in the step's directory. Raises the
    errors of sky_modules, and StepFailedError `listsDiffer` if several lists do not belong together.
    """
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
    from daxa_wf.observatories.erosita.native.joining import join
    from daxa_wf.observatories.erosita.native.telescope_modules import select_modules

    lists = [ErositaEventList.open(path) for path in paths]
    modules = sky_modules(lists, instruments)
    with_events = [events for events in lists if set(events.observation.modules) & set(modules)]
    if len(with_events) == 1 and modules == with_events[0].observation.modules:
        return with_events[0], modules
    chosen = workspace.directory / "chosen.fits"
    if len(with_events) == 1:
        select_modules(with_events[0], modules, chosen)
    else:
        join(with_events, modules, chosen)
    return ErositaEventList.open(chosen), modules


def sky_modules(lists: Sequence[ErositaEventList], instruments: Iterable[str]) -> tuple[int, ...]:
    """Return the chosen telescope modules that some lists have events of, if they saw the sky.

    UnfitDataError `notScience` if the filter wheel was closed, `noInstrument` if they have none of the modules.
    """
    from daxa_wf.observatories.erosita.native.event_list import SCIENCE_FILTERS
    from daxa_wf.observatories.erosita.native.telescope_modules import parse_modules

    for observation in (events.observation for events in lists):
        if not observation.sees_sky:
            allowed = " and ".join(SCIENCE_FILTERS)
            raise UnfitDataError(
                "notScience", f"filter {observation.filter or 'not told'}: the sky is seen with {allowed} only"
            )
    available = sorted({module for events in lists for module in events.observation.modules})
    chosen = tuple(module for module in parse_modules(instruments) if module in available)
    if not chosen:
        names, has = ", ".join(instruments), ", ".join(module_names(available))
        raise UnfitDataError("noInstrument", f"{lists[0].path.name} has no events of {names}; it has {has}")
    return chosen


def module_names(modules: Iterable[int]) -> list[str]:
    """Return the names TM1, TM2 ... of telescope modules."""
    return [f"TM{module}" for module in modules]


def together(unit: Unit, modules: Iterable[int], exposure: str = "") -> Unit:
    """Return the unit of products of some telescope modules, with DAXA's name for them: `TM1_TM2`."""
    return Unit(unit.mission, unit.obsid, "_".join(module_names(modules)), exposure)


def unpacked(path: Path, directory: Path) -> Path:
    """Return the list itself, or its content written to `directory` if it is compressed: tasks write into copies of it."""
    from daxa_wf.download.unpack import decompress

    if path.suffix != ".gz":
        return path
    plain = directory / "unpacked.fits"
    decompress(path, plain)
    return plain
