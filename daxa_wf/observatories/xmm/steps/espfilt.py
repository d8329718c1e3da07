"""espfilt: the good time intervals of an exposure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.errors import UnfitDataError
from daxa_wf.observatories.xmm.epic_units import band_in_kev
from daxa_wf.observatories.xmm.flare_options import FlareFilterOptions, SasEspfiltOptions
from daxa_wf.observatories.xmm.results import EpicFlareResults, Range
from daxa_wf.observatories.xmm.steps.calibrated import calibrated_list
from daxa_wf.observatories.xmm.steps.inventory import usable_entry
from daxa_wf.units import Band, Unit

if TYPE_CHECKING:
    from daxa_wf.events.gti import Intervals
    from daxa_wf.events.quality import Quality
    from daxa_wf.observatories.xmm.native.espfilt import EspfiltResult


def run(unit: Unit, inputs: Inputs, options: FlareFilterOptions, workspace: Workspace) -> Outcome:
    """Filter flares with the method and by the engine that the options name; GTI, light curves and QDP file."""
    entry = usable_entry(inputs.record("inventory"), unit)
    events = calibrated_list(inputs, workspace) or inputs.path("events", entry.events or "")
    if isinstance(options, SasEspfiltOptions):
        return _with_sas(unit, inputs, options, workspace, events)
    return _natively(unit, options, workspace, events, calibrated_list(inputs, workspace, "ootevents"))


def _natively(
    unit: Unit, options: FlareFilterOptions, workspace: Workspace, path: Path, ootevents: Path | None
) -> Outcome:
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
    if options.keep_flare_free:
        _write_flare_free_lists(workspace, path, ootevents, result.gti)
    write_qdp(workspace.stage("hist", band, suffix=".qdp"), result, f"{unit.identifier} {method}")
    accepted = result.flares.quantity.within(result.flares.limits)
    message = f"kept {result.kept:.0f} s, cut {result.removed:.0f} s ({accepted})"
    warnings = [
        *result.warnings,
        *(finding.warning("espfilt") for finding in result.flares.findings),
        *result.quality.warnings("espfilt"),
    ]
    return Outcome(_results(method, result).as_results(), warnings, message)


def _write_flare_free_lists(workspace: Workspace, events: Path, ootevents: Path | None, gti: Intervals) -> None:
    """Write the lists that espfilt calls allevc and allevcoot: all events of science patterns within the good times.

    Corners and all energies stay, and so do flagged events (espfilt since SAS 21; ESAS cookbook of SAS 22).
    """
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.evselect import evselect
    from daxa_wf.observatories.xmm.native.regions import ESAS20

    expression = f"(PATTERN <= {ESAS20[workspace.unit.instrument].pattern})"
    for kind, path in (("allgoodevents", events), ("allgoodootevents", ootevents)):
        if path is not None:
            evselect(EpicEventList.open(path), expression, gti, workspace.stage(kind))


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
        results = sas_results(events, products["gti"], log, options)
    if results.kept_seconds == 0:
        raise UnfitDataError("noGoodTime", "espfilt left no good time: all of it is flared")
    warnings = []
    if dialect == "19":
        text = f"espfilt of SAS {tools.version} takes none of {', '.join(NOT_OF_SAS_19)}: it has its own values"
        warnings.append({"task": "daxa_wf", "name": "optionsNotTaken", "text": text})
    if "hist" in products:
        results = with_fit_in_qdp(results, products["hist"], dialect)
        if results.fit is None:
            text = f"{products['hist'].name} has no histogram that can be read, so there is no plot of it"
            warnings.append({"task": "daxa_wf", "name": "unreadableHistogram", "text": text})
    with reading_products():
        quality = sas_quality(events, results, products.get("hist"), _smoothing_window(options, dialect))
    warnings += quality.warnings("daxa_wf")
    # The release 19 has no parameter for the band: it is the one that later releases have by default.
    edges = (options.filter_lo_en, options.filter_hi_en) if dialect != "19" else SAS_19_BAND
    for kind, suffix in SAS_PRODUCTS.items():
        if kind in products:
            tools.take(kind, products[kind], band=Band(*edges), suffix=suffix)
    for kind in FLARE_FREE_LISTS if options.keep_flare_free else ():
        if kind in products:
            tools.take(kind, products[kind])
    message = f"kept {results.kept_seconds:.0f} s, cut {results.lost_seconds:.0f} s"
    return Outcome(replace(results, quality=quality.numbers()).as_results(), warnings, message)


SAS_PRODUCTS = {"gti": ".fits", "lightcurve": ".fits", "cornerlightcurve": ".fits", "hist": ".qdp"}
"""What of espfilt's files is kept: what the native filters make too."""
FLARE_FREE_LISTS = ("allgoodevents", "allgoodootevents")
"""The lists of espfilt that are kept on request."""

SAS_19_BAND = (2.5, 8.5)
"""keV (espfilt of SAS 19)."""
NOT_OF_SAS_19 = ("filter_lo_en", "filter_hi_en", "range_scale", "allowed_sigma", "gauss_fit_lims")
"""Options that espfilt of SAS 19 and before lacks."""


def sas_results(events: Path, gti: Path, log: Mapping[str, Any], options: SasEspfiltOptions) -> EpicFlareResults:
    """Return the results of SAS's espfilt, without those that only its QDP file holds."""
    import numpy as np

    from daxa_wf.events.gti import intersection, total, union
    from daxa_wf.events.gti_files import read_gti
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    exposure = EpicEventList.open(events)
    good = union(*exposure.gtis.values(), *([] if exposure.gtis else [np.array([exposure.time_range])]))
    kept = intersection(read_gti(gti), good)
    return EpicFlareResults(
        options.method, total(kept), total(good) - total(kept), limits=None, judged="", judged_bin=options.binning or 1.0,
        gti=edges_of(kept), log=dict(log),
    )  # fmt: skip


def edges_of(intervals: Intervals) -> tuple[Range, ...]:
    """Return intervals, of shape (intervals, 2), as pairs of numbers."""
    return tuple((start, stop) for start, stop in intervals.tolist())


def with_fit_in_qdp(results: EpicFlareResults, path: Path, dialect: str) -> EpicFlareResults:
    """Return the results with the accepted rates and the fit in espfilt's QDP file; unchanged if it has no histogram.

    Until SAS 19 the width is sqrt(2) times the standard deviation (measured on genuine products of both generations).
    """
    from daxa_wf.observatories.xmm.native.qdp import read_histogram

    histogram = read_histogram(path)
    if histogram is None:
        return results
    divisor = 1.0 if dialect == "19" else 2.0
    fit = {"norm": histogram.norm, "centre": histogram.centre, "width": histogram.width, "divisor": divisor}
    return replace(results, limits=histogram.limits, fit=fit)


def sas_quality(events: Path, results: EpicFlareResults, hist: Path | None, window: float) -> Quality:
    """Return the quality of espfilt's cleaning, from its results, its QDP file and the list that it cleaned."""
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
    of_fit, drawn = None, read_histogram(hist) if hist is not None else None
    if drawn is not None and results.fit is not None:
        fit = Fit(**results.fit)
        of_fit = fit_quality(drawn.rates, drawn.samples, drawn.model, fit.centre, fit.sigma, drawn.limits, window)
    kept, lost = results.kept_seconds, results.lost_seconds
    in_out = hard.ratio(np.array(results.gti).reshape(-1, 2))
    return Quality(lost / (kept + lost), of_fit, in_out, hard.problem)


def _smoothing_window(options: SasEspfiltOptions, dialect: str) -> float:
    """Return the seconds over which a sample of espfilt's histogram is averaged; until SAS 19 they were fixed."""
    from daxa_wf.observatories.xmm.native.esas19 import WINDOW

    return WINDOW if dialect == "19" else options.smoothing or 1.0


def _results(method: str, result: EspfiltResult) -> EpicFlareResults:
    """Return the results of a native flare filter."""
    flares, fit = result.flares, result.flares.fit
    return EpicFlareResults(
        method, result.kept, result.removed, flares.limits, flares.quantity.axis, flares.curve.bin_size,
        gti=edges_of(result.gti),
        fit=None if fit is None else {name: getattr(fit, name) for name in ("norm", "centre", "width", "divisor")},
        quality=result.quality.numbers(),
    )  # fmt: skip
