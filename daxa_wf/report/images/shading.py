"""From counts to pixels of a PNG: joined, smoothed, stretched, coloured."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLOT_PIXELS = 360
"""Pixels along the longer side of an image in a plot."""
SMOOTHING_WIDTHS = (0.0, 0.8, 1.5, 2.5, 4.0, 6.0)
"""Standard deviations in pixels of the plot, the smallest first."""
COUNTS_TO_SEE = 4.0
SKY_LEVEL = 0.25
"""Level at which the usual value of an image is shown, from 0 (darkest) to 1 (brightest)."""
LEAST_SOFTENING, MOST_SOFTENING = 1e-12, 100.0
LEAST_CONTRAST = 4.0
"""Smallest ratio of the brightest shade to the usual value: noise without sources stays dark."""
SATURATION = 1.7
"""Factor for the differences between the channels of a colour image, so that soft and hard sources stand apart."""
GAUSS_REACH = 4.0
"""Standard deviations at which the smoothing kernel ends."""

COUNTS_COLOURS = (
    (6, 6, 18),
    (44, 18, 92),
    (118, 28, 120),
    (190, 52, 92),
    (240, 112, 50),
    (252, 190, 80),
    (255, 250, 220),
)
EXPOSURE_COLOURS = ((6, 10, 18), (18, 52, 88), (26, 104, 128), (70, 160, 140), (160, 208, 150), (248, 250, 210))
"""Colours from the lowest to the highest value, as red, green and blue. Their brightness increases evenly."""


@cache
def colour_table(colours: tuple[tuple[int, int, int], ...]) -> NDArray[np.uint8]:
    """Return 256 colours between the given ones, shape (256, 3)."""
    places = np.linspace(0, 255, len(colours))
    channels = [np.interp(np.arange(256), places, channel) for channel in zip(*colours, strict=True)]
    return np.round(np.stack(channels, axis=1)).astype(np.uint8)


def shrunk(image: NDArray[Any], most: int = PLOT_PIXELS) -> tuple[NDArray[np.float64], int]:
    """Return an image with blocks of pixels summed until every side has at most `most` pixels, and the side of a block."""
    factor = max(1, -(-max(image.shape) // most))
    padded = np.pad(np.nan_to_num(image.astype(np.float64)), [(0, -side % factor) for side in image.shape])
    rows, columns = (side // factor for side in padded.shape)
    return padded.reshape(rows, factor, columns, factor).sum(axis=(1, 3)), factor


def gaussian(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return an image convolved with a Gaussian of a standard deviation in pixels. The sum of the counts is kept."""
    if not sigma:
        return image
    reach = int(np.ceil(GAUSS_REACH * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    return _convolved(_convolved(image, kernel).T, kernel).T


def _convolved(image: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convolve the columns of an image. Beyond its edges the image continues as its mirror image."""
    padded = np.pad(image, ((len(kernel) // 2,) * 2, (0, 0)), mode="symmetric")
    smooth, product = np.zeros_like(image), np.empty_like(image)
    for shift, weight in enumerate(kernel.tolist()):
        np.multiply(padded[shift : shift + len(image)], weight, out=product)
        smooth += product
    return smooth


def smoothing_width(image: NDArray[np.float64]) -> float:
    """Return the standard deviation in pixels that shows the faint parts of an image.

    It is the smallest for which half of the filled part has COUNTS_TO_SEE within the beam.
    """
    if not image.any():
        return 0.0
    is_signed = bool((image < 0).any())
    for sigma in SMOOTHING_WIDTHS:
        smooth = gaussian(image, sigma)
        if is_signed or sigma < SMOOTHING_WIDTHS[1]:
            filled = gaussian(np.abs(image), max(sigma, SMOOTHING_WIDTHS[1])) > 0
        else:
            filled = smooth > 0
        beam = 4 * np.pi * sigma**2 if sigma else 1.0
        if np.median(np.abs(smooth[filled])) * beam >= COUNTS_TO_SEE:
            break
    return sigma


def stretch_limits(image: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the darkest and the brightest value of a plot, and the softening of its asinh stretch.

    They follow from the filled pixels, so that neither a bright source nor an empty rim hides the rest: the usual value is
    shown at SKY_LEVEL of the brightest one.
    """
    filled = image[image != 0]
    if not len(filled):
        return 0.0, 1.0, MOST_SOFTENING
    usual, high = (float(value) for value in np.percentile(np.abs(filled), (50, 99.8)))
    low = min(0.0, float(np.percentile(filled, 1)))
    high = max(high, LEAST_CONTRAST * usual, float(np.finfo(float).tiny))
    return low, high, softening_for(usual / high)


def softening_for(share: float) -> float:
    """Return the softening of an asinh stretch that shows a share of the brightest value at SKY_LEVEL.

    >>> softening = softening_for(0.01)
    >>> round(float(np.arcsinh(0.01 / softening) / np.arcsinh(1 / softening)), 3)
    0.25
    """
    low, high = np.log(LEAST_SOFTENING), np.log(MOST_SOFTENING)
    for _ in range(40):
        middle = (low + high) / 2
        level = np.arcsinh(share / np.exp(middle)) / np.arcsinh(1 / np.exp(middle))
        low, high = (middle, high) if level > SKY_LEVEL else (low, middle)
    return float(np.exp(high))


def stretched(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an image as levels from 0 to 255, by an asinh stretch between limits that follow from its content."""
    low, high, softening = stretch_limits(image)
    share = np.clip((image - low) / (high - low), 0.0, 1.0)
    return np.round(255 * np.arcsinh(share / softening) / np.arcsinh(1 / softening)).astype(np.uint8)


def png_of_levels(levels: NDArray[np.uint8], colours: tuple[tuple[int, int, int], ...]) -> bytes:
    """Return a PNG of levels in the colours of a table. Its first row is the highest of the image."""
    from PIL import Image

    picture = Image.frombytes("P", levels.shape[::-1], np.ascontiguousarray(levels[::-1]).tobytes())
    picture.putpalette(colour_table(colours).tobytes())
    return _png(picture)


def png_of_channels(channels: Sequence[NDArray[np.uint8]]) -> bytes:
    """Return a PNG of three arrays of levels: red, green and blue, with stronger differences between them.

    Its first row is the highest of the image.
    """
    from PIL import Image

    stacked = np.stack(channels, axis=2)[::-1].astype(np.float64)
    mean = stacked.mean(axis=2, keepdims=True)
    stacked = np.ascontiguousarray(np.clip(np.round(mean + SATURATION * (stacked - mean)), 0, 255).astype(np.uint8))
    return _png(Image.frombytes("RGB", (stacked.shape[1], stacked.shape[0]), stacked.tobytes()))


def small_copy(png: bytes, side: int) -> bytes:
    """Return a PNG with at most `side` pixels along its longer side."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail((side, side))
    return _png(picture.quantize(128, method=Image.Quantize.FASTOCTREE))


def _png(picture: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()
