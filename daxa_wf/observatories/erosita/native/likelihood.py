"""The two likelihoods of flaregti, which its manual names without a formula; docs/flaregti.md gives the reasons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALLEST = 1e-290
"""Probabilities below this are not known well as floats."""
NEWTON_STEPS = 60
SETTLED = 1e-12


def tail_likelihood(counts: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """Return -ln P(N >= counts) for a Poisson variable of mean `expected`; any shapes that broadcast.

    It is 0 for no counts, and infinite for counts where the mean is 0.
    Source: eSASS erbox and ermldet ('likelihood L = -ln P'); P is the regularised incomplete gamma function
    (Abramowitz & Stegun 6.5.13, 26.4.21).
    """
    from scipy.special import gammainc

    number, mean = np.broadcast_arrays(np.asarray(counts, float), np.asarray(expected, float))
    probability = np.where(number > 0, gammainc(np.maximum(number, 1), mean), 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(probability > SMALLEST, -np.log(probability), _first_term(number, mean)))


def _first_term(number: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return -ln of the tail by its first term and the geometric series that bounds the others, where P is too small."""
    from scipy.special import gammaln

    with np.errstate(invalid="ignore", divide="ignore"):
        following = -np.log1p(-np.minimum(mean / (number + 1), 0.999))
        return np.asarray(mean - number * np.log(mean) + gammaln(number + 1) - following)


def detectable_counts(background: ArrayLike, likelihood: float) -> NDArray[np.float64]:
    """Return the counts that a source needs over a known `background` (counts > 0) for a likelihood; shape of `background`.

    The S of (S + B) ln(1 + S / B) - S = L: half the change of the Cash statistic between S and no source, for S + B
    counts (Cash 1979, ApJ 228, 939; Li & Ma 1983, ApJ 272, 317, for a known background). For large B it is sqrt(2 L B).
    Newton's method, from above: the left side is at least (S / B)^2 / (2 + 2 S / 3 B) times B (Bernstein's inequality).
    """
    mean = np.asarray(background, float)
    target = likelihood / mean
    ratio = target / 3 + np.sqrt(target**2 / 9 + 2 * target)
    for _ in range(NEWTON_STEPS):
        step = ((1 + ratio) * np.log1p(ratio) - ratio - target) / np.log1p(ratio)
        ratio = ratio - step
        if np.all(np.abs(step) <= SETTLED * ratio):
            break
    return np.asarray(ratio * mean)


def tolerable_rate(background: ArrayLike, area_time: ArrayLike, likelihood: float) -> NDArray[np.float64]:
    """Return the background rate at which a little more time leaves the faintest detectable source unchanged.

    `background` in counts/s/deg^2 of the present time, `area_time` the source's deg^2 times these seconds; result in
    counts/s/deg^2, at least twice the background. Where d ln(S / T) = 0 for S of `detectable_counts`, whose derivative
    by B is (u - ln(1 + u)) / ln(1 + u) with u = S / B.
    """
    rate = np.asarray(background, float)
    mean = rate * np.asarray(area_time, float)
    ratio = detectable_counts(mean, likelihood) / mean
    return np.asarray(rate * ratio * np.log1p(ratio) / (ratio - np.log1p(ratio)))
