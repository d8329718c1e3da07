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


@cache
def _gauss_matrix(size: int, sigma: float) -> NDArray[np.float64]:
    """Return the matrix that smooths a column of pixels. Every pixel spreads the whole of its counts within the image."""
    offsets = np.arange(size)[:, np.newaxis] - np.arange(size)
    weights = np.where(abs(offsets) <= GAUSS_REACH * sigma + 0.5, np.exp(-0.5 * (offsets / sigma) ** 2), 0.0)
    scaled: NDArray[np.float64] = weights / weights.sum(axis=0)
    return scaled


def gaussian(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return an image convolved with a Gaussian of a standard deviation in pixels. The sum of the counts is kept."""
    if not sigma:
        return image
    rows, columns = (_gauss_matrix(side, sigma) for side in image.shape)
    smooth: NDArray[np.float64] = rows @ image @ columns.T
    return smooth


def smoothing_width(image: NDArray[np.float64]) -> float:
    """Return the standard deviation in pixels that shows the faint parts of an image.

    It is the smallest for which half of the filled part has COUNTS_TO_SEE within the beam.
    """
    if not image.any():
        return 0.0
    least = gaussian(np.abs(image), SMOOTHING_WIDTHS[1])
    for sigma in SMOOTHING_WIDTHS:
        smooth = gaussian(image, sigma)
        filled = (least if sigma <= SMOOTHING_WIDTHS[1] else gaussian(np.abs(image), sigma)) > 1e-9
        beam = 4 * np.pi * sigma**2 if sigma else 1.0
        if np.median(np.abs(smooth[filled])) * beam >= COUNTS_TO_SEE:
            break
    return sigma


def stretch_limits(image: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the darkest and the brightest value of a plot, and the softening of its asinh stretch (0 to 1).

    The limits follow from the filled pixels, so that neither a bright source nor an empty rim hides the rest.
    """
    filled = image[np.abs(image) > 1e-9]
    if not len(filled):
        return 0.0, 1.0, 1.0
    usual, high = (float(value) for value in np.percentile(np.abs(filled), (50, 99.8)))
    low = min(0.0, float(np.percentile(filled, 1)))
    high = max(high, usual, float(np.finfo(float).tiny))
    return low, high, float(np.clip(usual / high, 0.01, 1.0))


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
    """Return a PNG of three arrays of levels: red, green and blue. Its first row is the highest of the image."""
    from PIL import Image

    stacked = np.ascontiguousarray(np.stack(channels, axis=2)[::-1])
    return _png(Image.frombytes("RGB", (stacked.shape[1], stacked.shape[0]), stacked.tobytes()))


def small_copy(png: bytes, side: int) -> bytes:
    """Return a PNG with at most `side` pixels along its longer side."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail((side, side))
    return _png(picture.quantize(128))


def _png(picture: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()
