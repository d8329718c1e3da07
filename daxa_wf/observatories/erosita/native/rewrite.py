"""Writes an event file anew, row by row and table by table: the raw file is only ever read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.events.gti import Intervals, total
from daxa_wf.fits.headers import describe
from daxa_wf.fits.stream import Hdu, open_bytes, walk_hdus
from daxa_wf.fits.writer import TableWriter, write_hdu
from daxa_wf.observatories.erosita.native.event_file import MODULE_TABLE, ErositaEventFile
from daxa_wf.observatories.erosita.native.gti_tables import gti_table
from daxa_wf.observatories.xmm.native.event_list import ROWS_AT_A_TIME

SPARE_CARDS = 8
"""Room in the EVENTS header for what is known only after the last event."""


@dataclass(frozen=True)
class Changes:
    """What the new file has otherwise than the old one.

    `keep`: rows -> True for those to keep (None: all); `modules`: whose tables are kept (None: all); `tables`: good
    times by name of table, in place of the old ones or after the last table; `cards`: for every header, card -> value
    and comment (None: the card goes); `event_cards`: for EVENTS and the primary header only; `history`: what was done.
    """

    history: str
    keep: Callable[[NDArray[Any]], NDArray[np.bool_]] | None = None
    modules: frozenset[int] | None = None
    tables: Mapping[str, Intervals] = field(default_factory=dict)
    cards: Mapping[str, tuple[Any, str] | None] = field(default_factory=dict)
    event_cards: Mapping[str, tuple[Any, str] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """Rows of EVENTS that were read, and how many were written."""

    rows: int
    selected: int


def rewrite(events: ErositaEventFile, output: Path, changes: Changes) -> Written:
    """Write `events` with the changes to `output`, in one pass and bounded memory; every HDU with new checksums.

    ConfigError if `output` is the file itself, CorruptFileError if the file is damaged.
    """
    if output.exists() and output.samefile(events.path):
        raise ConfigError(f"{output} is the event file itself, which is never modified: name another output")
    written, done = Written(0, 0), set()
    with output.open("wb") as out, open_bytes(events.path) as stream:
        for hdu in walk_hdus(stream, events.path):
            if not _is_kept(hdu.name, changes):
                continue
            if hdu.name == "EVENTS" and "EVENTS" in done:
                raise CorruptFileError(f"{events.path} has two tables EVENTS; expected one")
            _edit(hdu, changes)
            done.add(hdu.name)
            if hdu.name == "EVENTS":
                written = _copy_events(out, hdu, changes)
            elif hdu.name in changes.tables:
                _replace_intervals(out, hdu, changes.tables[hdu.name])
            else:
                write_hdu(out, hdu.header, hdu.read())
        of = events.header.copy()
        apply_cards(of, {**changes.cards, **changes.event_cards})
        for name, intervals in changes.tables.items():
            if name not in done:
                write_hdu(out, *gti_table(name, intervals, of))
    return written


def _is_kept(name: str, changes: Changes) -> bool:
    match = MODULE_TABLE.fullmatch(name)
    return changes.modules is None or match is None or int(match["module"]) in changes.modules


def _edit(hdu: Hdu, changes: Changes) -> None:
    apply_cards(hdu.header, changes.cards)
    if hdu.name in ("PRIMARY", "EVENTS"):
        apply_cards(hdu.header, changes.event_cards)
        describe(hdu.header, changes.history)


def apply_cards(header: Any, cards: Mapping[str, tuple[Any, str] | None]) -> None:
    """Set cards of an astropy Header to value and comment; None: the card goes."""
    for card, value in cards.items():
        if value is not None:
            header[card] = value
        elif card in header:
            del header[card]


def _copy_events(out: IO[bytes], hdu: Hdu, changes: Changes) -> Written:
    writer, rows = TableWriter(out, hdu.header, SPARE_CARDS), 0
    for chunk in hdu.chunks(ROWS_AT_A_TIME):
        rows += len(chunk)
        if changes.keep is None:
            writer.write(chunk)
        else:
            writer.write(chunk.view(f"V{chunk.dtype.itemsize}").take(np.flatnonzero(changes.keep(chunk))))
    hdu.header.add_history(f"{writer.rows} of {rows} events kept")
    writer.close(hdu.header)
    return Written(rows, writer.rows)


def _replace_intervals(out: IO[bytes], hdu: Hdu, intervals: Intervals) -> None:
    """The table with its own header, rows and ONTIME anew; START and STOP are the columns of a GTI, in either order."""
    rows = np.zeros(len(intervals), hdu.table().dtype)
    rows["START"], rows["STOP"] = intervals[:, 0], intervals[:, 1]
    hdu.header["NAXIS2"] = len(rows)
    if "ONTIME" in hdu.header:
        hdu.header["ONTIME"] = total(intervals)
    write_hdu(out, hdu.header, rows.tobytes())
