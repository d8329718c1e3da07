"""Methods that find flared bins: that of flaregti, a fixed limit, or 3 sigma above the flare-free rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.events.sky_grid import SkyGrid, divided
from daxa_wf.observatories.erosita.native.flare_curve import FlareCurve
from daxa_wf.observatories.erosita.native.flare_parameters import FlaregtiParameters
from daxa_wf.observatories.erosita.native.likelihood import tail_likelihood
from daxa_wf.observatories.erosita.native.rate_threshold import clipped_cuts, optimal_threshold
from daxa_wf.observatories.erosita.native.sky_pixels import PIXEL_ARCSEC

ARCMIN = 60 / PIXEL_ARCSEC
"""Sky pixels in an arcminute."""


@dataclass(frozen=True)
class ThresholdMethod:
    """A method: `cuts` maps curve and parameters to the cut of each bin, for all modules at once or `each_module`."""

    cuts: Callable[[FlareCurve, FlaregtiParameters], NDArray[np.float64]]
    each_module: bool
    description: str


def dynamic_cuts(curve: FlareCurve, p: FlaregtiParameters) -> NDArray[np.float64]:
    """Return the cuts of flaregti: one `threshold`, or for each bin that of the region nearest to its pointing; (bins,).

    A region's threshold is the optimal one of the bins that point to within `fov_radius` of its centre. Without such bins,
    the bins nearest to the region determine it.
    """
    if p.threshold >= 0:
        return np.full(len(curve.counts), p.threshold)
    nearest = nearest_region(region_grid(p), curve.x, curve.y)
    cuts = np.full(len(curve.counts), np.nan)
    for region in np.unique(nearest[curve.judged]):
        cuts[nearest == region] = region_threshold(curve, p, int(region), nearest)
    return cuts


def region_grid(p: FlaregtiParameters) -> SkyGrid:
    """Return the `gridsize` by `gridsize` regions of the rectangle."""
    return divided(p.xmin, p.xmax, p.ymin, p.ymax, p.gridsize)


def nearest_region(grid: SkyGrid, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the flat index of the region whose centre is nearest to each position, also from outside; shape of `x`."""
    column = np.clip(np.floor((x - grid.xmin) / grid.xbin), 0, grid.nx - 1)
    row = np.clip(np.floor((y - grid.ymin) / grid.ybin), 0, grid.ny - 1)
    return (row * grid.nx + column).astype(np.int64)


def region_threshold(curve: FlareCurve, p: FlaregtiParameters, region: int, nearest: NDArray[np.int64]) -> float:
    """Return the optimal threshold of a region, counts/s/deg^2."""
    grid = region_grid(p)
    centres_x, centres_y = grid.centres()
    distance = np.hypot(curve.x - centres_x[region % grid.nx], curve.y - centres_y[region // grid.nx])
    chosen = curve.judged & (distance <= p.fov_radius * ARCMIN)
    if not chosen.any():
        chosen = curve.judged & (nearest == region)
    source_area = np.pi * (p.source_size / 2 / 3600) ** 2
    counts, seconds, area = curve.counts[chosen], curve.seconds[chosen], curve.area[chosen]
    return optimal_threshold(counts, seconds, area, source_area, p.source_like)[0]


def fixed_cuts(curve: FlareCurve, p: FlaregtiParameters) -> NDArray[np.float64]:
    """Return the threshold of a telescope module, or the common one; shape (bins,)."""
    (module,) = curve.modules
    limit = p.thresholds.get(module, p.threshold)
    if limit < 0:
        raise ConfigError(f"flaregti: thresholds has none for TM{module}; give it, or one threshold for all")
    return np.full(len(curve.counts), limit)


def gaussian_cuts(curve: FlareCurve, p: FlaregtiParameters) -> NDArray[np.float64]:
    """Return `sigma` standard deviations above the flare-free rate of a telescope module; shape (bins,)."""
    cuts, judged = np.full(len(curve.counts), np.nan), curve.judged
    cuts[judged] = clipped_cuts(curve.counts[judged], curve.exposure[judged], p.sigma)
    return cuts


def without_edges(curve: FlareCurve, quiet: NDArray[np.bool_], likelihood: float) -> NDArray[np.bool_]:
    """Return `quiet` without the edges of flares: bins beside them that exceed the mean rate with a likelihood; (bins,).

    A flare fills such bins in part only. The likelihood is -ln P(N >= counts).
    """
    follows = np.diff(curve.bins.numbers) == 1
    beside = np.zeros(len(quiet), bool)
    beside[1:] |= ~quiet[:-1] & follows
    beside[:-1] |= ~quiet[1:] & follows
    usual = quiet & curve.judged & ~beside
    if not usual.any():
        return quiet
    expected = curve.counts[usual].sum() / curve.exposure[usual].sum() * curve.exposure
    edge = beside & curve.judged & (curve.counts > expected)
    edge[edge] = tail_likelihood(curve.counts[edge], expected[edge]) >= likelihood
    return quiet & ~edge


METHODS = {
    "flaregti": ThresholdMethod(
        dynamic_cuts, False, "the cut that is best for detecting faint sources, as eSASS flaregti"
    ),
    "threshold": ThresholdMethod(fixed_cuts, True, "a fixed limit for each telescope module, 6-10 keV"),
    "gaussian": ThresholdMethod(gaussian_cuts, True, "3 sigma above the quiet rate of each telescope module, 5-10 keV"),
}
"""Methods by name, those of METHOD_BANDS."""
