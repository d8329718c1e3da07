"""FITS files as streams: header by header, whole rows in chunks, plain or gzip, in bounded memory.

Reading whole rows is some ten times faster than asking cfitsio for a few columns, and a compressed list can be read
in one pass this way. Format: FITS standard 4.0, sections 3 and 7.3.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.checksums import DataSum, checksum_problems

BLOCK = 2880
LONGEST_HEADER = 10_000
"""Blocks (360,000 cards); a header that does not end before is taken for damage."""
CHUNK_BYTES = 4 << 20
LARGEST_CHUNK = 64 << 20
"""Bytes of rows that are read at a time, at most, however long a row is."""
LONGEST_ROW = 1 << 20
"""Bytes of a row; event lists have rows of less than 1000."""
LARGEST_TABLES = 1 << 30
"""Bytes that tables read whole may hold together; the frames of a pn exposure of 100 ks in small window are 300 MB."""
PRINTABLE = bytes(byte if 32 <= byte < 127 else ord("?") for byte in range(256))
"""For bytes.translate: headers may hold nothing but printable ASCII (FITS standard 4.0, section 3.2); else they cannot be
written again."""
GZIP_MAGIC = b"\x1f\x8b"

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
        return np.frombuffer(self.read(), dtype=dtype, count=_row_count(self.header))

    def chunks(self, rows: int) -> Iterator[NDArray[Any]]:
        """Yield the rows as big-endian records, at most `rows` at a time; the buffer is used again for the next chunk."""
        dtype = record_type(self.header, self._path)
        to_come = _row_count(self.header)
        rows = max(1, min(rows, to_come, LARGEST_CHUNK // max(1, dtype.itemsize)))
        buffer = memoryview(bytearray(rows * dtype.itemsize))
        while to_come:
            view = buffer[: min(rows, to_come) * dtype.itemsize]
            _fill(self._stream, view, self._path, self.name)
            if self._sums is not None:
                self._sums.update(view)
            self._left -= len(view)
            to_come -= min(rows, to_come)
            yield np.frombuffer(view, dtype=dtype)

    def skip(self) -> None:
        """Go to the end of the padded data; all of them are read if their sum is taken."""
        padding = -self.size % BLOCK
        if self._sums is None and self._stream.seekable() and not _is_gzip_stream(self._stream):
            self._stream.seek(self._left + padding, 1)
            self._left = 0
            return
        while self._left:
            self._piece(self._left)
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
    """The bytes of a file, decompressed if they are gzip, whatever its name says; faults as CorruptFileError.

    Cards that cannot be parsed are found only when their values are used; that is a fault of the file too.
    """
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
    except _gzip_errors() as error:
        raise CorruptFileError(
            f"{path}: the gzip stream is damaged or cut off ({error}); fetch the file again"
        ) from error
    except card_error() as error:
        raise CorruptFileError(f"{path}: a header card cannot be read: {_words(error)}") from error


def walk_hdus(stream: IO[bytes], path: Path, problems: list[tuple[str, str]] | None = None) -> Iterator[Hdu]:
    """Yield the HDUs of a FITS stream in order; what is not read of one is passed over. CorruptFileError names the file.

    Where `problems` are given, every byte is read, DATASUM and CHECKSUM are verified on the way, and wrong ones are added:
    the card, and what is wrong.
    """
    number, memory = 0, _Memory(path)
    while (raw := _read_header(stream, path, number)) is not None:
        header, name, size = _parse_header(raw, path, number)
        hdu = Hdu(name, header, size, stream, path, size, memory, None if problems is None else DataSum())
        # Users of an HDU may change its header; the sums are those of the file.
        original = header.copy() if problems is not None else None
        yield hdu
        hdu.skip()
        if problems is not None and hdu._sums is not None:
            found = checksum_problems(original, raw, hdu._sums)
            problems += [(card, f"{name or f'HDU {number}'}: {text}") for card, text in found]
        number += 1


def _parse_header(raw: bytes, path: Path, number: int) -> tuple[Any, str, int]:
    """Return a header, the name of its HDU and the bytes of its data. CorruptFileError if it has no meaning."""
    from astropy.io.fits import Header

    try:
        header = Header.fromstring(raw.translate(PRINTABLE).decode("ascii"))
        name = str(header.get("EXTNAME", "PRIMARY" if number == 0 else "")).strip()
        return header, name, data_size(header)
    except (KeyError, ValueError, TypeError, OverflowError, card_error()) as error:
        raise CorruptFileError(f"{path}: the header of HDU {number} cannot be read: {_words(error)}") from None


def card_error() -> type[Exception]:
    """Return the exception that astropy raises when the value of a card that cannot be parsed is asked for."""
    from astropy.io.fits import VerifyError

    return VerifyError


def _words(error: Exception) -> str:
    """Return an exception's message in one line, without quotes around a key."""
    return " ".join(str(error.args[0] if error.args else error).split())


def data_size(header: Any) -> int:
    """Return the bytes of an HDU's data, without padding (FITS standard 4.0, equation 2). ValueError for a negative size."""
    axes = [int(header[f"NAXIS{axis}"]) for axis in range(1, int(header["NAXIS"]) + 1)]
    if not axes:
        return 0
    groups, extra, bits = int(header.get("GCOUNT", 1)), int(header.get("PCOUNT", 0)), abs(int(header["BITPIX"]))
    if min(*axes, groups, extra) < 0:
        raise ValueError("NAXISn, PCOUNT and GCOUNT must not be negative")
    return bits // 8 * groups * (prod(axes) + extra)


def _row_count(header: Any) -> int:
    return int(header["NAXIS2"])


def record_type(header: Any, path: Path) -> np.dtype[Any]:
    """Return the numpy type of a binary table's rows; CorruptFileError if the header cannot mean one."""
    try:
        return _record_type(header, path)
    except (KeyError, ValueError, TypeError, OverflowError, card_error()) as error:
        raise CorruptFileError(f"{path}: the columns of a table cannot be read: {_words(error)}") from None


def _record_type(header: Any, path: Path) -> np.dtype[Any]:
    name = header.get("EXTNAME", "")
    shape = [int(header.get(card, value)) for card, value in (("BITPIX", 8), ("NAXIS", 2), ("GCOUNT", 1))]
    if shape != [8, 2, 1]:
        raise CorruptFileError(f"{path}[{name}]: BITPIX, NAXIS and GCOUNT are {shape}; those of a table are [8, 2, 1]")
    fields = [_field(header, column, path) for column in range(1, int(header.get("TFIELDS", 0)) + 1)]
    dtype = np.dtype(fields)
    if dtype.itemsize != int(header["NAXIS1"]):
        raise CorruptFileError(f"{path}[{name}]: columns make {dtype.itemsize} bytes a row, NAXIS1 {header['NAXIS1']}")
    if dtype.itemsize > LONGEST_ROW:
        raise CorruptFileError(f"{path}[{name}]: a row has {dtype.itemsize} bytes, more than {LONGEST_ROW}")
    return dtype


def _field(header: Any, column: int, path: Path) -> tuple[Any, ...]:
    form = str(header[f"TFORM{column}"]).strip()
    match = re.fullmatch(r"(\d*)([A-Z])(.*)", form)
    if match is None or match[2] not in COLUMN_TYPES:
        named = header.get(f"TTYPE{column}", column)
        raise CorruptFileError(
            f"{path}[{header.get('EXTNAME', '')}]: column {named} has the form {form!r}, which event "
            "lists do not have (variable-length columns are not supported)"
        )
    repeat = int(match[1] or 1)
    name, kind = str(header[f"TTYPE{column}"]).strip().upper(), COLUMN_TYPES[match[2]]
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


def _gzip_errors() -> tuple[type[Exception], ...]:
    import gzip

    from isal import isal_zlib

    # The stubs of isal declare the class as an instance.
    damaged: type[Exception] = isal_zlib.IsalError  # type: ignore[assignment]
    return EOFError, zlib.error, gzip.BadGzipFile, damaged
