"""Selecting for 10,000 objects from the snapshots of twelve missions, each as large as it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from measuring import measure

MAKE = """
import sys
import numpy as np, pandas as pd
from pathlib import Path
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.tables.http import session
from daxa_wf.tables.snapshots import SnapshotStore, fetch_tables
rng = np.random.default_rng(1)
ROWS = {{"xmm_pointed": 18210, "chandra": 29162, "nustar_pointed": 5668, "swift": 373850, "suzaku": 3055, "asca": 3079,
        "integral_pointed": 213970, "xrism_pointed": 421, "rosat_pointed": 11431, "rosat_all_sky": 1378}}
def column(spec, each, n):
    if each.name == "obsid":
        width = int(spec.obsid_pattern.split("{{")[-1].split(",")[-1].split("}}")[0]) if "{{" in spec.obsid_pattern else 9
        numbers = np.arange(1, n + 1)
        if spec.name.startswith("rosat"):
            return [f"{{'RS' if 'all' in spec.name else 'RP'}}{{i:06d}}N00" for i in numbers]
        return [f"{{i:0{{width}}d}}" for i in numbers]
    if each.name == "ra": return rng.uniform(0, 360, n)
    if each.name == "dec": return np.rad2deg(np.arcsin(rng.uniform(-1, 1, n)))
    if each.name == "start" and each.kind == "mjd": return 52000 + rng.uniform(0, 7000, n)
    if each.name == "end" and each.kind == "mjd": return 59001 + rng.uniform(0, 1, n)
    if each.kind in ("utc",): return "2010-01-01T00:00:00"
    if each.kind in ("number", "mjd"): return 1000.0
    if each.kind == "flag": return "true"
    if each.kind == "instrument": return spec.instruments[0].name
    return {{"status": "archived", "observation_mode": "SCIENCE", "spacecraft_mode": "INERTIAL"}}.get(each.name, "Y")
store = SnapshotStore(Path("{tables}"))
for name, n in ROWS.items():
    spec = MISSIONS[name]
    source = spec.tables[0]
    table = pd.DataFrame({{each.source: column(spec, each, n) for each in source.columns}})
    store.write(name, source, table, "", "")
fetch_tables([MISSIONS["erosita_calpv"], MISSIONS["erosita_all_sky_de_dr1"]], store, {{}}, session())
"""
SETUP = """
import numpy as np
from pathlib import Path
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.options import Select
from daxa_wf.chain.select import select_observations
import daxa_wf.selection.select, daxa_wf.tables.snapshots, scipy.spatial, astropy.coordinates, astropy.table
rng = np.random.default_rng(2)
Path("{tables}/objects.csv").write_text("ra,dec\\n" + "\\n".join(
    f"{{a}},{{d}}" for a, d in zip(rng.uniform(0, 360, 10000), np.rad2deg(np.arcsin(rng.uniform(-1, 1, 10000))))))
options = Select.model_validate({{"positions": {{"file": "{tables}/objects.csv"}}}})
missions = [path.stem for path in sorted(Path("{tables}").glob("*.parquet"))]
"""
SELECT = """
for mission in missions:
    select_observations(mission, options, Path("{tables}"))
"""


def main() -> None:
    """Print seconds, and seconds of reading the same snapshots with pyarrow alone."""
    with tempfile.TemporaryDirectory() as folder:
        measure(MAKE.format(tables=folder), "pass", repeats=1)
        count = len(list(Path(folder).glob("*.parquet")))
        ours, memory = measure(SETUP.format(tables=folder), SELECT.format(tables=folder))
        bare, _ = measure(
            "import pandas as pd, pyarrow.parquet\nfrom pathlib import Path",
            f'for path in sorted(Path("{folder}").glob("*.parquet")): pd.read_parquet(path)',
        )
    print(f"{count} missions, 10000 objects: {ours:.1f} s, reading their snapshots alone {bare:.2f} s; {memory:.0f} MB")


if __name__ == "__main__":
    main()
