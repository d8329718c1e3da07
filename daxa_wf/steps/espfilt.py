"""espfilt: the good time intervals of an exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.steps.inventory import usable
from daxa_wf.steps.runner import Inputs, Outcome, Workspace

DEFAULT_SMOOTHING = 51.0
DEFAULT_BINNING = 60.0


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Filter flares with the method that the options name; write GTI, light curves and QDP file."""
    entry = usable(inputs.record("inventory").results["exposures"], unit)
    from daxa_wf.events.espfilt import espfilt
    from daxa_wf.events.event_list import EventList
    from daxa_wf.events.flare_filters import CORNER, FOV
    from daxa_wf.events.gti_files import write_gti
    from daxa_wf.events.light_curve import rate_table, write_light_curve
    from daxa_wf.events.qdp import write_qdp

    events = EventList.open(inputs.path("events", entry["events"]))
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
    return Outcome(_numbers(method, result), result.flares.warnings, message)


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
