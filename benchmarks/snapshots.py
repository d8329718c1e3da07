"""Opening a snapshot against pyarrow's bare read; python benchmarks/snapshots.py [ROWS]."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measuring import measure

MAKE = """
import numpy as np, pandas as pd
from pathlib import Path
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.tables.snapshots import SnapshotStore
import pyarrow.parquet
rng = np.random.default_rng(1)
spec = MISSIONS["swift"]
rows = pd.DataFrame({{column.source: rng.uniform(0, 1, {rows}) for column in spec.tables[0].columns}})
rows["obsid"] = [f"{{n:011d}}" for n in range({rows})]
rows["name"], rows["roll_angle"] = "a target", "12.5"
store = SnapshotStore(Path({folder!r}))
if store.latest("swift") is None:
    store.write(spec.name, spec.tables[0], rows, "", "")
path = str(store.directory / "swift.parquet")
"""


def main(rows: int) -> None:
    """Print seconds and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        setup = MAKE.format(rows=rows, folder=str(Path(folder)))
        ours, _ = measure(setup, 'store.read("swift")')
        bare, _ = measure(setup, "pyarrow.parquet.read_table(path)")
    print(f"{rows} rows: {ours:.3f} s, pyarrow {bare:.3f} s: ratio {ours / bare:.1f} (at most 3)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 374_000)
