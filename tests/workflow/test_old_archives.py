"""Archives that earlier versions made open, show their status, and continue without being processed again."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from daxa_wf.cli.shared import snakefile

from .conftest import PREPARED

DATA = Path(__file__).parents[1] / "data"


def daxa_wf(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daxa_wf", *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def snakemake(folder: Path, *arguments: str) -> str:
    """Run the workflow without the checks that `daxa-wf run` makes before, and return what it prints."""
    command = "--cores", "2", "--snakefile", str(snakefile()), "--configfile", "config.yaml", *arguments
    code, text = PREPARED.snakemake(command, folder, {**os.environ, "COLUMNS": "200"})
    assert code == 0, text
    return text


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every record and product."""
    paths = [*folder.glob("archive/records/**/*.json"), *folder.glob("archive/processed_data/**/*.fits")]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(params=["0.1.0", "0.2.0"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """Version and folder of a project with two observations in local lists, its records restored with other times."""
    with tarfile.open(DATA / f"archive_{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    for path in folder.rglob("*.fits"):
        os.utime(path)
    return request.param, folder


def test_an_old_archive_continues_with_nothing_processed_again(old: tuple[str, Path]) -> None:
    version, folder = old
    before = digests(folder)
    status = daxa_wf(folder, "status", "config.yaml")
    assert status.returncode == 0, status.stderr
    assert "rejected: notScience" in status.stdout
    outdated = (
        f"21 records were made by daxa_wf {version}; 'daxa-wf run config.yaml --remake-outdated' makes them again"
    )
    assert (outdated in status.stdout) == (version == "0.1.0")

    first = daxa_wf(folder, "run", "config.yaml", "--cores", "2")
    assert first.returncode == 0, first.stderr
    finished = [line.split()[1:-2] for line in first.stderr.splitlines() if line[2:3] == ":"]
    assert finished == [["manifest", "done"]], "only the list of observations is made once more"
    after = digests(folder)
    assert {name for name in before if name.endswith(".fits") and after[name] != before[name]} == set()
    assert after.keys() == before.keys()
    assert "Nothing to be done" in snakemake(folder)

    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["missions"]["xmm_pointed"]["images"]["pixel_size"] = "1 arcmin"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert "Nothing to be done" in snakemake(folder, "-n"), "60 arcsec are one arcmin"
    config["missions"]["xmm_pointed"]["images"]["pixel_size"] = "2 arcmin"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    dry = snakemake(folder, "-n")
    assert "3 records are made again: options changed (images: pixel_size)" in dry
    assert re.search(r"^images +3$", dry, re.MULTILINE)
    assert not re.search(r"^espfilt +\d", dry, re.MULTILINE)


def test_one_option_remakes_what_an_older_version_made(old: tuple[str, Path]) -> None:
    version, folder = old
    if version != "0.1.0":
        pytest.skip("it is of this version")
    # The manifest is made once more first, so that the dry run knows the records.
    snakemake(folder)
    dry = daxa_wf(folder, "run", "config.yaml", "--remake-outdated", "-n").stderr
    assert "21 records are made again: made by an older version of daxa_wf (0.1.0)" in dry
    assert "Nothing to be done" in snakemake(folder, "-n")
