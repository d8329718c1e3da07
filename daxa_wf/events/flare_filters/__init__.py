"""Flare filters, one function each behind one interface, chosen by name."""

from daxa_wf.events.flare_filters import esas19, esas20, ratio, sn_optimal, threshold
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

FLARE_FILTERS = {module.FILTER.name: module.FILTER for module in (esas20, esas19, threshold, sn_optimal, ratio)}

__all__ = [
    "CORNER",
    "FLARE_FILTERS",
    "FOV",
    "Fit",
    "FlareFilter",
    "FlareInputs",
    "FlareParameters",
    "FlareResult",
    "Histogram",
    "Quantity",
]
