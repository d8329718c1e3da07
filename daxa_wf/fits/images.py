"""Images read without astropy: plain cards and pixels as numbers (FITS standard 4.0, sections 4.4 and 7.1)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.blocks import Cards, whole_number
from daxa_wf.fits.stream import Hdu, open_bytes, walk_hdus

PIXEL_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
"""BITPIX -> numpy types as they are on disk (FITS standard 4.0, table 8)."""


def read_image(path: Path, most_pixels: int) -> tuple[Cards, NDArray[Any]]:
    """Return cards and pixels of the first image of two dimensions in a file, shape (rows, columns).

    Further axes of length 1 are dropped. Raise CorruptFileError if the file is damaged, lacks such an image, or if the
    image has more than `most_pixels` pixels.
    """
    with open_bytes(path) as stream:
        for hdu in walk_hdus(stream, path):
            if hdu.cards.get("ZIMAGE") is True:
                return _unpacked(path, hdu, most_pixels)
            shape = _shape(hdu, path)
            if shape is not None:
                _limit(shape, most_pixels)
                return hdu.cards, _pixels(hdu, shape)
    raise CorruptFileError("it does not contain an image of two dimensions")


def real_number(cards: Cards, card: str, default: float = math.nan) -> float:
    """Return the number of a card; the default if the card is missing or is not a number."""
    try:
        return float(str(cards[card]).replace("D", "E")) if card in cards else default
    except ValueError:
        return default


def _shape(hdu: Hdu, path: Path) -> tuple[int, int] | None:
    """Return rows and columns of an image; None for tables, empty units, and images of more dimensions."""
    count = whole_number(hdu.cards, "NAXIS", str(path))
    if hdu.is_table or count < 2 or hdu.size == 0:
        return None
    columns, rows, *others = (whole_number(hdu.cards, f"NAXIS{axis}", str(path)) for axis in range(1, count + 1))
    return (rows, columns) if all(length == 1 for length in others) else None


def _limit(shape: tuple[int, int], most_pixels: int) -> None:
    if math.prod(shape) > most_pixels:
        raise CorruptFileError(f"its image has more than {most_pixels} pixels")


def _pixels(hdu: Hdu, shape: tuple[int, int]) -> NDArray[Any]:
    cards = hdu.cards
    kind = PIXEL_TYPES[int(str(cards["BITPIX"]))]
    pixels = np.frombuffer(hdu.read(), dtype=kind, count=math.prod(shape)).reshape(shape)
    scale, zero = real_number(cards, "BSCALE", 1.0), real_number(cards, "BZERO", 0.0)
    if (scale, zero) == (1.0, 0.0) and "BLANK" not in cards:
        return pixels
    scaled = pixels * scale + zero
    if "BLANK" in cards:
        scaled[pixels == cards["BLANK"]] = np.nan
    return scaled


def _unpacked(path: Path, hdu: Hdu, most_pixels: int) -> tuple[Cards, NDArray[Any]]:
    """Read an image that is compressed as a table. astropy unpacks it."""
    from astropy.io import fits

    _limit((whole_number(hdu.cards, "ZNAXIS2", str(path)), whole_number(hdu.cards, "ZNAXIS1", str(path))), most_pixels)
    with fits.open(path) as hdus:
        image = hdus[hdu.number]
        return dict(image.header), np.asarray(image.data)
