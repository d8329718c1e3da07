"""Merges any number of event lists of one instrument, as SAS's merge does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import StepFailedError
from daxa_wf.events.data_subspace import replace_subspace
from daxa_wf.events.findings import Finding
from daxa_wf.events.gti import union
from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.fits.headers import describe
from daxa_wf.fits.writer import TableWriter, write_hdu
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.exposure_times import (
    SPARE_CARDS,
    gti_table_name,
    gti_tables,
    write_exposure_cards,
)

LARGE_OFFSET = 15.0
"""arcmin: the field of view's radius; pointings farther apart give a warning (SAS merge, largePointingOffset)."""


@dataclass(frozen=True)
class MergeResult:
    """Rows of the merged list, its exposure by CCD, and doubts about it."""

    rows: int
    ontime: Mapping[int, float]
    livetime: Mapping[int, float]
    findings: tuple[Finding, ...]


def merge(lists: Sequence[EpicEventList], output: Path) -> MergeResult:
    """Write one list of all events: earlier exposures first, X and Y on the plane of the mean pointing.

    Only columns that all lists have are kept. GTIs are united and frames joined by CCD, ONTIMEnn and LIVETInn summed;
    bad pixels are those of the first list, as merge leaves them. StepFailedError `differentObservations` if the lists are
    not of one observation. Source: SAS merge, 'Description'.
    """
    ordered = sorted(lists, key=lambda events: events.time_range)
    findings = _findings(ordered)
    plane = mean_plane(ordered)
    columns = [name for name in ordered[0].column_names if all(name in events.column_names for events in ordered)]
    first = ordered[0]
    dtype = np.dtype([(name, first.dtype[name]) for name in columns])
    gtis = {ccd: union(*(events.gtis[ccd] for events in ordered if ccd in events.gtis)) for ccd in _ccds(ordered)}
    gtis = {ccd: intervals for ccd, intervals in gtis.items() if len(intervals)} or gtis
    ontime, livetime = _summed(ordered, "ONTIME"), _summed(ordered, "LIVETI")
    with output.open("wb") as stream:
        primary = first.primary_header.copy()
        describe(primary, _history(ordered))
        write_hdu(stream, primary, b"")
        header = _merged_header(ordered, columns, plane)
        writer = TableWriter(stream, header, SPARE_CARDS)
        for events in ordered:
            _copy(events, dtype, plane, writer)
        write_exposure_cards(header, first.identity.instrument, ontime, livetime)
        names = {ccd: gti_table_name(index) for index, ccd in enumerate(gtis)}
        replace_subspace(header, first.DETECTOR_COLUMN, names, first.kept_restrictions)
        describe(header, _history(ordered))
        writer.close(header)
        for table_header, data in _tables(ordered):
            write_hdu(stream, table_header, data)
        for table in gti_tables(gtis):
            table.append_to(stream)
    return MergeResult(writer.rows, ontime, livetime, findings)


def mean_plane(lists: Sequence[EpicEventList]) -> TangentPlane:
    """Return the plane of the first list, moved to the mean of all pointings (TCRVL cards)."""
    planes = [events.plane for events in lists]
    first = planes[0]
    if all(plane == first for plane in planes):
        return first
    ra, dec = np.deg2rad([plane.ra for plane in planes]), np.deg2rad([plane.dec for plane in planes])
    x, y, z = (np.mean(component) for component in (np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)))
    mean_ra, mean_dec = np.rad2deg(np.arctan2(y, x)) % 360, np.rad2deg(np.arctan2(z, np.hypot(x, y)))
    return TangentPlane(float(mean_ra), float(mean_dec), first.x0, first.y0, first.dx, first.dy)


def _findings(lists: Sequence[EpicEventList]) -> tuple[Finding, ...]:
    first = lists[0]
    findings = []
    for before, after in pairwise(lists):
        if before.identity.obsid != after.identity.obsid:
            raise StepFailedError(
                "differentObservations",
                f"{before.path.name} is of {before.identity.obsid}, {after.path.name} of {after.identity.obsid}",
            )
        if after.time_range[0] < before.time_range[1]:
            findings.append(Finding("fileTimeOverlap", f"{after.path.name} begins before {before.path.name} ends"))
    for events in lists[1:]:
        for name in ("instrument", "filter"):
            one, other = getattr(first.identity, name), getattr(events.identity, name)
            if one != other:
                findings.append(Finding("filesNonCompatible", f"{name} {one} and {other} are merged"))
        x, y = first.plane.pixel(events.plane.ra, events.plane.dec)
        offset = np.hypot(x - first.plane.x0, y - first.plane.y0) / 1200
        if offset > LARGE_OFFSET:
            findings.append(Finding("largePointingOffset", f"the pointings are {offset:.1f} arcmin apart"))
    return tuple(findings)


def _history(lists: Sequence[EpicEventList]) -> str:
    names = ", ".join(events.path.name for events in lists)
    return f"merge: {names}\nbad pixels are those of the first list, as SAS's merge leaves them"


def _merged_header(lists: Sequence[EpicEventList], columns: Sequence[str], plane: TangentPlane) -> Any:
    header = _only_columns(lists[0], columns)
    last = lists[-1]
    header["TSTOP"] = max(events.time_range[1] for events in lists)
    header["TELAPSE"] = header["TSTOP"] - header["TSTART"]
    if "DATE-END" in last.header:
        header["DATE-END"] = last.header["DATE-END"]
    for axis, name, value in (("X", "X", plane.ra), ("Y", "Y", plane.dec)):
        header[f"TCRVL{columns.index(name) + 1}"] = value
        header[f"REF{axis}CRVL"] = value
    header["RA_PNT"], header["DEC_PNT"] = plane.ra, plane.dec
    return header


def _only_columns(events: EpicEventList, columns: Sequence[str]) -> Any:
    """Return the list's header with the cards of the kept columns only, renumbered."""
    header = events.header.copy()
    if tuple(columns) == events.column_names:
        return header
    cards = [
        card
        for card in header
        if (m := re.fullmatch(r"(T[A-Z]+)(\d+)", card)) and int(m[2]) <= len(events.column_names)
    ]
    kept = {card: (header[card], header.comments[card]) for card in cards}
    for card in cards:
        del header[card]
    for card, (value, comment) in kept.items():
        match = re.fullmatch(r"(T[A-Z]+)(\d+)", card)
        name = events.column_names[int(match[2]) - 1] if match else ""
        if match and name in columns:
            header[f"{match[1]}{columns.index(name) + 1}"] = (value, comment)
    header["TFIELDS"] = len(columns)
    header["NAXIS1"] = sum(events.dtype[name].itemsize for name in columns)
    return header


def _copy(events: EpicEventList, dtype: np.dtype[Any], plane: TangentPlane, writer: TableWriter) -> None:
    names = list(dtype.names or ())
    own = events.plane
    null = events.header.get(f"TNULL{events.column_number('X')}")
    for chunk in events.chunks():
        rows = np.empty(len(chunk), dtype)
        for name in names:
            rows[name] = chunk[name]
        if own != plane:
            _reproject(rows, own, plane, null)
        writer.write(rows)


def _reproject(rows: NDArray[Any], own: TangentPlane, plane: TangentPlane, null: int | None) -> None:
    """Move X and Y to another plane, to whole pixels of 0.05 arcsec; null ones stay null."""
    placed = rows["X"] != null
    x, y = plane.pixel(*own.sky(rows["X"][placed].astype(float), rows["Y"][placed].astype(float)))
    rows["X"][placed], rows["Y"][placed] = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)


def _ccds(lists: Sequence[EpicEventList]) -> list[int]:
    return sorted({ccd for events in lists for ccd in events.gtis})


def _summed(lists: Sequence[EpicEventList], card: str) -> dict[int, float]:
    seconds: dict[int, float] = {}
    for events in lists:
        for ccd in events.gtis:
            seconds[ccd] = seconds.get(ccd, 0.0) + float(events.header.get(f"{card}{ccd:02d}", 0.0))
    return seconds


def _tables(lists: Sequence[EpicEventList]) -> list[tuple[Any, bytes]]:
    """Return the other tables: frames and standard GTIs joined in order of time, the rest from the first list that has it."""
    names = list(dict.fromkeys(name for events in lists for name in events.extension_names))
    tables = []
    for name in names:
        if re.fullmatch(r"GTI\d{5}", name):
            continue
        having = [events for events in lists if name in events.extension_names]
        header, rows = having[0].extension(name)
        if re.fullmatch(r"(EXPOSU|STDGTI)\d\d", name):
            rows = _joined([events.extension(name)[1] for events in having])
        header = header.copy()
        header["NAXIS2"] = len(rows)
        tables.append((header, rows.tobytes()))
    return tables


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    rows = np.empty(sum(map(len, parts)), parts[0].dtype)  # np.concatenate would change the byte order
    np.concatenate(parts, out=rows)
    order = (rows.dtype.names or ("TIME",))[0]
    return rows[np.argsort(rows[order], kind="stable")]
