"""Methods that find flared bins: that of flaregti, a fixed limit, or a limit above the flare-free rate."""

from __future__ import annotations

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.events.sky_grid import SkyGrid, divided
from daxa_wf.observatories.erosita.flare_options import (
    AnyFlareOptions,
    FixedLimits,
    FlaregtiOptions,
    FlareOptions,
    GaussianLimits,
)
from daxa_wf.observatories.erosita.native.flare_curve import FlareCurve
from daxa_wf.observatories.erosita.native.likelihood import tail_likelihood
from daxa_wf.observatories.erosita.native.rate_threshold import clipped_cuts, optimal_threshold
from daxa_wf.observatories.erosita.native.sky_pixels import PIXEL_ARCSEC

ARCMIN = 60 / PIXEL_ARCSEC
"""Sky pixels in an arcminute."""


def cuts(curve: FlareCurve, options: AnyFlareOptions) -> NDArray[np.float64]:
    """Return the cut of each bin in counts/s/deg^2 by the chosen flare filter; shape (bins,).

    ConfigError if a module has no fixed limit, UnfitDataError `noCounts` if no bin of a Gaussian has counts.
    """
    match options:
        case FlaregtiOptions():
            return best_cuts(curve, options)
        case FixedLimits():
            return fixed_cuts(curve, options)
        case GaussianLimits():
            return gaussian_cuts(curve, options)
        case _:
            assert_never(options)


def best_cuts(curve: FlareCurve, p: FlaregtiOptions) -> NDArray[np.float64]:
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


def region_grid(p: FlareOptions) -> SkyGrid:
    """Return the `gridsize` by `gridsize` regions of the rectangle."""
    return divided(p.xmin, p.xmax, p.ymin, p.ymax, p.gridsize)


def nearest_region(grid: SkyGrid, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the flat index of the region whose centre is nearest to each position, also from outside; shape of `x`."""
    column = np.clip(np.floor((x - grid.xmin) / grid.xbin), 0, grid.nx - 1)
    row = np.clip(np.floor((y - grid.ymin) / grid.ybin), 0, grid.ny - 1)
    return (row * grid.nx + column).astype(np.int64)


def region_threshold(curve: FlareCurve, p: FlaregtiOptions, region: int, nearest: NDArray[np.int64]) -> float:
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


def fixed_cuts(curve: FlareCurve, p: FixedLimits) -> NDArray[np.float64]:
    """Return the limit of the curve's telescope module for each bin; shape (bins,). ConfigError if it has none."""
    (module,) = curve.modules
    limit = p.limit(f"TM{module}")
    if limit < 0:
        raise ConfigError(f"flaregti: thresholds has none for TM{module}; give it, or one threshold for all")
    return np.full(len(curve.counts), limit)


def gaussian_cuts(curve: FlareCurve, p: GaussianLimits) -> NDArray[np.float64]:
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
