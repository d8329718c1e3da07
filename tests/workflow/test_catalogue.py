"""What a user of Snakemake's workflow catalogue finds: examples that work, environments of this version."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import daxa_wf
from daxa_wf.cli.shared import snakefile

from .conftest import PREPARED, Run

ROOT = Path(__file__).parents[2]
SELECTIONS = ("one_object", "cluster_sample", "supernovae", "region")
"""Examples whose selections tests/unit/selection/test_case_studies.py checks."""
EXAMPLES = sorted(path for path in (ROOT / "config" / "examples").glob("*.yaml") if path.stem not in SELECTIONS)


def dry_run(folder: Path, config: Path) -> Run:
    """Run the workflow without jobs."""
    arguments = "-n", "--snakefile", str(snakefile()), "--configfile", str(config)
    return Run(*PREPARED.snakemake(arguments, folder, os.environ))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_good_configuration(example: Path, small_observations: Path, tmp_path: Path) -> None:
    (tmp_path / "lists").symlink_to(small_observations)
    done = subprocess.run(
        [sys.executable, "-m", "daxa_wf", "check-config", str(example)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    dry = dry_run(tmp_path, example)
    assert dry.code == 0, dry.text
    assert "manifest " in dry.text


def test_every_example_is_listed() -> None:
    listed = re.findall(r"\(examples/(\w+)\.yaml\)", (ROOT / "config" / "README.md").read_text())
    assert sorted(listed) == sorted({path.stem for path in EXAMPLES} | set(SELECTIONS))


def test_the_small_run_of_the_catalogue_can_start(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text((ROOT / ".test" / "config.yaml").read_text())
    dry = dry_run(tmp_path, Path("config.yaml"))
    assert dry.code == 0, dry.text
    assert "simulator " in dry.text


def test_software_environments_have_this_version() -> None:
    folder = ROOT / "workflow" / "envs"
    packages = yaml.safe_load((folder / "daxa_wf.yaml").read_text())["dependencies"][-1]["pip"]
    assert packages == [f"daxa-wf =={daxa_wf.__version__}"]
    for container in ("daxa_wf.def", "Containerfile"):
        assert re.findall(r"PACKAGE=(daxa-wf==.+)", (folder / container).read_text()) == [
            f"daxa-wf=={daxa_wf.__version__}"
        ]
        named = re.findall(
            r"daxa_wf-([\d.]+)-py3", (folder / container).read_text() + (ROOT / "docs" / "installation.md").read_text()
        )
        assert set(named) == {daxa_wf.__version__}
    used = {
        name
        for path in (ROOT / "workflow").rglob("*.smk")
        for name in re.findall(r"envs/(\w+\.yaml)", path.read_text())
    }
    assert used == {path.name for path in folder.glob("*.yaml")}


def test_every_rule_is_short_and_says_what_follows_what() -> None:
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for rule in re.findall(r"^(?:rule|checkpoint) \w+:\n(?:(?: .*)?\n)+", path.read_text(), re.MULTILINE):
            assert len(rule.strip().splitlines()) <= 22, rule
            assert re.search(r'"""[^"]+\. (?:First|After|Before|Last|Between)', rule), f"{path}: {rule.splitlines()[0]}"
