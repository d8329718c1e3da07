"""Fits a Gaussian to a part of a rate histogram, as clean_lc does: downhill simplex from the histogram's peak."""

from __future__ import annotations

import numpy as np

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.flare_filters.common import Fit, Histogram

FEWEST_BINS = 4
"""One more than the fit has parameters."""


def fit_gaussian(histogram: Histogram, start: Fit) -> Fit:
    """The Gaussian of least chi-square (variance = samples) over the histogram's fitted bins.

    UnfitDataError `gaussian` if too few bins hold samples, or if the fit leaves the range that it was made in.
    Source: SAS espfilt, 'Algorithm' (downhill simplex); the objective reproduces a genuine SAS 19 fit to 0.5 per cent.
    """
    from scipy.optimize import minimize

    rates, samples = histogram.rates[histogram.fitted], histogram.samples[histogram.fitted]
    if np.count_nonzero(samples) < FEWEST_BINS:
        raise UnfitDataError("gaussian", f"only {np.count_nonzero(samples)} bins of the histogram hold samples to fit")
    variance = np.maximum(samples, 1.0)

    def chi_square(parameters: np.ndarray) -> float:
        norm, centre, width = parameters
        fit = Fit(norm, centre, width, start.divisor)
        return float(np.sum((samples - fit.model(rates)) ** 2 / variance)) if fit.width > 0 else np.inf

    found = minimize(
        chi_square, [start.norm, start.centre, start.width], method="Nelder-Mead", options={"maxiter": 2000}
    )
    fit = Fit(float(found.x[0]), float(found.x[1]), float(found.x[2]), start.divisor)
    if not (fit.norm > 0 and rates[0] <= fit.centre <= rates[-1]):
        raise UnfitDataError(
            "gaussian",
            f"the fit to the histogram failed: centre {fit.centre:.3f} count/s is outside "
            f"the fitted range of {rates[0]:.3f} to {rates[-1]:.3f}",
        )
    return fit
