"""What an archive of many observations costs; python benchmarks/large_archive.py [OBSERVATIONS] (2,000: 42,000 records)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from generated_archive import write_archive
from measuring import measure

BASELINE = """
for path in Path({root!r}, "records").glob("*/*/*/*.json"):
    json.loads(path.read_bytes())
"""
SETUP = """
from pathlib import Path
from astropy.table import Table
from daxa_wf.archive.access import Archive
from daxa_wf.archive.index import INDEX
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.overview import overview
from daxa_wf.archive.versions import record_version
from daxa_wf.archive.vouching import refresh_records
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.staleness import Conditions, find_stale, work_of
from daxa_wf.config.reading import read_config
"""
WITHOUT_INDEX = "\nPath({root!r}, INDEX).unlink(missing_ok=True)"
TIMES = "refresh_records(Layout(Path({root!r})))"
CODES = {
    "open": "Archive({root!r})",
    "info": "overview(Archive({root!r}).state)",
    "status": "Archive({root!r}).verdicts",
    "products": "Archive({root!r}).products()",
    "times at the start of a run": TIMES,
    "stale records at the start of a run": (
        "plan = Plan(read_config(Path({folder!r}, 'my.yaml')), Path({folder!r}))\n"
        "find_stale(plan.layout, work_of(plan), Conditions())"
    ),
    "version": "record_version(Layout(Path({root!r})))",
}


def main(observations: int) -> None:
    """Print seconds, the ratio to parsing every record, and the peak memory, with the index and without one."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        write_archive(folder, observations)
        names = {"root": str(folder / "archive"), "folder": str(folder)}
        baseline, memory = measure("from pathlib import Path", BASELINE.format(**names), repeats=1)
        print(f"{'json.loads of every record':37} {baseline:7.2f} s {1:6.2f} x {memory:5.0f} MB")
        for name, code in CODES.items():
            for state, setup in (("without index", SETUP + WITHOUT_INDEX), ("", SETUP)):
                if not state:
                    measure(
                        SETUP, TIMES.format(**names), repeats=1
                    )  # a run updates the index; the search for stale records does not
                seconds, memory = measure(setup.format(**names), code.format(**names), repeats=1)
                print(f"{name:37} {seconds:7.2f} s {seconds / baseline:6.2f} x {memory:5.0f} MB {state}", flush=True)
        size = sum(path.stat().st_size for path in (folder / "archive" / "versions").rglob("*.gz"))
        print(f"list of products of a version: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
