"""Flare filters: methods to find the times of a light curve without flares. Missions choose the curves and parameters."""

from daxa_wf.events.flare_filters.common import (
    CORNER,
    FOV,
    Fit,
    FlareFilter,
    FlareInputs,
    FlareParameters,
    FlareResult,
    Histogram,
    Quantity,
)

__all__ = [
    "CORNER",
    "FOV",
    "Fit",
    "FlareFilter",
    "FlareInputs",
    "FlareParameters",
    "FlareResult",
    "Histogram",
    "Quantity",
]
