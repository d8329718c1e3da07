"""The ones' complement checksums of FITS (FITS standard 4.0, section 4.4.2.7 and appendix J)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

ALL_ONES = 0xFFFFFFFF


class DataSum:
    """The 32-bit ones' complement sum of bytes that come in pieces."""

    def __init__(self) -> None:
        self._sum, self._rest = 0, b""

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes; an incomplete 32-bit word waits for the next ones."""
        if self._rest:
            data = self._rest + bytes(data)
        whole = len(data) // 4 * 4
        words = np.frombuffer(data, dtype="<u4", count=whole // 4)
        self._sum = fold(self._sum + int(words.byteswap().sum(dtype=np.uint64)))
        self._rest = bytes(data[whole:])

    @property
    def value(self) -> int:
        """Return the sum so far, as if zeros completed the last word."""
        return fold(self._sum + int.from_bytes(self._rest.ljust(4, b"\0"), "big"))


def fold(total: int) -> int:
    """Return a sum as 32 bits; the overflow is added at the other end."""
    while total > ALL_ONES:
        total = (total & ALL_ONES) + (total >> 32)
    return total


def checksum_problems(cards: Mapping[str, Any], raw_header: bytes, data: DataSum) -> list[tuple[str, str]]:
    """Return the checksums of an HDU that are wrong, as (card, description); missing or blank ones pass.

    `raw_header` is the header as it was read, `data` the sum of the data with their padding.
    """
    problems = []
    stated = str(cards.get("DATASUM", "")).strip()
    if stated and stated != str(data.value):
        problems.append(("DATASUM", f"DATASUM is {stated[:20]!r}, but the data sum up to {data.value}"))
    if str(cards.get("CHECKSUM", "")).strip():
        whole = DataSum()
        whole.update(raw_header)
        if fold(whole.value + data.value) not in (0, ALL_ONES):
            problems.append(("CHECKSUM", "CHECKSUM does not agree with the header and the data"))
    return problems
