"""Good time intervals in files: OGIP tables (OGIP memo 93-003)."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.events.gti import NONE, Intervals, normalise, total
from daxa_wf.events.time_system import TimeSystem
from daxa_wf.files import LONGEST_PATH
from daxa_wf.fits.headers import Card
from daxa_wf.fits.new_hdus import NewHdu, table_hdu
from daxa_wf.fits.tables import read_table, write_tables

BLOCK_SPEC = re.compile(r"(?P<file>.+?)(?:\[(?P<bracket>[^\]]+)\]|[+:](?P<suffix>[A-Za-z0-9_]+))?$")
LARGEST_TABLE = 1_000_000
"""Rows of a table of good times, at most; genuine ones have some hundreds."""

LATEST = 1e13
"""Largest number of seconds, before or after the zero, that a file may have as a time: some 300,000 years."""


def file_and_extension(spec: str) -> tuple[Path, str | int | None]:
    """Split `file`, `file:EXT`, `file+EXT` or `file[EXT]` into a path and an extension, which is a name or a number."""
    if "\0" in spec or len(spec) > LONGEST_PATH:
        raise ConfigError(f"{spec[:60]!r} ({len(spec)} characters) cannot be the name of a file")
    match = BLOCK_SPEC.fullmatch(spec.strip())
    if match is None or os.path.lexists(spec):
        return Path(spec), None
    extension = match["bracket"] or match["suffix"]
    is_number = extension is not None and re.fullmatch(r"[0-9]{1,6}", extension)
    return Path(match["file"]), int(extension) if is_number else extension


def read_gti(path: Path, extension: str | int | None = None) -> Intervals:
    """Read the intervals of a GTI table; of the first table with START and STOP if no extension is given."""
    header, rows = read_table(path, extension, having=("START", "STOP"))
    if not {"START", "STOP"} <= set(rows.dtype.names or ()):
        raise ConfigError(f"{path}: {extension} has no columns START and STOP, so it holds no good time intervals")
    return intervals_of(rows, f"{path}[{header.get('EXTNAME', '')}]")


def intervals_of(rows: Any, place: str) -> Intervals:
    """Return the intervals of the rows of a GTI table; CorruptFileError names the place if they cannot be times."""
    for column in ("START", "STOP"):
        if column not in (rows.dtype.names or ()):
            raise CorruptFileError(f"{place} has no column {column}; expected START and STOP in seconds")
        if rows.dtype[column].kind not in "iuf":
            raise CorruptFileError(f"{place}: the column {column} does not hold one number a row; expected seconds")
    if not len(rows):
        return NONE
    if len(rows) > LARGEST_TABLE:
        raise CorruptFileError(f"{place} has {len(rows)} intervals; expected at most {LARGEST_TABLE}")
    pairs = np.column_stack([rows["START"], rows["STOP"]]).astype(float)
    wrong = np.flatnonzero(~np.all(np.abs(pairs) <= LATEST, axis=1))
    if len(wrong):
        start, stop = pairs[wrong[0]]
        raise CorruptFileError(
            f"{place}: row {wrong[0] + 1} is from {start:g} to {stop:g}, which are not times ({len(wrong)} such rows)"
        )
    return normalise(pairs)


def gti_hdu(intervals: Intervals, times: TimeSystem, name: str = "STDGTI", ccd: int | None = None) -> NewHdu:
    """Return an OGIP GTI table (OGIP memo 93-003); `ccd` is the detector that it is for."""
    table = table_hdu([("START", "D", "s", intervals[:, 0]), ("STOP", "D", "s", intervals[:, 1])], name)
    cards: list[Card] = [] if ccd is None else [("CCDID", ccd, "CCD number")]
    cards += [
        *ogip_cards(intervals),
        ("TSTART", float(intervals[0, 0]) if len(intervals) else 0.0, "[s] lower bound of first GTI"),
        ("TSTOP", float(intervals[-1, 1]) if len(intervals) else 0.0, "[s] upper bound of last GTI"),
        *times.gti_cards,
    ]
    table.header.extend(cards)
    return table


def gti_table(name: str, intervals: Intervals, identity: Sequence[Card]) -> NewHdu:
    """Return an OGIP GTI table, with the cards of the list that it belongs to."""
    table = table_hdu([("START", "D", "", intervals[:, 0]), ("STOP", "D", "", intervals[:, 1])], name)
    table.header["TUNIT1"], table.header["TUNIT2"] = "s", "s"
    table.header.extend([*identity, *ogip_cards(intervals)])
    return table


def ogip_cards(intervals: Intervals) -> list[Card]:
    """Return the cards that make a table one of good times, and the sum of the intervals (OGIP memo 93-003)."""
    return [
        ("HDUCLASS", "OGIP", "format conforms to OGIP standard"),
        ("HDUCLAS1", "GTI", "table contains Good Time Intervals"),
        ("HDUCLAS2", "STANDARD", "standard Good Time Interval table"),
        ("ONTIME", total(intervals), "[s] sum of all Good Time Intervals"),
    ]


def write_gti(path: Path, intervals: Intervals, times: TimeSystem, history: str, identity: Sequence[Card] = ()) -> None:
    """Write intervals as an OGIP GTI file with checksums.

    `history` describes how they were made; `identity` are cards of the exposure that they belong to.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "gti.fits"
    >>> write_gti(path, np.array([[10.0, 20.0], [30.0, 45.0]]), TimeSystem(50814.0, "1998-01-01"), "by hand")
    >>> read_gti(path).tolist()
    [[10.0, 20.0], [30.0, 45.0]]
    """
    write_tables(path, [gti_hdu(intervals, times)], history, identity)
