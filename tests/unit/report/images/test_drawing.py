"""The sky coordinates over an image are those of its header, and colours show hard and soft sources."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from daxa_wf.report.images.drawing import LEFT, SIDE, TOP, draw_colours, draw_counts, draw_exposure
from daxa_wf.report.images.graticule import Frame, sky_lines
from daxa_wf.report.images.planes import plane_of_image
from daxa_wf.report.images.sky_image import SkyImage
from tests.unit.report.archives import tangent_header

PIXEL = 1 / 600
HEADER = tangent_header(150.0, 2.0, PIXEL, (150.5, 100.5))


def field(rows: int = 200, columns: int = 300, source: tuple[float, float] | None = None) -> SkyImage:
    plane = plane_of_image(HEADER)
    assert plane is not None
    pixels = np.ones((rows, columns))
    if source:
        column, row = plane.pixel(*source)
        pixels[int(row) - 2 : int(row) + 3, int(column) - 2 : int(column) + 3] = 300.0
    return SkyImage(pixels, plane)


def test_the_brightest_pixel_is_at_the_source() -> None:
    drawn = draw_counts(field(source=(150.1, 2.05)), "a field")
    pixels = np.asarray(Image.open(io.BytesIO(drawn.png)).convert("L")).astype(float)
    row, column = (float(np.mean(indices)) for indices in np.nonzero(pixels == pixels.max()))
    plane = plane_of_image(HEADER)
    assert plane is not None
    expected = plane.pixel(150.1, 2.05)
    assert (column, 199 - row) == pytest.approx((float(expected[0]), float(expected[1])), abs=1.0)


def test_lines_and_labels_are_at_their_coordinates() -> None:
    svg = draw_counts(field(), "a field").svg
    labels = {item.text: item for item in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
    scale = SIDE / 300
    column, row = plane_of_image(HEADER).pixel(150.0, 2.0)  # type: ignore[union-attr]
    assert float(labels["10h00m"].get("x", "")) == pytest.approx(LEFT + (float(column) + 0.5) * scale, abs=0.2)
    bottom = TOP + 200 * scale
    y = bottom - (float(row) + 0.5) * scale
    assert float(labels["+2°00′"].get("y", "")) - 4 == pytest.approx(y, abs=0.5)
    (length,) = re.findall(r"v4h([0-9.]+)v-4", svg)
    assert labels["5′"] is not None
    assert float(length) == pytest.approx(5 / 60 / PIXEL * scale, rel=0.01)


def test_lines_stay_within_the_image_at_the_pole_too() -> None:
    plane = plane_of_image(tangent_header(10.0, 89.95, PIXEL, (150.5, 100.5)))
    assert plane is not None
    frame = Frame(66.0, 6.0, 1.0, 300, 200)
    points = [float(word) for part in sky_lines(plane, frame, "grid") for word in re.findall(r"[ML]([0-9.]+) ", part)]
    assert points
    assert min(points) >= 66.0
    assert max(points) <= 366.0


def test_a_field_across_zero_hours_has_lines() -> None:
    plane = plane_of_image(tangent_header(0.0, -30.0, PIXEL, (150.5, 100.5)))
    assert plane is not None
    text = "".join(sky_lines(plane, Frame(66.0, 6.0, 1.0, 300, 200), "grid"))
    assert ">00h00m<" in text
    assert ">23h59m<" in text


def test_an_image_without_coordinates_has_a_frame_only() -> None:
    svg = draw_counts(SkyImage(np.ones((5, 5)), None), "plain").svg
    assert 'class="graticule"' not in svg
    assert 'class="frame"' in svg
    assert 'class="sharp"' in svg, "few pixels keep their edges"


@pytest.mark.parametrize("number", [2, 3])
def test_soft_sources_are_red_and_hard_ones_blue(number: int) -> None:
    soft, hard = field(source=(150.1, 2.05)), field(source=(149.9, 1.95))
    drawn = draw_colours([soft, *([field()] if number == 3 else []), hard], "colours")
    pixels = np.asarray(Image.open(io.BytesIO(drawn.png)).convert("RGB")).astype(int)
    plane = plane_of_image(HEADER)
    assert plane is not None
    places = [plane.pixel(*position) for position in ((150.1, 2.05), (149.9, 1.95))]
    red, blue = (pixels[199 - int(row), int(column)] for column, row in places)
    assert red[0] > 200 > red[2] + 50
    assert blue[2] > 200 > blue[0] + 50
    grey = pixels[2, 2]
    assert max(grey) - min(grey) < 12, "the sky has no colour"


def test_an_exposure_map_is_brightest_at_its_maximum() -> None:
    image = SkyImage(np.linspace(0.0, 1e4, 100).reshape(10, 10), None, is_mean=True)
    pixels = np.asarray(Image.open(io.BytesIO(draw_exposure(image, "map").png)).convert("L"))
    assert np.unravel_index(np.argmax(pixels), pixels.shape) == (0, 9)
