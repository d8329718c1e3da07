"""Region tables: shapes in a FITS file, as evselect writes them into the data subspace (REGnnnnn)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.events.expression.shapes import SHAPES
from daxa_wf.fits.tables import read_table

HALVED = ("box", "rectangle")
"""Shapes whose widths a table holds in full, and an expression by half (measured on a list that evselect wrote)."""

LARGEST = 10_000
"""Shapes of a table; each is compared with every event."""


@dataclass(frozen=True)
class TableShape:
    """One row: the shape, whether it stands for its outside, its numbers as in an expression, its component."""

    name: str
    outside: bool
    numbers: tuple[float, ...]
    component: int


@dataclass(frozen=True)
class RegionTable:
    """The shapes of a file. A point is inside if all shapes of any component hold it."""

    shapes: tuple[TableShape, ...]
    x: str
    y: str

    def contains(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return True for each point within the region."""
        components: dict[int, NDArray[np.bool_]] = {}
        for shape in self.shapes:
            inside = SHAPES[shape.name].test(x, y, *map(np.float64, shape.numbers)) != shape.outside
            components[shape.component] = components.get(shape.component, np.ones(x.shape, bool)) & inside
        return np.any(list(components.values()), axis=0) if components else np.zeros(x.shape, bool)


def read_region(path: Path, extension: str | int | None = None) -> RegionTable:
    """Read a region table: columns SHAPE, two coordinates, R, ROTANG, COMPONENT. ConfigError if it is not one."""
    header, rows = read_table(path, extension, having=("SHAPE",))
    table = f"{path}[{header.get('EXTNAME', '')}]"
    names = [name for name in rows.dtype.names or () if name not in ("SHAPE", "R", "ROTANG", "COMPONENT")]
    if len(names) < 2 or rows.dtype["SHAPE"].kind != "S":
        raise ConfigError(f"{table} is not a region table; expected SHAPE as text, and a pair of coordinates")
    text = [name for name in rows.dtype.names or () if name != "SHAPE" and rows.dtype[name].base.kind not in "iuf"]
    if text:
        raise ConfigError(f"{table}: expected numbers in {', '.join(text)}")
    if len(rows) > LARGEST:
        raise ConfigError(f"{table} has {len(rows)} shapes; expected at most {LARGEST}")
    shapes = [_shape(row, names[0], names[1], f"{table}, row {number}") for number, row in enumerate(rows, start=1)]
    return RegionTable(tuple(shapes), names[0], names[1])


def _shape(row: Any, x: str, y: str, place: str) -> TableShape:
    fields = row.dtype.names
    text = row["SHAPE"].decode("ascii", errors="replace").strip().lower()
    name = text.lstrip("!").removeprefix("rot")
    if name not in SHAPES:
        raise ConfigError(f"{place}: {text[:40]!r} is not a shape; there are {', '.join(SHAPES)}")
    is_polygon = not SHAPES[name].counts
    numbers = _corners(row, x, y, place) if is_polygon else _numbers(row, name, x, y)
    if not SHAPES[name].accepts(len(numbers)):
        raise ConfigError(
            f"{place}: {text!r} has {len(numbers)} numbers (coordinates, R, ROTANG), which do not make one"
        )
    if not np.all(np.isfinite(numbers)):
        raise ConfigError(f"{place}: {text!r} has a number that is not finite")
    component = int(np.ravel(row["COMPONENT"])[0]) if "COMPONENT" in fields else 1
    return TableShape(name, text.startswith("!"), tuple(numbers), component)


def _numbers(row: Any, name: str, x: str, y: str) -> list[float]:
    fields = row.dtype.names
    centre = [float(np.ravel(row[column])[0]) for column in (x, y)]
    sizes = [float(size) for size in np.ravel(row["R"])] if "R" in fields else []
    angle = [float(np.ravel(row["ROTANG"])[0])] if "ROTANG" in fields else []
    if name in HALVED:
        name, sizes = "box", [size / 2 for size in sizes]
    count = max(SHAPES[name].counts)
    turned = angle if len(SHAPES[name].counts) > 1 else []
    return [*centre, *sizes[: count - 2 - len(turned)], *turned]


def _corners(row: Any, x: str, y: str, place: str) -> list[float]:
    xs, ys = np.ravel(row[x]), np.ravel(row[y])
    if len(xs) != len(ys):
        raise ConfigError(f"{place}: a polygon with {len(xs)} values of {x} and {len(ys)} of {y}; expected as many")
    return [float(value) for pair in zip(xs, ys, strict=True) for value in pair]
