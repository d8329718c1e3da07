"""Query text for people who type: compiles to the same filters; nothing is evaluated.

    query     = conjunction { OR conjunction }          conjunction = negation { AND negation }
    negation  = NOT negation | "(" query ")" | predicate
    predicate = column comparison value | column [NOT] IN "(" value { "," value } ")"
              | cone("NAME" | ra, dec, radius) | box(ra, dec, ra, dec) | polygon(ra, dec, ra, dec, ra, dec ...)
    value     = number [unit] | date | word | 'text'

Times are compared with UTC, lengths of time in seconds, angles in degrees; `instrument = PN` is true of observations
with data of it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from daxa_wf.errors import ConfigError, ExpressionError
from daxa_wf.missions.spec import MissionSpec
from daxa_wf.selection import filters
from daxa_wf.selection.filters import Filter, Mask

Resolver = Callable[[str], tuple[float, float]]

TOKEN = re.compile(
    r"""\s*(?:
    (?P<date>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?)
  | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?P<unit>\s*(?:deg|arcmin|arcsec|ks|s|min|h|d|Ms)\b)?
  | (?P<text>'[^']*'|"[^"]*")
  | (?P<word>[A-Za-z_][A-Za-z0-9_+\-]*)
  | (?P<operator><=|>=|!=|==|=|<|>|\(|\)|,)
  )""",
    re.VERBOSE,
)
UNITS = {
    "deg": 1.0,
    "arcmin": 1 / 60,
    "arcsec": 1 / 3600,
    "s": 1.0,
    "min": 60.0,
    "ks": 1e3,
    "h": 3600.0,
    "d": 86400.0,
    "Ms": 1e6,
}
"""Factors to degrees and to seconds."""
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
SHAPES = ("cone", "box", "polygon")


@dataclass(frozen=True)
class Token:
    """One word of a query: its kind, its value, the character it begins at."""

    kind: str
    value: Any
    position: int


def compile_query(text: str, resolve: Resolver | None = None) -> Filter:
    """The filter that a query text means; ExpressionError points at the character that does not fit.

    `resolve` turns an object's name into degrees; without it names are an error.
    """
    compiler = _Compiler(text, resolve)
    result = compiler.query()
    compiler.end()
    return Filter("query", text, result.keep)


def _tokens(text: str) -> list[Token]:
    found, position, stripped = [], 0, text.rstrip()
    while position < len(stripped):
        match = TOKEN.match(stripped, position)
        if match is None:
            at = position + len(stripped[position:]) - len(stripped[position:].lstrip())
            raise ExpressionError(f"{stripped[at]!r} means nothing here", text, at)
        kind = next(name for name in ("date", "number", "text", "word", "operator") if match[name] is not None)
        found.append(Token(kind, _value(kind, match, text), match.start(kind)))
        position = match.end()
    return [*found, Token("end", "", len(stripped))]


def _value(kind: str, match: re.Match[str], text: str) -> Any:
    if kind == "number":
        return float(match["number"]) * (UNITS[match["unit"].strip()] if match["unit"] else 1.0)
    if kind == "date":
        try:
            return pd.Timestamp(match["date"])
        except ValueError:
            raise ExpressionError(f"{match['date']} is no date", text, match.start("date")) from None
    return match[kind][1:-1] if kind == "text" else match[kind]


class _Compiler:
    """One pass over the tokens of a query."""

    def __init__(self, text: str, resolve: Resolver | None) -> None:
        self.text, self.resolve, self.tokens, self.index = text, resolve, _tokens(text), 0

    @property
    def current(self) -> Token:
        return self.tokens[self.index]

    def error(self, expected: str, token: Token | None = None) -> ExpressionError:
        token = token or self.current
        said = f"found {token.value!r}" if token.kind != "end" else "found the end"
        return ExpressionError(f"{expected}, {said}", self.text, token.position)

    def next(self) -> Token:
        self.index += 1
        return self.tokens[self.index - 1]

    def accept(self, *words: str) -> bool:
        """Go on if the current token is one of the words (keywords in any case) or operators."""
        if self.current.kind in ("word", "operator") and str(self.current.value).upper() in words:
            self.index += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.error(f"expected {word!r}")

    def end(self) -> None:
        if self.current.kind != "end":
            raise self.error("expected AND, OR or the end")

    def query(self) -> Filter:
        result = self.conjunction()
        while self.accept("OR"):
            result = _combined(result, self.conjunction(), operator.or_)
        return result

    def conjunction(self) -> Filter:
        result = self.negation()
        while self.accept("AND"):
            result = _combined(result, self.negation(), operator.and_)
        return result

    def negation(self) -> Filter:
        if self.accept("NOT"):
            inner = self.negation()
            return Filter("not", "", lambda table, spec: ~inner.keep(table, spec))
        if self.accept("("):
            result = self.query()
            self.expect(")")
            return result
        return self.predicate()

    def predicate(self) -> Filter:
        token = self.next()
        if token.kind != "word":
            raise self.error(f"expected a column or one of {', '.join(SHAPES)}", token)
        if str(token.value).lower() in SHAPES and self.accept("("):
            return self.shape(token)
        column = str(token.value).lower()
        if self.accept("IN"):
            return _one_of(column, self.values())
        if self.accept("NOT"):
            self.expect("IN")
            inner = _one_of(column, self.values())
            return Filter("not", "", lambda table, spec: ~inner.keep(table, spec))
        if self.current.kind != "operator" or self.current.value not in COMPARE:
            raise self.error(f"expected {' '.join(COMPARE)} or IN after {token.value}")
        sign = str(self.next().value)
        value = self.next()
        if value.kind in ("operator", "end"):
            raise self.error("expected a value", value)
        return _comparison(column, sign, value)

    def values(self) -> list[Token]:
        self.expect("(")
        found = [self.next()]
        while self.accept(","):
            found.append(self.next())
        self.expect(")")
        return found

    def shape(self, token: Token) -> Filter:
        arguments = [self.next()]
        while self.accept(","):
            arguments.append(self.next())
        self.expect(")")
        shape = str(token.value).lower()
        if shape == "cone" and len(arguments) == 2:
            arguments = [*self.resolved(arguments[0]), arguments[1]]
        if any(each.kind != "number" for each in arguments):
            wrong = next(each for each in arguments if each.kind != "number")
            raise self.error("expected a number in degrees", wrong)
        return _shape(shape, [each.value for each in arguments], self, token)

    def resolved(self, name: Token) -> list[Token]:
        if name.kind != "text":
            raise self.error("expected a name in quotes, or right ascension and declination", name)
        if self.resolve is None:
            raise self.error("names cannot be resolved here; give right ascension and declination", name)
        return [Token("number", value, name.position) for value in self.resolve(str(name.value))]


def _shape(shape: str, numbers: list[float], compiler: _Compiler, token: Token) -> Filter:
    if shape == "cone" and len(numbers) == 3:
        return _cone(*numbers)
    if shape == "box" and len(numbers) == 4:
        return filters.rectangle((numbers[0], numbers[1]), (numbers[2], numbers[3]))
    if shape == "polygon" and len(numbers) >= 6 and len(numbers) % 2 == 0:
        return filters.polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    usage = {
        "cone": "cone('NAME' or ra, dec, radius)",
        "box": "box(ra, dec, ra, dec)",
        "polygon": "polygon(ra, dec, ...)",
    }
    raise ExpressionError(
        f"{shape} was given {len(numbers)} numbers; write {usage[shape]}", compiler.text, token.position
    )


def _cone(ra: float, dec: float, radius: float) -> Filter:
    from daxa_wf.selection.matching import unit_vectors

    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        chord = np.linalg.norm(unit_vectors(table["ra"], table["dec"]) - unit_vectors([ra], [dec]), axis=1)
        return np.asarray(np.rad2deg(2 * np.arcsin(np.clip(chord / 2, 0, 1))) <= radius)

    return Filter("cone", "", keep)


def _combined(one: Filter, two: Filter, combine: Callable[[Any, Any], Any]) -> Filter:
    return Filter("", "", lambda table, spec: combine(one.keep(table, spec), two.keep(table, spec)))


def _comparison(column: str, sign: str, value: Token) -> Filter:
    def keep(table: pd.DataFrame, spec: MissionSpec) -> Mask:
        if column in ("instrument", "instruments"):
            return _on_instrument(table, spec, str(value.value)) != (sign == "!=")
        values = _column(table, spec, column)
        return np.asarray(COMPARE[sign](*_comparable(values, value, column)), dtype=bool)

    return Filter(column, "", keep)


def _one_of(column: str, values: list[Token]) -> Filter:
    each = [_comparison(column, "=", value) for value in values]
    return Filter(column, "", lambda table, spec: np.logical_or.reduce([one.keep(table, spec) for one in each]))


def _on_instrument(table: pd.DataFrame, spec: MissionSpec, name: str) -> Mask:
    try:
        return filters.instruments((spec.instrument(name).name,)).keep(table, spec)
    except KeyError as error:
        raise ConfigError(str(error.args[0])) from None


def _column(table: pd.DataFrame, spec: MissionSpec, column: str) -> pd.Series:
    if column not in table:
        raise ConfigError(f"{spec.name} has no column {column!r}; it has {', '.join(table.columns)}")
    return table[column]


def _comparable(values: pd.Series, value: Token, column: str) -> tuple[Any, Any]:
    if pd.api.types.is_datetime64_any_dtype(values):
        if value.kind != "date":
            raise ConfigError(f"{column} is a time; compare it with a date such as 2010-01-01, not {value.value!r}")
        return values, value.value
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        if value.kind != "number":
            raise ConfigError(f"{column} is a number; compare it with one, not with {value.value!r}")
        return values, value.value
    text = f"{value.value:g}" if value.kind == "number" else str(value.value)
    return values.astype(str).str.upper(), text.upper()
