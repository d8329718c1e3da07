"""Tasks in a container image: with Apptainer where it is installed, and a stand-in for it everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daxa_wf_simulator.erosita import write_event_file
from daxa_wf_simulator.erosita_targets import TARGETS
from tests.standins import REPOSITORY, Standins

from .conftest import Archive

APPTAINER = r"""#!/bin/bash
words="$*"; printf '%s\n' "${words//$'\n'/ }" >> "$APPTAINER_CALLS"
case $1 in
  --version) echo "apptainer version 1.4.5" ;;
  pull) [ "$4" = docker://erosita/esass-x64:latest ] && touch "$3" || { echo "FATAL: no such image" >&2; exit 255; } ;;
  exec)
    shift
    while case $1 in --*) true ;; *) false ;; esac; do [ "$1" = --pwd ] && cd "$2"; shift 2; done
    [ -e "$1" ] || { echo "FATAL: could not open image $1" >&2; exit 255; }
    export APPTAINER_CONTAINER=$1 INSIDE=$1; shift; exec "$@" ;;
esac
"""


@pytest.fixture
def archive(standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """One eROSITA observation for eSASS, which only the setup script of an image brings."""
    (target,) = (each for each in TARGETS if each.obsid == "700195")
    (tmp_path / "lists").mkdir()
    write_event_file(tmp_path / "lists" / target.file, target)
    monkeypatch.setenv("PATH", os.environ["PATH"].replace(f"{standins.root / 'bin'}:", ""))
    (tmp_path / "esass-init.sh").write_text(f"export PATH={standins.root / 'bin'}:$PATH\n")
    mission = {"source": {"local": "lists"}, "engine": "esass", "instruments": ["TM9"],
               "images": {"bands": [["0.2 keV", "2.3 keV"]], "pixel_size": "20 arcsec"}}  # fmt: skip
    esass = {"container": "image", "setup_scripts": ["esass-init.sh"], "binds": [str(standins.root), str(REPOSITORY)]}
    return Archive(tmp_path, {"archive": "archive", "esass": esass, "missions": {"erosita_calpv": mission}})


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Calls of the stand-in for Apptainer."""
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "apptainer").write_text(APPTAINER)
    (tmp_path / "programs" / "apptainer").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:{os.environ['PATH']}")
    monkeypatch.setenv("APPTAINER_CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def is_done(archive: Archive) -> bool:
    return {row["status"] for row in archive.status()} == {"done"}


def test_the_image_is_fetched_once_and_tasks_run_in_it(archive: Archive, calls: Path) -> None:
    archive.config["esass"]["container"] = "docker://erosita/esass-x64:latest"
    first = archive.run()
    assert first.code == 0, first.text
    assert is_done(archive)
    said = calls.read_text().splitlines()
    (pulled,) = [line for line in said if line.startswith("pull ")]
    (image,) = (archive.root / "containers").iterdir()
    assert pulled.split()[2] == f"archive/containers/{image.name}"
    ran = [line for line in said if line.startswith("exec ")]
    assert all(f" {image} " in line for line in ran)
    for task in ("flaregti", "evtool", "expmap"):
        assert any(f" {image} bash -c" in line for line in ran if task in line)
    assert "Nothing to be done" in archive.run().text

    archive.config["missions"]["erosita_calpv"]["evtool"] = {"pattern": 1}
    assert archive.run().code == 0
    assert calls.read_text().count("pull --name") == 1

    made = archive.records()
    archive.config["esass"]["container"] = "docker://erosita/no-such:latest"
    archive.config["missions"]["erosita_calpv"]["evtool"] = {"pattern": 3}
    failed = archive.run()
    assert (failed.code, "FATAL: no such image" in failed.text) == (1, True), failed.text
    archive.config["missions"]["erosita_calpv"]["evtool"] = {"pattern": 1}
    archive.config["esass"] = {"container": str(image), "setup_scripts": ["esass-init.sh"]}
    assert "Nothing to be done" in archive.run().text
    assert archive.records() == made


def test_an_image_that_is_not_there_is_told_before_anything_runs(archive: Archive) -> None:
    archive.config["esass"]["container"] = "erosita/esass-x64:latest"
    run = archive.run()
    assert run.code == 2
    assert (f"esass.container: {archive.folder}/erosita/esass-x64:latest does not exist") in run.text
    assert "docker://erosita/esass-x64:latest" in run.text


def test_with_apptainer(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image without anything in it, through which this machine's programs are seen."""
    if shutil.which("apptainer") is None:
        pytest.skip("Apptainer is not installed")
    image = archive.folder / "image"
    for name in ("usr", "etc", "proc", "sys", "dev", "tmp"):
        (image / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64", "sbin"):
        if Path("/", name).is_symlink():
            (image / name).symlink_to(Path("/", name).readlink())
    monkeypatch.setenv("APPTAINER_USERNS", "1")
    monkeypatch.setenv("APPTAINER_BIND", ",".join(dict.fromkeys(["/usr", sys.prefix, sys.base_prefix])))
    works = subprocess.run(["apptainer", "exec", str(image), "true"], capture_output=True, text=True, check=False)
    if works.returncode:
        pytest.skip(f"Apptainer does not work on this machine: {works.stderr}")
    run = archive.run()
    assert run.code == 0, run.text
    assert is_done(archive)
