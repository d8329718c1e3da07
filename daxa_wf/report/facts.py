"""The facts at the head of an observation's page, from the mission's table and the headers of the products."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daxa_wf.archive.layout import NO_EXPOSURE, Layout, unit_of
from daxa_wf.archive.records import FileStamp, Record
from daxa_wf.archive.selected import Row, selected_row
from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.blocks import Cards
from daxa_wf.fits.images import real_number
from daxa_wf.fits.stream import open_bytes, walk_hdus
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.report.event_lists import EVENT_TABLES, SHOWN_LISTS
from daxa_wf.report.images.planes import plane_of_image
from daxa_wf.report.panels import KeptTime, kept_times
from daxa_wf.units import Unit

MOST_HEADERS = 60
"""Products of one observation whose headers are read."""
RA_CARDS, DEC_CARDS = ("RA_PNT", "RA_NOM", "RA_OBJ", "RA_TARG"), ("DEC_PNT", "DEC_NOM", "DEC_OBJ", "DEC_TARG")
TIME_CARDS = ("ONTIME", "EXPOSURE", "LIVETIME")
"""Cards with the pointing, and with the exposure in seconds, in order of preference."""


@dataclass(frozen=True)
class ListFacts:
    """The facts of one event list: instruments, exposure, filter, mode, good and live time in seconds, events."""

    path: Path
    instruments: tuple[str, ...]
    exposure: str
    filter: str
    mode: str
    ontime: float
    livetime: float
    events: int


@dataclass
class Facts:
    """The facts of an observation; unknown ones are '' or NaN. `row` is its row of the mission's table."""

    target: str = ""
    ra: float = math.nan
    dec: float = math.nan
    start: str = ""
    end: str = ""
    revolution: str = ""
    row: Row = field(default_factory=dict)
    lists: list[ListFacts] = field(default_factory=list)
    times: list[KeptTime] = field(default_factory=list)
    expected: dict[str, float] = field(default_factory=dict)
    """Exposures of the instruments in the mission's table, in seconds."""

    @property
    def exposures(self) -> dict[str, float]:
        """Return the seconds of good time by instrument.

        They are the sum of its event lists, or else of the times that cleaning kept, or else those of the mission's table.
        """
        listed = [(name, facts.ontime) for facts in self.lists for name in facts.instruments]
        cleaned = [(time.instrument, time.kept) for time in self.times]
        seconds = {**self.expected, **_added_up(cleaned), **_added_up(listed)}
        used = dict.fromkeys(name for name, _ in listed)
        return {name: round(seconds[name], 1) for name in used if name in seconds}


def _added_up(times: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return the sum of the seconds of each instrument; those that are not known do not count."""
    seconds: dict[str, float] = {}
    for name, value in times:
        if value > 0:
            seconds[name] = seconds.get(name, 0.0) + value
    return seconds


def observation_facts(layout: Layout, unit: Unit, records: Sequence[Record]) -> Facts:
    """Collect the facts of an observation. The mission's table is preferred to headers for target, position and dates."""
    row = selected_row(layout, unit.mission, unit.obsid)
    facts = Facts(row=row, times=[time for record in records for time in kept_times(record)])
    headers = list(_headers(layout, records))
    facts.lists = [_list_facts(path, cards) for path, cards, is_list in headers if is_list]
    facts.expected = _table_exposures(row, unit.mission)
    cards_of_all = [cards for _, cards, _ in headers]
    facts.target = row.get("target", "") or row.get("field", "") or _first(cards_of_all, ("OBJECT",))
    facts.ra, facts.dec = (_number(row.get(name, "")) for name in ("ra", "dec"))
    if not (math.isfinite(facts.ra) and math.isfinite(facts.dec)):
        facts.ra, facts.dec = (_number(_first(cards_of_all, names)) for names in (RA_CARDS, DEC_CARDS))
    if not (math.isfinite(facts.ra) and math.isfinite(facts.dec)):
        planes = [plane for cards in cards_of_all if (plane := plane_of_image(cards)) is not None]
        facts.ra, facts.dec = (planes[0].plane.ra, planes[0].plane.dec) if planes else (math.nan, math.nan)
    facts.start = row.get("start", "") or _first(cards_of_all, ("DATE-OBS",))
    facts.end = row.get("end", "") or _first(cards_of_all, ("DATE-END",))
    facts.revolution = str(_first(cards_of_all, ("REVOLUT",)) or row.get("revolution", "")).removesuffix(".0")
    facts.revolution = "" if facts.revolution == "0" else facts.revolution
    return facts


def _headers(layout: Layout, records: Sequence[Record]) -> Iterator[tuple[Path, Cards, bool]]:
    """Yield path and cards of the final event lists, or of the images if there are no lists, and whether it is a list."""
    stamps = [stamp for record in records if record.done for stamp in record.products]
    lists = _best_lists(stamps)
    for stamp in (lists or [stamp for stamp in stamps if stamp.kind == "image"])[:MOST_HEADERS]:
        path = layout.find(stamp.path)
        cards = _header(path, bool(lists))
        if cards is not None:
            yield path, cards, bool(lists)


def _best_lists(stamps: Sequence[FileStamp]) -> list[FileStamp]:
    for kind in SHOWN_LISTS:
        if chosen := [stamp for stamp in stamps if stamp.kind == kind]:
            return chosen
    return []


def _header(path: Path, is_list: bool) -> Cards | None:
    """Return the cards of the events of a list, or of the first unit with data; None if the file cannot be read."""
    try:
        with open_bytes(path) as stream:
            for hdu in walk_hdus(stream, path):
                if hdu.name in EVENT_TABLES if is_list else hdu.size > 0:
                    return hdu.cards
    except (OSError, CorruptFileError):
        return None
    return None


def _list_facts(path: Path, cards: Cards) -> ListFacts:
    instrument, exposure = unit_of(path.name)
    return ListFacts(
        path=path,
        instruments=tuple(instrument.split("_")),
        exposure="" if exposure == NO_EXPOSURE else exposure,
        filter=_text(cards, "FILTER"),
        mode=_text(cards, "SUBMODE") or _text(cards, "DATAMODE"),
        ontime=next((value for card in TIME_CARDS if (value := real_number(cards, card)) > 0), math.nan),
        livetime=real_number(cards, "LIVETIME"),
        events=int(real_number(cards, "NAXIS2", 0.0)),
    )


def _table_exposures(row: Row, mission: str) -> dict[str, float]:
    """Return the exposures of instruments in a row of the mission's table, in seconds."""
    spec = MISSIONS.get(mission)
    columns = {item.name: item.exposure_column for item in spec.instruments} if spec else {}
    seconds = {name: _number(row.get(column, "")) for name, column in columns.items() if column}
    return {name: value for name, value in seconds.items() if value > 0}


def _text(cards: Cards, card: str) -> str:
    value = cards.get(card, "")
    return "" if isinstance(value, bool) else str(value).strip()


def _first(headers: Sequence[Cards], names: Sequence[str]) -> str:
    return next((text for name in names for cards in headers if (text := _text(cards, name))), "")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def sexagesimal(ra: float, dec: float) -> str:
    """Return a position in hours and degrees, to 0.1 s and 1 arcsecond.

    >>> sexagesimal(149.5925, -11.0642)
    '09h58m22.2s -11°03′51″'
    """
    tenths = round(ra % 360 / 15 * 36000) % 864000
    seconds = round(abs(dec) * 3600)
    sign = "-" if dec < 0 else "+"
    return (
        f"{tenths // 36000:02}h{tenths // 600 % 60:02}m{tenths % 600 / 10:04.1f}s "
        f"{sign}{seconds // 3600:02}°{seconds // 60 % 60:02}′{seconds % 60:02}″"
    )
