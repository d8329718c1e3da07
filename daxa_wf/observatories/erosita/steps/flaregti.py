"""flaregti: the flare-free time of an eROSITA observation, in a list of the chosen telescope modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.archive.layout import NO_EXPOSURE
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import ConfigError, StepFailedError, UnfitDataError
from daxa_wf.observatories.erosita.flare_options import AnyFlareOptions, FlaregtiOptions
from daxa_wf.observatories.erosita.results import ErositaFlareResults, FlareTimes
from daxa_wf.observatories.erosita.steps.event_lists import (
    RawLists,
    chosen_events,
    module_names,
    raw_lists,
    together,
    unpacked,
)
from daxa_wf.observatories.erosita.steps.jobs import FlaregtiJob
from daxa_wf.units import ChannelBand, Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList

PRODUCTS = ("events", "lightcurve", "maskimage", "thresholdimage")

Places = Mapping[str, Path]
"""Kind of a product -> the file that it is written to."""


def run(unit: Unit, inputs: Inputs, job: FlaregtiJob, workspace: Workspace) -> Outcome:
    """Write a list with FLAREGTIn, light curve, mask and thresholds; the raw list is only read.

    Lists of several telescope modules are joined first. Raise UnfitDataError `notScience`, `noInstrument`, `noCounts`, or
    `noGoodTime` if no time is good or flares fill it; StepFailedError `listsDiffer` if lists do not belong together.
    """
    from daxa_wf.chain.toolkit import reading_products
    from daxa_wf.events.inspection import inspect
    from daxa_wf.events.quality import Quality
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList

    raw = raw_lists(unit, inputs, job, workspace)
    warnings = inspect([ErositaEventList.open(path) for path in raw.paths])
    events, modules = chosen_events(raw.paths, job.instruments, workspace)
    places = _places(together(unit, modules, NO_EXPOSURE), job, workspace)
    if job.with_esass:
        _with_esass(events, job, workspace, places)
    else:
        warnings += _natively(events, job, places)
    warnings += _warnings_of_lists(unit, events.observation.obsid, raw)
    with reading_products() if job.with_esass else nullcontext():
        times = flare_times(ErositaEventList.open(places["events"]), modules)
    quality = Quality(times.removed_fraction, no_in_out="it is defined for EPIC")
    warnings += quality.warnings("daxa_wf" if job.with_esass else "flaregti")
    results = ErositaFlareResults(
        tuple(module_names(modules)), times.kept_seconds, times.lost_seconds, times.gti, job.method,
        job.timebin, events.row_count, tuple(path.name for path in raw.paths), quality.numbers(),
    )  # fmt: skip
    longest = max(times.kept_seconds.values())
    message = f"kept {longest:.0f} s of {len(modules)} telescope modules, cut {times.removed_fraction:.1%}"
    return Outcome(results.as_results(), warnings, message)


def _places(of: Unit, options: AnyFlareOptions, workspace: Workspace) -> Places:
    """Stage each kind of product."""
    curve, mask = ChannelBand(*options.band), ChannelBand(*options.mask_band)
    bands = {"lightcurve": curve, "thresholdimage": curve, "maskimage": mask}
    return {kind: workspace.stage(kind, bands.get(kind), unit=of) for kind in PRODUCTS}


def _warnings_of_lists(unit: Unit, obsid: str, raw: RawLists) -> list[dict[str, str]]:
    """Return warnings of lists that were left aside, and of a list whose header names another observation, `obsid`."""
    names = " ".join(path.name for path in raw.paths)
    texts = [("listPassedOver", f"{name} left aside for {names}") for name in raw.passed_over]
    if obsid != unit.obsid:
        texts.append(("headerDisagrees", f"{raw.paths[0].name} says it is {obsid}, planned as {unit.obsid}"))
    return [{"task": "flaregti", "name": name, "text": text} for name, text in texts]


def _natively(events: ErositaEventList, options: AnyFlareOptions, places: Places) -> list[dict[str, str]]:
    """Find the times with daxa_wf's own flaregti and write the products. Return its warnings."""
    from daxa_wf.observatories.erosita.native import flare_products as products
    from daxa_wf.observatories.erosita.native.flaregti import flaregti

    try:
        result = flaregti(events, options)
    except ConfigError as error:
        raise StepFailedError("badParameters", str(error)) from error
    products.write_flare_events(events, result, places["events"])
    products.write_light_curve(events, result, places["lightcurve"])
    products.write_mask(events, result, places["maskimage"])
    products.write_threshold_image(events, result, places["thresholdimage"])
    return [finding.warning("flaregti") for finding in result.findings]


def _with_esass(events: ErositaEventList, options: AnyFlareOptions, workspace: Workspace, places: Places) -> None:
    """Run eSASS's flaregti on a copy of the list. StepFailedError `badParameters` if it does not have the flare filter."""
    from daxa_wf.observatories.erosita.esass.commands import flaregti
    from daxa_wf.observatories.erosita.steps.esass_tools import EsassTools

    if not isinstance(options, FlaregtiOptions):
        raise StepFailedError("badParameters", f"eSASS has no flare filter {options.method}; write engine: native")
    made = EsassTools(workspace).run(flaregti(unpacked(events.path, workspace.directory), options))
    for kind, place in places.items():
        made[kind].replace(place)


def flare_times(events: ErositaEventList, modules: Sequence[int]) -> FlareTimes:
    """Return the seconds that a list with FLAREGTIn keeps and removes by telescope module, and the times that it keeps.

    UnfitDataError `noGoodTime` if no time is left; StepFailedError `missingProduct` if the list has no FLAREGTIn.
    """
    from daxa_wf.events.gti import NONE, intersection, total, union

    before, after = events.intervals("GTI"), events.intervals("FLAREGTI")
    if not after:
        raise StepFailedError("missingProduct", f"flaregti left no table FLAREGTIn in {events.path.name}")
    good = {module: before.get(module, NONE) for module in modules}
    kept = {module: intersection(after.get(module, NONE), intervals) for module, intervals in good.items()}
    if not any(len(intervals) for intervals in kept.values()):
        raise UnfitDataError("noGoodTime", "no good time is left without flares")
    seconds = {f"TM{module}": total(intervals) for module, intervals in kept.items()}
    removed = {f"TM{module}": total(good[module]) - total(intervals) for module, intervals in kept.items()}
    return FlareTimes(seconds, removed, tuple((start, stop) for start, stop in union(*kept.values()).tolist()))
