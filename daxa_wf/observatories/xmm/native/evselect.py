"""Cleaning: the events of a list that pass an expression within good time intervals, as SAS's evselect keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
from daxa_wf.events.gti import NONE, Intervals, contains, intersection, total
from daxa_wf.events.gti_files import gti_hdu, intervals_of
from daxa_wf.fits.headers import describe
from daxa_wf.fits.stream import Hdu, open_bytes, walk_hdus
from daxa_wf.fits.table_types import record_type, with_columns
from daxa_wf.fits.writer import TableWriter, write_hdu
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES, EpicEventList, Frames

EXPOSURE_CARD = re.compile(r"(?:ONTIME|LIVETI)(\d\d)")

CENTRAL_CCD = {"M1": 1, "M2": 1, "PN": 4}
"""The CCD with the optical axis, whose ONTIME and LIVETIME stand for the list (XMM-Newton Users Handbook, 3.3)."""

SPARE_CARDS = 220
"""Room in the EVENTS header for what is known only after the last event: 12 CCDs, a data subspace, HISTORY."""


TIME_NOT_IN_EXPOSURE = (
    "the expression selects by TIME together with other columns or in arithmetic, which the good time intervals, ONTIME, "
    "LIVETIME and exposure maps do not show; select times by a condition on TIME alone, such as TIME in [a:b]"
)


@dataclass
class EvselectResult:
    """What a selection kept and what it did not; `doubts` are warnings about the exposure."""

    rows: int = 0
    selected: int = 0
    rejected_by_expression: int = 0
    rejected_by_gti: int = 0
    ontime: dict[int, float] = field(default_factory=dict)
    livetime: dict[int, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    doubts: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Table:
    """A table beside EVENTS, as it was read."""

    name: str
    header: Any
    data: bytes | bytearray

    @property
    def rows(self) -> NDArray[Any]:
        """Big-endian records."""
        return np.frombuffer(self.data, record_type(self.header, Path(self.name)))


def evselect(
    events: EpicEventList, expression: str, gti: Intervals | None, output: Path, task: str = "evselect"
) -> EvselectResult:
    """Write the events that pass `expression` within `gti` (all times if None) to `output`; one pass over the list.

    Every other table is kept: frames (EXPOSUnn) whose centre is in the new GTI, bad pixels, STDGTInn and the rest as
    they are. For each CCD on which events can pass, a table GTI0nn04 holds its old GTI within `gti` and the times that the
    expression selects; ONTIMEnn is its sum, LIVETInn the live time of the frames wholly inside. ExpressionError if the
    list lacks what the expression needs, CorruptFileError if the list is damaged. Source: SAS evselect, 'Exposure';
    header numbers agree with those of genuine lists.
    """
    bound = events.bind(expression)
    times, others = time_intervals(bound)
    filters = [*times, *([] if gti is None else [gti])]
    result = EvselectResult(warnings=bound.warnings)
    if others:
        result.doubts.append({"task": task, "name": "timeNotInExposure", "text": TIME_NOT_IN_EXPOSURE})
    tables: list[Table] = []
    with output.open("wb") as out, open_bytes(events.path) as stream:
        writer: TableWriter | None = None
        header = events.header.copy()
        for hdu in walk_hdus(stream, events.path):
            if hdu.name == "EVENTS":
                if writer is not None:
                    raise CorruptFileError(f"{events.path} has two tables EVENTS; expected one")
                writer = TableWriter(out, header, SPARE_CARDS)
                _copy_events(hdu, bound, gti, writer, result)
            elif writer is None:
                _write_described(out, hdu, task)
            else:
                tables.append(Table(hdu.name, hdu.header, hdu.read()))
        if writer is None:
            raise CorruptFileError(f"{events.path} has lost its table EVENTS since it was opened")
        ccds = _new_gtis(events, tables, filters)
        ccds = {ccd: intervals for ccd, intervals in ccds.items() if passable(bound, {"CCDNR": np.array([ccd])})[0]}
        _finish_header(header, events, bound, ccds, tables, result, task)
        writer.close(header)
        _write_others(out, tables, ccds)
    return result


def _copy_events(
    hdu: Hdu, bound: BoundExpression, gti: Intervals | None, writer: TableWriter, result: EvselectResult
) -> None:
    for chunk in hdu.chunks(ROWS_AT_A_TIME):
        passed = np.flatnonzero(bound.mask(chunk))
        kept = passed if gti is None else passed[contains(gti, chunk["TIME"][passed].astype(float))]
        writer.write(chunk.view(f"V{chunk.dtype.itemsize}").take(kept))
        result.rows += len(chunk)
        result.selected += len(kept)
        result.rejected_by_expression += len(chunk) - len(passed)
        result.rejected_by_gti += len(passed) - len(kept)


def _write_described(out: IO[bytes], hdu: Hdu, task: str) -> None:
    header = hdu.header.copy()
    describe(header, task)
    write_hdu(out, header, hdu.read())


def _new_gtis(events: EpicEventList, others: list[Table], filters: list[Intervals]) -> dict[int, Intervals]:
    """By CCD: the GTI that the list had, within all filters."""
    tables = {table.name: table for table in others}
    old = {ccd: np.array([events.time_range]) for ccd in _numbers(tables, "EXPOSU")}
    old |= {ccd: _intervals(tables[f"STDGTI{ccd:02d}"]) for ccd in _numbers(tables, "STDGTI")}
    old |= {ccd: _intervals(tables[name]) for ccd, name in events.gti_references.items() if name in tables}
    return {ccd: intersection(old[ccd], *filters) for ccd in sorted(old)}


def _numbers(tables: dict[str, Table], prefix: str) -> list[int]:
    return [int(match[1]) for name in tables if (match := re.fullmatch(rf"{prefix}(\d\d)", name))]


def _intervals(table: Table) -> Intervals:
    return intervals_of(table.rows, table.name)


def _finish_header(
    header: Any,
    events: EpicEventList,
    bound: BoundExpression,
    ccds: dict[int, Intervals],
    others: list[Table],
    result: EvselectResult,
    task: str,
) -> None:
    frames = {ccd: table for table in others for ccd in _numbers({table.name: table}, "EXPOSU")}
    result.ontime = {ccd: total(intervals) for ccd, intervals in ccds.items()}
    result.livetime = {
        ccd: live_time(events.frames_from(table.header, table.rows), ccds[ccd])
        for ccd, table in frames.items()
        if ccd in ccds
    }
    for card in [card for card in header if (match := EXPOSURE_CARD.fullmatch(card)) and int(match[1]) not in ccds]:
        del header[card]
    write_exposure_cards(header, events.identity.instrument, result.ontime, result.livetime)
    header["SLCTEXPR"] = (" ".join(bound.text.split()), "")
    names = {ccd: gti_table_name(index) for index, ccd in enumerate(ccds)}
    replace_subspace(header, events.DETECTOR_COLUMN, names, [*events.kept_restrictions, *bound.subspace])
    describe(header, f"{task}: {bound.text}\n{result.selected} of {result.rows} events kept")


def write_exposure_cards(header: Any, instrument: str, ontime: dict[int, float], livetime: dict[int, float]) -> None:
    """ONTIMEnn, LIVETInn by CCD, and ONTIME, LIVETIME of the central CCD (the longest if it is missing)."""
    for key, name, values, comment in (
        ("ONTIME", "ONTIME", ontime, "[s] sum of GTIs"),
        ("LIVETI", "LIVETIME", livetime, "[s] live time"),
    ):
        for ccd, value in values.items():
            header[f"{key}{ccd:02d}"] = (value, f"{comment} of a CCD")
        if values:
            header[name] = (
                values.get(CENTRAL_CCD[instrument], max(values.values())),
                f"{comment} of the central CCD",
            )


def live_time(frames: Frames, intervals: Intervals) -> float:
    """Live seconds of the frames that begin within a good interval and end before it does (SAS evselect: LIVETInn).

    Which frames SAS counts was measured: all genuine headers at hand agree to 1e-4 s, with no tolerance at the edges.
    """
    if len(intervals) == 0:
        return 0.0
    half = frames.time_delta / 2
    index = np.maximum(np.searchsorted(intervals[:, 0], frames.time, side="right") - 1, 0)
    inside = (frames.time - half >= intervals[index, 0]) & (frames.time + half < intervals[index, 1])
    return float(np.sum((frames.time_delta * frames.fraction)[inside]))


def gti_table_name(component: int) -> str:
    """Name of the GTI table of a data-subspace component, counted from 0."""
    return f"GTI{component:03d}04"


def _write_others(out: IO[bytes], others: list[Table], ccds: dict[int, Intervals]) -> None:
    for table in others:
        if re.fullmatch(r"GTI\d{5}", table.name):
            continue
        for ccd in _numbers({table.name: table}, "EXPOSU"):
            times = with_columns(table.rows, table.name, "TIME")["TIME"].astype(float)
            rows = table.rows[contains(ccds.get(ccd, NONE), times)]
            table.header["NAXIS2"], table.data = len(rows), rows.tobytes()
        write_hdu(out, table.header, table.data)
    for header, data in gti_tables(ccds):
        write_hdu(out, header, data)


def gti_tables(ccds: dict[int, Intervals]) -> Iterator[tuple[Any, bytes]]:
    """Header and data of the GTI table of each CCD, in order of components."""
    for component, (ccd, intervals) in enumerate(ccds.items()):
        table: Any = gti_hdu(intervals, XMM_TIMES, gti_table_name(component), ccd)
        yield table.header, np.ascontiguousarray(intervals, dtype=">f8").tobytes()
