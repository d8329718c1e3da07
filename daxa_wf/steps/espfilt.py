"""espfilt: the good time intervals of an exposure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.archive.raw_files import CARRIED_FILES, RAW_FILES, require_unchanged
from daxa_wf.errors import UnfitDataError
from daxa_wf.steps.calibrated import calibrated_list
from daxa_wf.steps.inventory import usable
from daxa_wf.steps.runner import Inputs, Outcome, Workspace

DEFAULT_SMOOTHING = 51.0
DEFAULT_BINNING = 60.0


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Filter flares with the method and by the engine that the options name; GTI, light curves and QDP file."""
    inventory = inputs.record("inventory").results
    entry = usable(inventory["exposures"], unit)
    events, stamps = calibrated_list(inputs, workspace), []
    if events is None:
        events = inputs.path("events", entry["events"])
        stamps = [each for each in inventory.get(RAW_FILES, []) if each["path"] == entry["events"]]
        require_unchanged(events, stamps, entry["events"])
    if options["engine"] == "sas":
        outcome = _with_sas(unit, inputs, options, workspace, events)
    else:
        outcome = _natively(unit, options, workspace, events)
    outcome.results[CARRIED_FILES] = stamps
    return outcome


def _natively(unit: Unit, options: Mapping[str, Any], workspace: Workspace, path: Path) -> Outcome:
    from daxa_wf.events.espfilt import espfilt
    from daxa_wf.events.event_list import EventList
    from daxa_wf.events.flare_filters import CORNER, FOV
    from daxa_wf.events.gti_files import write_gti
    from daxa_wf.events.light_curve import rate_table, write_light_curve
    from daxa_wf.events.qdp import write_qdp

    events = EventList.open(path)
    method, parameters = options["method"], flare_parameters(options, unit.instrument)
    result = espfilt(events, method, parameters)
    history = f"espfilt: {method} {parameters}"
    write_gti(workspace.stage("gti"), result.gti, history)
    for name, kind in ((FOV, "lightcurve"), (CORNER, "cornerlightcurve")):
        if name in result.curves:
            table = rate_table(result.curves[name], events.time_range[1], result.good)
            write_light_curve(workspace.stage(kind), table, [history])
    write_qdp(workspace.stage("hist", suffix=".qdp"), result, f"{unit.identifier} {method}")
    low, high = result.flares.limits
    message = f"kept {result.kept:.0f} s, cut {result.lost:.0f} s (rates {low:.3f} to {high:.3f} count/s)"
    return Outcome(_numbers(method, result), [*result.warnings, *result.flares.warnings], message)


def _with_sas(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace, events: Path) -> Outcome:
    """The generation of the method is that of the installed release. UnfitDataError `noGoodTime` if nothing is left."""
    from daxa_wf.steps.sas_tools import SasTools
    from daxa_wf.steps.toolkit import reading_products
    from daxa_wf.tools.messages import espfilt_log
    from daxa_wf.tools.versions import espfilt_dialect
    from daxa_wf.tools.xmm_list_commands import espfilt

    tools = SasTools(workspace)
    oot = calibrated_list(inputs, workspace, "ootevents")
    products = tools.run(espfilt(unit, events, tools.summary_only(inputs), options, tools.version, oot))
    log = espfilt_log(tools.said())
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
        said = fit_in_qdp(products["hist"], dialect)
        numbers |= said
        if not said:
            text = f"{products['hist'].name} has no histogram that can be read, so there is no plot of it"
            warnings.append({"task": "daxa_wf", "name": "unreadableHistogram", "text": text})
    for kind, suffix in SAS_PRODUCTS.items():
        if kind in products:
            tools.take(kind, products[kind], suffix=suffix)
    return Outcome(numbers, warnings, f"kept {numbers['kept_seconds']:.0f} s, cut {numbers['lost_seconds']:.0f} s")


SAS_PRODUCTS = {"gti": ".fits", "lightcurve": ".fits", "cornerlightcurve": ".fits", "hist": ".qdp"}
"""What of espfilt's files is kept: what the native filters make too."""

NOT_OF_SAS_19 = ("filter_lo_en", "filter_hi_en", "range_scale", "allowed_sigma", "gauss_fit_lims")
"""Options that espfilt of SAS 19 and before does not have."""


def sas_numbers(events: Path, gti: Path, log: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """What espfilt found, by the names of the native numbers; those that it did not tell are None."""
    import numpy as np

    from daxa_wf.events.event_list import EventList
    from daxa_wf.events.gti import intersection, total, union
    from daxa_wf.events.gti_files import read_gti

    exposure = EventList.open(events)
    good = union(*exposure.gtis.values(), *([] if exposure.gtis else [np.array([exposure.time_range])]))
    kept = intersection(read_gti(gti), good)
    return {
        "method": options["method"], "kept_seconds": total(kept), "lost_seconds": total(good) - total(kept), "limits": None,
        "judged_bin": _seconds(options["with_binning"], DEFAULT_BINNING) or 1.0, "fit": None, "gti": kept.tolist(),
        "log": dict(log),
    }  # fmt: skip


def fit_in_qdp(path: Path, dialect: str) -> dict[str, Any]:
    """The accepted rates and the fit, by the names of the native numbers, as espfilt's QDP file has them; {} if it does not.

    Until SAS 19 the width is sqrt(2) times the standard deviation; measured on genuine products of either generation.
    """
    from daxa_wf.events.qdp import read_histogram

    found = read_histogram(path)
    if found is None:
        return {}
    divisor = 1.0 if dialect == "19" else 2.0
    fit = {"norm": found.norm, "centre": found.centre, "width": found.width, "divisor": divisor}
    return {"limits": list(found.limits), "fit": fit}


def flare_parameters(options: Mapping[str, Any], instrument: str) -> Any:
    """The filters' own parameters from the configuration's section: keV to eV, the instrument's own values."""
    from daxa_wf.events.flare_filters import FlareParameters

    return FlareParameters(
        smooth=_seconds(options["with_smoothing"], DEFAULT_SMOOTHING),
        binsize=_seconds(options["with_binning"], DEFAULT_BINNING),
        ratio=options["ratio"],
        elow=round(options["filter_lo_en"] * 1000),
        ehigh=round(options["filter_hi_en"] * 1000),
        rangescale=options["range_scale"]["pn" if instrument == "PN" else "mos"],
        allowsigma=options["allowed_sigma"],
        limits=tuple(options["gauss_fit_lims"]),
        threshold=(options["threshold"] or {}).get(instrument),
    )


def _seconds(value: bool | float, default: float) -> float | None:
    if isinstance(value, bool):
        return default if value else None
    return value


def _numbers(method: str, result: Any) -> dict[str, Any]:
    flares, fit = result.flares, result.flares.fit
    return {
        "method": method,
        "kept_seconds": result.kept,
        "lost_seconds": result.lost,
        "limits": list(flares.limits),
        "judged_bin": flares.curve.bin_size,
        "fit": None
        if fit is None
        else {"norm": fit.norm, "centre": fit.centre, "width": fit.width, "divisor": fit.divisor},
        "gti": result.gti.tolist(),
    }
