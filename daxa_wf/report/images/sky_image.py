"""Images with their sky coordinates: read from files, cut to their filled part, added up over cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.fits.images import read_image
from daxa_wf.report.images.planes import ImagePlane, plane_of_image
from daxa_wf.report.images.shading import shrunk

LARGEST_IMAGE = 200_000_000
"""Largest number of pixels of an image that a plot reads into memory."""
HELD_PIXELS = 1440
"""Pixels along the longer side of an image that is held. Blocks of pixels of a larger one are joined."""
SAME_PIXEL = 0.01
"""Largest difference in pixels between grids that count as equal."""


@dataclass(frozen=True)
class SkyImage:
    """Values of pixels, shape (rows, columns), and their projection, or None if it is not known.

    `is_mean` is True for values that are averaged where pixels are joined, such as exposure times; counts are added.
    """

    pixels: NDArray[np.float64]
    plane: ImagePlane | None
    is_mean: bool = False

    def cropped(self) -> SkyImage:
        """Return the part of the image from its first to its last filled row and column."""
        return self.part(filled_part(self.pixels))

    def part(self, region: tuple[slice, slice]) -> SkyImage:
        """Return the rows and columns of a region."""
        rows, columns = region
        plane = self.plane.part(columns.start, rows.start, 1) if self.plane else None
        return SkyImage(self.pixels[region], plane, self.is_mean)

    def small(self, most: int) -> SkyImage:
        """Return the image with blocks of pixels joined, until every side has at most `most` pixels."""
        pixels, factor = shrunk(self.pixels, most)
        if self.is_mean:
            pixels /= factor**2
        return SkyImage(pixels, self.plane.part(0, 0, factor) if self.plane else None, self.is_mean)


def sky_image(pixels: NDArray[Any], plane: ImagePlane | None, is_mean: bool = False) -> SkyImage:
    """Return an image of at most HELD_PIXELS a side. Pixels that are not finite become 0."""
    return SkyImage(np.asarray(pixels), plane, is_mean).small(HELD_PIXELS)


def read_sky_image(path: Path, is_mean: bool = False) -> SkyImage:
    """Read the first image of a file. Raise CorruptFileError if the file has none."""
    cards, pixels = read_image(path, LARGEST_IMAGE)
    return sky_image(pixels, plane_of_image(cards), is_mean)


def filled_part(pixels: NDArray[np.float64]) -> tuple[slice, slice]:
    """Return the rows and columns from the first to the last pixel that is not 0; the whole of an empty image."""
    return _extent(np.any(pixels, axis=1)), _extent(np.any(pixels, axis=0))


def _extent(filled: NDArray[np.bool_]) -> slice:
    indices = np.flatnonzero(filled)
    return slice(int(indices[0]), int(indices[-1]) + 1) if len(indices) else slice(0, len(filled))


PixelGrid = tuple[ImagePlane, tuple[int, int]]
"""A projection, and the rows and columns of an image on it."""


def shared_grid(images: Sequence[SkyImage]) -> PixelGrid | None:
    """Return the grid of images if all have the same, or else one that contains all; None without sky coordinates."""
    known = [image for image in images if image.plane is not None]
    if not known or known[0].plane is None:
        return None
    rows, columns = known[0].pixels.shape
    own = known[0].plane, (rows, columns)
    return own if all(_is_on(own, image) for image in known[1:]) else common_grid(known)


def combined(images: Sequence[SkyImage], grid: PixelGrid | None) -> SkyImage | None:
    """Return the sum of images on a grid; None if the sky coordinates of one are not known."""
    if grid is None or any(image.plane is None for image in images) or not images:
        return None
    pixels = np.sum([image.pixels if _is_on(grid, image) else moved(image, *grid) for image in images], axis=0)
    return SkyImage(pixels, grid[0], images[0].is_mean)


def _is_on(grid: PixelGrid, image: SkyImage) -> bool:
    """Return True if an image has the shape of a grid, and its corners lie on the same pixels."""
    plane, shape = grid
    if image.pixels.shape != shape or image.plane is None:
        return False
    if image.plane == plane:
        return True
    x, y = np.array([0.0, shape[1] - 1.0, 0.0]), np.array([0.0, 0.0, shape[0] - 1.0])
    column, row = image.plane.pixel(*plane.sky(x, y))
    return bool(np.all(np.abs(column - x) < SAME_PIXEL) and np.all(np.abs(row - y) < SAME_PIXEL))


def common_grid(images: Sequence[SkyImage]) -> PixelGrid:
    """Return the plane and the shape of a grid that contains the filled parts of images, with north up."""
    parts = [part for image in images if (part := image.cropped()).plane is not None]
    planes = [part.plane for part in parts if part.plane is not None]
    rows, columns = parts[0].pixels.shape
    ra, dec = (float(value) for value in planes[0].sky((columns - 1) / 2, (rows - 1) / 2))
    side = max(plane.degrees_per_pixel for plane in planes)
    grid = ImagePlane(TangentPlane(ra, dec, 0.0, 0.0, 1.0, 1.0), (0.0, 0.0), ((-side, 0.0), (0.0, side)))
    corners = [_corners(part, plane, grid) for part, plane in zip(parts, planes, strict=True)]
    x, y = np.concatenate([corner[0] for corner in corners]), np.concatenate([corner[1] for corner in corners])
    left, lower = int(np.floor(np.nanmin(x))), int(np.floor(np.nanmin(y)))
    width, height = int(np.ceil(np.nanmax(x))) - left + 1, int(np.ceil(np.nanmax(y))) - lower + 1
    factor = -(-max(width, height) // HELD_PIXELS)
    return grid.part(left, lower, factor), (-(-height // factor), -(-width // factor))


def _corners(image: SkyImage, plane: ImagePlane, grid: ImagePlane) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = image.pixels.shape
    x, y = np.meshgrid(np.linspace(-0.5, columns - 0.5, 9), np.linspace(-0.5, rows - 0.5, 9))
    column, row = grid.pixel(*plane.sky(x, y))
    return column.ravel(), row.ravel()


def moved(image: SkyImage, plane: ImagePlane, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the values of an image on another grid: each pixel goes to the pixel that contains its centre."""
    if image.plane is None:
        raise ValueError("an image without sky coordinates cannot be moved")
    rows, columns = np.nonzero(image.pixels)
    column, row = plane.pixel(*image.plane.sky(columns, rows))
    usable = np.isfinite(column) & np.isfinite(row)
    column, row = np.rint(column[usable]).astype(np.int64), np.rint(row[usable]).astype(np.int64)
    inside = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
    index = row[inside] * shape[1] + column[inside]
    values = image.pixels[rows, columns][usable][inside]
    total: NDArray[np.float64] = np.bincount(index, values, minlength=shape[0] * shape[1]).astype(np.float64)
    if image.is_mean:
        total = total / np.maximum(np.bincount(index, minlength=shape[0] * shape[1]), 1)
    return total.reshape(shape)
