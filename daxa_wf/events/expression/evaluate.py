"""Evaluates a tree with numpy: one function for each kind of node."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import singledispatch
from typing import Any, Protocol

import numpy as np

from daxa_wf.events.expression.regions import RegionTable
from daxa_wf.events.expression.shapes import SHAPES
from daxa_wf.events.expression.tree import (
    And,
    Arithmetic,
    ColumnName,
    Compare,
    InGti,
    InIntervals,
    InRegion,
    InShape,
    Interval,
    IsNull,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Truth,
)
from daxa_wf.events.gti import Intervals, contains


class Values(Protocol):
    """The rows on which a tree is evaluated."""

    size: int
    gtis: Mapping[str, Intervals]
    regions: Mapping[str, RegionTable]
    nulls: Mapping[str, int]

    def column(self, name: str) -> Any:
        """Return a column in the machine's byte order."""


COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
BITWISE: Mapping[str, Callable[[Any, Any], Any]] = {"&": operator.and_, "|": operator.or_, "^": operator.xor}


@singledispatch
def evaluate(node: Node, values: Values) -> Any:
    """Return the value of a node for every row: an array of shape (rows,), or a number."""
    raise TypeError(f"{type(node).__name__} cannot be evaluated")


@evaluate.register
def _(node: Number, values: Values) -> Any:
    return node.value


@evaluate.register
def _(node: Truth, values: Values) -> Any:
    return np.full(values.size, node.value)


@evaluate.register
def _(node: ColumnName, values: Values) -> Any:
    return values.column(node.name)


@evaluate.register
def _(node: Negative, values: Values) -> Any:
    return -_wide(evaluate(node.operand, values))


@evaluate.register
def _(node: Arithmetic, values: Values) -> Any:
    left, right = evaluate(node.left, values), evaluate(node.right, values)
    if node.operator in ARITHMETIC:
        return ARITHMETIC[node.operator](_wide(left), _wide(right))
    return BITWISE[node.operator](*_bits(left, right))


@evaluate.register
def _(node: Compare, values: Values) -> Any:
    return np.asarray(COMPARE[node.operator](evaluate(node.left, values), evaluate(node.right, values)))


@evaluate.register
def _(node: Not, values: Values) -> Any:
    return ~evaluate(node.operand, values)


@evaluate.register
def _(node: And, values: Values) -> Any:
    result = evaluate(node.terms[0], values)
    for term in node.terms[1:]:
        result = result & evaluate(term, values)
    return result


@evaluate.register
def _(node: Or, values: Values) -> Any:
    result = evaluate(node.terms[0], values)
    for term in node.terms[1:]:
        result = result | evaluate(term, values)
    return result


@evaluate.register
def _(node: InIntervals, values: Values) -> Any:
    value = evaluate(node.value, values)
    result = _within(value, node.intervals[0], values)
    for interval in node.intervals[1:]:
        result = result | _within(value, interval, values)
    return result


@evaluate.register
def _(node: InGti, values: Values) -> Any:
    return contains(values.gtis[node.file], evaluate(node.value, values))


@evaluate.register
def _(node: InShape, values: Values) -> Any:
    numbers = [np.float64(evaluate(parameter, values)) for parameter in node.parameters]
    return SHAPES[node.shape].test(_float(evaluate(node.x, values)), _float(evaluate(node.y, values)), *numbers)


@evaluate.register
def _(node: InRegion, values: Values) -> Any:
    region = values.regions[node.file]
    x = evaluate(node.x, values) if node.x else values.column(region.x)
    y = evaluate(node.y, values) if node.y else values.column(region.y)
    return region.contains(_float(x), _float(y))


@evaluate.register
def _(node: IsNull, values: Values) -> Any:
    column = values.column(node.column.name)
    if column.dtype.kind == "f":
        return np.isnan(column)
    null = values.nulls.get(node.column.name.upper())
    return np.zeros(values.size, bool) if null is None else column == null


def _within(value: Any, interval: Interval, values: Values) -> Any:
    if interval.low is not None and interval.low is interval.high:
        return np.asarray(value == evaluate(interval.low, values))
    result = None
    if interval.low is not None:
        above = operator.ge if interval.closed_low else operator.gt
        result = np.asarray(above(value, evaluate(interval.low, values)))
    if interval.high is not None:
        within = operator.le if interval.closed_high else operator.lt
        below = np.asarray(within(value, evaluate(interval.high, values)))
        result = below if result is None else result & below
    return result


def _float(value: Any) -> Any:
    return np.asarray(value, dtype=np.float64)


def _wide(value: Any) -> Any:
    """Return integers in 64 bits, so that sums and products of 16-bit columns do not overflow."""
    return value.astype(np.int64) if isinstance(value, np.ndarray) and value.dtype.kind in "iub" else value


def _bits(left: Any, right: Any) -> tuple[Any, Any]:
    """Return the operands of a bit operation in one integer type; 32-bit flags are taken as unsigned if a constant needs it."""
    if isinstance(left, np.ndarray) and isinstance(right, int):
        return _as_bits(left, right)
    if isinstance(right, np.ndarray) and isinstance(left, int):
        return _as_bits(right, left)
    return np.asarray(left, np.int64), np.asarray(right, np.int64)


def _as_bits(column: Any, constant: int) -> tuple[Any, Any]:
    if column.dtype.itemsize == 4 and constant >= 2**31:
        bits = column.view(np.uint32)
        return (bits, np.uint32(constant)) if constant < 2**32 else (bits.astype(np.int64), np.int64(constant))
    if np.iinfo(column.dtype).min <= constant <= np.iinfo(column.dtype).max:
        return column, column.dtype.type(constant)
    return column.astype(np.int64), np.int64(constant)
