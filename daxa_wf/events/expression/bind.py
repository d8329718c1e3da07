"""An expression, and an expression bound to one event list."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ExpressionError
from daxa_wf.events.expression.evaluate import evaluate
from daxa_wf.events.expression.parser import ExpressionParser
from daxa_wf.events.expression.regions import RegionTable, read_region
from daxa_wf.events.expression.restrictions import Restriction, restrictions
from daxa_wf.events.expression.tree import (
    And,
    Attribute,
    ColumnName,
    InGti,
    InRegion,
    Node,
    Number,
)
from daxa_wf.events.expression.types import DEEPEST, Kinds, check_types, walk
from daxa_wf.events.gti import Intervals
from daxa_wf.events.gti_files import file_and_extension, read_gti
from daxa_wf.near import closest

DEEPEST_ATTRIBUTE = 8
LARGEST = 5000
"""Nodes that the attributes of a header may expand to."""


@dataclass(frozen=True)
class Expression:
    """A parsed selection expression, not yet bound to a list."""

    text: str
    tree: Node

    @property
    def column_names(self) -> frozenset[str]:
        """Return the columns that its own text names, in capitals; those of attributes depend on a list's header."""
        return frozenset(node.name.upper() for node in walk(self.tree) if isinstance(node, ColumnName))

    @property
    def files(self) -> list[str]:
        """Return the GTI and region files that it names, with their extensions."""
        return [node.file for node in walk(self.tree) if isinstance(node, InGti | InRegion)]

    def require_columns(self, column_names: Collection[str]) -> None:
        """Raise ExpressionError at the first column that is not one of these."""
        _require_columns(self.tree, column_names, self.text)

    def bind(
        self,
        header: Mapping[str, Any],
        column_names: Collection[str],
        load_gti: Callable[[str], Intervals] | None = None,
        load_region: Callable[[str], RegionTable] | None = None,
        kinds: Kinds | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> BoundExpression:
        """Look up attributes in a list's header, and read the files; ExpressionError points at what the list lacks.

        `kinds`: the kinds of the columns, where they are known; ExpressionError if the expression cannot use them so.
        `attributes`: the meaning of attributes that the header may lack.
        """
        lookup = _Attributes(header, self.text, attributes or {})
        tree = lookup.replaced(self.tree)
        nodes = list(walk(tree))
        named = {column.upper(): column for column in column_names}
        _require_columns(tree, column_names, self.text)
        check_types(tree, self.text, kinds or {})
        gtis = {node.file: (load_gti or _load_gti)(node.file) for node in nodes if isinstance(node, InGti)}
        regions = {node.file: (load_region or _load_region)(node.file) for node in nodes if isinstance(node, InRegion)}
        nulls = {
            name: int(header[f"TNULL{number}"])
            for number, name in enumerate(named, start=1)
            if isinstance(header.get(f"TNULL{number}"), int)
        }
        return BoundExpression(self.text, tree, named, gtis, regions, nulls, tuple(lookup.warnings))


@dataclass(frozen=True)
class BoundExpression:
    """An expression bound to one list, which selects its rows."""

    text: str
    tree: Node
    names: Mapping[str, str]
    files: Mapping[str, Intervals]
    regions: Mapping[str, RegionTable] = field(default_factory=dict)
    nulls: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def mask(self, rows: Any) -> NDArray[np.bool_]:
        """Return True for each row that passes; `rows[name]` gives a column, in any byte order."""
        values = _ChunkColumns(rows, self)
        with np.errstate(all="ignore"):
            result = np.asarray(evaluate(self.tree, values), dtype=bool)
        return np.broadcast_to(result, values.size) if result.ndim == 0 else result

    @property
    def columns(self) -> frozenset[str]:
        """Return the columns that it reads."""
        return frozenset(self.names[node.name.upper()] for node in walk(self.tree) if isinstance(node, ColumnName))

    @property
    def subspace(self) -> list[Restriction]:
        """Return the restrictions of single columns that every row meets, as the data subspace writes them."""
        return [restriction for term in self._terms() for restriction in restrictions(term)]

    def _terms(self) -> Iterator[Node]:
        pending = [self.tree]
        while pending:
            node = pending.pop()
            if isinstance(node, And):
                pending.extend(reversed(node.terms))
            else:
                yield node


class _ChunkColumns:
    """Columns of one chunk, converted to the machine's byte order once."""

    def __init__(self, rows: Any, bound: BoundExpression) -> None:
        self.rows, self.names = rows, bound.names
        self.gtis, self.regions, self.nulls = bound.files, bound.regions, bound.nulls
        self.size = len(rows[next(iter(bound.names.values()))])
        self.converted: dict[str, Any] = {}

    def column(self, name: str) -> Any:
        column = self.names[name.upper()]
        if column not in self.converted:
            values = np.asarray(self.rows[column])
            self.converted[column] = values.astype(values.dtype.newbyteorder("="))
        return self.converted[column]


def parse(text: str) -> Expression:
    """Parse a selection expression; ExpressionError points at the character that does not fit."""
    return check_expression(text, {})


def check_expression(text: str, kinds: Kinds) -> Expression:
    """Parse a selection expression for lists whose columns are of known kinds; ExpressionError also where they do not fit."""
    tree = ExpressionParser(text).parse()
    check_types(tree, text, kinds, fixed=True)
    return Expression(text, tree)


class _Attributes:
    """The attributes of one list's header, put in their places in a tree."""

    def __init__(self, header: Mapping[str, Any], text: str, usual: Mapping[str, str]) -> None:
        self.header, self.text, self.usual = header, text, usual
        self.warnings, self.nodes = list[str](), 0

    def replaced(self, node: Node, attributes: int = 0, depth: int = 0) -> Node:
        """Return a tree with numbers and expressions in place of attributes; so many attributes and nodes are around it."""
        if depth > DEEPEST:
            raise ExpressionError(f"expected at most {DEEPEST} operations within one another", self.text, 0)
        if isinstance(node, Attribute):
            return self._attribute(node, attributes, depth)
        changed: dict[str, Any] = {}
        for attribute in fields(node):
            value = getattr(node, attribute.name)
            if isinstance(value, Node):
                changed[attribute.name] = self.replaced(value, attributes, depth + 1)
            elif isinstance(value, tuple) and value and isinstance(value[0], Node):
                changed[attribute.name] = tuple([self.replaced(part, attributes, depth + 1) for part in value])
        return replace(node, **changed) if changed else node

    def _attribute(self, node: Attribute, attributes: int, depth: int) -> Node:
        value: Any = self.header.get(node.name)
        if value is None and node.name in self.usual:
            value = self.usual[node.name]
            self.warnings.append(f"#{node.name} is not in the list's header; taken as {value}")
        if value is None:
            families = tuple({f"{name.split('_')[0]}_" for name in self.usual})
            known = [card for card in self.header if card.startswith(families)]
            raise ExpressionError(_unknown("attribute", f"#{node.name}", known), self.text, node.position)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Number(node.position, value)
        if attributes == DEEPEST_ATTRIBUTE:
            raise ExpressionError(f"#{node.name} refers to itself in the list's header", self.text, node.position)
        try:
            inner = ExpressionParser(str(value)).parse()
        except ExpressionError as error:
            raise ExpressionError(
                f"#{node.name} is {str(value)!r} in the list's header, which is not an expression: {error.message}",
                self.text, node.position,
            ) from None  # fmt: skip
        inner = _moved(inner, node.position)
        self.nodes += sum(1 for _ in walk(inner))
        if self.nodes > LARGEST:
            raise ExpressionError(f"#{node.name} expands to more than {LARGEST} terms", self.text, node.position)
        return self.replaced(inner, attributes + 1, depth + 1)


def _moved(node: Node, position: int, moved: dict[int, Node] | None = None) -> Node:
    """Return a tree whose nodes all have one position: that of the attribute in the text.

    A node that is in two places (the one end of `in 5`) stays one node: `moved` holds the moved nodes by identity.
    """
    moved = {} if moved is None else moved
    if id(node) not in moved:
        changed: dict[str, Any] = {"position": position}
        for attribute in fields(node):
            value = getattr(node, attribute.name)
            if isinstance(value, Node):
                changed[attribute.name] = _moved(value, position, moved)
            elif isinstance(value, tuple) and value and isinstance(value[0], Node):
                changed[attribute.name] = tuple([_moved(part, position, moved) for part in value])
        moved[id(node)] = replace(node, **changed)
    return moved[id(node)]


def _require_columns(tree: Node, column_names: Collection[str], text: str) -> None:
    known = {name.upper() for name in column_names}
    for node in walk(tree):
        if isinstance(node, ColumnName) and node.name.upper() not in known:
            raise ExpressionError(_unknown("column", node.name, column_names), text, node.position)


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    article = "an" if what[0] == "a" else "a"
    return f"{name} is not {article} {what} of this list; it has {', '.join(known) or 'none'}{closest(name, known)}"


def _load_gti(spec: str) -> Intervals:
    return read_gti(*file_and_extension(spec))


def _load_region(spec: str) -> RegionTable:
    path, extension = file_and_extension(spec)
    return read_region(Path(path), extension)
