"""The histogram method of ESAS in SAS 19, which a genuine run let reproduce exactly.

Moving mean over 61 s with its window cut off at both ends, histogram bins of 0.02 count/s from 0 smoothed over 5 bins,
Gaussian N exp(-((x - c) / w)^2) between half and one and a half times the peak, limits c + half a bin +- 1.5 w, bins of
60 s from the start of the exposure. The time constants are those of that run; `smooth` and `allowsigma` do not matter.
That run had no gaps. Samples within gaps are left out of the histogram here, or their zeros would be its peak.
It is kept beside the cameras it was measured with, because none of its constants can be chosen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.flare_filters.common import (
    FOV,
    RATE_OF_BIN,
    Fit,
    FlareInputs,
    FlareParameters,
    FlareResult,
    Histogram,
    poisson_error,
)
from daxa_wf.events.flare_filters.gaussian import fit_gaussian
from daxa_wf.events.gti import from_good_bins

WINDOW = 61
RATE_BIN = 0.02
RATE_BINS = 10_000
HISTOGRAM_SMOOTHING = 5
ACCEPTED_WIDTHS = 1.5
DEFAULT_BINSIZE = 60


def esas19(inputs: FlareInputs, parameters: FlareParameters) -> FlareResult:
    """Accept the times whose 60-s rate is within 1.5 widths of the Gaussian fitted to the rate histogram.

    Raise UnfitDataError `noCounts` if the curve is empty, `gaussian` if the histogram cannot be fitted.
    """
    curve = inputs.curves[FOV]
    if not curve.counts.any():
        raise UnfitDataError("noCounts", "All histo counts are zero! The light curve of the field of view is empty")
    histogram = rate_histogram(cut_moving_mean(curve.rate)[curve.exposed(inputs.good) > 0])
    peak = int(np.argmax(histogram.samples))
    histogram = replace(histogram, fitted=slice(peak - peak // 2, peak + peak // 2 + 1))
    centre = float(histogram.rates[peak])
    fit = fit_gaussian(histogram, Fit(float(histogram.samples[peak]), centre, centre / 4, divisor=1.0))
    middle = fit.centre + RATE_BIN / 2
    low, high = middle - ACCEPTED_WIDTHS * fit.width, middle + ACCEPTED_WIDTHS * fit.width
    binned = curve.rebinned(round(parameters.binsize or DEFAULT_BINSIZE))
    lengths = np.minimum(binned.edges[1:], inputs.stop) - binned.edges[:-1]
    rate = np.divide(binned.counts, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
    accepted = (rate >= low) & (rate <= high)
    gti, error = from_good_bins(binned.edges, accepted), poisson_error(rate, binned.counts)
    return FlareResult(gti, binned, RATE_OF_BIN, rate, error, accepted, (low, high), fit, histogram)


def cut_moving_mean(rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of the 61 samples around each one, of fewer near both ends; shape (bins,) in and out."""
    half = WINDOW // 2
    index = np.arange(len(rate))
    first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, len(rate))
    sums = np.concatenate([[0.0], np.cumsum(rate)])
    return (sums[last] - sums[first]) / (last - first)


def rate_histogram(smoothed: NDArray[np.float64]) -> Histogram:
    """Return the histogram in bins of 0.02 count/s, itself smoothed over 5 bins; rates are those of the bins' centres."""
    index = np.floor(smoothed / RATE_BIN + 1e-9).astype(int)
    counted = np.bincount(index[index < RATE_BINS], minlength=RATE_BINS).astype(float)
    samples = np.convolve(counted, np.ones(HISTOGRAM_SMOOTHING) / HISTOGRAM_SMOOTHING, mode="same")
    rates = ((np.arange(RATE_BINS) + 0.5) * RATE_BIN).astype(np.float64)
    return Histogram(rates, samples.astype(np.float64), slice(0, RATE_BINS), WINDOW)
