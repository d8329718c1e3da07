"""The blocks of FITS files: headers as bytes, their cards as plain values, the size of the data that follow.

The cards here are those that give sizes and names, for files that are only checked or searched; `fits/header.py` reads whole
headers and changes them. Neither needs astropy, whose import takes longer than a small step runs. Format: FITS standard 4.0,
sections 3 and 4.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from daxa_wf.errors import CorruptFileError

BLOCK: Final = 2880
CARD: Final = 80
CHUNK: Final = 4 << 20
"""Bytes that are read at once, so that a false size takes no memory."""
LARGEST_NUMBER = 2**50
"""Largest value of a card that counts something; a file has fewer bytes."""
MOST_COLUMNS = 999
"""Axes of an image and columns of a table (FITS standard 4.0, sections 4.4.1 and 7.3.1)."""

INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
TEXT = re.compile(r"'((?:[^']|'')*)'")

Cards = Mapping[str, Any]
"""Keyword -> value: bool, int or str (a real number stays text). A Header serves too."""


def read_header(stream: IO[bytes] | Any, place: str, number: int, longest: int, trailing: bool = False) -> bytes | None:
    """Return the next header, in whole blocks; None if the file ends, or holds no further HDU.

    `number` counts the HDUs from 0, `longest` is in blocks. `trailing`: bytes after the last HDU that are not an HDU are
    allowed, as in some archives' files; blank ones always are. Raise CorruptFileError, which names the `place`.
    """
    blocks: list[bytes] = []
    while len(blocks) < longest:
        block = read_up_to(stream, BLOCK)
        if not blocks and number == 0 and not block.startswith(b"SIMPLE  ="):
            raise CorruptFileError(f"{place} is not FITS: it begins with {block[:40]!r}; fetch the file again")
        if not blocks and number > 0 and not block.startswith(b"XTENSION"):
            if trailing or not block.strip(b"\0 "):
                return None
            if len(block) == BLOCK:
                raise CorruptFileError(f"{place}: HDU {number} begins with {block[:20]!r}, not XTENSION")
        if len(block) < BLOCK:
            raise CorruptFileError(f"{place} is cut off in the header of HDU {number}; fetch the file again")
        blocks.append(block)
        if any(block[card : card + 8] == b"END     " for card in range(0, BLOCK, CARD)):
            return b"".join(blocks)
    raise CorruptFileError(f"{place}: the header of HDU {number} has no end within {longest * BLOCK} bytes")


def read_up_to(stream: IO[bytes] | Any, size: int) -> bytes:
    """Return the next bytes of a stream that may give fewer than were asked for; fewer than `size` only at its end."""
    parts, left = [], size
    while left:
        part = stream.read(left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class RawCards(Mapping[str, Any]):
    """The cards of a header by keyword, of which only the requested ones are parsed; of repeated ones the first counts."""

    def __init__(self, raw: bytes) -> None:
        text = raw.decode("ascii", "replace")
        self._texts: dict[str, str] = {}
        for at in range(0, len(text), CARD):
            if text[at + 8 : at + 10] == "= ":
                self._texts.setdefault(text[at : at + 8].rstrip(), text[at + 10 : at + CARD])

    def __getitem__(self, keyword: str) -> bool | int | str:
        return _value(self._texts[keyword].strip())

    def __contains__(self, keyword: object) -> bool:
        return keyword in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def cards_of(raw: bytes) -> RawCards:
    """Return the values of a header by keyword, parsed when they are requested.

    >>> dict(cards_of(b"NAXIS   =                    2 / axes".ljust(80) + b"EXTNAME = 'EVENTS  '".ljust(80)))
    {'NAXIS': 2, 'EXTNAME': 'EVENTS'}
    """
    return RawCards(raw)


def _value(text: str) -> bool | int | str:
    quoted = TEXT.match(text)
    if quoted:
        return quoted[1].replace("''", "'").strip()
    word = text.split("/")[0].strip()
    if word in ("T", "F"):
        return word == "T"
    return int(word) if INTEGER.fullmatch(word) else word


def whole_number(cards: Cards, card: str, place: str, default: int | None = None) -> int:
    """Return the number of a card that counts something; CorruptFileError if it is missing or does not count."""
    value = cards.get(card, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_NUMBER:
        problem = "it is missing" if value is None else f"it is {_shown(value)}"
        raise CorruptFileError(f"{place}: expected a whole number in the card {card}, {problem}; fetch the file again")
    return value


def data_size(cards: Cards, place: str) -> int:
    """Return the bytes of an HDU's data without padding (FITS standard 4.0, equation 2; random groups, section 6).

    Raise CorruptFileError if the header states no size, or one that no file has.
    """
    count = whole_number(cards, "NAXIS", place)
    for card, value in (("NAXIS", count), ("TFIELDS", whole_number(cards, "TFIELDS", place, 0))):
        if value > MOST_COLUMNS:
            raise unreadable(place, f"{card} is {value}; expected at most {MOST_COLUMNS}")
    axes = [whole_number(cards, f"NAXIS{axis}", place) for axis in range(1, count + 1)]
    bits = cards.get("BITPIX")
    if isinstance(bits, bool) or not isinstance(bits, int) or abs(bits) not in (8, 16, 32, 64):
        raise unreadable(place, f"BITPIX is {_shown(bits)}; expected 8, 16, 32, 64, -32 or -64")
    if not axes:
        return 0
    if axes[0] == 0 and cards.get("GROUPS") is True:
        axes = axes[1:]
    elements = math.prod(axes) + whole_number(cards, "PCOUNT", place, 0)
    size = abs(bits) // 8 * whole_number(cards, "GCOUNT", place, 1) * elements
    if size > LARGEST_NUMBER:
        raise unreadable(place, "it claims more data than any file has")
    return size


def _shown(value: Any) -> str:
    """Return a card's value for messages: only texts have quotes."""
    return repr(value[:40] if isinstance(value, str) else value)


def unreadable(place: str, problem: str) -> CorruptFileError:
    """Return the error for a header that contradicts the standard or itself."""
    return CorruptFileError(f"{place}: the header cannot be read ({problem}); fetch the file again")
