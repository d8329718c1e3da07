"""The user's own defaults: which values they give, where they are shown, and their mistakes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

from daxa_wf.archive.lock import read_lock
from daxa_wf.chain.plan import checked_config
from daxa_wf.cli.main import main
from daxa_wf.config.reading import parse_config, read_config, resolved_values
from daxa_wf.config.user_defaults import user_defaults_file
from daxa_wf.errors import ConfigError
from tests.small_archive import write_small_archive

MISSIONS = {"missions": {"asca": {"source": {"archives": "any"}}}}


@pytest.fixture
def defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file of defaults, with a directory of archives, a raw store and a number of cores."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "home" / "daxa_wf.yaml"
    path.parent.mkdir()
    path.write_text(f"output: {tmp_path}/archives\ndata: {tmp_path}/store\ncores: 3\n")
    return path


def write_config(name: str, **values: object) -> Path:
    path = Path(name)
    path.write_text(yaml.safe_dump({**values, **MISSIONS}))
    return path


def printed_by(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["daxa-wf", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


def test_tests_do_not_read_the_defaults_of_whoever_runs_them() -> None:
    assert Path(os.environ["XDG_CONFIG_HOME"]) == user_defaults_file().parent
    assert not user_defaults_file().exists()


@pytest.mark.parametrize("place", ["", "relative/config"])
def test_without_an_absolute_directory_of_configurations_the_file_is_in_dot_config(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", place)
    monkeypatch.setenv("HOME", "/home/someone")
    assert user_defaults_file() == Path("/home/someone/.config/daxa_wf.yaml")


def test_they_give_what_a_configuration_does_not(defaults: Path, tmp_path: Path) -> None:
    config = read_config(write_config("virgo.yaml"))
    assert (config.archive, config.data) == (tmp_path / "archives" / "virgo", tmp_path / "store")
    config = read_config(write_config("coma.yaml", archive="here", data="there"))
    assert (config.archive, config.data) == (Path("here"), Path("there"))
    assert resolved_values(Path("virgo.yaml"))["archive"] == str(tmp_path / "archives" / "virgo")


def test_snakemake_alone_takes_them_and_a_configuration_without_a_file_has_no_name(
    defaults: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked_config(MISSIONS, [write_config("virgo.yaml")]).archive == tmp_path / "archives" / "virgo"
    assert checked_config({"archive": "a", **MISSIONS}).data == tmp_path / "store"
    with pytest.raises(SystemExit):
        checked_config(MISSIONS)
    assert "archive: " in capsys.readouterr().err


def test_values_of_a_program_do_not_depend_on_the_user(defaults: Path) -> None:
    assert parse_config({"archive": "a", **MISSIONS}).data == Path("daxa_wf_data")


def test_check_config_and_doctor_show_what_they_give(
    defaults: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config("virgo.yaml", data="mine")
    shown = f"from {defaults}: archive {tmp_path}/archives/virgo, cores 3"
    for command in ("check-config", "doctor"):
        code, said = printed_by(capsys, monkeypatch, command, "virgo.yaml")
        assert (code, said.splitlines()[0]) == (0, shown)
    defaults.write_text(f"output: {tmp_path}/archives\n")
    write_config("full.yaml", archive="a")
    assert f"from {defaults}: nothing, because" in printed_by(capsys, monkeypatch, "check-config", "full.yaml")[1]
    assert f"from {defaults}: output {tmp_path}/archives\n" in printed_by(capsys, monkeypatch, "doctor")[1]


@pytest.mark.parametrize(("arguments", "cores"), [((), "3"), (("--cores", "2"), "2")])
def test_run_uses_their_number_of_cores(
    defaults: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], cores: str
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, command: started.append(command) or sys.exit(0))
    monkeypatch.setattr(sys, "argv", ["daxa-wf", "run", "--dry-run", *arguments, str(write_config("virgo.yaml"))])
    with pytest.raises(SystemExit):
        main()
    (command,) = started
    assert command[command.index("--cores") + 1] == cores


def test_a_lock_records_them(defaults: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_small_archive(tmp_path / "archives" / "virgo")
    write_config("virgo.yaml")
    monkeypatch.setattr(sys, "argv", ["daxa-wf", "lock", "virgo.yaml"])
    with pytest.raises(SystemExit):
        main()
    configuration = read_lock(Path("virgo.lock.json")).configuration
    assert configuration == {"archive": f"{tmp_path}/archives/virgo", "data": f"{tmp_path}/store", **MISSIONS}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("output: archives\n", "output: 'archives' is relative; write a path that begins with / or ~"),
        ("cores: 0\n", "cores: "),
        ("archive: /a\n", "archive: unknown key"),
        ("cores: [\n", "is not YAML"),
    ],
)
def test_mistakes_in_them_name_their_file(defaults: Path, text: str, expected: str) -> None:
    defaults.write_text(text)
    with pytest.raises(ConfigError, match=r"home/daxa_wf\.yaml") as caught:
        read_config(write_config("virgo.yaml", archive="a"))
    assert expected in str(caught.value)
