"""New images and tables, with the cards that astropy gives them, for files that are written whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daxa_wf.fits.header import Header
from daxa_wf.fits.headers import Card
from daxa_wf.fits.table_types import COLUMN_TYPES
from daxa_wf.fits.writer import write_hdu

NewColumn = tuple[str, str, str, ArrayLike]
"""Name, form (a letter of COLUMN_TYPES), unit (may be empty), values."""


@dataclass(frozen=True)
class NewHdu:
    """A header, which may be changed until it is written, and its data in FITS's byte order."""

    header: Header
    data: bytes = b""

    def append_to(self, out: IO[bytes]) -> None:
        """Write it, with checksums."""
        write_hdu(out, self.header, self.data)


def primary_hdu(pixels: NDArray[Any] | None = None, cards: Iterable[Any] = (), has_extensions: bool = True) -> NewHdu:
    """Return the first HDU of a file, with an image or without data, and with the given cards after its own."""
    first: list[Card] = [("SIMPLE", True, "conforms to FITS standard"), *_array_cards(pixels)]
    extend = [("EXTEND", True)] if has_extensions else []
    return NewHdu(Header([*first, *extend, *cards]), _on_disk(pixels))


def image_hdu(pixels: NDArray[Any], cards: Iterable[Any], name: str) -> NewHdu:
    """Return an image that follows other HDUs, with the given cards between its own and its name."""
    first: list[Card] = [("XTENSION", "IMAGE", "Image extension"), *_array_cards(pixels)]
    first += [("PCOUNT", 0, "number of parameters"), ("GCOUNT", 1, "number of groups")]
    header = Header([*first, *cards])
    header["EXTNAME"] = (name, "extension name")
    return NewHdu(header, _on_disk(pixels))


def table_hdu(columns: Sequence[NewColumn], name: str = "") -> NewHdu:
    """Return a binary table with one number or truth value (form L) a row and column; without a name, no EXTNAME."""
    types = [(title, COLUMN_TYPES[form]) for title, form, _, _ in columns]
    rows = np.zeros(len(np.asarray(columns[0][3])), types)
    for title, form, _, values in columns:
        rows[title] = np.where(values, ord("T"), ord("F")) if form == "L" else values
    cards: list[Any] = [
        ("XTENSION", "BINTABLE", "binary table extension"), ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of array dimensions"), ("NAXIS1", rows.dtype.itemsize, "length of dimension 1"),
        ("NAXIS2", len(rows), "length of dimension 2"), ("PCOUNT", 0, "number of group parameters"),
        ("GCOUNT", 1, "number of groups"), ("TFIELDS", len(columns), "number of table fields"),
    ]  # fmt: skip
    for number, (title, form, unit, _) in enumerate(columns, start=1):
        cards += [(f"TTYPE{number}", title), (f"TFORM{number}", form)]
        cards += [(f"TUNIT{number}", unit)] if unit else []
    cards += [("EXTNAME", name, "extension name")] if name else []
    return NewHdu(Header(cards), rows.tobytes())


def write_hdus(path: Path, hdus: Iterable[NewHdu]) -> None:
    """Write a file of these HDUs, with checksums."""
    with path.open("wb") as out:
        for hdu in hdus:
            hdu.header["CHECKSUM"] = ""  # astropy writes CHECKSUM before DATASUM.
            hdu.append_to(out)


def _array_cards(pixels: NDArray[Any] | None) -> list[Card]:
    bits = 8 if pixels is None else pixels.itemsize * (-8 if pixels.dtype.kind == "f" else 8)
    axes = () if pixels is None else pixels.shape[::-1]
    sizes = [(f"NAXIS{axis}", size, "") for axis, size in enumerate(axes, start=1)]
    return [("BITPIX", bits, "array data type"), ("NAXIS", len(axes), "number of array dimensions"), *sizes]


def _on_disk(pixels: NDArray[Any] | None) -> bytes:
    return b"" if pixels is None else pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
