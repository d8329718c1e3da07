"""Small observations and a way to run the workflow on them, as a user does."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from daxa_wf.cli.shared import snakefile
from daxa_wf_simulator.events import simulate
from daxa_wf_simulator.files import list_name, write_event_list
from daxa_wf_simulator.truth import Exposure, Flare, Observation, PointSource

from .prepared import Prepared

PREPARED = Prepared()
OBSIDS = ("0999990301", "0999990401")


@pytest.fixture(scope="session", autouse=True)
def prepared_process_ends() -> Iterator[None]:
    """The process from which runs are forked ends with the tests."""
    yield
    PREPARED.end()


def small_observation(obsid: str, seed: int) -> Observation:
    """Two MOS exposures of 40 minutes, with a flare in the first."""
    sources = (PointSource("A", 10.0, 20.0, 0.2),)
    exposures = (
        Exposure("M1", "S001", 0, 2400, 2.0, flares=(Flare(600, 900, 12),)),
        Exposure("M2", "S002", 0, 2400, 2.0),
    )
    return Observation(obsid, "small", 10.0, 20.0, 50.0, 6e8 + seed * 1e5, 3000 + seed, sources, exposures)


@pytest.fixture(scope="session")
def small_observations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local directory with two observations."""
    root = tmp_path_factory.mktemp("small")
    for seed, obsid in enumerate(OBSIDS):
        observation = small_observation(obsid, seed)
        for number, exposure in enumerate(observation.exposures):
            simulated = simulate(observation, exposure, np.random.default_rng([seed, number]))
            write_event_list(root / obsid / "PPS" / list_name(observation, exposure), observation, exposure, simulated)
    return root


@dataclass
class Run:
    """How a run of Snakemake ended."""

    code: int
    text: str


@dataclass
class Archive:
    """A configuration in a folder of its own, and what running it made."""

    folder: Path
    config: dict[str, Any]

    @property
    def root(self) -> Path:
        return self.folder / self.config["archive"]

    @property
    def path(self) -> Path:
        """The configuration file."""
        return self.folder / "my config.yaml"

    def write(self) -> None:
        """Write the configuration file."""
        self.path.write_text(yaml.safe_dump(self.config))

    def run(self, *arguments: str, cwd: Path | None = None) -> Run:
        """Run Snakemake as the README says, with its imports made before (prepared.py)."""
        self.write()
        return Run(*PREPARED.snakemake(self.arguments(*arguments), cwd or self.folder, self.environ()))

    def start(self, *arguments: str, cwd: Path | None = None, cores: int = 2) -> subprocess.Popen[str]:
        """Start what `run` runs, as the head of a group of processes."""
        self.write()
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *self.arguments(*arguments, cores=cores)], env=self.environ(),
            cwd=cwd or self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def arguments(self, *arguments: str, cores: int = 2) -> list[str]:
        """The arguments of Snakemake that the README gives, and more."""
        return ["--cores", str(cores), "--snakefile", str(snakefile()), "--configfile", str(self.path), *arguments]

    @staticmethod
    def environ() -> dict[str, str]:
        """The environment of a run, whose lines are not broken."""
        return {**os.environ, "COLUMNS": "300"}

    @staticmethod
    def ended(process: subprocess.Popen[str]) -> Run:
        """Wait for a run that was started."""
        text, _ = process.communicate()
        return Run(process.returncode, text)

    def record(self, step: str, unit: str, obsid: str) -> dict[str, Any]:
        path = self.root / "records" / "xmm_pointed" / obsid / step / f"{unit}.json"
        return json.loads(path.read_text())

    def records(self) -> dict[tuple[str, str], int]:
        """When each record was written, by step and unit."""
        paths = (self.root / "records").glob("*/*/*/*.json")
        return {(path.parent.name, path.stem): path.stat().st_mtime_ns for path in paths}

    def status(self) -> list[dict[str, str]]:
        with (self.root / "status.tsv").open() as stream:
            return list(csv.DictReader(stream, delimiter="\t"))


def rewritten(before: dict[tuple[str, str], int], after: dict[tuple[str, str], int]) -> set[tuple[str, str]]:
    """Steps and units whose record is new."""
    return {key for key, written in after.items() if before.get(key) != written}


@pytest.fixture
def make_archive(tmp_path: Path, small_observations: Path) -> Any:
    """A function that makes an Archive; `sections` go into the mission's configuration.

    One job runs all steps of an observation, because Python starts once then. Both ways come to the same result
    (test_whole_observations.py), and tests of single jobs ask for `jobs="step"`. Pixels are large, because exposure maps of
    small ones would take a third of the time.
    """

    def make(
        source: Path = small_observations, name: str = "my archive", jobs: str = "observation", **sections: Any
    ) -> Archive:
        images = {"pixel_size": "20 arcsec", **sections.pop("images", {})}
        mission = {"source": {"local": str(source)}, "images": images, **sections}
        return Archive(tmp_path, {"archive": name, "one_job_per": jobs, "missions": {"xmm_pointed": mission}})

    return make
