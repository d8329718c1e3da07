"""The help of the commands: every argument is explained, and written in the way that the documents write it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import daxa_wf
from daxa_wf.cli import doctor
from daxa_wf.cli import run as run_module
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError


def commands_of(group: Any, above: str = "") -> dict[str, Any]:
    """Return every command by its words, those of groups of commands too."""
    found = {}
    for name, command in group.commands.items():
        found[f"{above}{name}"] = command
        found |= commands_of(command, f"{above}{name} ") if hasattr(command, "commands") else {}
    return found


COMMANDS = commands_of(typer.main.get_group(app))


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_argument_and_option_is_explained(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert parameter.help, parameter.name
    shown = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200"}).output
    (usage,) = re.findall(r"Usage: .*", shown)
    assert usage.partition("[OPTIONS]")[2].upper() == usage.partition("[OPTIONS]")[2], "arguments are in capitals"
    assert "--no-" not in shown, "flags have no opposite"


def test_the_version_is_an_option_too() -> None:
    for arguments in (["version"], ["--version"]):
        shown = CliRunner().invoke(app, arguments)
        assert (shown.exit_code, shown.output) == (0, f"{daxa_wf.__version__}\n")


@pytest.mark.parametrize(
    "arguments", [["-n", "my.yaml"], ["--dry-run", "my.yaml"], ["my.yaml", "-n"], ["my.yaml", "--dry-run"]]
)
def test_a_dry_run_may_be_asked_for_before_or_after_the_configuration(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def start(_: str, command: list[str]) -> None:
        started.append(command)
        raise SystemExit(0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run_module.os, "execv", start)
    Path("lists").mkdir()
    Path("lists/P0999991001M1S001MIEVLI0000.FTZ").touch()
    Path("my.yaml").write_text("{archive: a, missions: {xmm_pointed: {source: {local: lists}}}}")
    assert CliRunner().invoke(app, ["run", *arguments]).exit_code == 0
    (command,) = started
    assert command[command.index("--configfile") + 1] == "my.yaml"
    assert {"-n", "--dry-run"} & set(command)
    assert not Path("a").exists()


def test_an_option_of_snakemake_before_the_configuration_is_explained() -> None:
    done = CliRunner().invoke(app, ["run", "--forceall", "my.yaml"])
    assert isinstance(done.exception, ConfigError)
    assert (
        str(done.exception)
        == "--forceall: write options of Snakemake after the configuration: daxa-wf run CONFIG --forceall"
    )


def test_doctor_takes_setup_scripts_from_a_configuration_or_from_its_option(tmp_path: Path) -> None:
    script = tmp_path / "setup.sh"
    script.touch()
    with pytest.raises(ConfigError, match=r"--setup-script: my.yaml names its own setup scripts"):
        doctor.doctor(Path("my.yaml"), [script])
