"""flaregti: the flare-free time of an eROSITA observation, in a list of the chosen telescope modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.layout import NO_EXPOSURE
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import ConfigError, StepFailedError, UnfitDataError
from daxa_wf.observatories.erosita.steps.event_lists import module_names, one_list, raw_lists, together, unpacked
from daxa_wf.units import ChannelBand, Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
    from daxa_wf.observatories.erosita.native.flare_parameters import FlaregtiParameters

PRODUCTS = ("events", "lightcurve", "maskimage", "thresholdimage")
EV = 1000.0
"""The options are in keV, flaregti's parameters in eV."""

Stage = Callable[[str], Path]
"""Kind of a product -> its path."""


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Write a list with FLAREGTIn, light curve, mask and thresholds. The raw list is only read.

    Lists of several telescope modules are joined first. UnfitDataError `notScience`, `noInstrument`, `noCounts`, or
    `noGoodTime` if no good or flare-free time remains. StepFailedError `listsDiffer` if lists do not belong together.
    """
    from daxa_wf.chain.toolkit import reading_products
    from daxa_wf.events.inspection import inspect
    from daxa_wf.events.quality import Quality
    from daxa_wf.observatories.erosita.native.event_list import ErositaEventList

    paths, passed_over = raw_lists(unit, inputs, options, workspace)
    of_lists = inspect([ErositaEventList.open(path) for path in paths])
    events, modules = one_list(paths, options["instruments"], workspace)
    with_esass = options["engine"] == "esass"
    places = _places(together(unit, modules, NO_EXPOSURE), options, workspace)
    warnings = (_with_esass if with_esass else _natively)(events, options, workspace, places.__getitem__)
    warnings = [*of_lists, *warnings, *_of_the_lists(unit, events.observation.obsid, paths, passed_over)]
    with reading_products() if with_esass else nullcontext():
        numbers = flare_numbers(ErositaEventList.open(places["events"]), modules)
    numbers |= {"method": options["method"], "timebin": options["timebin"], "rows": events.row_count}
    numbers["lists"] = [path.name for path in paths]
    kept, lost = (list(numbers[name].values()) for name in ("kept_seconds", "lost_seconds"))
    share = sum(lost) / (sum(kept) + sum(lost)) if sum(lost) else 0.0
    quality = Quality(share, no_in_out="it is defined for EPIC")
    numbers["quality"] = quality.numbers()
    warnings += quality.warnings("daxa_wf" if with_esass else "flaregti")
    return Outcome(numbers, warnings, f"kept {max(kept):.0f} s of {len(modules)} telescope modules, cut {share:.1%}")


def _places(of: Unit, options: Mapping[str, Any], workspace: Workspace) -> dict[str, Path]:
    """Return the path of each kind of product."""
    curve, mask = (ChannelBand(options[f"{kind}pimin"] * EV, options[f"{kind}pimax"] * EV) for kind in ("", "mask_"))
    bands = {"lightcurve": curve, "thresholdimage": curve, "maskimage": mask}
    return {kind: workspace.stage(kind, bands.get(kind), unit=of) for kind in PRODUCTS}


def _of_the_lists(unit: Unit, said: str, paths: Sequence[Path], passed_over: Sequence[str]) -> list[dict[str, str]]:
    """Return warnings of lists whose headers name another observation, and of unused lists."""
    found = [
        ("listPassedOver", f"{name} left aside for {' '.join(path.name for path in paths)}") for name in passed_over
    ]
    if said != unit.obsid:
        found.append(("headerDisagrees", f"{paths[0].name} says it is {said}, planned as {unit.obsid}"))
    return [{"task": "flaregti", "name": name, "text": text} for name, text in found]


def _natively(
    events: ErositaEventList, options: Mapping[str, Any], workspace: Workspace, place: Stage
) -> list[dict[str, str]]:
    """Run daxa_wf's own flaregti. Return its warnings."""
    from daxa_wf.observatories.erosita.native import flare_products as products
    from daxa_wf.observatories.erosita.native.flaregti import flaregti

    del workspace
    try:
        result = flaregti(events, native_parameters(options))
    except ConfigError as error:
        raise StepFailedError("badParameters", str(error)) from error
    products.write_flare_events(events, result, place("events"))
    products.write_light_curve(events, result, place("lightcurve"))
    products.write_mask(events, result, place("maskimage"))
    products.write_threshold_image(events, result, place("thresholdimage"))
    return [each.warning("flaregti") for each in result.findings]


def _with_esass(
    events: ErositaEventList, options: Mapping[str, Any], workspace: Workspace, place: Stage
) -> list[dict[str, str]]:
    """Run eSASS's flaregti on a copy of the list. Its own warnings go to the record."""
    from daxa_wf.observatories.erosita.esass.commands import flaregti
    from daxa_wf.observatories.erosita.steps.esass_tools import EsassTools

    made = EsassTools(workspace).run(flaregti(unpacked(events.path, workspace.directory), options))
    for kind in PRODUCTS:
        made[kind].replace(place(kind))
    return []


def native_parameters(options: Mapping[str, Any]) -> FlaregtiParameters:
    """Convert the configuration's section to the engine's parameters: keV to eV, telescope modules to numbers."""
    from dataclasses import fields

    from daxa_wf.observatories.erosita.native.flare_parameters import FlaregtiParameters

    known = {each.name for each in fields(FlaregtiParameters)}
    told = {name: value for name, value in options.items() if name in known}
    told |= {name: round(told[name] * EV, 3) for name in ("pimin", "pimax", "mask_pimin", "mask_pimax")}
    told["thresholds"] = {int(name.removeprefix("TM")): limit for name, limit in options["thresholds"].items()}
    return FlaregtiParameters(**told)


def flare_numbers(events: ErositaEventList, modules: Sequence[int]) -> dict[str, Any]:
    """Summarise a list with FLAREGTIn: kept and excluded seconds by telescope module, and the union of the kept times.

    UnfitDataError `noGoodTime` if no time remains.
    """
    from daxa_wf.events.gti import NONE, intersection, total, union

    before, after = events.intervals("GTI"), events.intervals("FLAREGTI")
    if not after:
        raise StepFailedError("missingProduct", f"flaregti left no table FLAREGTIn in {events.path.name}")
    kept = {
        module: intersection(after.get(module, NONE), before[module]) if module in before else NONE
        for module in modules
    }
    if not any(len(each) for each in kept.values()):
        raise UnfitDataError("noGoodTime", "no good time is left without flares")
    return {
        "modules": module_names(modules),
        "kept_seconds": {f"TM{module}": total(each) for module, each in kept.items()},
        "lost_seconds": {f"TM{module}": total(before.get(module, NONE)) - total(each) for module, each in kept.items()},
        "gti": union(*kept.values()).tolist(),
    }
