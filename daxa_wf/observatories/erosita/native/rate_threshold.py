"""The rate above which a time bin is flared: the detection-optimal one of flaregti, a fixed one, or 3 sigma."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import UnfitDataError
from daxa_wf.observatories.erosita.native.likelihood import detectable_counts, tolerable_rate

CLIPS = 50
ENOUGH = 10.0
"""Counts in the groups of bins that determine the flare-free rate: with fewer, half of the bins may be empty."""
QUARTILE = 0.6745
"""Standard deviations from the lower quartile of a Gaussian to its mean."""
MOSTLY = 0.5
"""Bins with less than this part of the largest exposure (s deg^2) are too noisy to determine the flare-free rate."""


def optimal_threshold(
    counts: NDArray[np.int64],
    seconds: NDArray[np.float64],
    area: NDArray[np.float64],
    source_area: float,
    likelihood: float,
) -> tuple[float, float]:
    """Return the rate cut with which the faintest source can be detected, and that source's count rate (counts/s).

    `counts`, `seconds`, `area` (deg^2) of shape (bins,), all exposed; `source_area` in deg^2. For the bins with the
    lowest rates, up to each rate in turn, the mean background per s and deg^2 gives the counts that a source needs for
    the likelihood. The best cut has the fewest of these counts per second of the time that is left. Of the cuts between the
    highest rate that is kept and the next one, which all keep the same, it is the nearest to the rate at which more
    time would neither help nor harm. One count is added to the background's, so that bins without counts do not
    promise a sky without background. Source: eSASS flaregti, 'Algorithm', step 5.
    """
    rate = counts / (seconds * area)
    order = np.argsort(rate, kind="stable")
    time = np.cumsum(seconds[order])
    background = (np.cumsum(counts[order]) + 1) / np.cumsum((seconds * area)[order])
    flux = detectable_counts(background * source_area * time, likelihood) / time
    last_of_its_rate = np.append(np.diff(rate[order]) > 0, True)
    best = int(np.argmin(np.where(last_of_its_rate, flux, np.inf)))
    following = np.append(rate[order], np.inf)[best + 1]
    tolerable = float(tolerable_rate(background[best], source_area * time[best], likelihood))
    return float(np.clip(tolerable, rate[order][best], np.nextafter(following, 0))), float(flux[best])


def clipped_cuts(counts: NDArray[np.int64], exposure: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return mean plus `sigma` standard deviations of the flare-free rates, for each bin with the noise of its exposure.

    `counts` and `exposure` (s deg^2) of shape (bins,), in order of time; only well exposed bins determine the mean and the
    deviation. The cut is never below the counts that noise alone exceeds as rarely as a Gaussian exceeds `sigma`.
    UnfitDataError `noCounts` if no bin has counts. Source: eROscript's cut at mean + 3 sigma of the positive rates'
    Gaussian, by clipping, not by a fit.
    """
    from scipy.special import ndtr

    well = exposure >= MOSTLY * exposure.max(initial=0)
    if not np.any(counts[well]):
        raise UnfitDataError("noCounts", "All counts are zero: there is no rate to find flares in")
    mean, beyond_counting = quiet_rate(*in_groups(counts[well], exposure[well]), sigma)
    gaussian = mean + sigma * np.sqrt(beyond_counting + mean / exposure)
    return np.maximum(gaussian, poisson_quantile(ndtr(sigma), mean * exposure) / exposure)


def poisson_quantile(probability: float, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fewest counts that a Poisson variable does not exceed with a probability, for means of any shape.

    It is scipy.stats.poisson.ppf, whose import would take a second of CPU in each job.
    """
    from scipy.special import pdtr, pdtrik

    counts = np.where(mean > 0, np.ceil(pdtrik(probability, np.where(mean > 0, mean, 1.0))), 0.0)
    fewer = np.maximum(counts - 1, 0.0)
    return np.where(pdtr(fewer, mean) >= probability, fewer, counts)


def in_groups(
    counts: NDArray[np.int64], exposure: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return counts and exposure of as many neighbouring bins together as have ENOUGH counts on the average; shape (groups,)."""
    length = int(np.clip(np.ceil(ENOUGH * len(counts) / counts.sum()), 1, len(counts)))
    first = np.arange(0, len(counts) - len(counts) % length, length)
    whole = slice(first[-1] + length)
    return np.add.reduceat(counts[whole], first), np.add.reduceat(exposure[whole], first)


def quiet_rate(counts: NDArray[np.int64], exposure: NDArray[np.float64], sigma: float) -> tuple[float, float]:
    """Return the mean of the flare-free rates, and their variance beyond counting noise; inputs of shape (groups,).

    Begins from the lower quartile with the noise of counting (of one count more, as it may be zero), so that flares in up
    to two thirds of the time do not matter, and goes on with the rates up to the limit; the deviation is at least that of
    counting.
    """
    rate, usual = counts / exposure, float(np.median(exposure))
    quartile = float(np.quantile(rate, 0.25))
    mean, spread = quartile + QUARTILE * float(np.sqrt((quartile + 1 / usual) / usual)), 0.0
    for _ in range(CLIPS):
        kept = rate[rate <= mean + sigma * max(spread, float(np.sqrt(mean / usual)))]
        before, mean, spread = (mean, spread), float(kept.mean()), float(kept.std())
        if (mean, spread) == before:
            break
    return mean, max(spread**2 - mean / usual, 0.0)
