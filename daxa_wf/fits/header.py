"""Headers that can be read, changed and written; they have the methods of astropy's that this package uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.cards import TEXT, CardValue, HeaderCard, cards_in

if TYPE_CHECKING:
    from astropy.io import fits

PRINTABLE = bytes(byte if 32 <= byte < 127 else ord("?") for byte in range(256))
"""For bytes.translate: headers may hold printable ASCII only (FITS standard 4.0, section 3.2), or they cannot be written."""


class Header(Mapping[str, Any]):
    """The cards of a header in order, by keyword in any case; of repeated keywords the first counts.

    >>> header = Header([("TELESCOP", "XMM", "mission")])
    >>> header["TSTART"] = (5.0, "[s] begin")
    >>> list(header), header["TELESCOP"], header.comments["TSTART"]
    (['TELESCOP', 'TSTART'], 'XMM', '[s] begin')
    """

    def __init__(self, cards: Iterable[Any] = (), place: str = "the header") -> None:
        self.cards: list[HeaderCard] = []
        self.place = place
        self._first: dict[str, HeaderCard] = {}
        for card in cards:
            self._add(len(self.cards), card if isinstance(card, HeaderCard) else HeaderCard(*card))

    @classmethod
    def of(cls, raw: bytes, place: str) -> Header:
        """Return the header of its bytes. Cards are read when they are requested; their errors name the `place`."""
        return cls(cards_in(raw.translate(PRINTABLE).decode("ascii")), place)

    def __getitem__(self, keyword: str) -> Any:
        """Return the value of a card. Raise KeyError if it is missing, CorruptFileError if it cannot be read."""
        return self._read(keyword)[0]

    def _read(self, keyword: str) -> tuple[CardValue, str]:
        card = self._first.get(keyword.upper())
        if card is None:
            raise KeyError(f"Keyword {keyword!r} not found.")
        try:
            return card.value, card.comment
        except ValueError as error:
            raise CorruptFileError(
                f"{self.place}: the card {keyword} cannot be read ({error}); fetch the file again"
            ) from None

    @property
    def comments(self) -> Comments:
        """Return the comments by keyword."""
        return Comments(self)

    def __contains__(self, keyword: object) -> bool:
        return str(keyword).upper() in self._first

    def __iter__(self) -> Iterator[str]:
        return (card.keyword for card in self.cards)

    def __len__(self) -> int:
        return len(self.cards)

    def __setitem__(self, keyword: str, value: Any) -> None:
        """Set the value of a card, or value and comment. A new card is placed before the commentary at the end."""
        value, comment = value if isinstance(value, tuple) else (value, None)
        if keyword in self:
            self._read(keyword)
            self._first[keyword.upper()].change(value, comment)
        else:
            self._append(HeaderCard(keyword.upper(), value, comment or ""))

    def __delitem__(self, keyword: str) -> None:
        del self._first[keyword.upper()]
        self.cards = [card for card in self.cards if card.keyword != keyword.upper()]

    def insert_after(self, earlier: str, keyword: str, value: Any, comment: str) -> None:
        """Insert a card after the one with the keyword `earlier`."""
        self._add(self.cards.index(self._first[earlier]) + 1, HeaderCard(keyword, value, comment))
        self._use_blanks(1)

    def extend(self, cards: Iterable[tuple[str, Any, str]]) -> None:
        """Append cards of keyword, value and comment, even if their keywords are there already."""
        for card in cards:
            self._append(HeaderCard(*card))

    def add_history(self, text: str) -> None:
        """Append HISTORY cards after those that are there, or at the end."""
        pieces = [text[at : at + TEXT] for at in range(0, len(text), TEXT)] or [""]
        for piece in pieces:
            at = self._end()
            if "HISTORY" in self:
                at = max(number for number, card in enumerate(self.cards, start=1) if card.keyword == "HISTORY")
            self._add(at, HeaderCard("HISTORY", piece))
            self._use_blanks(1)

    def copy(self) -> Header:
        """Return a header that can be changed without changing this one."""
        return Header((card.copy() for card in self.cards), self.place)

    def as_astropy(self) -> fits.Header:
        """Return the header as astropy's, for `WCS` and other functions that take only that one."""
        from astropy.io import fits

        return fits.Header.fromstring("".join(map(str, self.cards)))

    def _append(self, card: HeaderCard) -> None:
        at = self._end()
        while at and self.cards[at - 1].is_commentary:
            at -= 1
        self._add(at, card)
        self._use_blanks(len(str(card)) // 80)

    def _end(self) -> int:
        """Return the number of cards without the blank ones at the end."""
        at = len(self.cards)
        while at and self.cards[at - 1].is_blank:
            at -= 1
        return at

    def _add(self, at: int, card: HeaderCard) -> None:
        self.cards.insert(at, card)
        self._first.setdefault(card.keyword, card)

    def _use_blanks(self, count: int) -> None:
        """Remove blank cards at the end in exchange for new ones, so that the header keeps its size."""
        del self.cards[max(self._end(), len(self.cards) - count) :]


class Comments:
    """The comments of a header by keyword."""

    def __init__(self, header: Header) -> None:
        self._header = header

    def __getitem__(self, keyword: str) -> str:
        return self._header._read(keyword)[1]
