"""Split a query text into tokens."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from daxa_wf.errors import ExpressionError

Dimension = Literal["", "angle", "time"]

TOKEN = re.compile(
    r"""\s*(?:
    (?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?Z?)
  | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s*(?P<unit>deg|arcmin|arcsec|ks|s|min|h|d|Ms)\b)?
  | (?P<text>'[^']*'|"[^"]*")
  | (?P<word>[A-Za-z_][A-Za-z0-9_+\-]*)
  | (?P<operator><=|>=|!=|==|=|<|>|\(|\)|\{|\}|,)
  )""",
    re.VERBOSE,
)
KINDS = ("date", "number", "text", "word", "operator")
UNITS: dict[str, tuple[float, Dimension]] = {
    "deg": (1.0, "angle"), "arcmin": (1 / 60, "angle"), "arcsec": (1 / 3600, "angle"),
    "s": (1.0, "time"), "min": (60.0, "time"), "ks": (1e3, "time"), "h": (3600.0, "time"), "d": (86400.0, "time"),
    "Ms": (1e6, "time"),
}  # fmt: skip
"""Factors to degrees and to seconds."""


@dataclass(frozen=True)
class QueryToken:
    """One token of a query: its kind, its value (numbers in degrees or seconds), the position of its first character."""

    kind: str
    value: Any
    position: int
    written: str = ""
    """The typed text without a unit: `0201903501` keeps its zero."""
    dimension: Dimension = ""


def tokens_of(text: str) -> list[QueryToken]:
    """Return the tokens of a query, and one for its end. ExpressionError points at a character that begins no token.

    >>> [(token.kind, token.value) for token in tokens_of("PN > 10 ks")]
    [('word', 'PN'), ('operator', '>'), ('number', 10000.0), ('end', '')]
    """
    tokens, position, stripped = [], 0, text.rstrip()
    while position < len(stripped):
        match = TOKEN.match(stripped, position)
        if match is None:
            at = len(stripped) - len(stripped[position:].lstrip())
            raise ExpressionError(f"{stripped[at]!r} has no meaning here", text, at)
        tokens.append(_token(match, text))
        position = match.end()
    return [*tokens, QueryToken("end", "", len(stripped))]


def unquoted(token: QueryToken) -> QueryToken:
    """Return the number with its unit, or the date, inside a quoted text ('1deg'). Return other tokens unchanged."""
    match = TOKEN.fullmatch(token.written.strip()) if token.kind == "text" else None
    if match is None or not (match["number"] or match["date"]):
        return token
    return replace(_token(match, match.string), position=token.position)


def _token(match: re.Match[str], text: str) -> QueryToken:
    kind = next(name for name in KINDS if match[name] is not None)
    written, position = match[kind], match.start(kind)
    if kind == "text":
        return QueryToken(kind, written[1:-1], position, written[1:-1])
    if kind == "date":
        return QueryToken(kind, _date(written, text, position), position, written)
    if kind == "number":
        factor, dimension = UNITS[match["unit"]] if match["unit"] else (1.0, "")
        value = float(written) * factor
        if not math.isfinite(value):
            raise ExpressionError(f"{written} is too large", text, position)
        return QueryToken(kind, value, position, written, dimension)
    return QueryToken(kind, written, position, written)


def _date(written: str, text: str, position: int) -> pd.Timestamp:
    try:
        return pd.Timestamp(written.removesuffix("Z"))
    except ValueError:
        raise ExpressionError(f"{written} is not a date", text, position) from None
