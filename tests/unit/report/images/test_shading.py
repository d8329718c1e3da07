"""Faint images can be seen, and neither sources nor rims hide the rest."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from daxa_wf.report.images.drawing import draw_counts
from daxa_wf.report.images.shading import (
    COUNTS_COLOURS,
    EXPOSURE_COLOURS,
    SKY_LEVEL,
    colour_table,
    gaussian,
    png_of_channels,
    png_of_levels,
    shrunk,
    small_copy,
    smoothing_width,
    stretch_limits,
    stretched,
)
from daxa_wf.report.images.sky_image import read_sky_image, sky_image


def pixels_of(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def bright_share(png: bytes) -> float:
    """Share of the pixels in the middle of a plot that a person sees as lit."""
    pixels = pixels_of(png) / 255
    height, width = pixels.shape[:2]
    middle = pixels[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4]
    return float(np.mean(middle.max(axis=2) > 0.15))


@pytest.mark.parametrize("counts", [300, 3_000, 300_000])
def test_images_of_sparse_counts_are_not_black(counts: int) -> None:
    rng = np.random.default_rng(3)
    radius = np.hypot(*(np.indices((600, 600)) - 300))
    field = np.where(radius < 280, 1.0, 0.0)
    image = rng.poisson(field * counts / field.sum()).astype(np.int32)
    image[300, 300] += counts // 20
    assert bright_share(draw_counts(sky_image(image, None), "sparse").png) > 0.6


def test_real_sparse_images_are_not_black(whole_data) -> None:  # type: ignore[no-untyped-def]
    """553 counts on a million pixels; sparse images of the simulator are above."""
    (path,) = (whole_data / "swift").glob("*xpc_sk.img.gz")
    image = read_sky_image(path)
    assert image.pixels.sum() == 553
    assert bright_share(draw_counts(image, "Swift").png) > 0.6


def test_pixels_are_joined() -> None:
    small, factor = shrunk(np.arange(12.0).reshape(3, 4), most=2)
    assert factor == 2
    assert small.tolist() == [[10.0, 18.0], [17.0, 21.0]]


def test_images_are_smoothed_only_as_far_as_needed() -> None:
    rng = np.random.default_rng(4)
    widths = [smoothing_width(rng.poisson(mean, (200, 200)).astype(float)) for mean in (20.0, 1.0, 0.05)]
    assert widths == [0.0, 0.8, 4.0]
    assert smoothing_width(np.zeros((5, 5))) == 0.0
    assert smoothing_width(rng.normal(size=(50, 50))) > 0


@pytest.mark.parametrize("sigma", [0.8, 2.5, 6.0])
def test_smoothing_agrees_with_scipy_and_keeps_the_counts(sigma: float) -> None:
    image = np.random.default_rng(5).poisson(0.3, (90, 61)).astype(float)
    smooth = gaussian(image, sigma)
    np.testing.assert_allclose(smooth, gaussian_filter(image, sigma), atol=2e-4)
    assert smooth.sum() == pytest.approx(image.sum())


def test_a_bright_source_does_not_set_the_whole_stretch() -> None:
    image = np.ones((100, 100))
    image[50, 50] = 1e6
    low, high, _ = stretch_limits(image)
    assert (low, high) == (0.0, 4.0)
    levels = stretched(image)
    assert levels[50, 50] == 255
    assert levels[0, 0] == pytest.approx(255 * SKY_LEVEL, abs=1)
    assert stretch_limits(np.zeros((3, 3)))[:2] == (0.0, 1.0)
    low, high, _ = stretch_limits(np.array([[-5.0, 5.0], [0.0, 2.0]]))
    assert low < -4
    assert high > 4


@pytest.mark.parametrize("contrast", [10.0, 1e3, 1e5])
def test_the_sky_has_the_same_level_whatever_the_sources(contrast: float) -> None:
    image = np.ones((100, 100))
    image[:10, :10] = contrast
    assert stretched(image)[50, 50] == pytest.approx(255 * SKY_LEVEL, abs=2)


@pytest.mark.parametrize("colours", [COUNTS_COLOURS, EXPOSURE_COLOURS])
def test_colours_become_brighter_all_the_way(colours: tuple[tuple[int, int, int], ...]) -> None:
    brightness = colour_table(colours).astype(float) @ [0.299, 0.587, 0.114]
    assert np.all(np.diff(brightness) >= -0.5)
    assert brightness[-1] > 230 > 20 > brightness[0]


def test_the_first_row_is_at_the_bottom() -> None:
    levels = np.zeros((2, 3), np.uint8)
    levels[0, 2] = 255
    assert pixels_of(png_of_levels(levels, COUNTS_COLOURS))[1, 2].tolist() == list(COUNTS_COLOURS[-1])
    dark, bright = np.zeros((2, 3), np.uint8), levels
    assert pixels_of(png_of_channels([bright, dark, dark]))[1, 2].tolist()[1:] == [0, 0]
    assert pixels_of(png_of_channels([bright, dark, dark]))[1, 2][0] == 255
    assert pixels_of(png_of_channels([bright, bright, bright]))[1, 2].tolist() == [255, 255, 255]


def test_thumbnails_are_small() -> None:
    png = png_of_levels(np.random.default_rng(6).integers(0, 255, (360, 240), dtype=np.uint8), COUNTS_COLOURS)
    copy = small_copy(png, 160)
    assert pixels_of(copy).shape[:2] == (160, 107)
    assert len(copy) < 25_000
