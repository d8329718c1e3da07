"""Maps and timelines: known positions and dates are at their places."""

from __future__ import annotations

import math
import re
from datetime import datetime
from xml.etree import ElementTree

import pytest

from daxa_wf.report.svg.sky_map import (
    HEIGHT,
    MARGIN,
    SMALLEST_MARK,
    WIDTH,
    Footprint,
    field_map,
    hammer,
    mean_position,
    sky_map,
)
from daxa_wf.report.svg.timeline import LEFT, RIGHT, Span, timeline

NAMESPACE = "{http://www.w3.org/2000/svg}"


def circles(svg: str) -> list[tuple[float, float, float]]:
    root = ElementTree.fromstring(svg)
    return [
        tuple(float(item.get(name, "")) for name in ("cx", "cy", "r"))  # type: ignore[misc]
        for item in root.iter(f"{NAMESPACE}circle")
    ]


def test_a_position_is_where_the_projection_puts_it() -> None:
    ((x, y, radius),) = circles(sky_map([Footprint(0, 0, 83.6331, 22.0145, 0.25)]))
    lon, lat = math.radians(180 - 83.6331), math.radians(22.0145)
    z = math.sqrt(1 + math.cos(lat) * math.cos(lon / 2))
    half = WIDTH / 2 - MARGIN
    assert x == pytest.approx(WIDTH / 2 + half * math.cos(lat) * math.sin(lon / 2) / z, abs=0.06)
    assert y == pytest.approx(162 - half / 2 * math.sin(lat) / z, abs=0.06)
    assert radius == SMALLEST_MARK


def test_east_is_left_and_the_edges_are_apart() -> None:
    assert hammer(190.0, 0.0)[0] < hammer(170.0, 0.0)[0]
    assert hammer(0.0, 0.0)[0] == pytest.approx(WIDTH - MARGIN)
    assert hammer(360.0, 0.0)[0] == pytest.approx(MARGIN)


def test_the_galactic_equator_passes_the_galactic_centre() -> None:
    """The centre of the Galaxy is at 266.405, -28.936 degrees (ICRS)."""
    (path,) = re.findall(r'<path d="([^"]*)" class="galactic"', sky_map([]))
    points = [tuple(map(float, point.split())) for point in re.split("[ML]", path) if point]
    x, y = hammer(266.405, -28.936)
    assert min(math.hypot(x - a, y - b) for a, b in points) < 5
    assert all(0 <= a <= WIDTH and 0 <= b <= HEIGHT for a, b in points)


def test_large_fields_have_their_size() -> None:
    ((_, _, radius),) = circles(sky_map([Footprint(0, 0, 10.0, 0.0, 20.0)]))
    assert radius > 20


def test_neighbours_get_a_map_of_their_field_with_true_sizes() -> None:
    near = [Footprint(0, 0, 359.9, 60.0, 0.2), Footprint(1, 0, 0.3, 60.0, 0.2)]
    one, two = circles(field_map(near))
    distance = math.hypot(one[0] - two[0], one[1] - two[1])
    assert one[0] > two[0], "east is to the left"
    assert distance / one[2] == pytest.approx(0.4 * math.cos(math.radians(60.0)) / 0.2, rel=0.01)
    assert mean_position(near)[0] == pytest.approx(0.1)
    assert field_map([*near, Footprint(2, 0, 180.0, 0.0, 0.2)]) == ""
    assert field_map([]) == ""


def test_the_bar_of_a_field_has_its_length() -> None:
    svg = field_map([Footprint(0, 0, 150.0, 2.0, 0.25)])
    (length,) = re.findall(r"v4h([0-9.]+)v-4", svg)
    ((_, _, radius),) = circles(svg)
    (label,) = re.findall(r">(\d+)′</text></g>", svg)
    assert float(length) / radius == pytest.approx(float(label) / 60 / 0.25, rel=0.02)


def test_dates_are_on_their_lane() -> None:
    spans = [
        Span(0, "A", 0, datetime(2000, 1, 1), datetime(2000, 1, 2)),
        Span(1, "B", 1, datetime(2010, 1, 1), datetime(2020, 1, 1)),
    ]
    root = ElementTree.fromstring(timeline(spans))
    one, two = (item for item in root.iter(f"{NAMESPACE}rect"))
    width = (RIGHT - LEFT) / 1.04
    assert float(one.get("x", "")) == pytest.approx(LEFT + 0.02 * width, abs=0.2)
    assert float(two.get("x", "")) == pytest.approx(LEFT + (0.02 + 0.5) * width, abs=0.5)
    assert float(two.get("width", "")) == pytest.approx(0.5 * width, abs=0.5)
    assert float(two.get("y", "")) > float(one.get("y", ""))
    assert timeline([]) == ""
