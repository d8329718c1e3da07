"""Ticks at round numbers, dates, and curves with fewer points."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from daxa_wf.report.svg.ticks import (
    MOST_POINTS,
    compressed_axis,
    date_ticks,
    linear_axis,
    nice_ticks,
    thinned,
    tick_label,
)


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3.0, 12.0, [0.0, 5.0, 10.0]),
        (1e-4, 3e-4, [1e-4, 2e-4, 3e-4]),
        (5.0, 5.0, [5.0]),
        (0.0, 40_000.0, [0.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0]),
    ],
)
def test_ticks_are_round_numbers_inside_the_range(low: float, high: float, ticks: list[float]) -> None:
    assert set(ticks) <= set(nice_ticks(low, high))
    assert all(low - 1e-12 <= tick <= high + 1e-12 for tick in nice_ticks(low, high))
    assert len(nice_ticks(low, high)) <= 6


def test_infinite_ranges_have_ticks_too() -> None:
    assert [tick_label(value) for value in nice_ticks(0.0, 1e30)][:2] == ["0", "2e29"]


def test_axes_place_values() -> None:
    axis = linear_axis(10.0, 20.0, 100.0, 0.0)
    assert axis.at(10.0) == 100.0
    assert axis.at(15.0) == 50.0
    flared = compressed_axis(1000.0, 1.0, 168.0, 24.0)
    assert flared.at(0.0) == 168.0
    assert flared.at(1000.0) == pytest.approx(24.0)
    assert flared.at(1.0) == pytest.approx(168 - 144 * np.log10(2) / np.log10(1001))
    assert [label for _, label in flared.ticks] == ["0", "1", "10", "100", "1000"]


def test_long_curves_keep_the_extremes_of_each_column() -> None:
    rng = np.random.default_rng(1)
    x = np.linspace(0.0, 499.9, 100_000)
    y = rng.normal(size=len(x))
    y[77_777] = 50.0
    y[123] = np.nan
    few_x, few_y = thinned(x, y)
    assert len(few_x) <= 1000 <= MOST_POINTS
    assert few_y.max() == 50.0
    assert few_y.min() == np.nanmin(y)
    assert np.all(np.diff(few_x) >= 0)
    short = thinned(x[:MOST_POINTS], y[:MOST_POINTS])
    assert len(short[0]) == MOST_POINTS - 1, "only the missing value is dropped"


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ((2017, 1, 1), (2017, 1, 4), ["2017-01-01", "2017-01-02", "2017-01-03", "2017-01-04"]),
        ((2017, 1, 15), (2017, 5, 2), ["2017-02", "2017-03", "2017-04", "2017-05"]),
        ((1990, 7, 1), (2026, 1, 2), ["1995", "2000", "2005", "2010", "2015", "2020", "2025"]),
    ],
)
def test_dates_have_ticks_at_days_months_or_years(
    first: tuple[int, int, int], last: tuple[int, int, int], labels: list[str]
) -> None:
    assert [label for _, label in date_ticks(datetime(*first), datetime(*last))] == labels
