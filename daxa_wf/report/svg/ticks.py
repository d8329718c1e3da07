"""Ticks at round numbers, scales from values to coordinates, and fewer points for long curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

ROUND_STEPS = (1.0, 2.0, 5.0, 10.0)
MOST_POINTS = 2000
"""Longer curves are drawn with the lowest and the highest value of each column of pixels."""


def nice_step(span: float, count: int) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that divides a span into at most `count` parts.

    >>> nice_step(9.0, 5), nice_step(0.11, 4), nice_step(0.0, 5)
    (2.0, 0.05, 1.0)
    """
    if not math.isfinite(span) or span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / count))
    return next(step * power for step in ROUND_STEPS if step * power * count >= span * (1 - 1e-9))


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return the round numbers between two values, at most `count` + 1.

    >>> nice_ticks(0.3, 9.2), nice_ticks(0, 0.4, 4)
    ([2.0, 4.0, 6.0, 8.0], [0.0, 0.1, 0.2, 0.3, 0.4])
    """
    step = nice_step(high - low, count)
    digits = max(0, -math.floor(math.log10(step)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, digits) + 0.0 for index in range(first, min(last, first + 2 * count) + 1)]


def tick_label(value: float) -> str:
    """Return the shortest text of a tick.

    >>> tick_label(2.0), tick_label(0.25), tick_label(2e6)
    ('2', '0.25', '2e6')
    """
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:g}"


@dataclass(frozen=True)
class Axis:
    """A scale from values to coordinates, and its ticks with their labels."""

    place: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ticks: Sequence[tuple[float, str]]

    def at(self, value: float) -> float:
        """Return the coordinate of one value."""
        return float(self.place(np.array([value], dtype=float))[0])


def linear_axis(low: float, high: float, start: float, end: float, count: int = 5) -> Axis:
    """Return an axis from `low` at the coordinate `start` to `high` at `end`."""
    high = high if high > low else low + 1.0
    factor = (end - start) / (high - low)
    ticks = [(value, tick_label(value)) for value in nice_ticks(low, high, count)]
    return Axis(lambda values: start + (np.asarray(values, dtype=float) - low) * factor, ticks)


def compressed_axis(high: float, usual: float, start: float, end: float) -> Axis:
    """Return an axis from 0 to `high` that is linear up to about `usual` and logarithmic above."""
    top = math.log10(1 + high / usual)
    decades = [10.0**power for power in range(math.ceil(math.log10(usual)), math.floor(math.log10(high)) + 1)]
    step = -(-len(decades) // 5) or 1
    ticks = [(0.0, "0"), *((value, tick_label(value)) for value in decades[::step])]

    def place(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return start + (end - start) * np.log10(1 + np.maximum(np.asarray(values, dtype=float), 0) / usual) / top

    return Axis(place, ticks)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the points of a curve, sorted in x; of more than MOST_POINTS the extremes of each column of pixels.

    `x` and `y` are coordinates, shape (points,). Points that are not finite are dropped.

    >>> import numpy as np
    >>> x = np.linspace(0, 9.99, 5000)
    >>> thinned(x, np.arange(5000.0))[1][:4].tolist()
    [0.0, 500.0, 501.0, 1000.0]
    """
    usable = np.isfinite(x) & np.isfinite(y)
    x, y = x[usable], y[usable]
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    if len(x) <= MOST_POINTS:
        return x, y
    column = np.floor(x).astype(np.int64)
    ranked = np.lexsort((y, column))
    starts = np.flatnonzero(np.diff(column[ranked], prepend=column[ranked[0]] - 1))
    ends = np.append(starts[1:], len(ranked)) - 1
    kept = np.unique(np.concatenate([ranked[starts], ranked[ends]]))
    return x[kept], y[kept]


YEAR_STEPS = (1, 2, 5, 10, 20)
MONTH_STEPS = (1, 3, 6)
DAY_STEPS = (1, 2, 5, 10)


def date_ticks(first: datetime, last: datetime, count: int = 8) -> list[tuple[datetime, str]]:
    """Return the beginnings of years, months or days between two dates, with their labels.

    >>> [label for _, label in date_ticks(datetime(2003, 5, 1), datetime(2009, 1, 2))]
    ['2004', '2005', '2006', '2007', '2008', '2009']
    """
    days = (last - first).total_seconds() / 86400
    if days > 2 * 365:
        step = next((step for step in YEAR_STEPS if days / 365.25 / step <= count), YEAR_STEPS[-1])
        years = range(first.year - first.year % step, last.year + 1, step)
        dates = [(datetime(year, 1, 1), str(year)) for year in years]
    elif days > 40:
        step = next((step for step in MONTH_STEPS if days / 30.4 / step <= count), MONTH_STEPS[-1])
        months = range(first.year * 12 + (first.month - 1) // step * step, last.year * 12 + last.month, step)
        dates = [(date := datetime(month // 12, month % 12 + 1, 1), f"{date:%Y-%m}") for month in months]
    else:
        step = next((step for step in DAY_STEPS if days / step <= count), DAY_STEPS[-1])
        start = first.toordinal()
        dates = [
            (date := datetime.fromordinal(day), f"{date:%Y-%m-%d}") for day in range(start, last.toordinal() + 2, step)
        ]
    return [(date, label) for date, label in dates if first <= date <= last]
