"""The event lists that the steps of eROSITA start from, and what they call telescope modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.layout import Unit
from daxa_wf.errors import Fault, UnfitDataError
from daxa_wf.steps.runner import Inputs, Workspace

if TYPE_CHECKING:
    from daxa_wf.events.erosita.event_file import ErositaEventFile


def raw_list(unit: Unit, inputs: Inputs, instruments: Sequence[str], workspace: Workspace) -> Path:
    """The list of an observation that has most of the telescope modules: the local one, or of those that were fetched.

    UnfitDataError `noEventList` if none was fetched that has one of them, Fault if it is no longer there.
    """
    from daxa_wf.acquire.local_erosita import best_list

    local = inputs.file("events")
    if local is not None:
        return local
    fetched = [each["path"] for record in inputs.records.get("acquire", []) for each in record.results["files"]]
    best, _ = best_list(fetched, instruments)
    if not best:
        raise UnfitDataError("noEventList", f"no list of {', '.join(instruments)} among {len(fetched)} files")
    path = workspace.layout.raw(unit) / best
    if not path.exists():
        raise Fault(f"{best} is gone from the raw data; delete the record of 'acquire' to fetch it again")
    return path


def sky_modules(events: ErositaEventFile, instruments: Iterable[str]) -> tuple[int, ...]:
    """Those of the telescope modules that a list has events of, if it saw the sky.

    UnfitDataError `notScience` if the filter wheel was closed, `noInstrument` if it has none of the modules.
    """
    from daxa_wf.events.erosita.event_file import SCIENCE_FILTERS
    from daxa_wf.events.erosita.telescope_modules import available_modules, parse_modules

    seen = events.observation
    if not seen.sees_sky:
        allowed = " and ".join(SCIENCE_FILTERS)
        raise UnfitDataError("notScience", f"filter {seen.filter or 'not told'}: the sky is seen with {allowed} only")
    return available_modules(events, parse_modules(instruments))


def module_names(modules: Iterable[int]) -> list[str]:
    """TM1, TM2 ... of numbers."""
    return [f"TM{module}" for module in modules]


def module_numbers(record_results: Mapping[str, Any]) -> tuple[int, ...]:
    """The telescope modules that an earlier step worked on, from its record's results."""
    return tuple(int(name.removeprefix("TM")) for name in record_results["modules"])


def together(unit: Unit, modules: Iterable[int], exposure: str = "") -> Unit:
    """What products of some telescope modules are of: `TM1_TM2`, DAXA's name for them."""
    return Unit(unit.mission, unit.obsid, "_".join(module_names(modules)), exposure)


def unpacked(path: Path, directory: Path) -> Path:
    """The list itself, or what it holds, written to `directory`, if it is compressed: tasks write into copies of it."""
    from daxa_wf.acquire.unpack import decompress

    if path.suffix != ".gz":
        return path
    plain = directory / "unpacked.fits"
    decompress(path, plain)
    return plain
