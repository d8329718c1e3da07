"""What one comparison of a query text means for a table of observations."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from daxa_wf.errors import ConfigError, ExpressionError
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.selection import filters
from daxa_wf.selection.filters import Filter, Mask
from daxa_wf.selection.query_tokens import Dimension, Token, unquoted
from daxa_wf.tables.schema import COMMON_COLUMNS

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
DIMENSIONS: dict[str, Dimension] = {"deg": "angle", "s": "time"}
EQUAL = ("=", "==", "!=")


@dataclass(frozen=True)
class Comparison:
    """`column sign value`, or `column IN (values)` with the sign '='; a value that does not fit is pointed at."""

    column: Token
    sign: str
    values: Sequence[Token]
    text: str

    def filter(self) -> Filter:
        """The filter, whose errors point at the query's characters."""
        if self.name == "target_type":
            return self._target_type()
        return Filter(self.name, self.text, self._keep)

    @property
    def name(self) -> str:
        return str(self.column.value).lower()

    def _error(self, message: str, token: Token) -> ExpressionError:
        return ExpressionError(message, self.text, token.position)

    def _keep(self, table: pd.DataFrame, spec: MissionSpec) -> Mask:
        try:
            return self._compared(table, spec)
        except ExpressionError:
            raise
        except ConfigError as error:
            raise self._error(str(error), self.column) from None

    def _compared(self, table: pd.DataFrame, spec: MissionSpec) -> Mask:
        if self.name in ("instrument", "instruments"):
            return self._instruments(table, spec)
        values, dimension = _values(table, spec, self.name)
        if pd.api.types.is_datetime64_any_dtype(values):
            return self._each(values, lambda token: self._plain(token, "date", "a date such as 2010-01-01"))
        if filters.is_number(values):
            return self._each(values, lambda token: self._in_unit(token, dimension))
        self._only_equal()
        if pd.api.types.is_bool_dtype(values):
            return self._each(values, self._flag)
        meant = [each.upper() for token in self.values for each in spec.meant(self.name, str(token.written))]
        return filters.among(values, meant) != (self.sign == "!=")

    def _each(self, values: pd.Series, value_of: Callable[[Token], Any]) -> Mask:
        masks = [np.asarray(COMPARE[self.sign](values, value_of(token)), dtype=bool) for token in self.values]
        return np.logical_or.reduce(masks)

    def _plain(self, token: Token, kind: str, expected: str) -> Any:
        token = unquoted(token)
        if token.kind != kind:
            raise self._error(f"{self.name}: expected {expected}, found {token.written!r}", token)
        return token.value

    def _in_unit(self, token: Token, dimension: Dimension) -> float:
        token = unquoted(token)
        value = self._plain(token, "number", "a number")
        if token.dimension not in ("", dimension):
            known = f"is no {token.dimension}" if dimension else "has no unit that is known; write a plain number"
            raise self._error(f"{self.name} {known}", token)
        return float(value)

    def _flag(self, token: Token) -> bool:
        if token.written.lower() not in ("true", "false"):
            raise self._error(f"{self.name}: expected true or false, found {token.written!r}", token)
        return token.written.lower() == "true"

    def _only_equal(self) -> None:
        if self.sign not in EQUAL:
            raise self._error(f"{self.name} is text; it can be compared with = and != only", self.column)

    def _instruments(self, table: pd.DataFrame, spec: MissionSpec) -> Mask:
        self._only_equal()
        names = filters.instruments_named(spec, (token.written for token in self.values))
        return np.asarray(filters.instruments(names).keep(table, spec) != (self.sign == "!="), dtype=bool)

    def _target_type(self) -> Filter:
        self._only_equal()
        try:
            among = filters.target_types(tuple(token.written.upper() for token in self.values))
        except ConfigError as error:
            raise self._error(str(error), self.values[0]) from None
        return Filter(self.name, self.text, lambda table, spec: among.keep(table, spec) != (self.sign == "!="))


def _values(table: pd.DataFrame, spec: MissionSpec, name: str) -> tuple[pd.Series, Dimension]:
    """A column, or the exposure of an instrument called `name`; and what its numbers measure."""
    is_group = name.upper() in spec.groups
    if name not in table and (is_group or any(_is_called(each, name) for each in spec.instruments)):
        return filters.exposure_of(table, spec, name), "time"
    exposures = [each.exposure_column for each in spec.instruments]
    unit = "s" if name in exposures else next((each.unit for each in COMMON_COLUMNS if each.name == name), "")
    return filters.column_of(table, spec, name), DIMENSIONS.get(unit, "")


def _is_called(instrument: Any, name: str) -> bool:
    return name.upper() in (each.upper() for each in (instrument.name, *instrument.aliases))
