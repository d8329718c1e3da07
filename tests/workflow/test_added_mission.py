"""A mission that one file on Python's path adds is selected, fetched and organised like those of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from daxa_wf.cli.shared import snakefile
from daxa_wf_simulator.mirror_server import serve_mirror
from daxa_wf_simulator.tap_service import serve_tables
from tests.archives import content

PLUGINS = Path(__file__).parents[1] / "plugins"
NEAR, FAR = "T0001", "T0002"
NAMES = ("products/{}_cam.evt.gz", "products/{}_cam_soft.img.gz", "raw/{}_cam.fits", "raw/{}_spec.fits")
TABLE = pd.DataFrame({
    "obsid": [NEAR, FAR], "ra": [150.0, 150.0], "dec": [2.0, 60.0], "time": [55000.0, 55001.0],
    "end_time": [55000.5, 55001.5], "exposure": [3e4, 2e4],
})  # fmt: skip


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python in a folder, with the plug-in on its path."""
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PLUGINS), "COLUMNS": "200"},
    )  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The data centre's files of both observations."""
    for obsid in (NEAR, FAR):
        for name in NAMES:
            path = tmp_path / "served" / "heasarc" / "toy" / "data" / obsid / name.format(obsid)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(path.name))
    return tmp_path / "served"


def test_a_mission_of_one_file_is_selected_fetched_and_organised(tree: Path, tmp_path: Path) -> None:
    mission = {"source": {"archives": "any"}, "select": {"positions": [150.0, 2.0], "science_usable": False}}
    with serve_mirror(tree) as mirror, serve_tables({"toymaster": TABLE}) as url:
        config = {
            "archive": "archive", "tables": "tables", "data": "raw data", "services": {"heasarc": [url]},
            "archives": {name: list(bases) for name, bases in mirror.bases.items()}, "missions": {"toy_pointed": mission},
        }  # fmt: skip
        (tmp_path / "my.yaml").write_text(yaml.safe_dump(config))
        run = ("snakemake", "--cores", "1", "--snakefile", str(snakefile()), "--configfile", "my.yaml")
        done = python(tmp_path, *run)
        assert done.returncode == 0, done.stdout + done.stderr
        again = python(tmp_path, *run)
        assert "Nothing to be done" in again.stdout + again.stderr

    products = tmp_path / "archive" / "processed_data" / "toy_pointed"
    assert [path.name for path in products.iterdir()] == [NEAR]
    stem = f"obsid{NEAR}-instCAM-subexpNone"
    assert (products / NEAR / "events" / f"{stem}-finalevents.fits.gz").read_bytes() == content(f"{NEAR}_cam.evt.gz")
    assert (products / NEAR / "images" / f"{stem}-en0.5_2.0keV-image.fits.gz").is_file()
    fetched = {path.name for path in (tmp_path / "raw data" / "toy_pointed_raw" / NEAR).rglob("T*")}
    assert fetched == {f"{NEAR}_cam.evt.gz", f"{NEAR}_cam_soft.img.gz"}
    status = python(tmp_path, "daxa_wf", "status", "my.yaml")
    assert status.returncode == 0, status.stderr
    assert f"toy_pointed\t{NEAR}\t" in (tmp_path / "archive" / "status.tsv").read_text()


def test_mistakes_are_told_for_an_added_mission_too(tmp_path: Path) -> None:
    mission = {"source": {"archives": "any"}, "instruments": ["CAMERA"]}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump({"archive": "a", "missions": {"toy_pointed": mission}}))
    checked = python(tmp_path, "daxa_wf", "check-config", "my.yaml")
    assert checked.returncode == 2
    assert "Toy has no instrument 'CAMERA'" in checked.stderr
    assert "Traceback" not in checked.stderr
