"""One image as a drawing: coloured pixels, with the sky coordinates over them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_wf.report.images.graticule import Frame, sky_overlay
from daxa_wf.report.images.planes import ImagePlane
from daxa_wf.report.images.shading import (
    COUNTS_COLOURS,
    EXPOSURE_COLOURS,
    PLOT_PIXELS,
    gaussian,
    png_of_channels,
    png_of_levels,
    smoothing_width,
    stretched,
)
from daxa_wf.report.images.sky_image import SkyImage, filled_part
from daxa_wf.report.svg.elements import drawing, tag

LEFT, TOP, BOTTOM = 66.0, 6.0, 22.0
"""Space for the labels beside and below an image."""
SIDE = 330.0
"""Longer side of an image in the drawing."""
FEW_PIXELS = 150
"""Images with fewer pixels a side keep sharp edges where they are enlarged."""


@dataclass(frozen=True)
class DrawnImage:
    """A drawing as SVG, the PNG of its pixels, and the smoothing in arcseconds (0 for none, None if not known)."""

    svg: str
    png: bytes
    smoothing: float | None = 0.0


def draw_counts(image: SkyImage, label: str) -> DrawnImage:
    """Draw counts: cropped to the filled part, smoothed where counts are few, stretched."""
    small = image.cropped().small(PLOT_PIXELS)
    sigma = smoothing_width(small.pixels)
    png = png_of_levels(stretched(gaussian(small.pixels, sigma)), COUNTS_COLOURS)
    return DrawnImage(over_sky(png, small.plane, small.pixels.shape, label), png, _arcseconds(small.plane, sigma))


def draw_exposure(image: SkyImage, label: str) -> DrawnImage:
    """Draw an exposure map on a linear scale from 0 to its maximum."""
    small = image.cropped().small(PLOT_PIXELS)
    high = float(small.pixels.max(initial=0.0))
    levels = np.clip(small.pixels / (high or 1.0), 0.0, 1.0) * 255
    png = png_of_levels(np.round(levels).astype(np.uint8), EXPOSURE_COLOURS)
    return DrawnImage(over_sky(png, small.plane, small.pixels.shape, label), png)


def draw_colours(images: Sequence[SkyImage], label: str) -> DrawnImage:
    """Draw two or three images of the same grid as red, (green,) and blue, in this order; all smoothed by the same width.

    With two images, green is the mean of both.
    """
    region = filled_part(np.sum([image.pixels for image in images], axis=0))
    parts = [image.part(region).small(PLOT_PIXELS) for image in images]
    sigma = max(smoothing_width(part.pixels) for part in parts)
    levels: list[NDArray[np.uint8]] = [stretched(gaussian(part.pixels, sigma)) for part in parts]
    if len(levels) == 2:
        mean = (levels[0].astype(np.uint16) + levels[1]) // 2
        levels.insert(1, mean.astype(np.uint8))
    png = png_of_channels(levels)
    plane = parts[0].plane
    return DrawnImage(over_sky(png, plane, parts[0].pixels.shape, label), png, _arcseconds(plane, sigma))


def _arcseconds(plane: ImagePlane | None, sigma: float) -> float | None:
    if not sigma:
        return 0.0
    return sigma * plane.degrees_per_pixel * 3600 if plane else None


def over_sky(png: bytes, plane: ImagePlane | None, shape: tuple[int, ...], label: str) -> str:
    """Return a drawing of an image with its sky coordinates, or with a plain frame if they are not known."""
    rows, columns = shape
    scale = SIDE / max(rows, columns, 1)
    frame = Frame(LEFT + (SIDE - columns * scale) / 2, TOP, scale, columns, rows)
    width, height = columns * scale, rows * scale
    pixels = tag(
        "image", href="data:image/png;base64," + base64.b64encode(png).decode("ascii"), x=frame.left, y=frame.top,
        width=width, height=height, preserveAspectRatio="none",
        class_="sharp" if max(shape) < FEW_PIXELS else None,
    )  # fmt: skip
    edge = tag("rect", x=frame.left, y=frame.top, width=width, height=height, class_="frame")
    overlay = sky_overlay(plane, frame) if plane else []
    return drawing(LEFT + SIDE + 8, TOP + height + BOTTOM, label, [pixels, *overlay, edge], "chart image")
