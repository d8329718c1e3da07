"""Restrictions of single columns by the terms of an expression, as the cards of a data subspace write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from daxa_wf.events.expression.tree import Arithmetic, ColumnName, Compare, InIntervals, Interval, Node, Number

FLAG_BITS = 32


@dataclass(frozen=True)
class Restriction:
    """Column, its allowed values (`:12`, `500:10000`, a bit pattern), `X` for bit patterns."""

    column: str
    values: str
    form: str = ""


@singledispatch
def restrictions(term: Node) -> Iterator[Restriction]:
    """Yield the restriction that a term makes, if it restricts a single column to known values."""
    del term
    yield from ()


@restrictions.register
def _(term: Compare) -> Iterator[Restriction]:
    if not isinstance(term.right, Number):
        return
    value = _text(term.right)
    ranges = {"<=": f":{value}", "<": f":{value})", ">=": f"{value}:", ">": f"({value}:", "==": value}
    if isinstance(term.left, ColumnName) and term.operator in ranges:
        yield Restriction(term.left.name.upper(), ranges[term.operator])
    elif _is_unset_bits(term) and isinstance(term.left, Arithmetic):
        column, mask = term.left.left, term.left.right
        if isinstance(column, ColumnName) and isinstance(mask, Number):
            yield Restriction(column.name.upper(), _bit_pattern(int(mask.value)), "X")


@restrictions.register
def _(term: InIntervals) -> Iterator[Restriction]:
    ends = [end for interval in term.intervals for end in (interval.low, interval.high)]
    if isinstance(term.value, ColumnName) and all(end is None or isinstance(end, Number) for end in ends):
        yield Restriction(term.value.name.upper(), ",".join(_written(interval) for interval in term.intervals))


def _is_unset_bits(term: Compare) -> bool:
    masked = isinstance(term.left, Arithmetic) and term.left.operator == "&"
    return masked and term.operator == "==" and isinstance(term.right, Number) and term.right.value == 0


def _bit_pattern(mask: int) -> str:
    bits = "".join("0" if mask >> bit & 1 else "x" for bit in reversed(range(FLAG_BITS)))
    return "b" + bits.lstrip("x")


def _written(interval: Interval) -> str:
    low, high = _text(interval.low), _text(interval.high)
    if interval.low is interval.high:
        return low
    return f"{'' if interval.closed_low else '('}{low}:{high}{'' if interval.closed_high else ')'}"


def _text(node: Node | None) -> str:
    return f"{node.value:.15g}" if isinstance(node, Number) else ""
