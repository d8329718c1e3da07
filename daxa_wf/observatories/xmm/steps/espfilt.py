"""espfilt: the good time intervals of an exposure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import UnfitDataError
from daxa_wf.observatories.xmm.epic_units import band_in_kev
from daxa_wf.observatories.xmm.options import FlareFilterOptions, SasEspfiltOptions
from daxa_wf.observatories.xmm.steps.calibrated import calibrated_list
from daxa_wf.observatories.xmm.steps.inventory import usable_entry
from daxa_wf.units import Band, Unit

if TYPE_CHECKING:
    from daxa_wf.events.quality import Quality


def run(unit: Unit, inputs: Inputs, options: FlareFilterOptions, workspace: Workspace) -> Outcome:
    """Filter flares with the method and by the engine that the options name; GTI, light curves and QDP file."""
    entry = usable_entry(inputs.record("inventory"), unit)
    events = calibrated_list(inputs, workspace) or inputs.path("events", entry.events or "")
    if isinstance(options, SasEspfiltOptions):
        return _with_sas(unit, inputs, options, workspace, events)
    return _natively(unit, options, workspace, events)


def _natively(unit: Unit, options: FlareFilterOptions, workspace: Workspace, path: Path) -> Outcome:
    from daxa_wf.events.flare_filters import CORNER, FOV
    from daxa_wf.events.flare_filters.judged import judged_table
    from daxa_wf.events.gti_files import write_gti
    from daxa_wf.events.light_curve import rate_table
    from daxa_wf.fits.tables import write_tables
    from daxa_wf.observatories.xmm.native.espfilt import espfilt
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.flare_filters import FLARE_FILTERS
    from daxa_wf.observatories.xmm.native.qdp import write_qdp

    events = EpicEventList.open(path)
    method, parameters = options.method, options.parameters(unit.instrument)
    result = espfilt(events, method, parameters)
    history = f"espfilt: {FLARE_FILTERS[method].describe(parameters, result.flares)}"
    identity, times = events.identity_cards, events.time_system
    band = band_in_kev(FLARE_FILTERS[method].band(unit.instrument, parameters))
    write_gti(workspace.stage("gti", band), result.gti, times, history, identity)
    for name, kind in ((FOV, "lightcurve"), (CORNER, "cornerlightcurve")):
        if name in result.curves:
            tables = [rate_table(result.curves[name], events.time_range[1], result.good, times)]
            tables += [judged_table(result.flares, times)] if name == FOV else []
            write_tables(workspace.stage(kind, band), tables, history, identity)
    write_qdp(workspace.stage("hist", band, suffix=".qdp"), result, f"{unit.identifier} {method}")
    accepted = result.flares.quantity.within(result.flares.limits)
    message = f"kept {result.kept:.0f} s, cut {result.removed:.0f} s ({accepted})"
    warnings = [
        *result.warnings,
        *(finding.warning("espfilt") for finding in result.flares.findings),
        *result.quality.warnings("espfilt"),
    ]
    return Outcome(_numbers(method, result), warnings, message)


def _with_sas(unit: Unit, inputs: Inputs, options: SasEspfiltOptions, workspace: Workspace, events: Path) -> Outcome:
    """Run SAS's espfilt, in the generation of the installed release. UnfitDataError `noGoodTime` if no time remains."""
    from daxa_wf.chain.toolkit import reading_products
    from daxa_wf.observatories.xmm.sas.list_commands import espfilt
    from daxa_wf.observatories.xmm.sas.logs import espfilt_log
    from daxa_wf.observatories.xmm.sas.versions import espfilt_dialect
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    tools = SasTools(workspace)
    oot = calibrated_list(inputs, workspace, "ootevents")
    products = tools.run(espfilt(unit, events, tools.summary_only(inputs), options, tools.version, oot))
    log = espfilt_log(tools.last_output())
    dialect = espfilt_dialect(tools.version)
    with reading_products():
        numbers = sas_numbers(events, products["gti"], log, options)
    if numbers["kept_seconds"] == 0:
        raise UnfitDataError("noGoodTime", "espfilt left no good time: all of it is flared")
    warnings = []
    if dialect == "19":
        text = f"espfilt of SAS {tools.version} takes none of {', '.join(NOT_OF_SAS_19)}: it has its own values"
        warnings.append({"task": "daxa_wf", "name": "optionsNotTaken", "text": text})
    if "hist" in products:
        fit = fit_in_qdp(products["hist"], dialect)
        numbers |= fit
        if not fit:
            text = f"{products['hist'].name} has no histogram that can be read, so there is no plot of it"
            warnings.append({"task": "daxa_wf", "name": "unreadableHistogram", "text": text})
    with reading_products():
        quality = sas_quality(events, numbers, products.get("hist"), _smoothing_window(options, dialect))
    numbers["quality"] = quality.numbers()
    warnings += quality.warnings("daxa_wf")
    # The release 19 has no parameter for the band: it is the one that later releases have by default.
    edges = (options.filter_lo_en, options.filter_hi_en) if dialect != "19" else SAS_19_BAND
    for kind, suffix in SAS_PRODUCTS.items():
        if kind in products:
            tools.take(kind, products[kind], band=Band(*edges), suffix=suffix)
    return Outcome(numbers, warnings, f"kept {numbers['kept_seconds']:.0f} s, cut {numbers['lost_seconds']:.0f} s")


SAS_PRODUCTS = {"gti": ".fits", "lightcurve": ".fits", "cornerlightcurve": ".fits", "hist": ".qdp"}
"""What of espfilt's files is kept: what the native filters make too."""

SAS_19_BAND = (2.5, 8.5)
"""keV (espfilt of SAS 19)."""
NOT_OF_SAS_19 = ("filter_lo_en", "filter_hi_en", "range_scale", "allowed_sigma", "gauss_fit_lims")
"""Options that espfilt of SAS 19 and before lacks."""


def sas_numbers(events: Path, gti: Path, log: Mapping[str, Any], options: SasEspfiltOptions) -> dict[str, Any]:
    """Return espfilt's results under the names of the native numbers. Unknown numbers are None."""
    import numpy as np

    from daxa_wf.events.gti import intersection, total, union
    from daxa_wf.events.gti_files import read_gti
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    exposure = EpicEventList.open(events)
    good = union(*exposure.gtis.values(), *([] if exposure.gtis else [np.array([exposure.time_range])]))
    kept = intersection(read_gti(gti), good)
    return {
        "method": options.method, "kept_seconds": total(kept), "lost_seconds": total(good) - total(kept), "limits": None,
        "judged_bin": options.binning or 1.0, "fit": None, "gti": kept.tolist(),
        "log": dict(log),
    }  # fmt: skip


def fit_in_qdp(path: Path, dialect: str) -> dict[str, Any]:
    """Return the accepted rates and the fit in espfilt's QDP file, under the names of the native numbers, or {}.

    Until SAS 19 the width is sqrt(2) times the standard deviation (measured on genuine products of both generations).
    """
    from daxa_wf.observatories.xmm.native.qdp import read_histogram

    histogram = read_histogram(path)
    if histogram is None:
        return {}
    divisor = 1.0 if dialect == "19" else 2.0
    fit = {"norm": histogram.norm, "centre": histogram.centre, "width": histogram.width, "divisor": divisor}
    return {"limits": list(histogram.limits), "fit": fit}


def sas_quality(events: Path, numbers: Mapping[str, Any], hist: Path | None, window: float) -> Quality:
    """Return the quality of espfilt's cleaning, from its numbers, its QDP file and the list that it cleaned."""
    import numpy as np

    from daxa_wf.events.flare_filters import Fit
    from daxa_wf.events.quality import Quality, fit_quality
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.in_out import HardEvents
    from daxa_wf.observatories.xmm.native.qdp import read_histogram

    exposure = EpicEventList.open(events)
    hard = HardEvents(exposure)
    for rows in exposure.chunks():
        hard.add(rows)
    of_fit, drawn = None, read_histogram(hist) if hist is not None and numbers["fit"] else None
    if drawn is not None:
        fit = Fit(**numbers["fit"])
        of_fit = fit_quality(drawn.rates, drawn.samples, drawn.model, fit.centre, fit.sigma, drawn.limits, window)
    kept, lost = numbers["kept_seconds"], numbers["lost_seconds"]
    in_out = hard.ratio(np.array(numbers["gti"]).reshape(-1, 2))
    return Quality(lost / (kept + lost), of_fit, in_out, hard.problem)


def _smoothing_window(options: SasEspfiltOptions, dialect: str) -> float:
    """Return the seconds over which a sample of espfilt's histogram is averaged; until SAS 19 they were fixed."""
    from daxa_wf.observatories.xmm.native.esas19 import WINDOW

    return WINDOW if dialect == "19" else options.smoothing or 1.0


def _numbers(method: str, result: Any) -> dict[str, Any]:
    flares, fit = result.flares, result.flares.fit
    return {
        "method": method,
        "kept_seconds": result.kept,
        "lost_seconds": result.removed,
        "limits": list(flares.limits),
        "judged": flares.quantity.axis,
        "judged_bin": flares.curve.bin_size,
        "fit": None
        if fit is None
        else {"norm": fit.norm, "centre": fit.centre, "width": fit.width, "divisor": fit.divisor},
        "gti": result.gti.tolist(),
        "quality": result.quality.numbers(),
    }
