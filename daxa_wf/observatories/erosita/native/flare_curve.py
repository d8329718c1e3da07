"""Events by time bin and mask pixel, and light curves per area of them (eSASS flaregti, 'Algorithm', steps 2 to 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.gti import Intervals, contains, intersection, normalise, overlap
from daxa_wf.events.sky_grid import SkyGrid
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList, first_and_last
from daxa_wf.observatories.erosita.native.field_of_view import FOV_RADIUS, PointingPath, mean_position, visible_area
from daxa_wf.observatories.erosita.native.sky_pixels import SKY_PIXELS_PER_DEGREE
from daxa_wf.observatories.erosita.native.telescope_modules import of_modules

LEAST_AREA = 0.01 * np.pi * (FOV_RADIUS / SKY_PIXELS_PER_DEGREE) ** 2
"""deg^2: a hundredth of the field of view. Bins with less give no information on flares."""

LEAST_PART = 0.1
"""Part of the largest area of a bin. Bins with less, as at the ends of a scan, have too few counts to show a flare."""

LONGEST_STEP = FOV_RADIUS / 30
"""Sky pixels that the pointing may move while the field of view is taken to stand still."""

MOST_STEPS = 60


@dataclass(frozen=True)
class TimeBins:
    """Bins of `size` seconds from `start`; only those `numbers`, shape (bins,), that have good time."""

    start: float
    size: float
    numbers: NDArray[np.int64]

    @property
    def centres(self) -> NDArray[Any]:
        """Return the centres of the bins in seconds, shape (bins,)."""
        return self.start + self.size * (self.numbers + 0.5)

    def place(self, times: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the index of the bin of each time, shape of `times`; all times must be in good time."""
        number = np.floor((times - self.start) / self.size).astype(np.int64)
        return np.minimum(np.searchsorted(self.numbers, number), len(self.numbers) - 1)

    def edges(self, steps: int) -> NDArray[Any]:
        """Return the edges in seconds of equal steps within each bin, shape (bins, steps + 1)."""
        return self.start + self.size * (self.numbers[:, None] + np.arange(steps + 1) / steps)

    def intervals(self, chosen: NDArray[np.bool_]) -> Intervals:
        """Return the time of the chosen bins."""
        numbers = self.numbers[chosen]
        return normalise(self.start + self.size * np.column_stack([numbers, numbers + 1]))


def time_bins(good: Mapping[int, Intervals], size: float) -> TimeBins:
    """Return the bins that have good time, counted from the first good time of any module."""
    span = first_and_last(dict(good))
    if len(span) == 0:
        return TimeBins(0.0, size, np.empty(0, np.int64))
    start = float(span[0, 0])
    numbers = [np.empty(0, np.int64)]
    for intervals in good.values():
        first = np.floor((intervals[:, 0] - start) / size).astype(np.int64)
        last = np.maximum(np.ceil((intervals[:, 1] - start) / size).astype(np.int64) - 1, first)
        numbers += [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
    return TimeBins(start, size, np.unique(np.concatenate(numbers)))


@dataclass(frozen=True)
class Track:
    """The pointing in sky pixels during each bin, in steps short enough for the field of view to stand still.

    `edges` in seconds, of shape (bins, steps + 1); `x`, `y` of shape (bins, steps).
    """

    edges: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def seconds(self, good: Intervals) -> NDArray[np.float64]:
        """Return the good seconds within each step, shape (bins, steps)."""
        return overlap(good, self.edges[:, :-1], self.edges[:, 1:])


def track(paths: Sequence[PointingPath], bins: TimeBins) -> Track:
    """Return the mean pointing of several telescope modules in the bins."""
    ends = np.array(mean_position(paths, bins.edges(1).ravel())).reshape(2, -1, 2)
    moved = float(np.max(np.hypot(*(ends[:, :, 1] - ends[:, :, 0])), initial=0.0))
    edges = bins.edges(int(np.clip(np.ceil(moved / LONGEST_STEP), 1, MOST_STEPS)))
    x, y = mean_position(paths, ((edges[:, :-1] + edges[:, 1:]) / 2).ravel())
    shape = (len(edges), edges.shape[1] - 1)
    return Track(edges, x.reshape(shape), y.reshape(shape))


@dataclass(frozen=True)
class BinnedEvents:
    """Events within good time and the rectangle, shape (events,) each: a dozen bytes an event.

    `bin`: of TimeBins; `pixel`: flat, of the mask's grid; `module`; whether it counts for the mask and for the curve.
    """

    bin: NDArray[np.int32]
    pixel: NDArray[np.int32]
    module: NDArray[np.uint8]
    for_mask: NDArray[np.bool_]
    for_curve: NDArray[np.bool_]

    def image(self, grid: SkyGrid, good_bins: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the counts in the mask's band in good bins, shape of the grid."""
        kept = self.for_mask & good_bins[self.bin]
        return np.bincount(self.pixel[kept], minlength=grid.nx * grid.ny).reshape(grid.shape)


def bin_events(
    events: ErositaEventList,
    good: Mapping[int, Intervals],
    paths: Sequence[PointingPath],
    bins: TimeBins,
    grid: SkyGrid,
    mask_band: tuple[float, float],
    band: tuple[float, float],
) -> BinnedEvents:
    """Sort the events into bins and pixels, in one pass over the file; bands in eV, both ends included.

    An event counts for the curve if it is within the field of view about the mean of `paths` at its time.
    """
    is_chosen = of_modules(module for module, intervals in good.items() if len(intervals))
    low, high = min(band[0], mask_band[0]), max(band[1], mask_band[1])
    parts: list[tuple[NDArray[np.generic], ...]] = []
    for chunk in events.chunks():
        energy = chunk["PI"].astype(np.float64)
        rows = chunk[is_chosen[chunk["TM_NR"]] & (energy >= low) & (energy <= high)]
        time, module = rows["TIME"].astype(np.float64), rows["TM_NR"].astype(np.uint8)
        x, y, energy = (rows[name].astype(np.float64) for name in ("X", "Y", "PI"))
        pixel = grid.index(x, y)
        kept = pixel >= 0
        for number, intervals in good.items():
            kept &= (module != number) | contains(intervals, time)
        pointing_x, pointing_y = mean_position(paths, time)
        seen = (energy >= band[0]) & (energy <= band[1]) & (np.hypot(x - pointing_x, y - pointing_y) <= FOV_RADIUS)
        for_mask = (energy >= mask_band[0]) & (energy <= mask_band[1])
        columns = (pixel.astype(np.int32), module, for_mask, seen)
        parts.append((bins.place(time[kept]).astype(np.int32), *(column[kept] for column in columns)))
    types = (np.int32, np.int32, np.uint8, np.bool_, np.bool_)
    empty = tuple(np.empty(0, kind) for kind in types)
    return BinnedEvents(*(np.concatenate(values) for values in zip(empty, *parts, strict=True)))


@dataclass(frozen=True)
class FlareCurve:
    """The light curve of some telescope modules together, shape (bins,) each.

    `counts`; `seconds` of good time, the mean of the modules; `area` in deg^2 that is in the field of view and not
    masked, the mean over the good time; `x`, `y` of the pointing in the middle, in sky pixels.
    """

    modules: tuple[int, ...]
    bins: TimeBins
    counts: NDArray[np.int64]
    seconds: NDArray[np.float64]
    area: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Return True for bins with a reliable rate: some good time, and enough of the field of view in the rectangle."""
        return (self.seconds > 0) & (self.area > max(LEAST_AREA, LEAST_PART * float(self.area.max(initial=0))))

    @property
    def exposure(self) -> NDArray[np.float64]:
        """Return the s deg^2 of each bin."""
        return self.seconds * self.area

    @property
    def rate(self) -> NDArray[np.float64]:
        """Return the counts/s/deg^2 of all `modules`, not corrected for vignetting; NaN where it is not reliable."""
        return np.divide(self.counts, self.exposure, out=np.full(len(self.counts), np.nan), where=self.judged)


def flare_curve(
    binned: BinnedEvents,
    good: Mapping[int, Intervals],
    modules: tuple[int, ...],
    bins: TimeBins,
    grid: SkyGrid,
    mask: NDArray[np.bool_],
    pointing: Track,
) -> FlareCurve:
    """Return the curve of `modules` with a mask of the grid's shape (True: keep)."""
    with_time = [module for module in modules if len(good.get(module, ()))]
    kept = binned.for_curve & mask.ravel()[binned.pixel] & of_modules(with_time)[binned.module]
    counts = np.bincount(binned.bin[kept], minlength=len(bins.numbers))
    dwell = sum((pointing.seconds(good[module]) for module in with_time), np.zeros(pointing.x.shape))
    dwell /= max(len(with_time), 1)
    seconds = dwell.sum(axis=1)
    area = visible_area(mask, grid, pointing.x.ravel(), pointing.y.ravel()).reshape(dwell.shape)
    mean = np.divide((area * dwell).sum(axis=1), seconds, out=np.zeros(len(seconds)), where=seconds > 0)
    middle = pointing.x.shape[1] // 2
    return FlareCurve(modules, bins, counts, seconds, mean, pointing.x[:, middle], pointing.y[:, middle])


def as_their_neighbours(quiet: NDArray[np.bool_], judged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return `quiet`, in which bins that were not judged follow the nearest judged bin; shapes (bins,)."""
    known = np.flatnonzero(judged)
    if len(known) == 0:
        return np.ones(len(quiet), bool)
    later = np.minimum(np.searchsorted(known, np.arange(len(quiet))), len(known) - 1)
    earlier = np.maximum(later - 1, 0)
    nearer = np.abs(known[later] - np.arange(len(quiet))) <= np.abs(known[earlier] - np.arange(len(quiet)))
    return quiet[known[np.where(nearer, later, earlier)]]


def without_flares(good: Intervals, bins: TimeBins, quiet: NDArray[np.bool_]) -> Intervals:
    """Return the good time within the flare-free bins."""
    return intersection(good, bins.intervals(quiet))
