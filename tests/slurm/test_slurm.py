"""The SLURM profile on a real SLURM, which tests/slurm/start.sh starts (.ci/run does)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workflow.conftest import Archive, make_archive, small_observations

__all__ = ["make_archive", "small_observations"]
pytestmark = pytest.mark.skipif(
    not os.environ.get("DAXA_WF_SLURM_CONF"),
    reason="no SLURM: DAXA_WF_SLURM_CONF is not set (tests/slurm/start.sh starts one)",
)
QUICKLY = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5")


@pytest.mark.parametrize("jobs", ["step", "observation"])
def test_an_archive_made_by_jobs_of_slurm_is_that_of_a_workstation(
    make_archive: Any, small_observations: Path, jobs: str
) -> None:
    """With relative paths in the configuration: a job's process may begin in another directory."""
    here = make_archive(name="here", jobs=jobs, obsids=["0999990301"], instruments=["M1"])
    here.config["missions"]["xmm_pointed"]["source"]["local"] = os.path.relpath(small_observations, here.folder)
    assert here.run().code == 0
    there = Archive(here.folder, {**here.config, "archive": "there"})
    there.write()
    command = [sys.executable, "-m", "daxa_wf", "run", "--profile", "slurm", str(there.path), *QUICKLY]
    run = subprocess.run(command, cwd=there.folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert there.records().keys() == here.records().keys()
    archive_page = 1
    submitted = (run.stdout + run.stderr).count("has been submitted with SLURM jobid")
    assert submitted == (len(there.records()) if jobs == "step" else 1) + archive_page
    products = [path for path in (here.root / "processed_data").rglob("*.*") if path.is_file()]
    assert len([path for path in products if path.name.endswith("-finalevents.fits")]) == 1
    for path in products:
        assert (there.root / path.relative_to(here.root)).read_bytes() == path.read_bytes(), path
    assert "Nothing to be done" in there.run().text
