"""The workflow is found in a checkout and in every place where an installer puts it; `demo` runs its default configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import daxa_wf
from daxa_wf.cli import run as run_module
from daxa_wf.cli.main import app
from daxa_wf.cli.shared import snakefile, workflow_root
from daxa_wf.errors import ConfigError

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("package", "share"),
    [
        ("checkout/daxa_wf", "checkout"),
        ("venv/lib/python3.12/site-packages/daxa_wf", "venv/share/daxa_wf"),
        ("home/.local/lib/python3.12/site-packages/daxa_wf", "home/.local/share/daxa_wf"),
        ("target/daxa_wf", "target/share/daxa_wf"),
    ],
)
def test_the_workflow_is_found_where_installers_put_it(
    package: str, share: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (tmp_path / package / "__init__.py", tmp_path / share / "workflow" / "Snakefile"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.setattr(daxa_wf, "__file__", str(tmp_path / package / "__init__.py"))
    assert workflow_root() == tmp_path / share
    assert snakefile() == tmp_path / share / "workflow" / "Snakefile"


def test_an_installation_without_the_workflow_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daxa_wf, "__file__", str(tmp_path / "lib" / "daxa_wf" / "__init__.py"))
    with pytest.raises(ConfigError, match=rf"neither in {tmp_path}/lib nor in 'share/daxa_wf' above it; install"):
        snakefile()


def test_demo_runs_the_default_configuration_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def start(_: str, command: list[str]) -> None:
        started.append(command)
        raise SystemExit(0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_module.os, "execv", start)
    assert CliRunner().invoke(app, ["demo", "--dry-run", "--cores", "1"]).exit_code == 0
    (command,) = started
    assert command[command.index("--configfile") + 1] == str(ROOT / "config" / "config.yaml")
    assert command[command.index("--cores") + 1] == "1"
