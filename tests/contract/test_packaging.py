"""All lists of dependencies agree, a wheel contains every file of the sources, and importing the package is cheap."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import daxa_wf

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


def test_pyproject_and_the_recipe_agree() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text())
    needs = {kind: bounds_by_name(texts) for kind, texts in recipe["requirements"].items()}
    python = {"python": ">=${{ python_min }}"}
    assert f">={recipe['context']['python_min']}" == project["requires-python"]
    wanted = {CONDA_NAMES.get(name, name): bound for name, bound in bounds_by_name(project["dependencies"]).items()}
    assert needs["run"] == {**wanted, **python}
    assert needs["host"] == {**bounds_by_name(settings["build-system"]["requires"]), "pip": "", **python}
    assert recipe["context"]["version"] == daxa_wf.__version__
    assert recipe["build"]["python"]["entry_points"] == [f"{k} = {v}" for k, v in project["scripts"].items()]
    assert (recipe["about"]["summary"], recipe["about"]["license"]) == (project["description"], project["license"])


def test_pyproject_and_the_environment_of_the_rules_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    rules = yaml.safe_load((ROOT / "workflow" / "envs" / "daxa_wf.yaml").read_text())
    *packages, by_pip = rules["dependencies"]
    snakemake = bounds_by_name(project["dependencies"])["snakemake"]
    assert bounds_by_name(packages) == {"python": project["requires-python"], "snakemake-minimal": snakemake, "pip": ""}
    assert by_pip == {"pip": [f"{project['name']} =={daxa_wf.__version__}"]}
    channels = [
        yaml.safe_load((ROOT / name).read_text())["channels"]
        for name in ("environment.yml", "workflow/envs/daxa_wf.yaml")
    ]
    assert channels[0] == channels[1]


SOURCE_FOLDERS = ("daxa_wf", "daxa_wf_simulator", "snakemake_logger_plugin_daxa", "workflow", "config")


def source_files() -> dict[str, set[str]]:
    """Return the files of each folder that users need, relative to the repository."""
    return {
        folder: {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        for folder in SOURCE_FOLDERS
    }


def test_the_settings_of_the_wheel_name_every_source_file() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = [f"{folder}/{pattern}" for folder, each in settings["package-data"].items() for pattern in each]
    patterns += [pattern for each in settings["data-files"].values() for pattern in each]
    patterns += [
        f"{include.rstrip('*')}/**/*.py" for include in settings["packages"]["find"]["include"] if "." not in include
    ]
    packed = {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)}
    assert [path for files in source_files().values() for path in sorted(files - packed)] == []
    shared = "share/daxa_wf/"
    moved = {
        f"{place.removeprefix(shared)}/{Path(pattern).name}": pattern
        for place, each in settings["data-files"].items()
        for pattern in each
    }
    assert {place: pattern for place, pattern in moved.items() if place != pattern} == {}, "share keeps the directories"
    packages = {path.parent for folder in SOURCE_FOLDERS[:3] for path in (ROOT / folder).rglob("*.py")}
    assert [str(folder) for folder in packages if not (folder / "__init__.py").is_file()] == []


def test_the_wheel_contains_every_source_file() -> None:
    """The wheel that DAXA_WF_WHEEL names, which .ci/run builds."""
    if "DAXA_WF_WHEEL" not in os.environ:
        pytest.skip("DAXA_WF_WHEEL names no wheel; .ci/run builds one")
    with zipfile.ZipFile(os.environ["DAXA_WF_WHEEL"]) as wheel:
        names = {re.sub(r"^daxa_wf-[^/]+\.data/data/share/daxa_wf/", "", name) for name in wheel.namelist()}
    packed = {name for name in names if ".dist-info/" not in name}
    assert packed == set().union(*source_files().values())


IMPORT_NAMES = {"pillow": "PIL", "pyyaml": "yaml", "annotated-types": "annotated_types"}
NEEDED_BY_OTHERS = {"pyarrow": "pandas writes Parquet with it"}

OPTIONAL = {"stingray"}
"""Packages that a part of the package uses if they are installed; each is an extra of its name."""


def test_optional_packages_are_extras() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {name: list(bounds_by_name(extras[name])) for name in OPTIONAL} == {name: [name] for name in OPTIONAL}


def imported_packages() -> set[str]:
    """Return the top-level names that both packages import, inside functions too, without those of Python itself."""
    found = set()
    for path in (
        path
        for folder in ("daxa_wf", "daxa_wf_simulator", "workflow/scripts")
        for path in (ROOT / folder).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {name.partition(".")[0] for name in names}
    return found - set(sys.stdlib_module_names) - {"daxa_wf", "daxa_wf_simulator"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    declared = bounds_by_name(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    names = {IMPORT_NAMES.get(name, name) for name in declared} - set(NEEDED_BY_OTHERS)
    assert imported_packages() - {"pydantic_core"} - OPTIONAL == names


def test_constraints_pin_every_dependency_with_hashes_and_within_the_bounds() -> None:
    text = (ROOT / "constraints.txt").read_text().replace("\\\n", " ")
    pinned = dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.MULTILINE))
    lines = [line for line in text.splitlines() if "==" in line and not line.startswith(" ")]
    assert [line for line in lines if "--hash=sha256:" not in line] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    for wanted in map(Requirement, [*project["dependencies"], *extras]):
        assert wanted.specifier.contains(pinned[wanted.name.lower()]), wanted


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [text for text in project["dependencies"] if ">=" not in text] == []


def test_import_loads_neither_astropy_nor_pandas() -> None:
    code = "import sys, daxa_wf; print([name for name in ('astropy', 'pandas', 'numpy') if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_start_of_a_command_and_of_a_run_is_light() -> None:
    """Every command starts so, and Snakemake does with the logger plugin, the Snakefile and the job of the manifest."""
    modules = "daxa_wf.cli.main, daxa_wf.chain.forcing, daxa_wf.chain.manifest, daxa_wf.report.finish"
    code = (
        f"import sys, {modules}, snakemake_logger_plugin_daxa;"
        "print([name for name in ('astropy', 'pandas', 'numpy') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_start_of_a_job_loads_no_models() -> None:
    code = "import sys, daxa_wf.chain.runner; print([n for n in ('astropy', 'pandas', 'pydantic') if n in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
