"""Kinds of the parts of an expression: whole number, real number, text, condition. Checks that they fit together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from daxa_wf.errors import ExpressionError
from daxa_wf.events.expression.evaluate import ARITHMETIC, BITWISE
from daxa_wf.events.expression.shapes import SHAPES
from daxa_wf.events.expression.tree import (
    And,
    Arithmetic,
    Attribute,
    ColumnName,
    Compare,
    InGti,
    InIntervals,
    InRegion,
    InShape,
    Interval,
    Negative,
    Node,
    Not,
    Number,
    Or,
)

ValueKind = Literal["integer", "real", "text", "array", "condition", "any"]
"""`any`: the kind depends on the event list, as for an attribute of its header or a column of unknown type."""

Kinds = Mapping[str, ValueKind]
"""Name of a column, in capitals -> its kind."""

LARGEST_INTEGER = 2**63 - 1
DEEPEST = 100
"""Nodes of a tree within one another."""


def kinds_of(dtype: np.dtype[Any]) -> dict[str, ValueKind]:
    """Return the kinds of the columns of a table."""
    return {name.upper(): kind_of(dtype[name]) for name in dtype.names or ()}


def kind_of(dtype: np.dtype[Any]) -> ValueKind:
    """Return the kind of a column from its numpy type."""
    if dtype.shape:
        return "array"
    if dtype.kind in "iu":
        return "integer"
    if dtype.kind == "f":
        return "real"
    return "condition" if dtype.kind == "b" else "text"


def check_types(tree: Node, text: str, kinds: Kinds, fixed: bool = False) -> None:
    """Raise ExpressionError at the first part that is not of the kind that its place needs.

    Columns that `kinds` lacks may be anything. With `fixed` a comparison of constants is an error too: it is true of every
    row or of none, so that a column was forgotten. In the header of a list, constants may be meant.
    """
    _Checker(text, kinds, fixed).condition(tree)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes within it, the outer ones first."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(list(_children(current))))


def depth_of(node: Node) -> int:
    """Return how many nodes are within one another at most."""
    deepest, pending = 0, [(node, 1)]
    while pending:
        current, depth = pending.pop()
        deepest = max(deepest, depth)
        pending.extend((child, depth + 1) for child in _children(current))
    return deepest


def _children(node: Node) -> Iterator[Node]:
    for attribute in fields(node):
        value = getattr(node, attribute.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Node):
                yield part


@dataclass(frozen=True)
class _Checker:
    text: str
    kinds: Kinds
    fixed: bool

    def error(self, message: str, node: Node) -> ExpressionError:
        return ExpressionError(message, self.text, node.position)

    def condition(self, node: Node) -> None:
        kind = self.kind(node)
        if kind not in ("condition", "any"):
            raise self.error(f"expected a condition, this is {_NAMES[kind]}", node)

    def number(self, node: Node) -> ValueKind:
        kind = self.kind(node)
        if kind not in ("integer", "real", "any"):
            raise self.error(f"expected a number, this is {_NAMES[kind]}", node)
        return kind

    def kind(self, node: Node) -> ValueKind:
        match node:
            case Number():
                self.constant(node)
                return "integer" if isinstance(node.value, int) else "real"
            case ColumnName():
                return self.kinds.get(node.name.upper(), "any")
            case Attribute():
                return "any"
            case Negative():
                return self.number(node.operand)
            case Arithmetic():
                return self.arithmetic(node)
            case Not():
                self.condition(node.operand)
            case And() | Or():
                for term in node.terms:
                    self.condition(term)
            case Compare():
                self.number(node.left)
                self.number(node.right)
                self.varying(node, node.left, node.right)
            case InIntervals():
                self.intervals(node)
            case InGti():
                self.number(node.value)
                self.varying(node.value, node.value)
            case InShape():
                self.shape(node)
            case InRegion():
                for column in (node.x, node.y):
                    if column is not None:
                        self.number(column)
        return "condition"

    def arithmetic(self, node: Arithmetic) -> ValueKind:
        sides = {self.number(node.left), self.number(node.right)}
        if node.operator in BITWISE and "real" in sides:
            real = node.left if self.kind(node.left) == "real" else node.right
            raise self.error(f"expected whole numbers beside {node.operator!r}, {_named(real)} is a real number", node)
        self.constant(node)
        if node.operator in BITWISE:
            return "integer"
        return "real" if "real" in sides or node.operator == "/" else "any" if "any" in sides else "integer"

    def intervals(self, node: InIntervals) -> None:
        self.number(node.value)
        ends = [end for interval in node.intervals for end in _ends(interval)]
        for end in ends:
            self.number(end)
        self.varying(node.value, node.value, *ends)

    def shape(self, node: InShape) -> None:
        usage = SHAPES[node.shape].usage
        for parameter in node.parameters:
            self.number(parameter)
            column = next((part for part in walk(parameter) if isinstance(part, ColumnName)), None)
            if column is not None:
                raise self.error(f"expected a number, {column.name} is a column; write {usage}", column)
        self.number(node.x)
        self.number(node.y)

    def varying(self, place: Node, *parts: Node) -> None:
        """Raise ExpressionError if all parts are constants, so that every row gives the same."""
        if self.fixed and not any(isinstance(node, ColumnName | Attribute) for part in parts for node in walk(part)):
            raise self.error("expected a column on one side at least; this is the same for every event", place)

    def constant(self, node: Node) -> None:
        """Raise ExpressionError if a constant cannot be computed, or is beyond the numbers of a computer."""
        try:
            value = _constant(node)
        except ZeroDivisionError:
            raise self.error("division by zero", node) from None
        except (OverflowError, TypeError):
            raise self.error("this cannot be computed", node) from None
        if value is None:
            return
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            raise self.error("this whole number is beyond 64 bits", node)
        if not math.isfinite(value):
            raise self.error("this number is beyond any that can be computed with", node)


_NAMES: dict[ValueKind, str] = {
    "integer": "a number", "real": "a number", "text": "text", "array": "a column of arrays", "condition": "a condition",
}  # fmt: skip


def _named(node: Node) -> str:
    return node.name if isinstance(node, ColumnName) else "one of them"


def _ends(interval: Interval) -> list[Node]:
    return [end for end in (interval.low, interval.high) if end is not None]


def _constant(node: Node) -> int | float | None:
    """Return the value of a node that no row has a part in; None if rows or a header have."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Negative):
        value = _constant(node.operand)
        return None if value is None else -value
    if not isinstance(node, Arithmetic):
        return None
    left, right = _constant(node.left), _constant(node.right)
    if left is None or right is None:
        return None
    operators: Mapping[str, Callable[[Any, Any], Any]] = {**ARITHMETIC, **BITWISE}
    result: int | float = operators[node.operator](left, right)
    return result
