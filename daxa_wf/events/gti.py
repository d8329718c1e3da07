"""Good time intervals: arithmetic on arrays of shape (n, 2), start and stop in seconds, sorted and disjoint.

Intervals are closed at both ends, as SAS's evselect takes them ('Time selection').

>>> exposure, quiet = normalise([[0, 60], [50, 100]]), normalise([[20, 40], [80, 200]])
>>> exposure.tolist()
[[0.0, 100.0]]
>>> intersection(exposure, quiet).tolist()
[[20.0, 40.0], [80.0, 100.0]]
>>> total(complement(quiet, 0, 100)), contains(quiet, [30, 50]).tolist()
(60.0, [True, False])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Intervals = NDArray[np.float64]
"""Shape (n, 2): start and stop in seconds, sorted, disjoint. An empty one has shape (0, 2)."""

NONE: Intervals = np.empty((0, 2))
NONE.setflags(write=False)


def normalise(intervals: ArrayLike) -> Intervals:
    """Return sorted, disjoint intervals from any (n, 2): empty and reversed ones are removed, touching ones are joined."""
    pairs = np.asarray(intervals, dtype=np.float64).reshape(-1, 2)
    pairs = pairs[pairs[:, 1] > pairs[:, 0]]
    if len(pairs) == 0:
        return NONE
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    reached = np.maximum.accumulate(pairs[:, 1])
    first = np.concatenate([[True], pairs[1:, 0] > reached[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.column_stack([pairs[first, 0], reached[last]])


def union(*many: Intervals) -> Intervals:
    """Return the time that is good in any of the given GTIs."""
    return normalise(np.concatenate([NONE, *many]))


def intersection(first: Intervals, *others: Intervals) -> Intervals:
    """Return the time that is good in all of the given GTIs."""
    common = normalise(first)
    for other in others:
        common = _intersect_two(common, normalise(other))
    return common


def _intersect_two(one: Intervals, two: Intervals) -> Intervals:
    edges = np.unique(np.concatenate([one.ravel(), two.ravel()]))
    if len(edges) < 2:
        return NONE
    middles = (edges[:-1] + edges[1:]) / 2
    good = contains(one, middles) & contains(two, middles)
    return normalise(np.column_stack([edges[:-1], edges[1:]])[good])


def complement(intervals: Intervals, start: float, stop: float) -> Intervals:
    """Return the time between `start` and `stop` outside of the intervals."""
    inside = intersection(intervals, np.array([[start, stop]]))
    return normalise(np.column_stack([np.append(start, inside[:, 1]), np.append(inside[:, 0], stop)]))


def contains(intervals: Intervals, times: ArrayLike) -> NDArray[np.bool_]:
    """Return True for each time in an interval, both ends included; any shape of `times`, in any order."""
    values = np.asarray(times)
    if len(intervals) == 0:
        return np.zeros(values.shape, dtype=bool)
    index = np.searchsorted(intervals[:, 0], values, side="right") - 1
    return (index >= 0) & (values <= intervals[np.maximum(index, 0), 1])


def total(intervals: Intervals) -> float:
    """Return the sum of the lengths, in seconds."""
    return float(np.sum(intervals[:, 1] - intervals[:, 0]))


def overlap(intervals: Intervals, starts: ArrayLike, stops: ArrayLike) -> NDArray[np.float64]:
    """Return the good seconds within each bin [start, stop]; arrays of equal shape (bins,)."""
    return _good_before(intervals, np.asarray(stops, float)) - _good_before(intervals, np.asarray(starts, float))


def _good_before(intervals: Intervals, times: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(intervals) == 0:
        return np.zeros(times.shape)
    lengths = intervals[:, 1] - intervals[:, 0]
    passed = np.concatenate([[0.0], np.cumsum(lengths)])
    index = np.searchsorted(intervals[:, 0], times, side="right")
    current = np.maximum(index - 1, 0)
    inside = np.clip(times - intervals[current, 0], 0, lengths[current])
    return passed[current] + np.where(index > 0, inside, 0.0)


def drop_short(intervals: Intervals, minimum: float) -> Intervals:
    """Return the intervals that last at least `minimum` seconds."""
    return intervals[intervals[:, 1] - intervals[:, 0] >= minimum]


def bridge_gaps(intervals: Intervals, maximum: float) -> Intervals:
    """Return the intervals, joined across gaps of at most `maximum` seconds."""
    if len(intervals) < 2:
        return intervals
    wide = intervals[1:, 0] - intervals[:-1, 1] > maximum
    return np.column_stack([intervals[np.append(True, wide), 0], intervals[np.append(wide, True), 1]])


def from_good_bins(edges: ArrayLike, good: ArrayLike) -> Intervals:
    """Return the intervals of consecutive good bins; `edges` of shape (bins + 1,), `good` of shape (bins,)."""
    bounds, accepted = np.asarray(edges, float), np.asarray(good, bool)
    return normalise(np.column_stack([bounds[:-1], bounds[1:]])[accepted])


def tabgtigen(
    times: ArrayLike,
    good: ArrayLike,
    prefraction: float = 0.5,
    postfraction: float = 0.5,
    mingtisize: float = 0.0,
    maxgapsize: float = 0.0,
) -> Intervals:
    """Return the intervals of consecutive good rows of a table, as SAS's tabgtigen makes them.

    `times` (rows,) in seconds, ascending, and `good` (rows,). An interval begins `prefraction` of the way from its
    first row to the row before it, and ends `postfraction` of the way to the row after its last; beyond the table's
    ends the last spacing is taken to go on. A row that is not good because its value is NaN ends an interval too.
    Source: SAS tabgtigen 2.13, 'Description'; real tabgtigen outputs agree row by row.
    """
    rows, accepted = np.asarray(times, float), np.asarray(good, bool)
    if len(rows) == 0 or not accepted.any():
        return NONE
    spacing = np.diff(rows) if len(rows) > 1 else np.zeros(1)
    before, after = np.append(spacing[:1], spacing), np.append(spacing, spacing[-1:])
    before, after = before[: len(rows)], after[: len(rows)]
    padded = np.concatenate([[False], accepted, [False]])
    first = np.flatnonzero(padded[1:-1] & ~padded[:-2])
    last = np.flatnonzero(padded[1:-1] & ~padded[2:])
    starts, stops = rows[first] - prefraction * before[first], rows[last] + postfraction * after[last]
    joined = bridge_gaps(np.column_stack([starts, stops]), maxgapsize)
    return drop_short(joined, mingtisize)
