"""Writes and reads minimal FITS with the standard library alone, so that the tests' stand-ins for SAS start in 30 ms."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIZES = {"D": (8, ">d"), "E": (4, ">f"), "J": (4, ">i"), "I": (2, ">h"), "B": (1, ">B")}


@dataclass
class TinyTable:
    """A binary table: columns as (name, TFORM, unit), rows, further cards."""

    name: str
    columns: Sequence[tuple[str, str, str]]
    rows: Sequence[Sequence[Any]] = ()
    cards: dict[str, Any] = field(default_factory=dict)


def write_fits(path: Path, cards: dict[str, Any], tables: Sequence[TinyTable] = (), append: bool = False) -> None:
    """Write an empty primary with cards, and tables; with `append`, add the tables to an existing file."""
    primary = {"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True, **cards}
    blocks = b"" if append else _header(primary)
    with path.open("ab" if append else "wb") as stream:
        stream.write(blocks + b"".join(_table(table) for table in tables))


def write_image(path: Path, shape: tuple[int, int], value: float, cards: dict[str, Any]) -> None:
    """Write an image of one value (float32)."""
    head = {"SIMPLE": True, "BITPIX": -32, "NAXIS": 2, "NAXIS1": shape[1], "NAXIS2": shape[0], **cards}
    path.write_bytes(_header(head) + _padded(struct.pack(">f", value) * (shape[0] * shape[1]), b"\0"))


def read_cards(path: Path, extension: str = "") -> dict[str, Any]:
    """Return the cards of the primary, or of an extension. KeyError if the file has no extension of that name."""
    for name, cards, _ in _walk(path.read_bytes()):
        if not extension or name == extension:
            return cards
    raise KeyError(extension)


def extensions(path: Path) -> list[str]:
    """Return the names of all HDUs, PRIMARY first."""
    return [name for name, _, _ in _walk(path.read_bytes())]


def _walk(data: bytes) -> list[tuple[str, dict[str, Any], int]]:
    hdus, start = [], 0
    while start < len(data):
        cards: dict[str, Any] = {}
        position = start
        while True:
            card = data[position : position + 80].decode("ascii", "replace")
            position += 80
            if card.startswith("END") or not card:
                break
            match = re.match(r"([A-Z0-9_-]+) *= *('(?:[^']|'')*'|[^/]*)", card)
            if match:
                cards[match[1]] = _value(match[2])
        begins = start + -(-(position - start) // 2880) * 2880
        size = abs(cards.get("BITPIX", 8)) // 8 if cards.get("NAXIS") else 0
        for axis in range(1, cards.get("NAXIS", 0) + 1):
            size *= cards[f"NAXIS{axis}"]
        size += cards.get("PCOUNT", 0) if cards.get("NAXIS") else 0
        hdus.append((cards.get("EXTNAME", "PRIMARY"), cards, begins))
        start = begins + -(-size // 2880) * 2880
    return hdus


def _value(text: str) -> Any:
    text = text.strip()
    if text.startswith("'"):
        return text[1:-1].rstrip().replace("''", "'")
    if text in ("T", "F"):
        return text == "T"
    try:
        return int(text)
    except ValueError:
        return float(text) if text else ""


def _table(table: TinyTable) -> bytes:
    row = b""
    width = sum(_width(form) for _, form, _ in table.columns)
    cards: dict[str, Any] = {
        "XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": width, "NAXIS2": len(table.rows), "PCOUNT": 0,
        "GCOUNT": 1, "TFIELDS": len(table.columns),
    }  # fmt: skip
    for number, (name, form, unit) in enumerate(table.columns, start=1):
        cards[f"TTYPE{number}"], cards[f"TFORM{number}"] = name, form
        if unit:
            cards[f"TUNIT{number}"] = unit
    cards |= {"EXTNAME": table.name, **table.cards}
    for values in table.rows:
        row += b"".join(_cell(form, value) for (_, form, _), value in zip(table.columns, values, strict=True))
    return _header(cards) + _padded(row, b"\0")


def _width(form: str) -> int:
    return int(form[:-1] or 1) * (1 if form.endswith("A") else SIZES[form[-1]][0])


def _cell(form: str, value: Any) -> bytes:
    if form.endswith("A"):
        return str(value).encode().ljust(int(form[:-1] or 1))
    return struct.pack(SIZES[form[-1]][1], value)


def _header(cards: dict[str, Any]) -> bytes:
    lines = [f"{name:<8}= {_written(value)}".ljust(80) for name, value in cards.items()]
    return _padded("".join([*lines, "END".ljust(80)]).encode(), b" ")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    if isinstance(value, int | float):
        return f"{value!r:>20}".upper()
    return "'" + str(value)[:66].replace("'", "''").ljust(8) + "'"


def _padded(data: bytes, fill: bytes) -> bytes:
    return data + fill * (-len(data) % 2880)
