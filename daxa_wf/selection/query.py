"""Compile a query text to filters. Nothing in the text is executed.

    query       = conjunction { OR conjunction }          conjunction = negation { AND negation }
    negation    = NOT negation | "(" query ")" | predicate
    predicate   = column comparison value | column [NOT] IN list | "NAME"
                | cone("NAME" | ra, dec, radius) | box(ra, dec, ra, dec) | polygon(ra, dec, ra, dec, ra, dec ...)
    list        = "(" value { "," value } ")" | "{" value { "," value } "}"
    value       = number [unit] | date | word | 'text'

A number with its unit, and a date, may be in quotes. A column belongs to the table, or it is an instrument, which stands
for the instrument's exposure (`PN > 10 ks`). Times are compared with UTC, durations in seconds, angles in degrees.
`instrument = PN` is true for observations with data of that instrument. A name in quotes stands for the observations whose
instruments reach the object within 1.2 fields of view. A query that is nothing but a name needs no quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, ExpressionError
from daxa_wf.selection import filters
from daxa_wf.selection.filters import Filter
from daxa_wf.selection.query_conditions import COMPARE, Comparison
from daxa_wf.selection.query_tokens import QueryToken, tokens_of, unquoted
from daxa_wf.tables.schema import COMMON_COLUMNS

Resolver = Callable[[str], tuple[float, float]]

SHAPES = {
    "cone": "cone('NAME' or ra, dec, radius)",
    "box": "box(ra, dec, ra, dec)",
    "polygon": "polygon(ra, dec, ra, dec, ra, dec ...)",
}
KEYWORDS = ("AND", "OR", "NOT", "IN")
COLUMN_NAMES = frozenset(column.name for column in COMMON_COLUMNS)
DEEPEST = 50
"""Largest depth of parentheses and NOTs."""


def compile_query(text: str, resolve: Resolver | None = None) -> Filter:
    """Compile a query text to a filter. ExpressionError points at the character that does not fit.

    `resolve` turns an object's name into degrees. Without it, names are errors.

    >>> import pandas as pd
    >>> from daxa_wf.mission.registry import MISSIONS
    >>> table = pd.DataFrame({"exposure": [5e3, 2e4], "target_type": ["GCL", "AGN"]})
    >>> compile_query("exposure > 10 ks AND target_type IN (GCL, AGN)").keep(table, MISSIONS["chandra"])
    array([False,  True])
    """
    compiler = _Compiler(f"'{text.strip()}'" if is_bare_name(text) else text, resolve)
    result = compiler.query()
    if compiler.current.kind != "end":
        raise compiler.error("expected AND, OR or the end")
    return Filter("query", text, result.keep)


def is_bare_name(text: str) -> bool:
    """Return True if a query is nothing but an object's name without quotes.

    >>> is_bare_name("RX J1347.5-1145"), is_bare_name("NGC 5128"), is_bare_name("exposure > 5"), is_bare_name("exposure")
    (True, True, False, False)
    """
    words = text.split()
    if not words or set(text) & set("<>=!(){},'\""):
        return False
    return not any(word.upper() in KEYWORDS for word in words) and words[0].lower() not in COLUMN_NAMES


class _Compiler:
    """A recursive descent over the tokens of a query."""

    def __init__(self, text: str, resolve: Resolver | None) -> None:
        self.text, self.resolve, self.tokens, self.index, self.depth = text, resolve, tokens_of(text), 0, 0

    @property
    def current(self) -> QueryToken:
        return self.tokens[self.index]

    def error(self, expected: str, token: QueryToken | None = None) -> ExpressionError:
        token = token or self.current
        actual = f"found {token.written!r}" if token.kind != "end" else "found the end"
        return ExpressionError(f"{expected}, {actual}", self.text, token.position)

    def next(self) -> QueryToken:
        """Return the current token, and go on to the next one. The end stays current."""
        token = self.current
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def accept(self, word: str) -> bool:
        """Go on and return True if the current token is the given keyword (in any case) or operator."""
        if self.current.kind in ("word", "operator") and self.current.written.upper() == word:
            self.index += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.error(f"expected {word!r}")

    def query(self) -> Filter:
        parts = [self.conjunction()]
        while self.accept("OR"):
            parts.append(self.conjunction())
        return _joined(parts, np.logical_or.reduce)

    def conjunction(self) -> Filter:
        parts = [self.negation()]
        while self.accept("AND"):
            parts.append(self.negation())
        return _joined(parts, np.logical_and.reduce)

    def negation(self) -> Filter:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"expected at most {DEEPEST} parentheses and NOTs within one another")
        result = self.nested()
        self.depth -= 1
        return result

    def nested(self) -> Filter:
        if self.accept("NOT"):
            return _opposite(self.negation())
        if self.accept("("):
            result = self.query()
            self.expect(")")
            return result
        return self.predicate()

    def predicate(self) -> Filter:
        token = self.next()
        if token.kind == "text":
            ra, dec = (coordinate.value for coordinate in self.resolved(token))
            return filters.near(str(token.value), ra, dec)
        if token.kind != "word" or token.written.upper() in KEYWORDS:
            raise self.error(f"expected a column, an instrument, a name in quotes or one of {', '.join(SHAPES)}", token)
        if token.written.lower() in SHAPES and self.accept("("):
            return self.shape(token)
        if self.accept("IN"):
            return Comparison(token, "=", self.values(), self.text).filter()
        if self.accept("NOT"):
            self.expect("IN")
            return _opposite(Comparison(token, "=", self.values(), self.text).filter())
        if self.current.kind != "operator" or self.current.written not in COMPARE:
            raise self.error(f"expected {' '.join(COMPARE)} or IN after {token.written}")
        sign = self.next().written
        return Comparison(token, sign, [self.value()], self.text).filter()

    def value(self) -> QueryToken:
        token = self.next()
        if token.kind in ("operator", "end"):
            raise self.error("expected a value", token)
        return token

    def values(self) -> list[QueryToken]:
        closing = "}" if self.accept("{") else ")"
        if closing == ")":
            self.expect("(")
        listed = [self.value()]
        while self.accept(","):
            listed.append(self.value())
        self.expect(closing)
        return listed

    def shape(self, token: QueryToken) -> Filter:
        shape = token.written.lower()
        arguments = [self.value()]
        while self.accept(","):
            arguments.append(self.value())
        self.expect(")")
        if shape == "cone" and len(arguments) == 2:
            arguments = [*self.resolved(arguments[0]), arguments[1]]
        arguments = [unquoted(argument) for argument in arguments]
        wrong = [argument for argument in arguments if argument.kind != "number" or argument.dimension == "time"]
        if wrong:
            raise self.error("expected a number of degrees", wrong[0])
        try:
            made = _shape(shape, [argument.value for argument in arguments])
        except ConfigError as error:
            raise ExpressionError(str(error), self.text, token.position) from None
        if made is None:
            message = f"{shape} has {len(arguments)} numbers; write {SHAPES[shape]}"
            raise ExpressionError(message, self.text, token.position)
        return made

    def resolved(self, name: QueryToken) -> list[QueryToken]:
        if name.kind != "text":
            raise self.error("expected a name in quotes, or right ascension and declination", name)
        if self.resolve is None:
            raise self.error("names cannot be resolved here; give right ascension and declination", name)
        return [QueryToken("number", value, name.position, name.written) for value in self.resolve(str(name.value))]


def _shape(shape: str, numbers: list[float]) -> Filter | None:
    """Return the filter of a shape in degrees, or None if the count of numbers is wrong."""
    if shape == "cone" and len(numbers) == 3:
        return filters.circle(*numbers)
    if shape == "box" and len(numbers) == 4:
        return filters.rectangle((numbers[0], numbers[1]), (numbers[2], numbers[3]))
    if shape == "polygon" and len(numbers) >= 6 and len(numbers) % 2 == 0:
        return filters.polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    return None


def _joined(parts: Sequence[Filter], join: Callable[[list[NDArray[np.bool_]]], NDArray[np.bool_]]) -> Filter:
    if len(parts) == 1:
        return parts[0]
    return Filter("", "", lambda table, spec: join([part.keep(table, spec) for part in parts]))


def _opposite(part: Filter) -> Filter:
    return Filter("", "", lambda table, spec: ~part.keep(table, spec))
