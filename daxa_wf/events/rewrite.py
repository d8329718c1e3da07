"""Writes an event list anew, row by row and table by table. The original file is only read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.events.event_list import ROWS_AT_A_TIME, EventList
from daxa_wf.events.gti import Intervals, total
from daxa_wf.events.gti_files import gti_table
from daxa_wf.fits.headers import describe, repeated_cards
from daxa_wf.fits.stream import Hdu, open_bytes, walk_hdus
from daxa_wf.fits.writer import TableWriter, write_hdu

SPARE_CARDS = 8
"""Room in the header of the events for what is known only after the last event."""

CardChanges = Mapping[str, tuple[Any, str] | None]
"""Card -> value and comment, or None to remove the card."""


def _every(_: str) -> bool:
    return True


@dataclass(frozen=True)
class Changes:
    """The differences between a new file and the list that it is made from.

    `keep`: rows -> True for those to keep (None: all). `keep_table`: name of a table -> whether it is kept. `tables`: good
    times by name of table, in place of the old ones or after the last table. `cards`: for every header; `event_cards`: for
    the events and the primary header only. `history`: how the file was made.
    """

    history: str
    keep: Callable[[NDArray[Any]], NDArray[np.bool_]] | None = None
    keep_table: Callable[[str], bool] = _every
    tables: Mapping[str, Intervals] = field(default_factory=dict)
    cards: CardChanges = field(default_factory=dict)
    event_cards: CardChanges = field(default_factory=dict)


@dataclass(frozen=True)
class RowCounts:
    """Numbers of events that were read and written."""

    rows: int
    selected: int


def rewrite(events: EventList, output: Path, changes: Changes) -> RowCounts:
    """Write a list with changes to `output`, in one pass and bounded memory; every HDU gets new checksums.

    Raise ConfigError if `output` is the list itself, CorruptFileError if the list is damaged.

    >>> from daxa_wf.events.examples import write_example
    >>> events = EventList.open(write_example())
    >>> hard = events.path.with_name("hard.fits")
    >>> rewrite(events, hard, Changes("above 5 keV", keep=events.bind("PI > 5000").mask))
    RowCounts(rows=1000, selected=497)
    """
    if output.exists() and output.samefile(events.path):
        raise ConfigError(f"{output} is the event file itself, which is never modified: name another output")
    written, done = RowCounts(0, 0), set()
    with output.open("wb") as out, open_bytes(events.path) as stream:
        for hdu in walk_hdus(stream, events.path):
            if not changes.keep_table(hdu.name):
                continue
            if hdu.name == events.TABLE and events.TABLE in done:
                raise CorruptFileError(f"{events.path} has two tables {events.TABLE}; expected one")
            _edit(hdu, changes, events.TABLE)
            done.add(hdu.name)
            if hdu.name == events.TABLE:
                written = _copy_events(out, hdu, changes)
            elif hdu.name in changes.tables:
                _replace_intervals(out, hdu, changes.tables[hdu.name])
            else:
                write_hdu(out, hdu.header, hdu.read())
        _append_tables(out, events, changes, done)
    return written


def _append_tables(out: IO[bytes], events: EventList, changes: Changes, done: set[str]) -> None:
    """Write the tables of good times that the list does not have."""
    header = events.header.copy()
    apply_cards(header, {**changes.cards, **changes.event_cards})
    for name, intervals in changes.tables.items():
        if name not in done:
            gti_table(name, intervals, repeated_cards(header, events.IDENTITY_CARDS)).append_to(out)


def _edit(hdu: Hdu, changes: Changes, table: str) -> None:
    apply_cards(hdu.header, changes.cards)
    if hdu.name in ("PRIMARY", table):
        apply_cards(hdu.header, changes.event_cards)
        describe(hdu.header, changes.history)


def apply_cards(header: Any, cards: CardChanges) -> None:
    """Set cards of a header, or remove those whose value is None."""
    for card, value in cards.items():
        if value is not None:
            header[card] = value
        elif card in header:
            del header[card]


def _copy_events(out: IO[bytes], hdu: Hdu, changes: Changes) -> RowCounts:
    writer, rows = TableWriter(out, hdu.header, SPARE_CARDS), 0
    for chunk in hdu.chunks(ROWS_AT_A_TIME):
        rows += len(chunk)
        if changes.keep is None:
            writer.write(chunk)
        else:
            writer.write(chunk.view(f"V{chunk.dtype.itemsize}").take(np.flatnonzero(changes.keep(chunk))))
    hdu.header.add_history(f"{writer.rows} of {rows} events kept")
    writer.close(hdu.header)
    return RowCounts(rows, writer.rows)


def _replace_intervals(out: IO[bytes], hdu: Hdu, intervals: Intervals) -> None:
    """Write a table with its old header, but new rows and ONTIME. Its columns are START and STOP, in either order."""
    rows = np.zeros(len(intervals), hdu.table().dtype)
    rows["START"], rows["STOP"] = intervals[:, 0], intervals[:, 1]
    hdu.header["NAXIS2"] = len(rows)
    if "ONTIME" in hdu.header:
        hdu.header["ONTIME"] = total(intervals)
    write_hdu(out, hdu.header, rows.tobytes())
