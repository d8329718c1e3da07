"""The text that SAS's gtibuild reads, for the stand-in of the task and as an independent way to write intervals."""

from __future__ import annotations

import math

import numpy as np

from daxa_wf.errors import ConfigError
from daxa_wf.events.gti import Intervals, complement, intersection, normalise, union
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES

FOREVER = 1e11
"""A stop of 0 means 'for ever'; this many seconds after 1998 is some three thousand years."""
MOST_INTERVALS = 10_000_000
"""Intervals that a line with two segments may stand for: one a second for 115 days."""


def gtibuild(text: str) -> Intervals:
    """Return the intervals that gtibuild makes of a text: `start stop [+|-]`, or `start stop (+|-)(g|b) first second`.

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
        return float((Time(words[1], scale="utc").tt.mjd - XMM_TIMES.mjdref) * 86400)
    except (IndexError, ValueError):
        raise ConfigError(f"line {number}: badNumericValue: timeref needs a time such as 2001-03-09T12:50:44") from None
