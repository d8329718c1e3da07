"""Writes FITS as a stream, with DATASUM and CHECKSUM as it goes (FITS standard 4.0, section 4.4.2.7 and appendix J)."""

from __future__ import annotations

from typing import IO, Any

import numpy as np

from daxa_wf.fits.blocks import BLOCK
from daxa_wf.fits.checksums import ALL_ONES, DataSum, fold

END = b"END" + b" " * 77
PUNCTUATION = b":;<=>?@[\\]^_`"
"""Characters that an encoded checksum must not contain."""


def encode_checksum(total: int) -> str:
    """Return the 16 characters of a CHECKSUM card whose complement sum is `total` (FITS standard 4.0, appendix J.2)."""
    complement = ALL_ONES - total
    characters = np.zeros((4, 4), dtype=int)
    for byte in range(4):
        value = (complement >> (24 - 8 * byte)) & 0xFF
        quotient, remainder = divmod(value, 4)
        four = [quotient + ord("0") + (remainder if index == 0 else 0) for index in range(4)]
        characters[:, byte] = _without_punctuation(four)
    text = bytes(characters.ravel().tolist()).decode("ascii")
    return text[-1] + text[:-1]


def _without_punctuation(four: list[int]) -> list[int]:
    while any(character in PUNCTUATION for character in four):
        for first in (0, 2):
            if four[first] in PUNCTUATION or four[first + 1] in PUNCTUATION:
                four[first] += 1
                four[first + 1] -= 1
    return four


def header_bytes(header: Any, datasum: int, size: int = 0) -> bytes:
    """Return a header as bytes, with DATASUM and a CHECKSUM that makes the HDU's sum all ones.

    The bytes fill whole blocks, `size` of them at least, by blank cards before END. Raise ValueError if `size` is too short.
    """
    header["DATASUM"] = (str(datasum), "data unit checksum")
    header["CHECKSUM"] = ("0" * 16, "HDU checksum")
    sums = DataSum()
    sums.update(_padded(header, size))
    header["CHECKSUM"] = (encode_checksum(fold(sums.value + datasum)), "HDU checksum")
    return _padded(header, size)


def _text(header: Any) -> str:
    return "".join(str(card) for card in header.cards)


def _padded(header: Any, size: int) -> bytes:
    cards = _text(header).encode("ascii")
    needed = -(-(len(cards) + len(END)) // BLOCK) * BLOCK
    if size and needed > size:
        raise ValueError(f"the header needs {needed} bytes where {size} were kept for it")
    return bytes(cards.ljust(size - len(END)) + END if size else (cards + END).ljust(needed))


def write_hdu(stream: IO[bytes], header: Any, data: bytes | bytearray) -> None:
    """Append one HDU: header with checksums, data, padding of zeros."""
    sums = DataSum()
    sums.update(data)
    stream.write(header_bytes(header, sums.value))
    stream.write(data)
    stream.write(b"\0" * (-len(data) % BLOCK))


class TableWriter:
    """Appends a binary table whose rows come in chunks; `close` writes its header in front of them."""

    def __init__(self, stream: IO[bytes], header: Any, spare_cards: int) -> None:
        self._stream, self._start, self._sums = stream, stream.tell(), DataSum()
        cards = len(_text(header)) // 80 + spare_cards
        self._header_size = -(-cards * 80 // BLOCK) * BLOCK
        self.rows = 0
        stream.write(b" " * self._header_size)

    def write(self, rows: Any) -> None:
        """Append big-endian records."""
        data = np.ascontiguousarray(rows).view(np.uint8).reshape(-1).data
        self._sums.update(data)
        self._stream.write(data)
        self.rows += len(rows)

    def close(self, header: Any) -> None:
        """Pad the rows, and write the final header in front of them."""
        end = self._stream.tell()
        self._stream.write(b"\0" * (-(end - self._start - self._header_size) % BLOCK))
        header["NAXIS2"] = self.rows
        raw = header_bytes(header, self._sums.value, self._header_size)
        self._stream.seek(self._start)
        self._stream.write(raw)
        self._stream.seek(0, 2)
