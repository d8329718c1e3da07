"""Light curves and histograms: points, limits and good times are at their places."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from daxa_wf.report.svg.charts import BOTTOM, LEFT, RIGHT, TOP, histogram_chart, light_curve_chart

NAMESPACE = "{http://www.w3.org/2000/svg}"
START = 600_000_000.0


def paths(svg: str, class_: str) -> list[str]:
    """The path data of the elements of a class."""
    root = ElementTree.fromstring(svg)
    return [item.get("d", "") for item in root.iter(f"{NAMESPACE}path") if item.get("class") == class_]


def numbers(path: str) -> list[float]:
    return [float(word) for word in re.findall(r"-?[0-9.]+", path)]


def curve(**options: object) -> str:
    time = START + np.arange(0.0, 1000.0, 10.0)
    rate = np.where(time < START + 500, 1.0, 3.0)
    return light_curve_chart(time, rate, rate < 2, (0.5, 1.5), "M1", **options)  # type: ignore[arg-type]


def test_kept_and_excluded_bins_are_apart() -> None:
    (kept,), (excluded,) = paths(curve(), "dots kept"), paths(curve(), "dots excluded")
    assert kept.count("M") == excluded.count("M") == 50
    first, height = numbers(kept)[:2]
    assert first == LEFT
    assert height == pytest.approx(BOTTOM - (BOTTOM - TOP) / (3 * 1.05), abs=0.1)
    assert min(numbers(excluded)[0::3]) > max(numbers(kept)[0::3])


def test_the_strip_shows_the_good_times() -> None:
    gti = START + np.array([[0.0, 200.0], [500.0, 1000.0]])
    (bars,) = paths(curve(gti=gti), "strip kept")
    one, two = (numbers(bar) for bar in bars.split("Z")[:2])
    width = RIGHT - LEFT
    assert (one[0], one[2]) == pytest.approx((LEFT, LEFT + 0.2 * width), abs=0.1)
    assert (two[0], two[2]) == pytest.approx((LEFT + 0.5 * width, RIGHT), abs=0.1)
    assert paths(curve(), "strip kept") == []


def test_many_short_intervals_are_joined_where_nobody_can_tell_them_apart() -> None:
    starts = START + np.arange(0.0, 1000.0, 0.05)
    (bars,) = paths(curve(gti=np.column_stack([starts, starts + 0.04])), "strip kept")
    assert bars.count("Z") < 500


def test_flares_do_not_flatten_the_rest() -> None:
    time = np.arange(1000.0)
    rate = np.ones(1000)
    rate[500:510] = 1000.0
    (kept,) = paths(light_curve_chart(time, rate, rate < 2, (0.0, 2.0), "M1"), "dots kept")
    assert numbers(kept)[1] < BOTTOM - 6


@pytest.mark.parametrize("bins", [0, 1])
def test_curves_without_bins_are_drawn(bins: int) -> None:
    svg = light_curve_chart(np.ones(bins), np.ones(bins), np.ones(bins, bool), None, "M1", gti=np.empty((0, 2)))
    assert ElementTree.fromstring(svg).tag == f"{NAMESPACE}svg"


def test_a_long_curve_makes_a_short_text() -> None:
    time = np.arange(500_000.0)
    svg = light_curve_chart(time, np.sin(time), np.ones(len(time), bool), np.ones(len(time)), "M1")
    assert len(svg) < 60_000


def test_a_histogram_has_its_limits_and_its_fit() -> None:
    rates = np.linspace(0.0, 4.0, 101)
    samples = 100 * np.exp(-0.5 * ((rates - 1) / 0.2) ** 2)
    svg = histogram_chart(rates, samples, samples, (0.4, 1.6), (0.8, 1.2), "M1")
    root = ElementTree.fromstring(svg)
    (accepted,) = [item for item in root.iter(f"{NAMESPACE}rect") if item.get("class") == "accepted"]
    scale = (RIGHT - LEFT) / 3.2
    assert float(accepted.get("x", "")) == pytest.approx(LEFT + 0.4 * scale, abs=0.1)
    assert float(accepted.get("width", "")) == pytest.approx(1.2 * scale, abs=0.1)
    fitted = [numbers(path)[0] for path in paths(svg, "fitted")]
    assert fitted == pytest.approx([LEFT + 0.8 * scale, LEFT + 1.2 * scale], abs=0.1)
    peak = min(numbers(paths(svg, "model")[0])[1::2])
    assert peak == pytest.approx(TOP, abs=10)
