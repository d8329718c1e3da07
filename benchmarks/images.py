"""An image of many events against numpy.histogram2d; python benchmarks/images.py [ROWS]."""

from __future__ import annotations

import sys

from measuring import measure

SETUP = """
import numpy as np
from daxa_wf.observatories.xmm.native.images import ROWS_AT_A_TIME, epic_grid
rng = np.random.default_rng(1)
x, y = (rng.integers(4000, 48000, {rows}).astype(np.int32) for _ in range(2))
grid = epic_grid(69)
assert grid.shape == (646, 646)
"""
OURS = """
counts = np.zeros(grid.nx * grid.ny, np.int64)
for first in range(0, len(x), ROWS_AT_A_TIME):
    pixel = grid.index(x[first:first + ROWS_AT_A_TIME], y[first:first + ROWS_AT_A_TIME])
    assert pixel.min() >= 0
    np.add.at(counts, pixel, 1)
"""
NUMPY = "np.histogram2d(y, x, bins=grid.shape, range=[[3648.5, 3648.5 + 69 * grid.nx]] * 2)"


def main(rows: int) -> None:
    """Print seconds and their ratio."""
    setup = SETUP.format(rows=rows)
    ours, _ = measure(setup, OURS)
    theirs, _ = measure(setup, NUMPY)
    print(
        f"{rows} events: {ours:.3f} s, numpy.histogram2d {theirs:.2f} s: {theirs / ours:.1f} times faster (at least 15)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000_000)
