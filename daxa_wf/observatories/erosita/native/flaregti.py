"""Finds good time intervals without flares as eSASS's flaregti does, or by one of two other methods.

Source: eSASS flaregti 1.26.2, 'Description', 'Algorithm'; docs/flaregti.md lists the choices that it leaves open.
The event file is only read: `flare_products` writes the intervals to a new file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.findings import Finding
from daxa_wf.events.gti import Intervals, total
from daxa_wf.events.sky_grid import SkyGrid, covering
from daxa_wf.observatories.erosita.flare_options import AnyFlareOptions, FlaregtiOptions
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.field_of_view import exposed, nominal_path, path_of
from daxa_wf.observatories.erosita.native.flare_curve import (
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
from daxa_wf.observatories.erosita.native.flare_methods import cuts, without_edges
from daxa_wf.observatories.erosita.native.source_mask import mask_of

FEW_COUNTS = 10.0
"""Counts in a usual bin below which the optimal cut begins to follow the noise of counting."""

LENIENT = 5.0
"""Times the usual rate: a cut that allows for more is reported."""


@dataclass(frozen=True)
class JudgedCurve:
    """One light curve with its `cut` in counts/s/deg^2 and its flare-free bins, `quiet`; shape (bins,) each."""

    curve: FlareCurve
    cut: NDArray[np.float64]
    quiet: NDArray[np.bool_]


@dataclass(frozen=True)
class FlaregtiResult:
    """Good times by telescope module before (`good`) and after (`gti`), and the steps that found them.

    `mask`: True outside of sources, and `counts`, both of the shape of `grid`; `findings` are doubts.
    """

    options: AnyFlareOptions
    good: dict[int, Intervals]
    gti: dict[int, Intervals]
    judged: tuple[JudgedCurve, ...]
    grid: SkyGrid
    mask: NDArray[np.bool_]
    counts: NDArray[np.int64]
    findings: tuple[Finding, ...]

    def kept(self, module: int) -> float:
        """Return the flare-free seconds of a telescope module."""
        return total(self.gti[module])

    def removed(self, module: int) -> float:
        """Return the seconds of a telescope module that were removed."""
        return total(self.good[module]) - self.kept(module)


def flaregti(events: ErositaEventList, options: AnyFlareOptions) -> FlaregtiResult:
    """Find the good times without flares of each telescope module; one pass over the list.

    Raise UnfitDataError `noGoodTime` if the list has no good time, or flares fill it; `noCounts` if the band is empty.
    Raise ConfigError if a module lacks its fixed threshold.
    """
    p = options
    good = {
        module: intervals
        for module, intervals in events.intervals(p.gtitype).items()
        if module in events.observation.modules
    }
    bins = time_bins(good, p.timebin)
    if len(bins.numbers) == 0:
        raise UnfitDataError("noGoodTime", f"{events.path.name} has no good time in its tables {p.gtitype}n")
    grid = covering(p.xmin, p.xmax, p.ymin, p.ymax, p.binsize)
    paths = [path for module in good if len(good[module]) and (path := path_of(events, module)) is not None]
    findings = _missing(events, good, bool(paths))
    paths = paths or [nominal_path(events)]
    binned = bin_events(events, good, paths, bins, grid, p.mask_band, p.band)
    if not binned.for_curve.any():
        low, high = p.band
        raise UnfitDataError("noCounts", f"All counts are zero! No event from {low:.0f} to {high:.0f} eV in good time")
    judged, mask, counts = _iterate(binned, good, bins, grid, track(paths, bins), p)
    quiet = {module: judgement.quiet for judgement in judged for module in judgement.curve.modules}
    gti = {module: without_flares(intervals, bins, quiet[module]) for module, intervals in good.items()}
    if not any(len(intervals) for intervals in gti.values()):
        raise UnfitDataError("noGoodTime", "no time has a rate below the threshold: all of it is flared")
    return FlaregtiResult(p, good, gti, judged, grid, mask, counts, (*findings, *_of_the_optimal_cut(judged, p)))


def _iterate(
    binned: BinnedEvents,
    good: Mapping[int, Intervals],
    bins: TimeBins,
    grid: SkyGrid,
    pointing: Track,
    p: AnyFlareOptions,
) -> tuple[tuple[JudgedCurve, ...], NDArray[np.bool_], NDArray[np.int64]]:
    """Find mask, light curve and cuts, repeatedly with the new good times for the mask."""
    groups = [(module,) for module in good] if p.by_module else [tuple(good)]
    open_time = np.sum([pointing.seconds(intervals) for intervals in good.values()], axis=0)
    quiet = np.ones(len(bins.numbers), bool)
    for _ in range(p.mask_iter):
        counts = binned.image(grid, quiet)
        seconds = exposed(grid, pointing.x.ravel(), pointing.y.ravel(), (open_time * quiet[:, None]).ravel())
        mask = mask_of(counts, seconds, p.detml)
        curves = [flare_curve(binned, good, group, bins, grid, mask, pointing) for group in groups]
        judged = tuple(_judge(curve, p) for curve in curves)
        quiet = np.any([judgement.quiet & (judgement.curve.seconds > 0) for judgement in judged], axis=0)
    return judged, mask, counts


def _judge(curve: FlareCurve, p: AnyFlareOptions) -> JudgedCurve:
    """Judge the bins of a curve: they are flare-free up to their cut; bins without a reliable rate follow the nearest others.

    A telescope module without any count counts as flare-free.
    """
    if not curve.counts[curve.judged].any():
        return JudgedCurve(curve, np.full(len(curve.counts), np.nan), np.ones(len(curve.counts), bool))
    cut = cuts(curve, p)
    cut = np.minimum(cut, p.max_threshold) if p.max_threshold > 0 else cut
    quiet = np.nan_to_num(curve.rate) <= cut
    quiet = without_edges(curve, quiet, p.edge_like) if p.edge_like > 0 else quiet
    return JudgedCurve(curve, cut, as_their_neighbours(quiet, curve.judged))


def _missing(events: ErositaEventList, good: Mapping[int, Intervals], has_attitude: bool) -> list[Finding]:
    findings = [
        Finding("noGoodTime", f"TM{module} has no good time in {events.path.name}: it gets no FLAREGTI{module}")
        for module in events.observation.modules
        if module not in good
    ]
    if not has_attitude:
        findings.append(
            Finding("noAttitude", "there is no table CORRATTn: RA_PNT and DEC_PNT are taken for the pointing")
        )
    return findings


def _of_the_optimal_cut(judged: tuple[JudgedCurve, ...], p: AnyFlareOptions) -> list[Finding]:
    """Return findings if an optimal cut follows the noise, because bins are short, or allows for high flares."""
    if not isinstance(p, FlaregtiOptions) or p.threshold >= 0 or not judged[0].curve.judged.any():
        return []
    curve, chosen = judged[0].curve, judged[0].curve.judged
    usual, rate = float(np.median(curve.counts[chosen])), float(np.median(curve.rate[chosen]))
    findings = []
    if usual < FEW_COUNTS:
        text = f"a usual bin of {p.timebin:g} s has {usual:.0f} counts: the threshold follows their noise; use a longer timebin"
        findings.append(Finding("fewCounts", text))
    allowed = float(np.median(judged[0].cut[chosen])) / rate if rate > 0 else 0.0
    if allowed > LENIENT:
        text = f"flares of up to {allowed:.0f} times the usual rate are kept, which harm no detection in so little time"
        findings.append(Finding("lenientCut", f"{text}; where they do harm, use the method gaussian"))
    return findings
