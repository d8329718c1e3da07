"""Region tables: shapes in a FITS file, as evselect writes them into the data subspace (REGnnnnn)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.events.expression.shapes import SHAPES
from daxa_wf.events.tables import read_table

HALVED = ("box", "rectangle")
"""Shapes whose widths a table holds in full, and an expression by half (measured on a list that evselect wrote)."""


@dataclass(frozen=True)
class TableShape:
    """One row: the shape, whether its outside is meant, its numbers as an expression has them, its component."""

    name: str
    outside: bool
    numbers: tuple[float, ...]
    component: int


@dataclass(frozen=True)
class RegionTable:
    """The shapes of a file: within a component all must hold, of the components any."""

    shapes: tuple[TableShape, ...]
    x: str
    y: str

    def contains(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """True for each point within the region."""
        components: dict[int, NDArray[np.bool_]] = {}
        for shape in self.shapes:
            inside = SHAPES[shape.name].test(x, y, *shape.numbers) != shape.outside
            components[shape.component] = components.get(shape.component, np.ones(x.shape, bool)) & inside
        return np.any(list(components.values()), axis=0) if components else np.zeros(x.shape, bool)


def read_region(path: Path, extension: str | int | None = None) -> RegionTable:
    """Read a region table: columns SHAPE, two coordinates, R, ROTANG, COMPONENT. ConfigError if it is not one."""
    header, rows = read_table(path, extension, having=("SHAPE",))
    names = [name for name in rows.dtype.names or () if name not in ("SHAPE", "R", "ROTANG", "COMPONENT")]
    if len(names) < 2:
        raise ConfigError(f"{path}[{header.get('EXTNAME', '')}] is no region table: it names no pair of coordinates")
    return RegionTable(tuple(_shape(row, names[0], names[1], path) for row in rows), names[0], names[1])


def _shape(row: Any, x: str, y: str, path: Path) -> TableShape:
    fields = row.dtype.names
    text = row["SHAPE"].decode().strip().lower()
    name = text.lstrip("!").removeprefix("rot")
    if name not in SHAPES:
        raise ConfigError(f"{path}: {text!r} is not a shape; there are {', '.join(SHAPES)}")
    centre = [float(np.ravel(row[x])[0]), float(np.ravel(row[y])[0])]
    sizes = [float(size) for size in np.ravel(row["R"])] if "R" in fields else []
    angle = [float(np.ravel(row["ROTANG"])[0])] if "ROTANG" in fields else []
    component = int(row["COMPONENT"]) if "COMPONENT" in fields else 1
    numbers = _corners(row, x, y) if name.startswith("polygon") else _numbers(name, centre, sizes, angle)
    return TableShape(name, text.startswith("!"), tuple(numbers), component)


def _numbers(name: str, centre: list[float], sizes: list[float], angle: list[float]) -> list[float]:
    if name in HALVED:
        name, sizes = "box", [size / 2 for size in sizes]
    wanted = max(SHAPES[name].counts)
    turned = angle if len(SHAPES[name].counts) > 1 else []
    return [*centre, *sizes[: wanted - 2 - len(turned)], *turned]


def _corners(row: Any, x: str, y: str) -> list[float]:
    return [float(value) for pair in zip(np.ravel(row[x]), np.ravel(row[y]), strict=True) for value in pair]
