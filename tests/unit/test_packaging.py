"""pyproject.toml and environment.yml say the same; importing the package is cheap."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"isal": "python-isal", "matplotlib": "matplotlib-base", "snakemake": "snakemake-minimal"}
NOT_IN_PYPROJECT = {"pip"}


def bounds_by_name(requirements: list[str]) -> dict[str, str]:
    parsed = (re.fullmatch(r"([A-Za-z0-9._-]+)\s*(.*)", text) for text in requirements)
    return {match[1].lower(): match[2] for match in parsed if match}


def test_pyproject_and_environment_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *optional["slurm"], *optional["test"]]
    pyproject = {CONDA_NAMES.get(name, name): bound for name, bound in bounds_by_name(wanted).items()}
    pyproject["python"] = project["requires-python"]
    environment = bounds_by_name(yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"])
    assert {name: bound for name, bound in environment.items() if name not in NOT_IN_PYPROJECT} == pyproject


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [text for text in project["dependencies"] if ">=" not in text] == []


def test_import_loads_neither_astropy_nor_pandas() -> None:
    code = "import sys, daxa_wf; print([name for name in ('astropy', 'pandas', 'numpy') if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
