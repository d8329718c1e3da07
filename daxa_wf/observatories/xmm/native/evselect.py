"""Cleaning: the events of a list that pass an expression within good time intervals, as SAS's evselect keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.data_subspace import replace_subspace
from daxa_wf.events.event_list import ROWS_AT_A_TIME
from daxa_wf.events.expression import BoundExpression
from daxa_wf.events.expression.passable import passable, time_intervals
from daxa_wf.events.findings import Finding
from daxa_wf.events.gti import NONE, Intervals, contains, intersection, total
from daxa_wf.events.gti_files import intervals_of
from daxa_wf.fits.headers import describe
from daxa_wf.fits.stream import Hdu, open_bytes, walk_hdus
from daxa_wf.fits.table_types import record_type, with_columns
from daxa_wf.fits.writer import TableWriter, write_hdu
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.exposure_times import (
    SPARE_CARDS,
    gti_table_name,
    gti_tables,
    live_time,
    write_exposure_cards,
)

EXPOSURE_CARD = re.compile(r"(?:ONTIME|LIVETI)(\d\d)")

TIME_NOT_IN_EXPOSURE = Finding(
    "timeNotInExposure",
    "the expression selects by TIME together with other columns or in arithmetic, which the good time intervals, ONTIME, "
    "LIVETIME and exposure maps do not show; select times by a condition on TIME alone, such as TIME in [a:b]",
)


@dataclass(frozen=True)
class EventCounts:
    """Numbers of events: read, selected, and rejected by the expression or else by the good times."""

    rows: int = 0
    selected: int = 0
    rejected_by_expression: int = 0
    rejected_by_gti: int = 0


@dataclass(frozen=True)
class EvselectResult(EventCounts):
    """A selection: counts of events, seconds by CCD.

    `attributes` are notes on attributes of the expression; `findings` are doubts about the exposure.
    """

    ontime: Mapping[int, float] = field(default_factory=dict)
    livetime: Mapping[int, float] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class SideTable:
    """A table beside EVENTS, as it was read."""

    name: str
    header: Any
    data: bytes | bytearray

    @property
    def rows(self) -> NDArray[Any]:
        """Return the rows as big-endian records."""
        return np.frombuffer(self.data, record_type(self.header, Path(self.name)))


def evselect(events: EpicEventList, expression: str, gti: Intervals | None, output: Path) -> EvselectResult:
    """Write the events that pass `expression` within `gti` (all times if None) to `output`; one pass over the list.

    Every other table is kept: frames (EXPOSUnn) whose centre is in the new GTI, bad pixels, STDGTInn and the rest
    unchanged. For each CCD on which events can pass, a table GTI0nn04 holds its old GTI within `gti` and the times that the
    expression selects; ONTIMEnn is its sum, LIVETInn the live time of the frames wholly inside. Raise ExpressionError if
    the list lacks what the expression needs, CorruptFileError if the list is damaged. Source: SAS evselect, 'Exposure';
    header numbers agree with those of genuine lists.
    """
    bound = events.bind(expression)
    times, others = time_intervals(bound)
    filters = [*times, *([] if gti is None else [gti])]
    with output.open("wb") as out, open_bytes(events.path) as stream:
        header = events.header.copy()
        writer, counts, tables = _copy_list(walk_hdus(stream, events.path), events, bound, gti, out, header)
        ccds = _new_gtis(events, tables, filters)
        ccds = {ccd: intervals for ccd, intervals in ccds.items() if passable(bound, {"CCDNR": np.array([ccd])})[0]}
        ontime = {ccd: total(intervals) for ccd, intervals in ccds.items()}
        livetime = _live_times(events, tables, ccds)
        _write_exposure(header, events, ontime, livetime)
        _write_selection(header, events, bound, ccds)
        describe(header, f"evselect: {bound.text}\n{counts.selected} of {counts.rows} events kept")
        writer.close(header)
        _write_tables(out, tables, ccds)
    findings = (TIME_NOT_IN_EXPOSURE,) if others else ()
    return EvselectResult(
        **vars(counts), ontime=ontime, livetime=livetime, attributes=bound.warnings, findings=findings
    )


def _copy_list(
    hdus: Iterable[Hdu],
    events: EpicEventList,
    bound: BoundExpression,
    gti: Intervals | None,
    out: IO[bytes],
    header: Any,
) -> tuple[TableWriter, EventCounts, list[SideTable]]:
    """Write the HDUs up to EVENTS; return the writer of EVENTS, whose `header` is yet to be closed, and the other tables."""
    writer, counts, tables = None, EventCounts(), list[SideTable]()
    for hdu in hdus:
        if hdu.name == "EVENTS":
            if writer is not None:
                raise CorruptFileError(f"{events.path} has two tables EVENTS; expected one")
            writer = TableWriter(out, header, SPARE_CARDS)
            counts = _copy_events(hdu, bound, gti, writer)
        elif writer is None:
            _write_described(out, hdu)
        else:
            tables.append(SideTable(hdu.name, hdu.header, hdu.read()))
    if writer is None:
        raise CorruptFileError(f"{events.path} has lost its table EVENTS since it was opened")
    return writer, counts, tables


def _copy_events(hdu: Hdu, bound: BoundExpression, gti: Intervals | None, writer: TableWriter) -> EventCounts:
    rows = passing = 0
    for chunk in hdu.chunks(ROWS_AT_A_TIME):
        passed = np.flatnonzero(bound.mask(chunk))
        kept = passed if gti is None else passed[contains(gti, chunk["TIME"][passed].astype(float))]
        # Rows are taken as plain bytes, which is several times faster than as records of columns.
        writer.write(chunk.view(f"V{chunk.dtype.itemsize}").take(kept))
        rows += len(chunk)
        passing += len(passed)
    return EventCounts(rows, writer.rows, rows - passing, passing - writer.rows)


def _write_described(out: IO[bytes], hdu: Hdu) -> None:
    header = hdu.header.copy()
    describe(header, "evselect")
    write_hdu(out, header, hdu.read())


def _new_gtis(events: EpicEventList, others: list[SideTable], filters: list[Intervals]) -> dict[int, Intervals]:
    """Return by CCD the GTI that the list had, within all filters."""
    tables = {table.name: table for table in others}
    old = {ccd: np.array([events.time_range]) for ccd in _numbers(tables, "EXPOSU")}
    old |= {ccd: _intervals(tables[f"STDGTI{ccd:02d}"]) for ccd in _numbers(tables, "STDGTI")}
    old |= {ccd: _intervals(tables[name]) for ccd, name in events.gti_references.items() if name in tables}
    return {ccd: intersection(old[ccd], *filters) for ccd in sorted(old)}


def _numbers(tables: dict[str, SideTable], prefix: str) -> list[int]:
    return [int(match[1]) for name in tables if (match := re.fullmatch(rf"{prefix}(\d\d)", name))]


def _intervals(table: SideTable) -> Intervals:
    return intervals_of(table.rows, table.name)


def _live_times(events: EpicEventList, tables: list[SideTable], ccds: Mapping[int, Intervals]) -> dict[int, float]:
    frames = {ccd: table for table in tables for ccd in _numbers({table.name: table}, "EXPOSU")}
    return {
        ccd: live_time(events.frames_from(table.header, table.rows), ccds[ccd])
        for ccd, table in frames.items()
        if ccd in ccds
    }


def _write_exposure(
    header: Any, events: EpicEventList, ontime: Mapping[int, float], livetime: Mapping[int, float]
) -> None:
    """Write the seconds of each CCD, and remove the cards of CCDs without events."""
    for card in [card for card in header if (match := EXPOSURE_CARD.fullmatch(card)) and int(match[1]) not in ontime]:
        del header[card]
    write_exposure_cards(header, events.identity.instrument, ontime, livetime)


def _write_selection(header: Any, events: EpicEventList, bound: BoundExpression, ccds: Mapping[int, Intervals]) -> None:
    """Write the expression and the data subspace."""
    header["SLCTEXPR"] = (" ".join(bound.text.split()), "")
    names = {ccd: gti_table_name(index) for index, ccd in enumerate(ccds)}
    replace_subspace(header, events.DETECTOR_COLUMN, names, [*events.kept_restrictions, *bound.subspace])


def _write_tables(out: IO[bytes], tables: list[SideTable], ccds: Mapping[int, Intervals]) -> None:
    for table in tables:
        if re.fullmatch(r"GTI\d{5}", table.name):
            continue
        data = table.data
        for ccd in _numbers({table.name: table}, "EXPOSU"):
            times = with_columns(table.rows, table.name, "TIME")["TIME"].astype(float)
            rows = table.rows[contains(ccds.get(ccd, NONE), times)]
            table.header["NAXIS2"], data = len(rows), rows.tobytes()
        write_hdu(out, table.header, data)
    for good_times in gti_tables(ccds):
        good_times.append_to(out)
