"""The rate cut that makes a faint source's signal-to-noise ratio largest, as bkgoptrate of the XMM-Newton pipeline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.flare_filters.common import (
    FOV,
    RATE_OBSERVED,
    FlareInputs,
    FlareParameters,
    FlareResult,
    poisson_error,
)
from daxa_wf.events.flare_parameters import DEFAULT_BINSIZE
from daxa_wf.events.gti import from_good_bins


def sn_optimal(inputs: FlareInputs, parameters: FlareParameters) -> FlareResult:
    """Accept the times at or below the rate T at which exposure / sqrt(counts) of the bins up to T is largest.

    Raise UnfitDataError `noCounts` if the curve is empty.
    """
    curve = inputs.curves[FOV].rebinned(round(parameters.binsize or DEFAULT_BINSIZE))
    observed = curve.exposed(inputs.good)
    rate = np.divide(curve.counts, observed, out=np.full(len(observed), np.nan), where=observed > 0)
    cut = optimal_cut(rate[observed > 0], observed[observed > 0], curve.counts[observed > 0])
    accepted = rate <= cut
    gti, error = from_good_bins(curve.edges, accepted), poisson_error(rate, curve.counts)
    return FlareResult(gti, curve, RATE_OBSERVED, rate, error, accepted, (0.0, cut))


def optimal_cut(rate: NDArray[np.float64], exposure: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Return the rate that maximises sum(exposure) / sqrt(sum(counts)) of the bins at or below it; shapes (bins,).

    Source: SAS bkgoptrate, 'Description': S/N of a constant faint source over the background.
    """
    if not counts.any():
        raise UnfitDataError("noCounts", "All counts are zero! The light curve of the field of view is empty")
    order = np.argsort(rate, kind="stable")
    summed = np.cumsum(counts[order])
    with np.errstate(divide="ignore"):
        signal_to_noise = np.where(summed > 0, np.cumsum(exposure[order]) / np.sqrt(summed), 0.0)
    return float(rate[order][np.argmax(signal_to_noise)])
