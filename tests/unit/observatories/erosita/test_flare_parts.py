"""The pieces of flaregti, each against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.gti import contains, intersection, normalise, total
from daxa_wf.events.sky_grid import covering, divided
from daxa_wf.observatories.erosita.native.field_of_view import FOV_RADIUS, exposed, visible_area
from daxa_wf.observatories.erosita.native.flare_curve import as_their_neighbours, time_bins, without_flares
from daxa_wf.observatories.erosita.native.likelihood import detectable_counts, tail_likelihood, tolerable_rate
from daxa_wf.observatories.erosita.native.rate_threshold import clipped_cuts, optimal_threshold, poisson_quantile
from daxa_wf.observatories.erosita.native.source_mask import box_sum, mask_of

GRID = covering(-108000, 108000, -108000, 108000, 1200)
INTERVALS = st.lists(st.tuples(st.floats(0, 900), st.floats(0.01, 200)), min_size=1, max_size=6).map(
    lambda pairs: normalise([(start, start + length) for start, length in pairs])
)


@pytest.mark.parametrize(("counts", "expected"), [(1, 0.5), (7, 3.0), (40, 12.5), (3, 30.0)])
def test_tail_likelihood_is_that_of_the_sum(counts, expected):
    tail = sum(math.exp(-expected) * expected**n / math.factorial(n) for n in range(counts, counts + 100))
    assert float(tail_likelihood(counts, expected)) == pytest.approx(-math.log(tail), rel=1e-9)


def test_tail_likelihood_at_the_ends():
    assert tail_likelihood([0, 0, 5], [0.0, 3.0, 0.0]).tolist() == [0, 0, math.inf]


def test_tail_likelihood_beyond_floats():
    """Against sums of the logarithms of the terms; and without a step where the other formula takes over."""
    terms = [500 * math.log(3.0) - 3.0 - math.lgamma(501)]
    terms += [n * math.log(3.0) - 3.0 - math.lgamma(n + 1) for n in range(501, 520)]
    expected = -terms[0] - math.log(sum(math.exp(term - terms[0]) for term in terms))
    assert float(tail_likelihood(500, 3.0)) == pytest.approx(expected, rel=1e-6)
    steps = np.diff(tail_likelihood(np.arange(150, 190), 1.0))
    assert np.abs(np.diff(steps)).max() < 0.01


@given(background=st.floats(1e-6, 1e6), likelihood=st.floats(0.1, 100))
def test_detectable_counts_have_the_likelihood(background, likelihood):
    source = float(detectable_counts(background, likelihood))
    ratio = source / background
    assert background * ((1 + ratio) * math.log1p(ratio) - ratio) == pytest.approx(likelihood, rel=1e-5)


def test_detectable_counts_of_much_background():
    assert float(detectable_counts(1e8, 10.0)) == pytest.approx(math.sqrt(2 * 10 * 1e8), rel=1e-3)


@pytest.mark.parametrize("background", [0.01, 3.0, 1e4])
def test_tolerable_rate_changes_nothing(background):
    """A little more time at that rate leaves counts over time as they are; much background allows twice its rate."""
    area, time = 2e-3, 5000.0
    rate = float(tolerable_rate(background, area * time, 10.0))

    def flux(more):
        counts = background * area * time + rate * area * more
        return float(detectable_counts(counts, 10.0)) / (time + more)

    assert flux(1.0) == pytest.approx(flux(0.0), rel=1e-6)
    assert rate >= 2 * background * 0.999


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_optimal_threshold_is_the_best_of_all(data):
    bins = data.draw(st.integers(2, 30))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    counts = rng.poisson(rng.choice([5, 50, 500], bins))
    seconds, area = rng.uniform(1, 20, bins), rng.uniform(0.1, 0.8, bins)
    cut, flux = optimal_threshold(counts, seconds, area, 1e-4, 10.0)
    rate = counts / (seconds * area)

    def faintest(limit):
        kept = rate <= limit
        time = seconds[kept].sum()
        background = (counts[kept].sum() + 1) / (seconds[kept] * area[kept]).sum() * 1e-4 * time
        return float(detectable_counts(background, 10.0)) / time

    assert flux == pytest.approx(min(faintest(each) for each in rate), rel=1e-9)
    assert faintest(cut) == pytest.approx(flux, rel=1e-9)


def test_optimal_threshold_of_a_flare():
    counts = np.concatenate([np.full(80, 100), np.full(20, 600)])
    cut, _ = optimal_threshold(counts, np.full(100, 20.0), np.full(100, 0.8), 1e-4, 10.0)
    quiet = 100 / 16
    assert 2 * quiet < cut < 6 * quiet


@pytest.mark.parametrize("probability", [0.5, 0.977, 0.99865, 0.9999997])
def test_quantiles_are_those_of_scipys_distribution(probability: float) -> None:
    means = np.concatenate([[0.0, 1e-9], np.geomspace(1e-3, 1e6, 2001)])
    assert np.array_equal(poisson_quantile(probability, means), poisson.ppf(probability, means))


def test_clipped_cuts():
    rng = np.random.default_rng(4)
    counts, exposure = rng.poisson(100, 400), np.full(400, 10.0)
    counts[50:90] += rng.poisson(300, 40)
    exposure[0] = 0.1
    counts[0] = 1
    cuts = clipped_cuts(counts, exposure, 3.0)
    assert cuts[1] == pytest.approx(10 + 3 * 1.0, rel=0.03)
    assert cuts[0] == pytest.approx(5 / 0.1), "of a Poisson mean of 1, 99.87 per cent are 5 or less"
    assert clipped_cuts(np.full(9, 25), np.full(9, 1.0), 3.0) == pytest.approx(np.full(9, 41.0))
    with pytest.raises(UnfitDataError, match="noCounts"):
        clipped_cuts(np.zeros(9, int), np.ones(9), 3.0)


@pytest.mark.parametrize("mean", [0.02, 0.2, 1.0, 5.0, 50.0])
def test_quiet_bins_with_few_counts_are_kept(mean):
    """Half of the bins may have no count at all: a bin that has one is no flare."""
    counts = np.random.default_rng(3).poisson(mean, 20_000)
    cuts = clipped_cuts(counts, np.full(20_000, 2.0), 3.0)
    assert np.mean(counts / 2.0 > cuts) < 0.004
    assert cuts[0] <= (mean + 4 * np.sqrt(mean) + 1.5) / 2


@pytest.mark.parametrize("flared", [0.1, 0.4, 0.65])
def test_flares_in_most_of_the_time_do_not_move_the_cut(flared):
    rng = np.random.default_rng(8)
    counts = rng.poisson(20, 1000)
    counts[: int(1000 * flared)] += rng.poisson(100, int(1000 * flared))
    assert clipped_cuts(counts, np.ones(1000), 3.0)[0] == pytest.approx(20 + 3 * np.sqrt(20), rel=0.06)


def test_area_of_the_whole_field_of_view():
    area = visible_area(np.ones(GRID.shape, bool), GRID, np.array([0.0, 333.0]), np.array([0.0, -777.0]))
    np.testing.assert_allclose(area, np.pi * (FOV_RADIUS / 72000) ** 2, rtol=5e-4)


def test_area_is_that_of_fine_pixels():
    rng = np.random.default_rng(2)
    mask = rng.uniform(size=GRID.shape) < 0.7
    x, y = np.array([0.0, -50_000.0, 120_000.0, 300_000.0]), np.array([10_000.0, 60_500.0, -80_000.0, 0.0])
    area = visible_area(mask, GRID, x, y)
    fine = -108000 + 200.0 * (np.arange(1080) + 0.5)
    fx, fy = np.meshgrid(fine, fine)
    kept = mask.ravel()[GRID.index(fx.ravel(), fy.ravel())].reshape(fx.shape)
    expected = [
        np.sum(kept & (np.hypot(fx - a, fy - b) <= FOV_RADIUS)) * (200 / 72000) ** 2 for a, b in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(area, expected, rtol=3e-3)
    assert area[3] == 0


def test_exposed_seconds_of_pixels():
    """Every pixel that is surely in or surely out of the field of view at each pointing."""
    x, y, seconds = (
        np.array([600.0, -90_000.0, 500_000.0]),
        np.array([600.0, 120_600.0, 0.0]),
        np.array([10.0, 3.0, 99.0]),
    )
    found = exposed(GRID, x, y, seconds)
    centres = np.meshgrid(*GRID.centres())
    low, high = np.zeros(GRID.shape), np.zeros(GRID.shape)
    for a, b, s in zip(x, y, seconds, strict=True):
        distance = np.hypot(centres[0] - a, centres[1] - b)
        low += s * (distance < FOV_RADIUS - 1700)
        high += s * (distance < FOV_RADIUS + 1700)
    assert np.all(found >= low - 1e-4)
    assert np.all(found <= high + 1e-4)
    assert found.max() == pytest.approx(10.0)


def test_mask_finds_the_source_and_not_the_rim():
    rng = np.random.default_rng(3)
    seconds = np.where(np.hypot(*np.mgrid[-30:31, -30:31]) < 25, 1000.0, 0.0)
    counts = rng.poisson(0.02 * seconds)
    counts[30, 35] += 60
    mask = mask_of(counts, seconds, 10.0)
    assert not mask[30, 35]
    assert (~mask).sum() <= 2


def test_mask_by_hand():
    counts = np.ones((5, 5), int)
    counts[2, 2] = 9
    seconds = np.ones((5, 5))
    likelihood = float(tail_likelihood(9, 25 / 24))
    assert mask_of(counts, seconds, likelihood + 0.01).all()
    assert np.argwhere(~mask_of(counts, seconds, likelihood - 0.01)).tolist() == [[2, 2]]


def test_box_sum():
    image = np.arange(42.0).reshape(6, 7)
    padded = np.pad(image, 2)
    expected = [[padded[row : row + 5, column : column + 5].sum() for column in range(7)] for row in range(6)]
    np.testing.assert_array_equal(box_sum(image), expected)


@given(
    good=st.dictionaries(st.integers(1, 7), INTERVALS, min_size=1, max_size=3), size=st.sampled_from([7.0, 20.0, 33.3])
)
@settings(max_examples=60, deadline=None)
def test_bins_hold_all_good_time(good, size):
    bins = time_bins(good, size)
    for intervals in good.values():
        edges = bins.edges(1)
        inside = [total(intersection(intervals, np.array([edge]))) for edge in edges]
        assert sum(inside) == pytest.approx(total(intervals), abs=1e-6)
        middles = intervals.mean(axis=1)
        place = bins.place(middles)
        assert np.all((edges[place, 0] <= middles) & (middles <= edges[place, 1]))


@given(good=INTERVALS, seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_flare_free_time_is_within_good_time(good, seed):
    bins = time_bins({1: good}, 20.0)
    quiet = np.random.default_rng(seed).uniform(size=len(bins.numbers)) < 0.5
    left = without_flares(good, bins, quiet)
    assert total(intersection(left, good)) == pytest.approx(total(left), abs=1e-9)
    lost = without_flares(good, bins, ~quiet)
    assert total(left) + total(lost) == pytest.approx(total(good), abs=1e-6)
    for edge, kept in zip(bins.edges(1), quiet, strict=True):
        middles = intersection(good, np.array([edge])).mean(axis=1)
        assert np.all(contains(left, middles) == kept)


def test_no_good_time_has_no_bins():
    assert len(time_bins({1: np.empty((0, 2))}, 20.0).numbers) == 0


def test_bins_not_judged_are_as_their_neighbours():
    quiet, judged = np.array([0, 1, 0, 0, 0, 0, 1], bool), np.array([0, 1, 0, 0, 1, 0, 0], bool)
    assert as_their_neighbours(quiet, judged).tolist() == [True, True, True, False, False, False, False]
    assert as_their_neighbours(quiet, np.zeros(7, bool)).all()


def test_regions_are_divided():
    grid = divided(-10, 10, 0, 40, 4)
    assert (grid.shape, grid.xbin, grid.ybin) == ((4, 4), 5, 10)
    assert grid.index(np.array([-10.0, 9.99, 10.0]), np.array([0.0, 39.9, 5.0])).tolist() == [0, 15, -1]
