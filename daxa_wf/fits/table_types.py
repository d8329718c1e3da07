"""Binary tables as numpy sees them: the type of a row, and the number of rows (FITS standard 4.0, section 7.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.blocks import data_size, whole_number

LONGEST_ROW = 16 << 20
"""Bytes of one row of a table."""

COLUMN_TYPES = {
    "L": "i1",
    "B": "u1",
    "I": ">i2",
    "J": ">i4",
    "K": ">i8",
    "E": ">f4",
    "D": ">f8",
    "A": "S",
    "X": "u1",
}
"""TFORM letters -> numpy types as they are on disk (FITS standard 4.0, table 18)."""


def place_of(header: Any, path: Path) -> str:
    """Return file and table, as messages name them."""
    return f"{path}[{header.get('EXTNAME', '')}]"


def row_count(header: Any, path: Path) -> int:
    """Return the number of rows of a table; CorruptFileError if its data cannot hold them."""
    place = place_of(header, path)
    rows = whole_number(header, "NAXIS2", place, 0)
    if rows * whole_number(header, "NAXIS1", place, 0) > data_size(header, place):
        raise CorruptFileError(f"{place}: its rows are not all in its data; fetch the file again")
    return rows


def record_type(header: Any, path: Path) -> np.dtype[Any]:
    """Return the numpy type of a binary table's rows; CorruptFileError if the header does not define one."""
    place = place_of(header, path)
    count, length = whole_number(header, "TFIELDS", place, 0), whole_number(header, "NAXIS1", place)
    if length > LONGEST_ROW:
        raise CorruptFileError(
            f"{place}: a row of {length} bytes; expected at most {LONGEST_ROW}; fetch the file again"
        )
    try:
        dtype = np.dtype([_field(header, column, place) for column in range(1, count + 1)])
    except ValueError as error:
        raise CorruptFileError(f"{place}: its columns cannot make a table ({error}); fetch the file again") from None
    if dtype.itemsize != length:
        raise CorruptFileError(f"{place}: columns make {dtype.itemsize} bytes a row, NAXIS1 {length}")
    return dtype


FORM_BITS = {"L": 8, "X": 1, "B": 8, "I": 16, "J": 32, "K": 64, "A": 8, "E": 32, "D": 64, "C": 64, "M": 128, "P": 64,
             "Q": 128}  # fmt: skip
"""TFORM letters -> bits of one element in a row (FITS standard 4.0, table 18); descriptors of variable-length arrays too."""


def partial_type(header: Any, path: Path, columns: Sequence[str]) -> np.dtype[Any]:
    """Return the numpy type of a table's rows with some of the columns, each of one number.

    The other columns may have any form. Raise CorruptFileError if a column is missing or is not one number.
    """
    place, offset = place_of(header, path), 0
    formats, offsets = dict[str, str](), dict[str, int]()
    for column in range(1, whole_number(header, "TFIELDS", place, 0) + 1):
        name = str(header.get(f"TTYPE{column}", "")).strip().upper()
        match = re.fullmatch(r"([0-9]{0,8})([A-Z])(.*)", str(header.get(f"TFORM{column}", "")).strip())
        if match is None or match[2] not in FORM_BITS:
            raise CorruptFileError(f"{place}: the form of column {column} cannot be read; fetch the file again")
        if name in columns and match[1] in ("", "1") and match[2] in "BIJKED":
            formats[name], offsets[name] = COLUMN_TYPES[match[2]], offset
        offset += (int(match[1] or 1) * FORM_BITS[match[2]] + 7) // 8
    length = whole_number(header, "NAXIS1", place)
    missing = [name for name in columns if name not in formats]
    if missing or offset != length or length > LONGEST_ROW:
        raise CorruptFileError(f"{place}: expected the columns {', '.join(columns)} with one number a row")
    return np.dtype(
        {
            "names": list(formats),
            "formats": list(formats.values()),
            "offsets": list(offsets.values()),
            "itemsize": length,
        }
    )


def _field(header: Any, column: int, place: str) -> tuple[Any, ...]:
    name = str(header.get(f"TTYPE{column}", f"COLUMN{column}")).strip().upper()
    form = str(header.get(f"TFORM{column}", "")).strip()
    match = re.fullmatch(r"([0-9]{0,8})([A-Z])(.*)", form)
    if match is None or match[2] not in COLUMN_TYPES:
        raise CorruptFileError(
            f"{place}: column {name} has the form {form!r}, which event "
            "lists do not have (variable-length columns are not supported)"
        )
    repeat = int(match[1] or 1)
    kind = COLUMN_TYPES[match[2]]
    if match[2] == "A":
        return name, f"S{repeat}"
    if match[2] == "X":
        repeat = (repeat + 7) // 8
    return (name, kind) if repeat == 1 else (name, kind, (repeat,))


def with_columns(rows: NDArray[Any], place: str, *columns: str, expected: str = "") -> NDArray[Any]:
    """Return the rows of a table; CorruptFileError if a column is missing, or does not hold one number a row.

    `expected`: the file that messages ask for.
    """
    names = rows.dtype.names or ()
    missing = [name for name in columns if name not in names]
    if missing:
        hint = f"; expected {expected}" if expected else ""
        raise CorruptFileError(f"{place} lacks {', '.join(missing)}; it has {', '.join(names)}{hint}")
    wrong = [name for name in columns if rows.dtype[name].kind not in "iuf" or rows.dtype[name].shape]
    if wrong:
        raise CorruptFileError(f"{place}: {', '.join(wrong)} must hold one number a row")
    return rows
