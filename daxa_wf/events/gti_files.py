"""Good time intervals in files: OGIP tables, and the text that gtibuild reads."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.events.gti import NONE, Intervals, complement, intersection, normalise, total, union
from daxa_wf.files import LONGEST_PATH
from daxa_wf.fits.headers import Card, describe
from daxa_wf.fits.tables import read_table

BLOCK_SPEC = re.compile(r"(?P<file>.+?)(?:\[(?P<bracket>[^\]]+)\]|[+:](?P<suffix>[A-Za-z0-9_]+))?$")
FOREVER = 1e11
"""A stop of 0 means 'for ever'; this many seconds after 1998 is some three thousand years."""

LARGEST_TABLE = 1_000_000
"""Rows of a table of good times, at most; genuine ones have some hundreds."""
MOST_INTERVALS = 10_000_000
"""Intervals that a line with two segments may stand for: one a second for 115 days."""

LATEST = 1e13
"""Seconds of a time that a file may have, before or after its zero: some 300,000 years."""

MJDREF = 50814.0
"""1998-01-01T00:00:00 TT, the zero of XMM-Newton's times."""


def file_and_extension(spec: str) -> tuple[Path, str | int | None]:
    """`file`, `file:EXT`, `file+EXT` or `file[EXT]` as a path and an extension, a name or a number."""
    if "\0" in spec or len(spec) > LONGEST_PATH:
        raise ConfigError(f"{spec[:60]!r} ({len(spec)} characters) cannot be the name of a file")
    match = BLOCK_SPEC.fullmatch(spec.strip())
    if match is None or os.path.lexists(spec):
        return Path(spec), None
    extension = match["bracket"] or match["suffix"]
    is_number = extension is not None and re.fullmatch(r"[0-9]{1,6}", extension)
    return Path(match["file"]), int(extension) if is_number else extension


def read_gti(path: Path, extension: str | int | None = None) -> Intervals:
    """The intervals of a GTI table; of the first with START and STOP if none is named."""
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


def gti_hdu(intervals: Intervals, name: str = "STDGTI", ccd: int | None = None) -> Any:
    """An OGIP GTI table as an astropy HDU (OGIP memo 93-003; cards as tabgtigen 2.13 writes them)."""
    from astropy.io import fits

    columns = [
        fits.Column("START", "D", unit="s", array=intervals[:, 0]),
        fits.Column("STOP", "D", unit="s", array=intervals[:, 1]),
    ]
    table = fits.BinTableHDU.from_columns(columns, name=name)
    cards: list[tuple[str, object, str]] = [] if ccd is None else [("CCDID", ccd, "CCD number")]
    cards += [
        ("HDUCLASS", "OGIP", "format conforms to OGIP standard"),
        ("HDUCLAS1", "GTI", "table contains Good Time Intervals"),
        ("HDUCLAS2", "STANDARD", "standard Good Time Interval table"),
        ("ONTIME", total(intervals), "[s] sum of all Good Time Intervals"),
        ("TSTART", float(intervals[0, 0]) if len(intervals) else 0.0, "[s] lower bound of first GTI"),
        ("TSTOP", float(intervals[-1, 1]) if len(intervals) else 0.0, "[s] upper bound of last GTI"),
        ("TIMEUNIT", "s", "all times in s unless specified otherwise"),
        ("TIMESYS", "TT", "XMM time is TT (Terrestrial Time)"),
        ("MJDREF", MJDREF, "[d] 1998-01-01T00:00:00 (TT) expressed in MJD"),
        ("TIMEREF", "LOCAL", "reference location of photon arrival times"),
        ("TASSIGN", "SATELLITE", "location of time assignment"),
        ("TIMEZERO", 0, "clock correction (if not zero)"),
        ("CLOCKAPP", True, "clock correction applied?"),
    ]
    table.header.extend(cards)
    return table


def write_gti(path: Path, intervals: Intervals, history: str, identity: Sequence[Card] = ()) -> None:
    """Write intervals as an OGIP GTI file with checksums; `history` says what made them, `identity` of what."""
    from astropy.io import fits

    table = gti_hdu(intervals)
    primary = fits.PrimaryHDU()
    for hdu in (primary, table):
        hdu.header.extend(identity)
        describe(hdu.header, history)
    fits.HDUList([primary, table]).writeto(path, checksum=True, overwrite=True)


def gtibuild(text: str) -> Intervals:
    """The intervals that gtibuild makes of a text: `start stop [+|-]`, or `start stop (+|-)(g|b) first second`.

    The union of the good ones minus that of the bad ones; all time is good if only bad ones are given. Seconds since
    1998-01-01T00:00:00 TT, or since a line `timeref`. ConfigError with gtibuild's own names for mistakes.
    Source: SAS gtibuild 1.5, 'Description' and 'Errors'.
    """
    good: list[Intervals] = []
    bad: list[Intervals] = []
    offset = 0.0
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].split()
        if words and words[0].lower() == "timeref":
            offset = _time_reference(words, number)
        elif words:
            operator, intervals = _gtibuild_line(words, number)
            (good if operator.startswith("+") else bad).append(intervals + offset)
    kept = union(*good) if good else np.array([[0.0, FOREVER]])
    removed = union(*bad)
    return intersection(kept, complement(removed, 0.0, FOREVER)) if len(removed) else kept


def _gtibuild_line(words: list[str], number: int) -> tuple[str, Intervals]:
    if len(words) < 2:
        raise ConfigError(f"line {number}: unexpectedEOL: expected 'start stop [operator]', got {' '.join(words)!r}")
    start, stop = _seconds(words[0], number), _seconds(words[1], number)
    operator = words[2] if len(words) > 2 else "+"
    stop = FOREVER if stop == 0 else stop
    if operator in ("+", "-"):
        return operator, normalise([[start, stop]])
    if operator not in ("+g", "+b", "-g", "-b"):
        raise ConfigError(f"line {number}: badOperator: {operator!r} is none of + - +g +b -g -b")
    if len(words) < 5:
        raise ConfigError(f"line {number}: badSegment: {operator} needs the lengths of two segments")
    first, second = _seconds(words[3], number), _seconds(words[4], number)
    if first + second <= 0:
        raise ConfigError(f"line {number}: badSegment: the two segments last {first + second} s together")
    if (stop - start) / (first + second) > MOST_INTERVALS:
        raise ConfigError(f"line {number}: badSegment: it stands for more than {MOST_INTERVALS} intervals; give a stop")
    starts = np.arange(start, stop, first + second)
    if operator[1] == "g":
        return operator, normalise(np.column_stack([starts, starts + first]))
    return operator, normalise(np.column_stack([starts + first, starts + first + second]))


def _seconds(word: str, number: int) -> float:
    try:
        value = float(word)
    except ValueError:
        raise ConfigError(f"line {number}: badNumericValue: {word!r} is not a number") from None
    if not math.isfinite(value):
        raise ConfigError(f"line {number}: badNumericValue: {word!r} is not a finite number")
    if value < 0:
        raise ConfigError(f"line {number}: negativeTime: {word} is before 1998-01-01")
    return value


def _time_reference(words: list[str], number: int) -> float:
    from astropy.time import Time

    try:
        return float((Time(words[1], scale="utc").tt.mjd - MJDREF) * 86400)
    except (IndexError, ValueError):
        raise ConfigError(f"line {number}: badNumericValue: timeref needs a time such as 2001-03-09T12:50:44") from None
