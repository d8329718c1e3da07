"""Copies, restores and wrong clocks cost no work: Snakemake compares times, records compare content."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import OBSIDS, Archive

FUTURE = (time.time() + 86400 * 365,) * 2


@pytest.fixture
def project(make_archive: Any, small_observations: Path, tmp_path: Path) -> Archive:
    """A project of configuration, data and archive in one folder, whose paths are relative."""
    shutil.copytree(small_observations / OBSIDS[0], tmp_path / "data" / OBSIDS[0])
    made: Archive = make_archive(Path("data"), images={"bands": [["0.5 keV", "2.0 keV"]]})
    return made


def test_wrong_clocks_copies_and_moves_repeat_nothing(project: Archive, tmp_path: Path) -> None:
    lists = list((tmp_path / "data").rglob("*EVLI*"))
    os.utime(lists[0], FUTURE)
    run = project.run()
    assert run.code == 0, run.text
    made = project.records()
    again = project.run()
    assert "Nothing to be done" in again.text
    assert project.records() == made

    for path in (project.root / "records").rglob("*.json"):
        os.utime(path, FUTURE)
    os.utime(project.root / "manifest.tsv", FUTURE)
    run = project.run()
    assert (run.code, "Nothing to be done" in run.text) == (0, True), run.text

    moved = Archive(tmp_path.with_name(f"{tmp_path.name} moved"), project.config)
    tmp_path.rename(moved.folder)
    times = moved.records()
    run = moved.run()
    assert (run.code, "Nothing to be done" in run.text) == (0, True), run.text
    assert moved.records() == times

    content = {path: path.read_bytes() for path in (moved.root / "processed_data").rglob("*.fits")}
    subprocess.run(["tar", "-cf", "x.tar", "my archive", "data"], cwd=moved.folder, check=True)
    shutil.rmtree(moved.root)
    subprocess.run(["tar", "-xf", "x.tar", "--touch"], cwd=moved.folder, check=True)
    run = moved.run()
    # The lists have new times, so the manifest is made again from the directory; no step is repeated.
    jobs = re.findall(r"^\d\d:\d\d:\d\d +(.*?) +done", run.text, re.MULTILINE)
    assert (run.code, jobs) == (0, ["manifest"]), run.text
    assert {path: path.read_bytes() for path in content} == content
