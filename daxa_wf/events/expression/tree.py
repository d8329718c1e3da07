"""The tree of a selection expression. Every node knows the character it began at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    """Any node; `position` is a character of the expression's text, from 0."""

    position: int


@dataclass(frozen=True)
class Number(Node):
    """A constant; integers stay integers, for `&`."""

    value: int | float


@dataclass(frozen=True)
class Truth(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True)
class ColumnName(Node):
    """A column of the event list."""

    name: str


@dataclass(frozen=True)
class Attribute(Node):
    """`#NAME`: a card of the event list's header."""

    name: str


@dataclass(frozen=True)
class Negative(Node):
    """Unary minus."""

    operand: Node


@dataclass(frozen=True)
class Arithmetic(Node):
    """`+ - * / & ^ |` on two numbers."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Compare(Node):
    """`== != < <= > >=` on two numbers."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Not(Node):
    """Logical negation."""

    operand: Node


@dataclass(frozen=True)
class And(Node):
    """All of the terms."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Or(Node):
    """Any of the terms."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Interval(Node):
    """A range of numbers; None is open-ended; `closed_*`: that end belongs to the range."""

    low: Node | None
    high: Node | None
    closed_low: bool = True
    closed_high: bool = True


@dataclass(frozen=True)
class InIntervals(Node):
    """`value in [lo:hi],...`."""

    value: Node
    intervals: tuple[Interval, ...]


@dataclass(frozen=True)
class InGti(Node):
    """`gti(file, TIME)` or `TIME in gti(file)`."""

    file: str
    value: Node


@dataclass(frozen=True)
class InShape(Node):
    """A shape around a pair of columns, such as `circle(xc, yc, r, X, Y)`."""

    shape: str
    parameters: tuple[Node, ...]
    x: Node
    y: Node


@dataclass(frozen=True)
class InRegion(Node):
    """`region(file, X, Y)`; without columns, the file names them."""

    file: str
    x: Node | None
    y: Node | None


@dataclass(frozen=True)
class IsNull(Node):
    """`isNull(column)`."""

    column: ColumnName
