"""Parses the text of an expression into a tree, by recursive descent: one method for each rule of the grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from daxa_wf.errors import ExpressionError
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
    IsNull,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Truth,
)
from daxa_wf.events.expression.types import DEEPEST as DEEPEST_TREE
from daxa_wf.events.expression.types import depth_of

TOKEN = re.compile(
    r"""\s*(?:
    (?P<hexadecimal>0[xX][0-9a-fA-F]+)
  | (?P<number>(?:\d+\.\d+|\d+\.(?![a-zA-Z])|\.\d+|\d+)(?:[eEdD][+-]?\d+)?)
  | (?P<word>\.(?:eq|ne|lt|le|gt|ge|and|or|not)\.)
  | (?P<binary>b[01]+(?![A-Za-z0-9_]))
  | (?P<attribute>\#[A-Za-z][A-Za-z0-9_]*)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<operator>&&|\|\||==|!=|<=|>=|[-+*/&|^!<>()\[\]:,])
  )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
LONGEST = 10_000
"""Characters of an expression."""
DEEPEST = 25
"""Parentheses within one another."""
LONGEST_NUMBER = 80
"""Characters of a number: a bit pattern has some 64."""

FORTRAN = {".eq.": "==", ".ne.": "!=", ".lt.": "<", ".le.": "<=", ".gt.": ">", ".ge.": ">=", ".and.": "&&", ".or.": "||",
           ".not.": "!"}  # fmt: skip
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
PRECEDENCE = (("|",), ("^",), ("&",), ("+", "-"), ("*", "/"))
"""Binary operators on numbers, loosest first."""
NUMBERS = (Number, ColumnName, Arithmetic, Negative)
FILE_FUNCTIONS = ("gti", "region")
OPENS_FILE = [[name, "("] for name in FILE_FUNCTIONS]
FILE_NAME = re.compile(r"\s*(?:'([^']+)'|\"([^\"]+)\"|([^,()]*[^,()\s]))\s*")
"""A file's name: raw text up to the next comma or parenthesis; quotes allow both in it."""
FUNCTIONS = (*FILE_FUNCTIONS, "isnull", *SHAPES)


@dataclass(frozen=True)
class Token:
    """One word of the text; `text` is lower-case for operators."""

    kind: str
    text: str
    position: int


def tokens(text: str) -> list[Token]:
    """Split an expression into its words and an `end`; ExpressionError at a character that begins no word."""
    if len(text) > LONGEST:
        raise ExpressionError(f"expected at most {LONGEST} characters, found {len(text)}", f"{text[:60]} ...", 0)
    sequence, position = [], 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = TOKEN.match(stripped, position)
        if match is None:
            at = position + len(stripped[position:]) - len(stripped[position:].lstrip())
            raise ExpressionError(f"{stripped[at]!r} means nothing here", text, at)
        kind = str(match.lastgroup)
        word = match[kind]
        if kind == "word":
            kind, word = "operator", FORTRAN[word.lower()]
        sequence.append(Token(kind, word, match.start(match.lastgroup or 0)))
        position = match.end()
        if [token.text.lower() for token in sequence[-2:]] in OPENS_FILE:
            name = FILE_NAME.match(stripped, position)
            if name:
                sequence.append(Token("file", name[1] or name[2] or name[3].strip(), name.start()))
                position = name.end()
    return [*sequence, Token("end", "", len(stripped))]


class ExpressionParser:
    """One pass over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.index, self.depth = text, tokens(text), 0, 0

    def parse(self) -> Node:
        """Return the tree of the whole text."""
        tree = self.disjunction()
        if self.current.kind != "end":
            raise self.error("expected an operator such as && or || or the end")
        if depth_of(tree) > DEEPEST_TREE:
            raise ExpressionError(f"expected at most {DEEPEST_TREE} operations within one another", self.text, 0)
        return self.condition(tree)

    @property
    def current(self) -> Token:
        return self.tokens[self.index]

    def error(self, expected: str) -> ExpressionError:
        actual = f"{self.current.text!r}" if self.current.kind != "end" else "the end"
        return ExpressionError(f"{expected}, found {actual}", self.text, self.current.position)

    def take(self, *words: str) -> Token | None:
        """Return the current token and go on if it is one of the operators; else return None."""
        token = self.current
        if token.kind != "operator" or token.text not in words:
            return None
        self.index += 1
        return token

    def expect(self, word: str) -> Token:
        token = self.take(word)
        if token is None:
            raise self.error(f"expected {word!r}")
        return token

    def enter(self, token: Token) -> None:
        """Count a parenthesis that was opened; ExpressionError if too many are within one another."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError(
                f"expected at most {DEEPEST} parentheses within one another", self.text, token.position
            )

    def leave(self) -> None:
        self.expect(")")
        self.depth -= 1

    def disjunction(self) -> Node:
        terms = self.separated(self.conjunction, "||")
        return terms[0] if len(terms) == 1 else Or(terms[0].position, terms)

    def conjunction(self) -> Node:
        terms = self.separated(self.negation, "&&")
        return terms[0] if len(terms) == 1 else And(terms[0].position, terms)

    def separated(self, rule: Callable[[], Node], separator: str) -> tuple[Node, ...]:
        terms = [rule()]
        while self.take(separator):
            terms.append(rule())
        return (terms[0],) if len(terms) == 1 else tuple(self.condition(term) for term in terms)

    def condition(self, node: Node) -> Node:
        """Return the node if it can be true or false, as an attribute may be; else raise ExpressionError."""
        if isinstance(node, NUMBERS):
            raise ExpressionError("expected a condition, this is a number", self.text, node.position)
        return node

    def number(self, node: Node) -> Node:
        """Return the node if it can be a number; else raise ExpressionError."""
        if not isinstance(node, (*NUMBERS, Attribute)):
            raise ExpressionError("expected a number, this is a condition", self.text, node.position)
        return node

    def negation(self) -> Node:
        signs = []
        while token := self.take("!"):
            signs.append(token)
        node = self.comparison()
        for token in reversed(signs):
            node = Not(token.position, self.condition(node))
        return node

    def comparison(self) -> Node:
        pair = self.column_pair()
        if pair is not None:
            return self.shape_membership(*pair)
        left = self.numeric()
        token = self.take(*COMPARISONS)
        if token:
            return Compare(token.position, token.text, self.number(left), self.number(self.numeric()))
        if self.current.kind == "name" and self.current.text.lower() == "in":
            self.index += 1
            return self.membership(self.number(left))
        return left

    def column_pair(self) -> tuple[Node, Node] | None:
        """Read `(X, Y)` if it is followed by `in`; else read nothing."""
        kinds = [(token.kind, token.text.lower()) for token in self.tokens[self.index : self.index + 6]]
        shape = [kind for kind, _ in kinds]
        words = [word for _, word in kinds]
        if shape[:4] != ["operator", "name", "operator", "name"] or words[0] != "(" or words[2] != ",":
            return None
        if len(words) < 6 or words[4] != ")" or words[5] != "in":
            raise ExpressionError(
                "a pair of columns must be followed by 'in' and a shape", self.text, self.current.position
            )
        x, y = (
            ColumnName(token.position, token.text)
            for token in (self.tokens[self.index + 1], self.tokens[self.index + 3])
        )
        self.index += 6
        return x, y

    def membership(self, value: Node) -> Node:
        if self.current.kind == "name" and self.next_is("("):
            token = self.current
            if token.text.lower() != "gti":
                raise self.error("expected gti(FILE) or intervals such as [lo:hi]")
            self.index += 2
            file = self.file_name()
            self.expect(")")
            return InGti(token.position, file, value)
        intervals = [self.interval()]
        while self.take(","):
            intervals.append(self.interval())
        return InIntervals(value.position, value, tuple(intervals))

    def next_is(self, word: str) -> bool:
        following = self.tokens[self.index + 1]
        return following.kind == "operator" and following.text == word

    def interval(self) -> Interval:
        position = self.current.position
        opening = self.take("[", "(")
        low = None if self.at(":") else self.sum()
        if opening is None and not self.at(":"):
            return Interval(position, low, low)
        if opening and opening.text == "(" and self.take(")"):
            return Interval(position, low, low)
        self.expect(":")
        high = None if self.at(",", ")", "]", "&&", "||") or self.current.kind == "end" else self.sum()
        if low is None and high is None:
            raise self.error("an interval needs at least one end")
        closing = self.take("]", ")") if opening else None
        if opening and closing is None:
            raise self.error("expected ']' or ')' at the end of the interval")
        return Interval(
            position,
            low,
            high,
            opening is None or opening.text == "[",
            closing is None or closing.text == "]",
        )

    def at(self, *words: str) -> bool:
        return self.current.kind == "operator" and self.current.text in words

    def shape_membership(self, x: Node, y: Node) -> Node:
        token = self.current
        name = token.text.lower()
        if name not in (*SHAPES, "region") or not self.next_is("("):
            raise self.error(f"expected a shape, {', '.join(SHAPES)} or region, and '('")
        if name == "region":
            self.index += 2
            file = self.file_name()
            self.expect(")")
            return InRegion(token.position, file, x, y)
        self.index += 1
        return self.shape(token, (x, y))

    def sum(self) -> Node:
        return self.binary(PRECEDENCE.index(("+", "-")))

    def numeric(self) -> Node:
        return self.binary(0)

    def binary(self, level: int) -> Node:
        if level == len(PRECEDENCE):
            return self.unary()
        left = self.binary(level + 1)
        while token := self.take(*PRECEDENCE[level]):
            right = self.number(self.binary(level + 1))
            left = Arithmetic(token.position, token.text, self.number(left), right)
        return left

    def unary(self) -> Node:
        signs = []
        while token := self.take("-", "+"):
            signs.append(token)
        node = self.primary()
        for token in reversed(signs):
            node = self.number(node)
            if token.text == "-":
                node = (
                    Number(token.position, -node.value) if isinstance(node, Number) else Negative(token.position, node)
                )
        return node

    def primary(self) -> Node:
        token = self.current
        if self.take("("):
            self.enter(token)
            inside = self.disjunction()
            self.leave()
            return inside
        self.index += 1
        match token.kind:
            case "number" | "hexadecimal" | "binary":
                return Number(token.position, self.value(token))
            case "attribute":
                return Attribute(token.position, token.text[1:].upper())
            case "name":
                return self.name(token)
        self.index -= 1
        raise self.error("expected a column, a number, #ATTRIBUTE, a function or '('")

    def value(self, token: Token) -> int | float:
        """Return the number that a token is; ExpressionError if no computer has it."""
        if len(token.text) > LONGEST_NUMBER:
            raise ExpressionError(f"expected a number of at most {LONGEST_NUMBER} digits", self.text, token.position)
        if token.kind == "hexadecimal":
            return int(token.text, 16)
        if token.kind == "binary":
            return int(token.text[1:], 2)
        plain = token.text.lower().replace("d", "e")
        return int(plain) if plain.isdigit() else float(plain)

    def name(self, token: Token) -> Node:
        word = token.text.lower()
        if self.at("("):
            return self.function(token)
        if word in ("true", "false"):
            return Truth(token.position, word == "true")
        if word == "in":
            raise ExpressionError("expected a column before 'in'", self.text, token.position)
        return ColumnName(token.position, token.text)

    def function(self, token: Token) -> Node:
        name = token.text.lower()
        if name in SHAPES:
            return self.shape(token, None)
        if name not in FUNCTIONS:
            raise ExpressionError(
                f"{token.text} is not a function; there are {', '.join(FUNCTIONS)}", self.text, token.position
            )
        self.expect("(")
        if name == "isnull":
            column = self.a_column()
            self.expect(")")
            return IsNull(token.position, column)
        file = self.file_name()
        columns = []
        while self.take(","):
            columns.append(self.a_column())
        self.expect(")")
        return self.file_function(token, file, columns)

    def file_function(self, token: Token, file: str, columns: list[ColumnName]) -> Node:
        if token.text.lower() == "gti":
            if len(columns) > 1:
                raise ExpressionError(
                    "gti takes a file and one column: gti(FILE, TIME)", self.text, columns[1].position
                )
            return InGti(token.position, file, columns[0] if columns else ColumnName(token.position, "TIME"))
        if len(columns) not in (0, 2):
            raise ExpressionError("region takes a file and two columns: region(FILE, X, Y)", self.text, token.position)
        x, y = columns if columns else (None, None)
        return InRegion(token.position, file, x, y)

    def a_column(self) -> ColumnName:
        if self.current.kind != "name":
            raise self.error("expected a column")
        token = self.current
        self.index += 1
        return ColumnName(token.position, token.text)

    def file_name(self) -> str:
        if self.current.kind != "file":
            raise self.error("expected the name of a file")
        self.index += 1
        return self.tokens[self.index - 1].text

    def shape(self, token: Token, columns: tuple[Node, Node] | None) -> Node:
        shape = SHAPES[token.text.lower()]
        self.enter(self.expect("("))
        arguments = [self.numeric()]
        while self.take(","):
            arguments.append(self.numeric())
        self.leave()
        if columns is None:
            x, y = arguments[-2:] if len(arguments) > 2 else (None, None)
            arguments = arguments[:-2]
            if not isinstance(x, ColumnName) or not isinstance(y, ColumnName):
                raise ExpressionError(
                    f"the last two arguments of {token.text} must be columns: {shape.usage}",
                    self.text,
                    token.position,
                )
            columns = x, y
        if not shape.accepts(len(arguments)):
            raise ExpressionError(
                f"{token.text} was given {len(arguments)} numbers; write {shape.usage}",
                self.text,
                token.position,
            )
        return InShape(token.position, token.text.lower(), tuple(arguments), *columns)
