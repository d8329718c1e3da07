"""Where the time of one observation's chain goes; python benchmarks/chain.py."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from daxa_wf.cli.shared import snakefile
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf_simulator.xmm_mirror import make_xmm_mirror


def main() -> None:
    """Run one observation on one core; print Snakemake's share, the steps' own, and reading alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_xmm_mirror(root / "raw")
        config = {
            "archive": str(root / "archive"),
            "missions": {"xmm_pointed": {"source": {"local": str(root / "raw")}}},
        }
        config["missions"]["xmm_pointed"]["obsids"] = ["0999990101"]
        (root / "config.yaml").write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--snakefile", str(snakefile())]
        started = time.perf_counter()
        subprocess.run([*command, "--configfile", str(root / "config.yaml")], check=True, capture_output=True, cwd=root)
        total = time.perf_counter() - started
        records = [json.loads(path.read_text()) for path in (root / "archive" / "records").rglob("*.json")]
        inside = sum(record["wall_seconds"] for record in records)
        started = time.perf_counter()
        for path in (root / "raw").rglob("*0999990101*EVLI*"):
            EpicEventList.open(path).columns("TIME")
        reading = time.perf_counter() - started
        started = time.perf_counter()
        subprocess.run(
            [*command, "--configfile", str(root / "config.yaml"), "-n"], check=True, capture_output=True, cwd=root
        )
        planning = time.perf_counter() - started
    print(f"one observation, {len(records)} jobs, one core: {total:.1f} s")
    print(
        f"  in the steps {inside:.1f} s ({inside / total:.0%}), of which reading all lists once would be {reading:.1f} s"
    )
    print(
        f"  Snakemake and the start of processes {total - inside:.1f} s, of which reading the workflow {planning:.1f} s"
    )
    by_step: dict[str, float] = {}
    for record in records:
        by_step[record["step"]] = by_step.get(record["step"], 0) + record["wall_seconds"]
    print(
        "  " + ", ".join(f"{step} {spent:.1f} s" for step, spent in sorted(by_step.items(), key=lambda item: -item[1]))
    )


if __name__ == "__main__":
    main()
