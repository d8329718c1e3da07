"""Times and places at which an expression lets events pass, for exposures.

An expression is a condition on events. If it depends on columns that are not known, such as PI, some events are taken to
meet it and others to miss it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.expression.bind import BoundExpression
from daxa_wf.events.expression.evaluate import evaluate
from daxa_wf.events.expression.tree import And, ColumnName, Compare, InGti, InIntervals, InRegion, Node, Not, Number, Or
from daxa_wf.events.gti import Intervals, normalise

Passability = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""True at each point where a condition can be met, and where it can be missed."""

FAR = 1e15
"""Seconds beyond any time of a list."""


def passable(bound: BoundExpression, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return True for each point at which events can pass; `columns`: upper-case name -> values of shape (points,)."""
    return _passability(bound.tree, bound, _PointColumns(columns, bound))[0]


def part_about(bound: BoundExpression, names: Collection[str]) -> BoundExpression | None:
    """Return the conditions on any of the columns, which an event must all meet; None if the expression has none."""
    terms = tuple(term for term in _conjuncts(bound.tree) if columns_of(bound, term) & set(names))
    return replace(bound, tree=And(terms[0].position, terms)) if terms else None


def columns_of(bound: BoundExpression, node: Node) -> frozenset[str]:
    """Return the upper-case names of the columns that a part of an expression depends on."""
    named = {name.upper() for name in replace(bound, tree=node).columns}
    for leaf in _leaves(node):
        if isinstance(leaf, InRegion) and leaf.x is None:
            named |= {bound.regions[leaf.file].x.upper(), bound.regions[leaf.file].y.upper()}
    return frozenset(named)


def mixed_columns(bound: BoundExpression, names: Collection[str]) -> frozenset[str]:
    """Return other columns on which conditions on any of `names` depend too, so that these are not decided by `names`."""
    mixed: frozenset[str] = frozenset()
    for term in _conjuncts(bound.tree):
        mentioned = columns_of(bound, term)
        mixed |= mentioned - set(names) if mentioned & set(names) else frozenset()
    return mixed


def time_intervals(bound: BoundExpression, column: str = "TIME") -> tuple[list[Intervals], bool]:
    """Return the times that each condition on `column` alone allows; True if there are other conditions on it."""
    selected: list[Intervals] = []
    others = False
    for term in _conjuncts(bound.tree):
        mentioned = columns_of(bound, term)
        if column in mentioned:
            edges = _edges(term, bound, column)
            if edges is None or mentioned != {column}:
                others = True
            else:
                selected.append(_allowed(term, bound, edges, column))
    return selected, others


def _allowed(term: Node, bound: BoundExpression, edges: list[float], column: str) -> Intervals:
    """Return the times between edges at which a condition is met; what holds on an edge itself is left aside."""
    bounds = np.array([-FAR, *sorted(set(edges)), FAR])
    middles = (bounds[:-1] + bounds[1:]) / 2
    return normalise(np.column_stack([bounds[:-1], bounds[1:]])[passable(replace(bound, tree=term), {column: middles})])


def _edges(node: Node, bound: BoundExpression, column: str) -> list[float] | None:
    """Return the values at which a condition on a column can change; None if they cannot be read from it."""
    match node:
        case And(terms=terms) | Or(terms=terms):
            parts = [_edges(term, bound, column) for term in terms]
            return None if None in parts else [edge for part in parts for edge in part or ()]
        case Not(operand=operand):
            return _edges(operand, bound, column)
        case (
            Compare(left=ColumnName(), right=Number(value=value))
            | Compare(left=Number(value=value), right=ColumnName())
        ):
            return [float(value)]
        case InGti(file=file, value=ColumnName()):
            return bound.files[file].ravel().tolist()
        case InIntervals(value=ColumnName(), intervals=intervals):
            ends = [end for interval in intervals for end in (interval.low, interval.high) if end is not None]
            return [float(end.value) for end in ends if isinstance(end, Number)] if _all_numbers(ends) else None
    return None


def _all_numbers(nodes: Collection[Node]) -> bool:
    return all(isinstance(node, Number) for node in nodes)


def _conjuncts(node: Node) -> Iterator[Node]:
    """Yield conditions that must all be met; !(a || b) is !a and !b."""
    match node:
        case And(terms=terms):
            for term in terms:
                yield from _conjuncts(term)
        case Not(operand=Or(terms=terms)):
            for term in terms:
                yield from _conjuncts(Not(term.position, term))
        case Not(operand=Not(operand=inner)):
            yield from _conjuncts(inner)
        case _:
            yield node


def _leaves(node: Node) -> Iterator[Node]:
    """Yield the conditions that logic joins."""
    match node:
        case And(terms=terms) | Or(terms=terms):
            for term in terms:
                yield from _leaves(term)
        case Not(operand=operand):
            yield from _leaves(operand)
        case _:
            yield node


def _passability(node: Node, bound: BoundExpression, points: _PointColumns) -> Passability:
    match node:
        case And(terms=terms):
            parts = [_passability(term, bound, points) for term in terms]
            return reduce(np.logical_and, [met for met, _ in parts]), reduce(
                np.logical_or, [not_met for _, not_met in parts]
            )
        case Or(terms=terms):
            parts = [_passability(term, bound, points) for term in terms]
            return reduce(np.logical_or, [met for met, _ in parts]), reduce(
                np.logical_and, [not_met for _, not_met in parts]
            )
        case Not(operand=operand):
            met, not_met = _passability(operand, bound, points)
            return not_met, met
    if not columns_of(bound, node) <= points.known:
        return np.ones(points.size, bool), np.ones(points.size, bool)
    result = np.broadcast_to(np.asarray(evaluate(node, points), bool), points.size)
    return result, ~result


class _PointColumns:
    """Values of some columns at any places, for `evaluate`."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], bound: BoundExpression) -> None:
        self.columns, self.known = columns, frozenset(columns)
        self.gtis, self.regions, self.nulls = bound.files, bound.regions, bound.nulls
        self.size = len(next(iter(columns.values())))

    def column(self, name: str) -> Any:
        return self.columns[name.upper()]
