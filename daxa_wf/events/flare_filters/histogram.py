"""A Gaussian fitted to the peak of the rate histogram: the method of espfilt 4.3 (SAS 20 and later).

The log of a genuine run determines the arithmetic. Histogram bins are 1/smooth count/s wide from the lower limit on. The
samples are the moving mean of the 1-s curve where its window is wholly observed. A Gaussian is fitted around the peak, and
twice again around its own centre. The log leaves open, and it is chosen here, that samples count in the nearest bin, that
the accepted times are those of the binned curve (of the smoothed one without binning), that rates are per second of observed
time, and that short intervals are kept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.findings import Finding
from daxa_wf.events.flare_filters.common import (
    FOV,
    RATE_OBSERVED,
    RATE_SMOOTHED,
    Fit,
    FlareInputs,
    FlareParameters,
    FlareResult,
    Histogram,
    Quantity,
    poisson_error,
)
from daxa_wf.events.flare_filters.gaussian import fit_gaussian
from daxa_wf.events.gti import from_good_bins
from daxa_wf.events.light_curve import LightCurve

START_WIDTH = 0.1
"""Width in count/s from which the first fit starts (espfilt 4.3 log, 'pre-amoeba parms')."""
PASSES = 3
SAME = 1e-3
"""Fits that differ by less than this fraction of their width are the same."""


def histogram_peak(inputs: FlareInputs, parameters: FlareParameters) -> FlareResult:
    """Accept the times whose rate is within `allowsigma` of the centre of the Gaussian fitted to the rate histogram.

    Raise UnfitDataError `noCounts` if no sample lies within `limits`, `gaussian` if the histogram cannot be fitted.
    """
    curve = inputs.curves[FOV]
    window = round(parameters.smooth) if parameters.smooth else 1
    smoothed = smoothed_rate(curve, window, curve.exposed(inputs.good) > 1 - 1e-9)
    histogram = rate_histogram(smoothed, window, parameters.limits)
    fit, histogram, findings = fit_peak(histogram, parameters.rangescale)
    low, high = fit.centre - parameters.allowsigma * fit.width, fit.centre + parameters.allowsigma * fit.width
    curve, quantity, rate, error = judged_rate(inputs, parameters, smoothed, window)
    accepted = (rate >= low) & (rate <= high)
    gti = from_good_bins(curve.edges, accepted)
    return FlareResult(gti, curve, quantity, rate, error, accepted, (low, high), fit, histogram, findings)


def smoothed_rate(curve: LightCurve, window: int, observed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the moving mean of a 1-s curve; 0 where the window is not wholly observed or sticks out at an end.

    `window` in samples, odd ones are centred; shape (bins,) in and out. The zeros are espfilt's ('min LC value').
    """
    size, half = len(curve.counts), window // 2
    if size < window:
        raise UnfitDataError("noCounts", f"the exposure of {size} s is shorter than the smoothing window of {window} s")
    sums = np.concatenate([[0.0], np.cumsum(curve.rate)])
    seen = np.concatenate([[0], np.cumsum(observed)])
    means = np.zeros(size)
    whole = seen[window:] - seen[:-window] == window
    means[half : half + size - window + 1] = np.where(whole, (sums[window:] - sums[:-window]) / window, 0.0)
    return means


def rate_histogram(smoothed: NDArray[np.float64], window: int, limits: tuple[float, float]) -> Histogram:
    """Return the histogram of the samples within `limits`: bin i is at limits[0] + i / window count/s.

    Raise UnfitDataError `noCounts` if no sample lies within them.
    """
    low, high = limits
    samples = smoothed[(smoothed >= low) & (smoothed <= high)]
    if len(samples) == 0:
        top = float(smoothed.max())
        raise UnfitDataError(
            "noCounts",
            f"All histo counts are zero! No sample of the light curve lies within {low} and {high} count/s; "
            f"the highest is {top:.3f} count/s",
        )
    bins = int(2 * high * window) - int(low * window)
    index = np.floor((samples - low) * window + 0.5).astype(int)
    counted = np.bincount(np.minimum(index, bins - 1), minlength=bins)
    return Histogram(low + np.arange(bins) / window, counted.astype(float), slice(0, bins), window)


def fit_range(peak: int, rangescale: float, bins: int) -> slice:
    """Return the bins that are fitted: from peak - (scale - 1) to peak + scale + 1, as the log prints for scale 6."""
    scale = round(rangescale)
    return slice(max(0, peak - scale + 1), min(bins, peak + scale + 2))


def fit_peak(histogram: Histogram, rangescale: float) -> tuple[Fit, Histogram, tuple[Finding, ...]]:
    """Fit around the peak, then around the fitted centre; return the last fit, its histogram with the range, findings."""
    bins, step = len(histogram.rates), histogram.rates[1] - histogram.rates[0]
    fit, histogram = _fit_around(int(np.argmax(histogram.samples)), histogram, rangescale)
    for _ in range(PASSES - 1):
        previous = fit
        peak = int(np.clip((fit.centre - histogram.rates[0]) / step, 0, bins - 1))
        fit, histogram = _fit_around(peak, histogram, rangescale)
        if abs(fit.centre - previous.centre) < SAME * fit.width:
            return fit, histogram, ()
    return fit, histogram, (Finding("notSettled", f"the fit still moved after {PASSES} passes"),)


def _fit_around(peak: int, histogram: Histogram, rangescale: float) -> tuple[Fit, Histogram]:
    histogram = replace(histogram, fitted=fit_range(peak, rangescale, len(histogram.rates)))
    start = Fit(float(histogram.samples[peak]), float(histogram.rates[peak]), START_WIDTH)
    return fit_gaussian(histogram, start), histogram


def judged_rate(
    inputs: FlareInputs, parameters: FlareParameters, smoothed: NDArray[np.float64], window: int
) -> tuple[LightCurve, Quantity, NDArray[Any], NDArray[Any]]:
    """Return the curve whose bins are accepted or not, its rate and the rate's error; without binning those of `smoothed`."""
    curve = inputs.curves[FOV]
    if parameters.binsize is None:
        return curve, RATE_SMOOTHED, smoothed, np.sqrt(smoothed / window)
    binned = curve.rebinned(round(parameters.binsize))
    observed = binned.exposed(inputs.good)
    rate = np.divide(binned.counts, observed, out=np.full(len(observed), np.nan), where=observed > 0)
    return binned, RATE_OBSERVED, rate, poisson_error(rate, binned.counts)
