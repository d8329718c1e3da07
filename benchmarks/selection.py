"""Matching positions to a large table against a bare k-d tree pair search; python benchmarks/selection.py [POSITIONS]."""

from __future__ import annotations

import sys

from measuring import measure

SETUP = """
import numpy as np, pandas as pd
from scipy.spatial import cKDTree
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.positions import Positions
from daxa_wf.selection.matching import unit_vectors
from daxa_wf.selection.select import associate
rng = np.random.default_rng(1)
centres = rng.uniform(-1, 1, (500, 2))
def sky(n):
    return rng.uniform(0, 360, n), np.rad2deg(np.arcsin(rng.uniform(-1, 1, n)))
def clustered(n):
    at = centres[rng.integers(500, size=n)]
    return (180 * (at[:, 0] + 1) + rng.normal(0, .3, n)) % 360, np.rad2deg(np.arcsin(at[:, 1])) * .99 + rng.normal(0, .3, n) * .9
ra, dec = (np.concatenate(each) for each in zip(sky(100_000), clustered(250_000)))
pra, pdec = (np.concatenate(each) for each in zip(sky({n} * 7 // 10), clustered({n} * 3 // 10)))
dec, pdec = np.clip(dec, -90, 90), np.clip(pdec, -90, 90)
radius = rng.uniform(0.15, 0.6, len(pra))
rows = pd.DataFrame({{"ra": ra, "dec": dec, "obsid": np.arange(len(ra)).astype(str), "instruments": "XRT"}})
day = np.datetime64("2020-01-01", "ms")
rows["start"] = day + rng.integers(0, 1000, len(ra)).astype("timedelta64[D]")
rows["end"] = rows["start"] + np.timedelta64(1, "D")
names = tuple(map(str, range(len(pra))))
start = np.full(len(pra), day)
plain = Positions(names, pra, pdec, radius)
windowed = Positions(names, pra, pdec, radius, start, start + np.timedelta64(500, "D"))
swift = MISSIONS["swift"]
associate(rows[:10], swift, Positions(names[:1], pra[:1], pdec[:1], 1.0))
"""
BARE = """
tree, other = cKDTree(unit_vectors(ra, dec)), cKDTree(unit_vectors(pra, pdec))
other.sparse_distance_matrix(tree, 2 * np.sin(np.deg2rad(radius.max()) / 2), output_type="ndarray")
"""


def main(positions: int) -> None:
    """Print seconds, ratios and memory."""
    setup = SETUP.format(n=positions)
    bare, base = measure(setup, BARE)
    ours, memory = measure(setup, "associate(rows, swift, plain)")
    windows, _ = measure(setup, "associate(rows, swift, windowed)")
    print(
        f"350000 rows, {positions} positions with own radii: {ours:.2f} s, bare pair search {bare:.2f} s: {ours / bare:.1f}"
    )
    print(f"  with a time window for each position {windows:.2f} s: {windows / ours:.2f} (at most 2)")
    print(f"  peak memory {memory:.0f} MB, of the bare search {base:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
