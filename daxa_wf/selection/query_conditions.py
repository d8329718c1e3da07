"""Apply one comparison of a query text to a table of observations."""

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
from daxa_wf.selection.query_tokens import Dimension, QueryToken, unquoted
from daxa_wf.tables.schema import COMMON_COLUMNS

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
DIMENSIONS: dict[str, Dimension] = {"deg": "angle", "s": "time"}
EQUAL = ("=", "==", "!=")


@dataclass(frozen=True)
class Comparison:
    """A condition `column sign value`, or `column IN (values)` with the sign '='. Errors point at the wrong value."""

    column: QueryToken
    sign: str
    values: Sequence[QueryToken]
    text: str

    def filter(self) -> Filter:
        """Return the condition as a filter. Its errors point at characters of the query."""
        if self.name == "target_type":
            return self._target_type()
        return Filter(self.name, self.text, self._keep)

    @property
    def name(self) -> str:
        return str(self.column.value).lower()

    def _error(self, message: str, token: QueryToken) -> ExpressionError:
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
            return self._compare(values, lambda token: self._plain(token, "date", "a date such as 2010-01-01"))
        if filters.is_number(values):
            return self._compare(values, lambda token: self._in_unit(token, dimension))
        self._only_equal()
        if pd.api.types.is_bool_dtype(values):
            return self._compare(values, self._flag)
        accepted = [value.upper() for token in self.values for value in spec.values_for(self.name, token.written)]
        return filters.among(values, accepted) != (self.sign == "!=")

    def _compare(self, values: pd.Series, value_of: Callable[[QueryToken], Any]) -> Mask:
        masks = [np.asarray(COMPARE[self.sign](values, value_of(token)), dtype=bool) for token in self.values]
        return np.logical_or.reduce(masks)

    def _plain(self, token: QueryToken, kind: str, expected: str) -> Any:
        token = unquoted(token)
        if token.kind != kind:
            raise self._error(f"{self.name}: expected {expected}, found {token.written!r}", token)
        return token.value

    def _in_unit(self, token: QueryToken, dimension: Dimension) -> float:
        token = unquoted(token)
        value = self._plain(token, "number", "a number")
        if token.dimension not in ("", dimension):
            wrong = f"is not in units of {token.dimension}" if dimension else "has no known unit; write a plain number"
            raise self._error(f"{self.name} {wrong}", token)
        return float(value)

    def _flag(self, token: QueryToken) -> bool:
        if token.written.lower() not in ("true", "false"):
            raise self._error(f"{self.name}: expected true or false, found {token.written!r}", token)
        return token.written.lower() == "true"

    def _only_equal(self) -> None:
        if self.sign not in EQUAL:
            raise self._error(f"{self.name} is text, which can be compared only with = and !=", self.column)

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
    """Return a column, or the exposure of the instrument `name`, and the dimension of its numbers."""
    is_group = name.upper() in spec.groups
    if name not in table and (is_group or any(_has_name(instrument, name) for instrument in spec.instruments)):
        return filters.exposure_of(table, spec, name), "time"
    exposures = [instrument.exposure_column for instrument in spec.instruments]
    unit = "s" if name in exposures else next((column.unit for column in COMMON_COLUMNS if column.name == name), "")
    return filters.column_of(table, spec, name), DIMENSIONS.get(unit, "")


def _has_name(instrument: Any, name: str) -> bool:
    return name.upper() in (alias.upper() for alias in (instrument.name, *instrument.aliases))
