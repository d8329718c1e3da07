"""Joins event files of one observation that hold different telescope modules, as eSASS's evtool does it.

Source: eSASS evtool 2.10 and 2.29, 'Description' (all extensions are merged; other planes are reprojected to the first).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import StepFailedError
from daxa_wf.events.rewrite import CardChanges, apply_cards
from daxa_wf.fits.headers import describe
from daxa_wf.fits.stream import open_bytes, walk_hdus
from daxa_wf.fits.writer import TableWriter, write_hdu
from daxa_wf.observatories.erosita.native.event_list import MODULE_TABLE, ErositaEventList
from daxa_wf.observatories.erosita.native.telescope_modules import instrument_cards, of_modules

SPARE_CARDS = 2
"""Room in the EVENTS header for what is known only after the last event."""


def join(lists: Sequence[ErositaEventList], modules: Iterable[int], output: Path) -> int:
    """Write the events and tables of some telescope modules, list after list, to one file; return the number of events.

    TSTART, TSTOP and their dates span all lists; other cards are those of the first list. Raise StepFailedError
    `listsDiffer` if the lists are of different observations, filters or formats, or share a telescope module.
    """
    _check(lists)
    chosen = sorted(set(modules) & {module for events in lists for module in events.observation.modules})
    first, is_chosen, cards = lists[0], of_modules(chosen), {**instrument_cards(chosen), **_span(lists)}
    history = (
        f"join: {' '.join(f'TM{module}' for module in chosen)} of {', '.join(events.path.name for events in lists)}"
    )
    with output.open("wb") as out:
        primary, header = first.primary_header.copy(), first.header.copy()
        for changed in (primary, header):
            apply_cards(changed, cards)
            describe(changed, history)
        write_hdu(out, primary, b"")
        writer = TableWriter(out, header, SPARE_CARDS)
        for events in lists:
            for chunk in events.chunks():
                writer.write(_on_plane_of(first, events, chunk[is_chosen[chunk["TM_NR"]]]))
        writer.close(header)
        for events in lists:
            _copy_tables(out, events, cards, chosen, events is first)
    return writer.rows


def _check(lists: Sequence[ErositaEventList]) -> None:
    first, seen = lists[0], set(lists[0].observation.modules)
    for events in lists[1:]:
        one, other = first.observation, events.observation
        both = ", ".join(f"TM{module}" for module in sorted(seen & set(other.modules)))
        problems = {
            f"they are of {one.obsid} and {other.obsid}": one.obsid != other.obsid,
            f"their filters are {one.filter} and {other.filter}": one.filter != other.filter,
            "their columns are not the same": _format(first) != _format(events),
            f"both have {both}": both,
        }
        for text, wrong in problems.items():
            if wrong:
                raise StepFailedError(
                    "listsDiffer", f"{first.path.name} and {events.path.name} cannot be joined: {text}"
                )
        seen |= set(other.modules)


def _format(events: ErositaEventList) -> tuple[Any, ...]:
    """Return the columns with their types and scales."""
    numbers = range(1, len(events.column_names) + 1)
    return events.dtype, [
        (events.header.get(f"TSCAL{number}", 1), events.header.get(f"TZERO{number}", 0)) for number in numbers
    ]


def _span(lists: Sequence[ErositaEventList]) -> CardChanges:
    """Return TSTART, TSTOP, DATE-OBS and DATE-END from the first start to the last stop."""
    ends = {
        "TSTART": min(lists, key=lambda events: events.time_range[0]),
        "TSTOP": max(lists, key=lambda events: events.time_range[1]),
    }
    ends |= {"DATE-OBS": ends["TSTART"], "DATE-END": ends["TSTOP"]}
    return {card: (of.header[card], of.header.comments[card]) for card, of in ends.items() if card in of.header}


def _on_plane_of(first: ErositaEventList, events: ErositaEventList, rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows with X and Y on the first list's plane, from RA and DEC if their own plane differs."""
    if events.plane == first.plane:
        return rows
    moved = rows.copy()
    x, y = first.plane.pixel(events.physical(rows, "RA"), events.physical(rows, "DEC"))
    for name, values in (("X", x), ("Y", y)):
        moved[name] = np.rint(values) if moved.dtype[name].kind == "i" else values
    return moved


def _copy_tables(
    out: IO[bytes], events: ErositaEventList, cards: CardChanges, modules: Iterable[int], is_first: bool
) -> None:
    """Copy the tables of the telescope modules, and from the first list also the tables without a module."""
    with open_bytes(events.path) as stream:
        for hdu in walk_hdus(stream, events.path):
            match = MODULE_TABLE.fullmatch(hdu.name)
            if hdu.name in ("PRIMARY", "EVENTS") or not (int(match["module"]) in modules if match else is_first):
                continue
            apply_cards(hdu.header, cards)
            write_hdu(out, hdu.header, hdu.read())
