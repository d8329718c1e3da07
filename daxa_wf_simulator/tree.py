"""Makes the simulator's tree: a mirror of the data centres, the missions' tables, and the truth.

    DIRECTORY/mirror/<data centre>/...      files, laid out like the data centre's own
    DIRECTORY/tables/<mission>.parquet      snapshots of the missions' tables, with their sidecars
    DIRECTORY/truth.json                    what was simulated

The bytes are the same in every run with the same versions of numpy, pandas and pyarrow.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from daxa_wf.files import write_atomically
from daxa_wf_simulator import TRUTH_FILE
from daxa_wf_simulator.erosita_mirror import make_erosita_mirror
from daxa_wf_simulator.snapshots import make_snapshots
from daxa_wf_simulator.truth import plain
from daxa_wf_simulator.xmm_mirror import OBSERVATIONS, make_xmm_mirror


def make_tree(root: Path) -> None:
    """Write the mirror, the tables and last the truth below `root`."""
    mirror = root / "mirror"
    xmm = make_xmm_mirror(mirror)
    erosita = make_erosita_mirror(mirror)
    make_snapshots(root / "tables")
    truth = plain(OBSERVATIONS, xmm) | {"erosita": [asdict(target) for target in erosita]}
    write_atomically(root / TRUTH_FILE, json.dumps(truth, indent=1) + "\n")
