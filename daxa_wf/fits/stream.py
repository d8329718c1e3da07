"""FITS files as streams: header by header, whole rows in chunks, plain or gzip, in bounded memory.

Reading whole rows is some ten times faster than asking cfitsio for a few columns, and a compressed list can be read
in one pass this way. Format: FITS standard 4.0, sections 3 and 7.3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError
from daxa_wf.files import gzip_errors
from daxa_wf.fits.checksums import DataSum, checksum_problems

BLOCK = 2880
LONGEST_HEADER = 10_000
"""Blocks (360,000 cards); a header that does not end before is taken for damage."""
CHUNK_BYTES = 4 << 20
LARGEST_TABLES = 1 << 30
"""Bytes that tables read whole may hold together; the frames of a pn exposure of 100 ks in small window are 300 MB."""
PRINTABLE = bytes(byte if 32 <= byte < 127 else ord("?") for byte in range(256))
"""For bytes.translate: headers may hold nothing but printable ASCII (FITS standard 4.0, section 3.2); else they cannot be
written again."""
GZIP_MAGIC = b"\x1f\x8b"
LARGEST_NUMBER = 2**50
"""Of a card that counts something; a file's bytes are fewer."""
LONGEST_ROW = 16 << 20
"""Bytes of one row of a table."""
MOST_COLUMNS = 999
"""Axes of an image and columns of a table (FITS standard 4.0, sections 4.4.1 and 7.3.1)."""

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


class _Memory:
    """The bytes that tables of a file may still take in memory."""

    def __init__(self, path: Path) -> None:
        self._path, self._left = path, LARGEST_TABLES

    def take(self, size: int, name: str) -> None:
        """Count bytes that are about to be read whole; CorruptFileError if they are too many."""
        self._left -= size
        if self._left < 0:
            raise CorruptFileError(
                f"{self._path}[{name}]: the tables beside the events hold more than {LARGEST_TABLES} bytes, which no event "
                "list does; the file is damaged"
            )


@dataclass
class Hdu:
    """One header and data unit of a stream; `header` is an astropy Header, data are read at most once."""

    name: str
    header: Any
    size: int
    _stream: IO[bytes]
    _path: Path
    _left: int
    _memory: _Memory
    _sums: DataSum | None = None

    def read(self) -> bytes | bytearray:
        """Return all of the data, without padding. CorruptFileError if they are too large to be held."""
        self._memory.take(self._left, self.name)
        data = bytearray()
        while self._left:
            data += self._piece(self._left)
        return data

    def table(self) -> NDArray[Any]:
        """Return all rows as big-endian records."""
        dtype = record_type(self.header, self._path)
        rows = row_count(self.header, self._path)
        return np.frombuffer(self.read(), dtype=dtype, count=rows) if dtype.itemsize and rows else np.empty(0, dtype)

    def chunks(self, rows: int) -> Iterator[NDArray[Any]]:
        """Yield the rows as big-endian records, at most `rows` at a time; the buffer is used again for the next chunk."""
        dtype = record_type(self.header, self._path)
        to_come = row_count(self.header, self._path) if dtype.itemsize else 0
        rows = max(1, min(rows, to_come, LONGEST_ROW // max(1, dtype.itemsize)))
        buffer = memoryview(bytearray(rows * dtype.itemsize))
        while to_come:
            view = buffer[: min(rows, to_come) * dtype.itemsize]
            _fill(self._stream, view, self._path, self.name)
            if self._sums is not None:
                self._sums.update(view)
            self._left -= len(view)
            to_come -= min(rows, to_come)
            yield np.frombuffer(view, dtype=dtype)

    def read_through(self) -> None:
        """Read the data without keeping them; CorruptFileError if the file ends before they do."""
        while self._left:
            self._piece(self._left)

    def skip(self) -> None:
        """Go to the end of the padded data; all of them are read if their sum is taken."""
        padding = -self.size % BLOCK
        if self._sums is None and self._stream.seekable() and not _is_gzip_stream(self._stream):
            self._stream.seek(self._left + padding, 1)
            self._left = 0
            return
        self.read_through()
        if self._sums is None:
            _read_exactly(self._stream, padding, self._path, self.name)
        else:
            # Some writers leave the padding of the last HDU out, which readers have to bear.
            self._sums.update(self._stream.read(padding))

    def _piece(self, longest: int) -> bytearray:
        """Return the next bytes of the data, a few MB at most, so that a false size takes no memory."""
        data = _read_exactly(self._stream, min(longest, CHUNK_BYTES), self._path, self.name)
        self._left -= len(data)
        if self._sums is not None:
            self._sums.update(data)
        return data


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed if they are gzip, whatever its name says; faults as CorruptFileError."""
    try:
        with path.open("rb") as plain:
            magic = plain.read(2)
        if magic == GZIP_MAGIC:
            from isal import igzip

            with igzip.open(path, "rb") as stream:
                yield stream
        else:
            with path.open("rb") as stream:
                yield stream
    except gzip_errors() as error:
        raise CorruptFileError(
            f"{path}: the gzip stream is damaged or cut off ({error}); fetch the file again"
        ) from error


def walk_hdus(stream: IO[bytes], path: Path, problems: list[tuple[str, str]] | None = None) -> Iterator[Hdu]:
    """Yield the HDUs of a FITS stream in order; what is not read of one is passed over. CorruptFileError names the file.

    Where `problems` are given, every byte is read, DATASUM and CHECKSUM are verified on the way, and wrong ones are added:
    the card, and what is wrong.
    """
    number, memory = 0, _Memory(path)
    while (raw := _read_header(stream, path, number)) is not None:
        header = header_of(raw, f"{path}[{number}]")
        size = data_size(header, path)
        name = str(header.get("EXTNAME", "PRIMARY" if number == 0 else "")).strip()
        hdu = Hdu(name, header, size, stream, path, size, memory, None if problems is None else DataSum())
        # Users of an HDU may change its header; the sums are those of the file.
        original = header.copy() if problems is not None else None
        yield hdu
        hdu.skip()
        if problems is not None and hdu._sums is not None:
            found = checksum_problems(original, raw, hdu._sums)
            problems += [(card, f"{name or f'HDU {number}'}: {text}") for card, text in found]
        number += 1


def check_structure(path: Path) -> None:
    """Raise CorruptFileError if a file is not FITS whose headers agree with its length, for readers that trust headers."""
    with open_bytes(path) as stream:
        for hdu in walk_hdus(stream, path):
            hdu.read_through()


@cache
def _header_class() -> Any:
    from astropy.io.fits import Header, VerifyError

    class CheckedHeader(Header):
        """A header whose cards, which astropy reads when they are first asked for, raise errors of this package."""

        place = "the header"

        def __getitem__(self, key: Any) -> Any:
            try:
                return super().__getitem__(key)
            except (VerifyError, ValueError) as error:
                raise CorruptFileError(
                    f"{self.place}: the card {key} cannot be read ({error}); fetch the file again"
                ) from None

    return CheckedHeader


def header_of(raw: bytes, place: str) -> Any:
    """Return the header that bytes hold; CorruptFileError names the place if it is not one, and where a card is not read."""
    from astropy.io.fits import VerifyError

    try:
        header = _header_class().fromstring(raw.translate(PRINTABLE).decode("ascii"))
    except (VerifyError, ValueError) as error:
        raise CorruptFileError(f"{place}: the header cannot be read ({error}); fetch the file again") from None
    header.place = place
    return header


def whole_number(header: Any, card: str, path: Path, default: int | None = None) -> int:
    """Return the number of a card that counts something; CorruptFileError if it is not there, or does not count."""
    value = header.get(card, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        found = "it is not there" if value is None else f"it is {value!r}"
        raise CorruptFileError(
            f"{path}[{header.get('EXTNAME', '')}]: expected a whole number in the card {card}, {found}; fetch the file again"
        )
    return value


def data_size(header: Any, path: Path) -> int:
    """Bytes of an HDU's data, without padding (FITS standard 4.0, equation 2); CorruptFileError if the header has no size."""
    count = whole_number(header, "NAXIS", path)
    for card, found in (("NAXIS", count), ("TFIELDS", whole_number(header, "TFIELDS", path, 0))):
        if found > MOST_COLUMNS:
            raise CorruptFileError(f"{path}: {card} is {found}; expected at most {MOST_COLUMNS}; fetch the file again")
    axes = [whole_number(header, f"NAXIS{axis}", path) for axis in range(1, count + 1)]
    bits = header.get("BITPIX")
    if not isinstance(bits, int) or abs(bits) not in (8, 16, 32, 64):
        raise CorruptFileError(f"{path}: BITPIX is {bits!r}; expected 8, 16, 32, 64, -32 or -64; fetch the file again")
    if not axes:
        return 0
    elements = math.prod(axes) + whole_number(header, "PCOUNT", path, 0)
    size = abs(bits) // 8 * whole_number(header, "GCOUNT", path, 1) * elements
    if size > LARGEST_NUMBER:
        raise CorruptFileError(f"{path}: the header claims {size:.3g} bytes of data; fetch the file again")
    return size


def row_count(header: Any, path: Path) -> int:
    """Return the number of rows of a table; CorruptFileError if they cannot be in its data."""
    rows = whole_number(header, "NAXIS2", path, 0)
    if rows * whole_number(header, "NAXIS1", path, 0) > data_size(header, path):
        raise CorruptFileError(
            f"{path}[{header.get('EXTNAME', '')}]: its rows are not all in its data; fetch the file again"
        )
    return rows


def record_type(header: Any, path: Path) -> np.dtype[Any]:
    """The numpy type of a binary table's rows; CorruptFileError if the header cannot mean one."""
    place = f"{path}[{header.get('EXTNAME', '')}]"
    count, length = whole_number(header, "TFIELDS", path, 0), whole_number(header, "NAXIS1", path)
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


def _read_header(stream: IO[bytes], path: Path, number: int) -> bytes | None:
    blocks: list[bytes] = []
    while len(blocks) < LONGEST_HEADER:
        block = stream.read(BLOCK)
        if not block and not blocks and number > 0:
            return None
        if number == 0 and not blocks and not block.startswith(b"SIMPLE  ="):
            raise CorruptFileError(f"{path} is not FITS: it begins with {block[:40]!r}; fetch the file again")
        if len(block) < BLOCK:
            raise CorruptFileError(f"{path} ends within the header of HDU {number}; fetch the file again")
        if number > 0 and not blocks and not block.startswith(b"XTENSION"):
            if not block.strip(b"\0 "):
                return None
            raise CorruptFileError(f"{path}: HDU {number} begins with {block[:20]!r}, not XTENSION")
        blocks.append(block)
        if any(block[card : card + 8] == b"END     " for card in range(0, BLOCK, 80)):
            return b"".join(blocks)
    raise CorruptFileError(f"{path}: the header of HDU {number} has no end within {LONGEST_HEADER * BLOCK} bytes")


def _read_exactly(stream: IO[bytes], size: int, path: Path, name: str) -> bytearray:
    data = bytearray(size)
    _fill(stream, memoryview(data), path, name)
    return data


def _fill(stream: IO[bytes], view: memoryview, path: Path, name: str) -> None:
    filled = 0
    while filled < len(view):
        count = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            raise CorruptFileError(f"{path} ends {len(view) - filled} bytes short within {name}; fetch the file again")
        filled += count


def _is_gzip_stream(stream: IO[bytes]) -> bool:
    return hasattr(stream, "mtime")
