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
from daxa_wf.events.expression.parser import Parser
from daxa_wf.events.expression.regions import RegionTable, read_region
from daxa_wf.events.expression.restrictions import Restriction, restrictions
from daxa_wf.events.expression.tree import (
    And,
    Attribute,
    Column,
    InGti,
    InRegion,
    Node,
    Number,
)
from daxa_wf.events.gti import Intervals
from daxa_wf.events.gti_files import file_and_extension, read_gti
from daxa_wf.near import closest

KNOWN_ATTRIBUTES = {
    "XMMEA_EM": "(FLAG & 0x766ba000) == 0",
    "XMMEA_SM": "(FLAG & 0xfffffeff) == 0",
    "XMMEA_EP": "(FLAG & 0xfa0000) == 0",
}
"""For lists whose header does not say (values of SAS 18-20 headers; EP as in ESAS scripts since SAS 13)."""

DEEPEST_ATTRIBUTE = 8


@dataclass(frozen=True)
class Expression:
    """A parsed selection expression, not yet of any list."""

    text: str
    tree: Node

    @property
    def column_names(self) -> frozenset[str]:
        """The columns that its own text names, in capitals; those of attributes depend on a list's header."""
        return frozenset(node.name.upper() for node in _walk(self.tree) if isinstance(node, Column))

    @property
    def files(self) -> list[str]:
        """The GTI and region files that it names, with their extensions."""
        return [node.file for node in _walk(self.tree) if isinstance(node, InGti | InRegion)]

    def require_columns(self, column_names: Collection[str]) -> None:
        """Raise ExpressionError at the first column that is not one of these."""
        _require_columns(self.tree, column_names, self.text)

    def bind(
        self,
        header: Mapping[str, Any],
        column_names: Collection[str],
        load_gti: Callable[[str], Intervals] | None = None,
        load_region: Callable[[str], RegionTable] | None = None,
    ) -> BoundExpression:
        """Look up attributes in a list's header, and files; ExpressionError points at what the list does not have."""
        warnings: list[str] = []
        tree = _substitute(self.tree, header, self.text, warnings, 0)
        _require_columns(tree, column_names, self.text)
        nodes = list(_walk(tree))
        named = {column.upper(): column for column in column_names}
        gtis = {node.file: (load_gti or _load_gti)(node.file) for node in nodes if isinstance(node, InGti)}
        regions = {node.file: (load_region or _load_region)(node.file) for node in nodes if isinstance(node, InRegion)}
        nulls = {
            name: int(header[f"TNULL{number}"])
            for number, name in enumerate(named, start=1)
            if f"TNULL{number}" in header
        }
        return BoundExpression(self.text, tree, named, gtis, regions, nulls, tuple(warnings))


@dataclass(frozen=True)
class BoundExpression:
    """An expression that can be asked about the rows of one list."""

    text: str
    tree: Node
    names: Mapping[str, str]
    files: Mapping[str, Intervals]
    regions: Mapping[str, RegionTable] = field(default_factory=dict)
    nulls: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def mask(self, rows: Any) -> NDArray[np.bool_]:
        """True for each row that passes; `rows[name]` gives a column, in any byte order."""
        result = evaluate(self.tree, _Rows(rows, self))
        return result if result.dtype == bool else result != 0

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads."""
        return frozenset(self.names[node.name.upper()] for node in _walk(self.tree) if isinstance(node, Column))

    @property
    def subspace(self) -> list[Restriction]:
        """What every row must keep of single columns, as the data subspace writes it."""
        return [restriction for term in self._terms() for restriction in restrictions(term)]

    def _terms(self) -> Iterator[Node]:
        pending = [self.tree]
        while pending:
            node = pending.pop()
            if isinstance(node, And):
                pending.extend(reversed(node.terms))
            else:
                yield node


class _Rows:
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
    return Expression(text, Parser(text).parse())


def _substitute(node: Node, header: Mapping[str, Any], text: str, warnings: list[str], depth: int) -> Node:
    if isinstance(node, Attribute):
        return _attribute(node, header, text, warnings, depth)
    changed: dict[str, Any] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changed[each.name] = _substitute(value, header, text, warnings, depth)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[each.name] = tuple(_substitute(part, header, text, warnings, depth) for part in value)
    return replace(node, **changed) if changed else node


def _attribute(node: Attribute, header: Mapping[str, Any], text: str, warnings: list[str], depth: int) -> Node:
    value: Any = header.get(node.name)
    if value is None and node.name in KNOWN_ATTRIBUTES:
        value = KNOWN_ATTRIBUTES[node.name]
        warnings.append(f"#{node.name} is not in the list's header; taken as {value}")
    if value is None:
        known = [card for card in header if card.startswith("XMMEA_")]
        raise ExpressionError(_unknown("attribute", f"#{node.name}", known), text, node.position)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Number(node.position, value)
    if depth == DEEPEST_ATTRIBUTE:
        raise ExpressionError(f"#{node.name} refers to itself in the list's header", text, node.position)
    try:
        inner = Parser(str(value)).parse()
    except ExpressionError as error:
        raise ExpressionError(
            f"#{node.name} is {str(value)!r} in the list's header, which is no expression: {error.message}",
            text, node.position,
        ) from None  # fmt: skip
    return _substitute(inner, header, text, warnings, depth + 1)


def _require_columns(tree: Node, column_names: Collection[str], text: str) -> None:
    known = {name.upper() for name in column_names}
    for node in _walk(tree):
        if isinstance(node, Column) and node.name.upper() not in known:
            raise ExpressionError(_unknown("column", node.name, column_names), text, node.position)


def _unknown(what: str, name: str, known: Collection[str]) -> str:
    article = "an" if what[0] == "a" else "a"
    return f"{name} is not {article} {what} of this list; it has {', '.join(known) or 'none'}{closest(name, known)}"


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for each in fields(node):
        value = getattr(node, each.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Node):
                yield from _walk(part)


def _load_gti(spec: str) -> Intervals:
    return read_gti(*file_and_extension(spec))


def _load_region(spec: str) -> RegionTable:
    path, extension = file_and_extension(spec)
    return read_region(Path(path), extension)
