"""Arithmetic of good time intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from daxa_wf.errors import ConfigError
from daxa_wf.events import gti
from daxa_wf.events.gti_files import file_and_extension, read_gti, write_gti
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES
from tests.standins.gti_text import gtibuild

SPAN = 40
pairs = st.lists(st.tuples(st.integers(0, SPAN), st.integers(0, SPAN)), max_size=8)


def seconds(intervals: np.ndarray) -> set[int]:
    """The whole seconds [n, n + 1) that intervals on an integer grid hold."""
    return {n for start, stop in np.asarray(intervals).reshape(-1, 2).astype(int) for n in range(start, stop)}


def is_normal(intervals: np.ndarray) -> bool:
    flat = np.asarray(intervals).ravel()
    return bool(np.all(np.diff(flat) > 0))


@given(pairs, pairs)
def test_set_operations_equal_brute_force(one: list, two: list) -> None:
    a, b = gti.normalise(one or np.empty((0, 2))), gti.normalise(two or np.empty((0, 2)))
    every = set(range(SPAN))
    for result, expected in (
        (gti.union(a, b), seconds(a) | seconds(b)),
        (gti.intersection(a, b), seconds(a) & seconds(b)),
        (gti.complement(a, 0, SPAN), every - seconds(a)),
    ):
        assert seconds(result) == expected
        assert is_normal(result)
        assert gti.total(result) == len(expected)


@given(pairs, st.lists(st.integers(-2, 2 * SPAN + 2), max_size=20))
def test_contains_is_closed_at_both_ends(one: list, halves: list[int]) -> None:
    intervals = gti.normalise(one or np.empty((0, 2)))
    times = np.array(halves, float) / 2
    expected = [any(start <= time <= stop for start, stop in intervals) for time in times]
    assert gti.contains(intervals, times).tolist() == expected


@given(pairs, st.integers(1, 7))
def test_overlap_equals_brute_force(one: list, width: int) -> None:
    intervals = gti.normalise(one or np.empty((0, 2)))
    starts = np.arange(0, SPAN, width)
    expected = [len(seconds(intervals) & set(range(start, start + width))) for start in starts]
    assert gti.overlap(intervals, starts, starts + width).tolist() == expected


def test_short_intervals_and_short_gaps() -> None:
    intervals = np.array([[0.0, 1.0], [2.0, 10.0], [10.5, 20.0]])
    assert gti.drop_short(intervals, 5).tolist() == [[2, 10], [10.5, 20]]
    assert gti.bridge_gaps(intervals, 0.5).tolist() == [[0, 1], [2, 20]]


@pytest.mark.parametrize(("instrument", "limit"), [("M1", 0.4), ("M2", 0.4), ("PN", 0.5)])
def test_tabgtigen_equals_the_real_one_row_by_row(exod: Path, instrument: str, limit: float) -> None:
    rate = fits.getdata(exod / f"{instrument}_rate.fits", "RATE")
    made = gti.tabgtigen(rate["TIME"].astype(float), rate["RATE"] <= limit)
    real = read_gti(exod / f"{instrument}_gti.fits")
    assert made.shape == real.shape == (10, 2)
    assert np.array_equal(made, real)


def test_tabgtigen_ends_intervals_at_nan_and_drops_short_ones() -> None:
    rate = np.array([0.1, 0.1, np.nan, 0.1, 0.9, 0.1])
    good = rate <= 0.4
    assert gti.tabgtigen(np.arange(6.0), good).tolist() == [[-0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]
    assert gti.tabgtigen(np.arange(6.0), good, mingtisize=1.5).tolist() == [[-0.5, 1.5]]
    assert gti.tabgtigen(np.arange(6.0), good, maxgapsize=1.0).tolist() == [[-0.5, 5.5]]


def test_files_are_ogip_and_come_back(tmp_path: Path) -> None:
    intervals = np.array([[1e8, 1e8 + 10.25], [1e8 + 20, 1e8 + 30]])
    path = tmp_path / "a gti.fits"
    write_gti(path, intervals, XMM_TIMES, "test")
    with fits.open(path, checksum=True) as hdus:
        hdus.verify("exception")
        assert (hdus["STDGTI"].header["HDUCLAS1"], hdus["STDGTI"].header["ONTIME"]) == ("GTI", 20.25)
    for spec in (f"{path}", f"{path}:STDGTI", f"{path}+STDGTI", f"{path}[STDGTI]", f"{path}[1]"):
        assert np.array_equal(read_gti(*file_and_extension(spec)), intervals)
    with pytest.raises(ConfigError, match="no table 'NONE'"):
        read_gti(path, "NONE")


def test_gtibuild_text() -> None:
    text = """# comment
    0 100          # good
    150 200 +
    20 30 -
    160 190 -b 10 5
    """
    assert gtibuild(text).tolist() == [[0, 20], [30, 100], [150, 170], [175, 185], [190, 200]]
    made = gtibuild("10 20 -")
    assert made[0].tolist() == [0, 10]
    assert made[1, 0] == 20
    assert np.array_equal(gtibuild("1.5 2.5 +\n4 8 +"), [[1.5, 2.5], [4, 8]])
    assert gtibuild("timeref 1998-01-02T00:00:00\n 0 10").ravel() == pytest.approx([86463.184, 86473.184], abs=1e-3)


@pytest.mark.parametrize(
    ("text", "name"),
    [("1 x", "badNumericValue"), ("1", "unexpectedEOL"), ("1 2 *", "badOperator"), ("-1 2", "negativeTime"),
     ("1 9 +g 1", "badSegment")],
)  # fmt: skip
def test_gtibuild_names_mistakes_as_gtibuild(text: str, name: str) -> None:
    with pytest.raises(ConfigError, match=f"line 2: {name}"):
        gtibuild(f"# first\n{text}")
