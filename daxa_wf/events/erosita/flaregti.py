"""Good time intervals without flares, as eSASS's flaregti finds them; two other methods beside its own.

Source: eSASS flaregti 1.26.2, 'Description', 'Algorithm'; docs/flaregti.md has what was chosen where it says nothing.
The event file is only read: `flare_products` writes the intervals to a new file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, UnfitDataError
from daxa_wf.events.erosita.event_file import ALL_MODULES, ErositaEventFile
from daxa_wf.events.erosita.field_of_view import exposed, nominal_path, path_of
from daxa_wf.events.erosita.flare_curve import (
    BinnedEvents,
    FlareCurve,
    TimeBins,
    Track,
    as_their_neighbours,
    bin_events,
    flare_curve,
    time_bins,
    track,
    without_flares,
)
from daxa_wf.events.erosita.rate_threshold import clipped_cuts, optimal_threshold
from daxa_wf.events.erosita.sky_grid import SkyGrid, covering, divided
from daxa_wf.events.erosita.sky_plane import PIXEL_ARCSEC
from daxa_wf.events.erosita.source_mask import mask_of
from daxa_wf.events.gti import Intervals, total

ARCMIN = 60 / PIXEL_ARCSEC
"""Sky pixels in an arcminute."""

FEW_COUNTS = 10.0
"""Counts in a usual bin below which the optimal cut begins to follow the noise of counting."""


@dataclass(frozen=True)
class FlaregtiParameters:
    """flaregti's parameters, under its names and with its defaults.

    `gtitype`: tables that are the input. Bands in eV (pimin, pimax None: those of the method). `xmin` to `ymax`,
    `binsize` in sky pixels of 0.05 arcsec; `timebin` in s; `source_size` (diameter) in arcsec; `fov_radius` in arcmin;
    `threshold`, `max_threshold` in counts/s/deg^2, below 0 for none. Beyond the manual: `method`, one of METHODS;
    `thresholds` by telescope module, for the method `threshold`; `sigma` for `gaussian`.
    """

    gtitype: str = "GTI"
    pimin: float | None = None
    pimax: float | None = None
    mask_pimin: float = 200.0
    mask_pimax: float = 10_000.0
    xmin: float = -108_000.0
    xmax: float = 108_000.0
    ymin: float = -108_000.0
    ymax: float = 108_000.0
    gridsize: int = 18
    binsize: float = 1200.0
    detml: float = 10.0
    timebin: float = 20.0
    source_size: float = 25.0
    source_like: float = 10.0
    fov_radius: float = 30.0
    threshold: float = -1.0
    max_threshold: float = -1.0
    mask_iter: int = 3
    method: str = "flaregti"
    thresholds: Mapping[int, float] = field(default_factory=dict)
    sigma: float = 3.0

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ConfigError(f"flaregti: {problem}")

    @property
    def band(self) -> tuple[float, float]:
        """Band of the light curve in eV."""
        low, high = METHODS[self.method].band
        return (low if self.pimin is None else self.pimin, high if self.pimax is None else self.pimax)


@dataclass(frozen=True)
class ThresholdMethod:
    """How flares are told: `cuts` (curve, parameters) -> cut of each bin; all modules at once, or each on its own."""

    cuts: Callable[[FlareCurve, FlaregtiParameters], NDArray[np.float64]]
    band: tuple[float, float]
    each_module: bool
    description: str


@dataclass(frozen=True)
class Judged:
    """One light curve and how it was judged: `cut` in counts/s/deg^2 and whether it is `quiet`, shape (bins,) each."""

    curve: FlareCurve
    cut: NDArray[np.float64]
    quiet: NDArray[np.bool_]


@dataclass(frozen=True)
class FlaregtiResult:
    """Good times by telescope module before (`good`) and after (`gti`), and how they were found.

    `mask`: True where no source is, and `counts`, both of the shape of `grid`; `warnings` as records have them.
    """

    parameters: FlaregtiParameters
    good: dict[int, Intervals]
    gti: dict[int, Intervals]
    judged: tuple[Judged, ...]
    grid: SkyGrid
    mask: NDArray[np.bool_]
    counts: NDArray[np.int64]
    warnings: list[dict[str, str]]

    def kept(self, module: int) -> float:
        """Seconds of a telescope module without flares."""
        return total(self.gti[module])

    def lost(self, module: int) -> float:
        """Seconds of a telescope module that were cut."""
        return total(self.good[module]) - self.kept(module)


def flaregti(events: ErositaEventFile, parameters: FlaregtiParameters) -> FlaregtiResult:
    """Find the good times without flares of each telescope module; one pass over the list.

    UnfitDataError `noGoodTime` if there is no good time, or none without flares; `noCounts` if there is no event to
    judge by. ConfigError if a module lacks its fixed threshold.
    """
    p = parameters
    good = {
        module: each for module, each in events.intervals(p.gtitype).items() if module in events.observation.modules
    }
    bins = time_bins(good, p.timebin)
    if len(bins.numbers) == 0:
        raise UnfitDataError("noGoodTime", f"{events.path.name} has no good time in its tables {p.gtitype}n")
    grid = covering(p.xmin, p.xmax, p.ymin, p.ymax, p.binsize)
    paths = [path for module in good if len(good[module]) and (path := path_of(events, module)) is not None]
    warnings = _missing(events, good, bool(paths))
    paths = paths or [nominal_path(events)]
    binned = bin_events(events, good, paths, bins, grid, (p.mask_pimin, p.mask_pimax), p.band)
    if not binned.for_curve.any():
        low, high = p.band
        raise UnfitDataError("noCounts", f"All counts are zero! No event from {low:.0f} to {high:.0f} eV in good time")
    judged, mask, counts = _iterate(binned, good, bins, grid, track(paths, bins), p)
    quiet = {module: each.quiet for each in judged for module in each.curve.modules}
    gti = {module: without_flares(intervals, bins, quiet[module]) for module, intervals in good.items()}
    if not any(len(intervals) for intervals in gti.values()):
        raise UnfitDataError("noGoodTime", "no time has a rate below the threshold: all of it is flared")
    return FlaregtiResult(p, good, gti, judged, grid, mask, counts, [*warnings, *_few_counts(judged, p)])


def _iterate(
    binned: BinnedEvents,
    good: Mapping[int, Intervals],
    bins: TimeBins,
    grid: SkyGrid,
    pointing: Track,
    p: FlaregtiParameters,
) -> tuple[tuple[Judged, ...], NDArray[np.bool_], NDArray[np.int64]]:
    """Mask, light curve and cuts, again with the new good times for the mask."""
    method = METHODS[p.method]
    groups = [(module,) for module in good] if method.each_module else [tuple(good)]
    open_time = np.sum([pointing.seconds(intervals) for intervals in good.values()], axis=0)
    quiet = np.ones(len(bins.numbers), bool)
    for _ in range(max(p.mask_iter, 1)):
        counts = binned.image(grid, quiet)
        seconds = exposed(grid, pointing.x.ravel(), pointing.y.ravel(), (open_time * quiet[:, None]).ravel())
        mask = mask_of(counts, seconds, p.detml)
        curves = [flare_curve(binned, good, group, bins, grid, mask, pointing) for group in groups]
        judged = tuple(_judge(curve, p) for curve in curves)
        quiet = np.any([each.quiet & (each.curve.seconds > 0) for each in judged], axis=0)
    return judged, mask, counts


def _judge(curve: FlareCurve, p: FlaregtiParameters) -> Judged:
    """Bins are quiet up to their cut; those of which no rate can be told are as the nearest of the others."""
    if not curve.judged.any():
        return Judged(curve, np.full(len(curve.counts), np.nan), np.ones(len(curve.counts), bool))
    cut = METHODS[p.method].cuts(curve, p)
    cut = np.minimum(cut, p.max_threshold) if p.max_threshold > 0 else cut
    return Judged(curve, cut, as_their_neighbours(np.nan_to_num(curve.rate) <= cut, curve.judged))


def dynamic_cuts(curve: FlareCurve, p: FlaregtiParameters) -> NDArray[np.float64]:
    """flaregti's own: one fixed `threshold`, or for each bin that of the region nearest to its pointing; shape (bins,).

    A region's threshold is the optimal one of the bins that point to within `fov_radius` of its centre (of those that
    are nearest to it, if there are no such bins).
    """
    if p.threshold >= 0:
        return np.full(len(curve.counts), p.threshold)
    nearest = nearest_region(region_grid(p), curve.x, curve.y)
    cuts = np.full(len(curve.counts), np.nan)
    for region in np.unique(nearest[curve.judged]):
        cuts[nearest == region] = region_threshold(curve, p, int(region), nearest)
    return cuts


def region_grid(p: FlaregtiParameters) -> SkyGrid:
    """The `gridsize` by `gridsize` regions of the rectangle."""
    return divided(p.xmin, p.xmax, p.ymin, p.ymax, p.gridsize)


def nearest_region(grid: SkyGrid, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Flat index of the region whose centre is nearest to each position, also from outside; shape of `x`."""
    column = np.clip(np.floor((x - grid.xmin) / grid.xbin), 0, grid.nx - 1)
    row = np.clip(np.floor((y - grid.ymin) / grid.ybin), 0, grid.ny - 1)
    return (row * grid.nx + column).astype(np.int64)


def region_threshold(curve: FlareCurve, p: FlaregtiParameters, region: int, nearest: NDArray[np.int64]) -> float:
    """The optimal threshold of a region, counts/s/deg^2."""
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
    """The threshold of a telescope module, or the one for all; shape (bins,)."""
    (module,) = curve.modules
    limit = p.thresholds.get(module, p.threshold)
    if limit < 0:
        raise ConfigError(f"flaregti: thresholds has none for TM{module}; give it, or one threshold for all")
    return np.full(len(curve.counts), limit)


def gaussian_cuts(curve: FlareCurve, p: FlaregtiParameters) -> NDArray[np.float64]:
    """`sigma` standard deviations above the quiet rate of a telescope module; shape (bins,)."""
    cuts, judged = np.full(len(curve.counts), np.nan), curve.judged
    cuts[judged] = clipped_cuts(curve.counts[judged], curve.exposure[judged], p.sigma)
    return cuts


METHODS = {
    "flaregti": ThresholdMethod(
        dynamic_cuts, (200.0, 10_000.0), False, "the cut that is best for detecting faint sources, as eSASS flaregti"
    ),
    "threshold": ThresholdMethod(
        fixed_cuts, (6000.0, 10_000.0), True, "a fixed limit for each telescope module, 6-10 keV"
    ),
    "gaussian": ThresholdMethod(
        gaussian_cuts, (5000.0, 10_000.0), True, "3 sigma above the quiet rate of each telescope module, 5-10 keV"
    ),
}
"""Methods by name. Their bands: flaregti's default; those of public eROSITA reductions for fixed limits and Gaussians."""


def _missing(events: ErositaEventFile, good: Mapping[int, Intervals], has_attitude: bool) -> list[dict[str, str]]:
    found = [
        ("noGoodTime", f"TM{module} has no good time in {events.path.name}: it gets no FLAREGTI{module}")
        for module in events.observation.modules
        if module not in good
    ]
    if not has_attitude:
        found.append(("noAttitude", "there is no table CORRATTn: RA_PNT and DEC_PNT are taken for the pointing"))
    return [{"task": "flaregti", "name": name, "text": text} for name, text in found]


def _few_counts(judged: tuple[Judged, ...], p: FlaregtiParameters) -> list[dict[str, str]]:
    """A warning if an optimal cut was made in bins so short that it follows the noise."""
    if p.method != "flaregti" or p.threshold >= 0:
        return []
    curve = judged[0].curve
    usual = float(np.median(curve.counts[curve.judged])) if curve.judged.any() else 0.0
    if usual >= FEW_COUNTS:
        return []
    text = f"a usual bin of {p.timebin:g} s has {usual:.0f} counts: the threshold follows their noise; use a longer timebin"
    return [{"task": "flaregti", "name": "fewCounts", "text": text}]


def _problems(p: FlaregtiParameters) -> list[str]:
    positive = (
        "gridsize",
        "binsize",
        "detml",
        "timebin",
        "source_size",
        "source_like",
        "fov_radius",
        "mask_iter",
        "sigma",
    )
    checks: dict[str, object] = {
        f"{name} {getattr(p, name)}: must be greater than 0": not getattr(p, name) > 0 for name in positive
    }
    checks[f"method {p.method!r}: allowed are {', '.join(METHODS)}"] = p.method not in METHODS
    checks[f"thresholds are for {sorted(p.thresholds)}: allowed are 1 to 7"] = not set(p.thresholds) <= set(ALL_MODULES)
    pairs = {"mask_pimin": "mask_pimax", "xmin": "xmax", "ymin": "ymax"}
    checks |= {
        f"{low} {getattr(p, low)} must be less than {high} {getattr(p, high)}": not getattr(p, low) < getattr(p, high)
        for low, high in pairs.items()
    }
    if p.method in METHODS:
        checks[f"pimin {p.band[0]} must be less than pimax {p.band[1]}"] = not p.band[0] < p.band[1]
    return [text for text, wrong in checks.items() if wrong]
