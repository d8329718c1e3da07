"""An archive that an early version 0.1.0 made, when products had other names, opens, shows its status, and continues."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from daxa_wf.archive.access import Archive
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.status import read_verdicts
from daxa_wf.cli.shared import snakefile
from tests.damaged_lists import put, small_list

from .conftest import PREPARED, Run

DATA = Path(__file__).parents[1] / "data"
FIRST, SECOND, NEW = "0999990501", "0999990601", "0999990701"
VERDICTS = {
    (FIRST, "espfilt", "M1S001"): "done",
    (FIRST, "espfilt", "M1U002"): "done",
    (FIRST, "merge", "M1"): "done",
    (SECOND, "espfilt", "M2S002"): "rejected",
    (SECOND, "evselect", "M2S002"): "blocked",
    (SECOND, "images", "M1"): "done",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of two observations with local lists, run by a version 0.1.0 whose records had no fingerprints."""
    with tarfile.open(DATA / "archive_0.1.0_early.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    return folder


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python in a project."""
    return subprocess.run([sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "COLUMNS": "200"})  # fmt: skip


def snakemake(folder: Path) -> Run:
    """Run the workflow as the README says."""
    arguments = "--cores", "2", "--snakefile", str(snakefile()), "--configfile", "config.yaml"
    return Run(*PREPARED.snakemake(arguments, folder, {**os.environ, "COLUMNS": "200"}))


def verdicts(folder: Path) -> dict[tuple[str, str, str], str]:
    """Return the status of each unit by ObsID, step and instrument with exposure, as the records and the manifest have it."""
    found = read_verdicts(Layout(folder / "archive"))
    return {(each.obsid, each.step, each.inst + each.exposure): each.status for each in found}


def contents(folder: Path, *parts: str) -> dict[str, bytes]:
    """Return the files below a folder of the archive, but pages and plots."""
    root = folder / "archive"
    paths = (path for part in parts for path in (root / part).rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes() for path in paths if path.suffix not in (".html", ".png", ".svg")
    }


def test_an_early_archive_opens_shows_its_status_and_continues_with_a_new_observation(project: Path) -> None:
    before = contents(project, "records", "processed_data")
    archive = Archive(project / "archive")
    assert list(archive.observations["obsid"]) == [FIRST, SECOND]
    assert archive.event_list(FIRST, "M1").name == f"obsid{FIRST}-instM1-subexpALL-finalevents.fits"
    assert archive.image(SECOND, "M1", band=(0.5, 2.0)).is_file()
    status = python(project, "daxa_wf", "status", "config.yaml")
    assert status.returncode == 0, status.stderr
    assert "rejected: notScience: filter CalClosed" in status.stdout + status.stderr
    found = verdicts(project)
    assert {key: found[key] for key in VERDICTS} == VERDICTS
    assert contents(project, "records", "processed_data") == before

    put(project / "lists", NEW, small_list(NEW))
    done = snakemake(project)
    assert done.code == 0, done.text
    found = verdicts(project)
    assert {key: found[key] for key in VERDICTS} == VERDICTS
    assert found[NEW, "inventory", ""] == "done"
    again = snakemake(project)
    assert "Nothing to be done" in again.text
