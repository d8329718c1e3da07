"""The cards of headers: a value and a comment, read from 80 bytes and written into them (FITS standard 4.0, section 4).

A card that nobody changes keeps its bytes. astropy would do the same, but its import takes longer than a small step runs.
The forms of new cards are those that astropy writes, which archives of earlier versions have.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

from daxa_wf.fits.blocks import CARD

CardValue = bool | int | float | str | None
COMMENTARY: Final = ("COMMENT", "HISTORY", "")
"""Keywords of cards that have only a text, and may be repeated."""

TEXT: Final = 72
"""Characters of a commentary card."""
PIECE: Final = 67
COMMENT_PIECE: Final = 64
"""Characters of value and of comment on the cards that continue a long one (section 4.2.1.2)."""

FIELD = re.compile(
    r" *(?:'(?P<text>(?:[^']|'')*)'|(?P<truth>[TF])|(?P<number>[+-]? *[0-9.]+ *(?:[EeDd] *[+-]? *[0-9]+)?))?"
    r" *(?:/ *(?P<comment>.*))?"
)
PRINTABLE = re.compile(r"[ -~]*")


class HeaderCard:
    """A card, or several that hold one long value; its text is parsed when value or comment are first requested."""

    def __init__(self, keyword: str, value: Any = "", comment: str = "", text: str = "") -> None:
        self.keyword, self._text = keyword, text
        self._number = ""
        self._parsed: tuple[CardValue, str] | None = None if text else (_plain(value), _printable(comment).rstrip())

    @property
    def value(self) -> CardValue:
        """Return the value, a text without blanks at its end; None if the card has none. ValueError if it cannot be read."""
        return _without_blanks(self._parts()[0])

    @property
    def comment(self) -> str:
        """Return the comment."""
        return self._parts()[1]

    @property
    def is_commentary(self) -> bool:
        """Return whether the card has only a text."""
        return self.keyword in COMMENTARY

    @property
    def is_blank(self) -> bool:
        """Return whether the card is empty."""
        return not self.keyword and not self.value

    def change(self, value: Any, comment: str | None = None) -> None:
        """Set the value, and the comment if one is given. The bytes of the card stay if both are the same as before."""
        old_value, old_comment = self._parts()
        new_value, new_comment = _plain(value), old_comment if comment is None else _printable(comment).rstrip()
        is_same = type(old_value) is type(new_value) and _without_blanks(old_value) == _without_blanks(new_value)
        if is_same and new_comment == old_comment:
            return
        self._number = self._number if is_same else ""
        self._text, self._parsed = "", (old_value if is_same else new_value, new_comment)

    def copy(self) -> HeaderCard:
        """Return a card that can be changed without changing this one."""
        other = HeaderCard(self.keyword)
        other._text, other._number, other._parsed = self._text, self._number, self._parsed
        return other

    def __str__(self) -> str:
        """Return the characters of the card: 80, or a multiple for a long value."""
        return self._text or _formatted(self.keyword, *self._parts(), self._number)

    def _parts(self) -> tuple[CardValue, str]:
        if self._parsed is None:
            if self.is_commentary or self._text[8:10] != "= ":
                self._parsed = self._text[8:].rstrip(), ""
            else:
                self._parsed, self._number = _parsed(self._text)
        return self._parsed


def cards_in(text: str) -> Iterator[HeaderCard]:
    """Yield the cards of a header up to END, each with those that continue it."""
    at = 0
    while at < len(text) and text[at : at + 8] != "END     ":
        end = at + CARD
        while text[end : end + 8] == "CONTINUE":
            end += CARD
        yield HeaderCard(text[at : at + 8].rstrip().upper(), text=text[at:end].ljust(CARD))
        at = end


def _plain(value: Any) -> CardValue:
    """Return a value of Python's own type. Raise ValueError for numbers and texts that no card can hold."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written in a FITS header; expected a finite number")
    return _printable(value) if isinstance(value, str) else value


def _without_blanks(value: CardValue) -> CardValue:
    return value.rstrip() if isinstance(value, str) else value


def _printable(text: str) -> str:
    if not PRINTABLE.fullmatch(text):
        raise ValueError(f"{text[:40]!r} cannot be written in a FITS header; expected printable ASCII characters")
    return text


def _parsed(text: str) -> tuple[tuple[CardValue, str], str]:
    """Return value and comment of a card that may be continued, and the digits of a real number as they are written."""
    values, comments = list[str](), list[str]()
    for at in range(0, len(text), CARD):
        match = FIELD.fullmatch(text[at + 10 : at + CARD].strip())
        if match is None:
            raise ValueError(f"{text[at + 10 : at + CARD].rstrip()!r} is not a value")
        if match["text"] is None and len(text) == CARD:
            value = _number_or_truth(match)
            return (value, (match["comment"] or "").rstrip()), match["number"] if isinstance(value, float) else ""
        piece = (match["text"] or "").replace("''", "'").rstrip()
        values.append(piece.removesuffix("&") if len(text) > CARD else piece)
        comments += [match["comment"].rstrip()] if match["comment"] else []
    return ("".join(values), " ".join(comments)), ""


def _number_or_truth(match: re.Match[str]) -> CardValue:
    if match["truth"]:
        return match["truth"] == "T"
    if not match["number"]:
        return None
    digits = match["number"].replace(" ", "").upper().replace("D", "E")
    return int(digits) if digits.lstrip("+-").isdigit() else float(digits)


def _formatted(keyword: str, value: CardValue, comment: str, number: str) -> str:
    if keyword in COMMENTARY:
        return f"{keyword:8}{value}".ljust(CARD)
    field = f"{number:>20}" if number else _field(value)
    text = f"{keyword:8}= {field}" + (f" / {comment}" if comment else "")
    if len(text) > CARD and isinstance(value, str) and len(field) > CARD - 10:
        return _continued(keyword, value, comment)
    # A comment that is too long is cut off.
    return text[:CARD].ljust(CARD)


def _field(value: CardValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        return f"'{quoted:8}'".ljust(20) if value else "''"
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    if isinstance(value, int):
        return f"{value:>20d}"
    mantissa, mark, exponent = str(value).upper().partition("E")
    return f"{mantissa[: 20 - len(mark + exponent)] + mark + exponent:>20}"


def _continued(keyword: str, value: str, comment: str) -> str:
    """Return a long text, and its comment, on several cards."""
    pieces = _pieces(value.replace("'", "''"), PIECE)
    last = len(pieces) - 1
    fields = [f"'{piece}{'&' if comment or index < last else ''}'" for index, piece in enumerate(pieces)]
    remarks = _pieces(comment, COMMENT_PIECE) if comment else []
    fields += [f"'{'&' if index < len(remarks) - 1 else ''}' / {remark}" for index, remark in enumerate(remarks)]
    heads = [f"{keyword:8}= ", *["CONTINUE  "] * (len(fields) - 1)]
    return "".join(f"{head}{field}".ljust(CARD) for head, field in zip(heads, fields, strict=True))


def _pieces(text: str, longest: int) -> list[str]:
    """Divide a text after blanks; a word that is longer than a piece is divided too."""
    pieces = []
    while text:
        end = len(text) if len(text) < longest else text.rfind(" ", 0, longest) + 1 or longest
        pieces.append(text[:end])
        text = text[end:]
    return pieces
