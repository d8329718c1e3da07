"""Every command with what is not there: the message names it, the exit code is not 0, and there is no traceback."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from daxa_wf.cli.main import main
from daxa_wf.cli.shared import snakefile

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in a folder with a file, a binary file, configurations and damaged tables: exit code, what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    for name, content in (("file", b"x"), ("binary", b"\xff\xfe"), ("bad/erosita_calpv.json", b"{")):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)
    select = {"select": {"obsids": ["700199"]}}
    for name, config in {
        "mission": {"archive": "a", "missions": {"erosita_calvp": {}}},
        "below": {"archive": "file/a", "tables": "file/t", "missions": {"erosita_calpv": select}},
        "none": {"archive": "a", "missions": {"erosita_calpv": {"select": {"obsids": ["799999"]}}}},
        "damaged": {"archive": "a", "tables": "bad", "missions": {"erosita_calpv": select}},
    }.items():
        Path(f"{name}.yaml").write_text(yaml.safe_dump(config))

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["daxa-wf", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


@pytest.mark.parametrize("name", ["check-config", "run", "status", "retry", "select", "plan", "watch", "doctor"])
def test_configurations_that_are_none(command: Command, name: str) -> None:
    for config, expected in (
        ("nosuch.yaml", "nosuch.yaml cannot be read: No such file or directory"),
        (".", ". cannot be read: Is a directory"),
        ("binary", "binary is not text in UTF-8 (byte 0)"),
        ("mission.yaml", "missions.erosita_calvp: unknown mission; "),
    ):
        code, said = command(name, config)
        assert (code, said.startswith(f"daxa-wf: {config}")) == (2, True), said
        assert expected in said


@pytest.mark.parametrize("name", ["check-config", "run", "status", "retry", "select", "plan", "watch", "doctor"])
def test_values_that_yaml_misreads_are_named_in_every_command(command: Command, name: str) -> None:
    Path("misread.yaml").write_text(
        "archive: a\nmissions:\n  erosita_calpv:\n    select:\n      time: {start: 2019-31-12}\n"
        "      positions: [[00:42:44.3, +41:16:09]]\n      radius: 5 arcmin\n"
    )
    code, said = command(name, "misread.yaml")
    select = "  missions.erosita_calpv.select"
    assert (code, said.splitlines()) == (
        2,
        [
            "daxa-wf: misread.yaml cannot be used:",
            f"{select}.time.start: 2019-31-12 cannot be read (month must be in 1..12); expected a day of the calendar, as "
            "year-month-day: 2019-12-31 (line 5)",
            f"{select}.positions.0.0: YAML reads 00:42:44.3 without quotes as the number 2564.3, in base 60; write it in "
            "quotes, '00:42:44.3' (line 6)",
            f"{select}.positions.0.1: YAML reads +41:16:09 without quotes as the number 148569, in base 60; write it in "
            "quotes, '+41:16:09' (line 6)",
        ],
    )


def test_snakemake_alone_does_not_use_values_that_yaml_misreads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Snakemake has read 00:05:10.0 as 310 by then, which would pass for degrees."""
    from daxa_wf.chain.plan import checked_config

    path = tmp_path / "my.yaml"
    path.write_text("archive: a\nmissions: {chandra: {select: {positions: [00:05:10.0, 1.5]}}}\n")
    with pytest.raises(SystemExit) as ended:
        checked_config(yaml.safe_load(path.read_text()), [str(path)])
    assert ended.value.code == 2
    assert "select.positions.0: YAML reads 00:05:10.0 without quotes as the number 310.0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.fits", b"SIMPLE garbage" * 300),
        ("t.vot", b"<VOTABLE><x>"),
        ("t.dat", b'a b c\n1\n"'),
        ("t.parquet", b"PAR1"),
    ],
)
def test_a_table_that_cannot_be_read_is_reported_in_one_line(command: Command, name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    select = {"positions": {"file": name}, "radius": "1 arcmin"}
    Path("table.yaml").write_text(yaml.safe_dump({"archive": "a", "missions": {"chandra": {"select": select}}}))
    for subcommand in ("check-config", "run"):
        code, said = command(subcommand, "table.yaml")
        first, second = said.splitlines()
        assert (code, first) == (2, "daxa-wf: the configuration cannot be used:")
        assert f"{name} is not a table of a known kind (CSV, ECSV, FITS, VOTable, Parquet): " in second
        assert not second.endswith(": ")


ARGUMENTS = {
    ("run", "ok.yaml", "--keepgoing"): "Snakemake does not accept these arguments: unrecognized arguments: --keepgoing",
    ("run", "ok.yaml", "--executor", "abc"): "Snakemake has no executor 'abc'; correct its name, or install its plugin",
    ("run", "--profile", "nosuch", "ok.yaml"): r"profile directory given \(nosuch\), but no profile.yaml",
    ("run", "ok.yaml", "--set-resources", "abc"): "Snakemake does not accept these arguments: ",
}


@pytest.mark.parametrize(("arguments", "expected"), ARGUMENTS.items(), ids=lambda each: " ".join(each)[:60])
def test_arguments_that_snakemake_refuses_are_reported_in_one_line(
    command: Command, arguments: tuple[str, ...], expected: str
) -> None:
    Path("ok.yaml").write_text(
        yaml.safe_dump({"archive": "a", "missions": {"erosita_calpv": {"source": {"archives": "any"}}}})
    )
    code, said = command(*arguments)
    assert (code, len(said.splitlines())) == (2, 1), said
    assert re.match(f"daxa-wf: .*{expected}", said), said
    assert not Path("a").exists()


def test_a_profile_whose_plugin_is_missing_is_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

    from daxa_wf.cli.snakemake_arguments import check_arguments, with_own_profiles
    from daxa_wf.errors import ConfigError

    monkeypatch.delitem(ExecutorPluginRegistry().plugins, "slurm", raising=False)
    profiles = snakefile().parent / "profiles"
    for given in (["--profile", "slurm"], ["--profile=slurm"]):
        arguments = with_own_profiles(given, profiles)
        assert arguments[-1].endswith(f"{profiles}/slurm")
        with pytest.raises(
            ConfigError, match=r"has no executor 'slurm'; .* 'pip install snakemake-executor-plugin-slurm'"
        ):
            check_arguments([*arguments, "--snakefile", str(snakefile())])
    assert with_own_profiles(["--profile", "mine", "slurm"], profiles) == ["--profile", "mine", "slurm"]


MISTAKES = {
    ("fetch-tables", "--mission", "erosita_calvp"): (
        2,
        "--mission erosita_calvp: unknown mission; .* 'erosita_calpv'",
    ),
    ("fetch-tables", "--mission", "erosita_calpv", "--tables", "file/t"): (
        1,
        "file/t/erosita_calpv.json: Not a directory",
    ),
    ("fetch-tables", "--max-age", "5"): (2, "--max-age: '5' is not a quantity that s can measure, such as '5 s'"),
    ("fetch-tables", "--config", "nosuch.yaml"): (2, "nosuch.yaml cannot be read"),
    ("check-config", "below.yaml"): (2, "archive: .*/file is not a directory, so .*/file/a cannot be created"),
    ("run", "below.yaml"): (2, "archive: .*/file is not a directory, so .*/file/a cannot be created"),
    ("run", "none.yaml", "--cores", "0"): (2, "--cores 0: expected a whole number from 1 on, or 'all'"),
    ("select", "below.yaml"): (1, "file/t/erosita_calpv.json: Not a directory"),
    ("select", "none.yaml"): (2, "(?s)erosita_calpv: no observation is left .* not in the table: 799999"),
    ("plan", "none.yaml"): (2, "(?s)erosita_calpv: no observation is left .* not in the table: 799999"),
    ("status", "none.yaml"): (2, "a holds no records yet; 'daxa-wf run none.yaml' makes them"),
    ("retry", "none.yaml"): (2, "a holds no records yet; 'daxa-wf run none.yaml' makes them"),
    ("retry", "none.yaml", "--step", "mergee"): (2, "--step mergee: no such step; .* did you mean 'merge'"),
    ("show", "nosuch"): (2, "'nosuch' does not look like an ObsID of any mission; 'daxa-wf missions' shows"),
    ("show", "700199"): (
        2,
        "700199 is not in any of the tables in daxa_wf_tables; it may be an ObsID of .*erosita_calpv, whose tables",
    ),
    ("show", "700199", "--tables", "file"): (1, "file/.*.json: Not a directory"),
    ("show", "700199", "--tables", "bad"): (
        2,
        "700199 is not in any of the tables in bad; .* whose tables 'daxa-wf fetch-tables' fetches",
    ),
    ("select", ""): (2, "CONFIG is empty; give a configuration's path, or an object's name or a query in quotes"),
    ("import-table", "chandra", "nosuch.csv"): (2, "nosuch.csv cannot be read: No such file or directory\n$"),
    ("import-table", "chandra", "nosuch.fits"): (2, "nosuch.fits cannot be read: No such file or directory\n$"),
    ("doctor", "--setup-script", "nosuch"): (2, "--setup-script nosuch does not exist"),
}


@pytest.mark.parametrize(("arguments", "expected"), MISTAKES.items(), ids=lambda each: " ".join(map(str, each)))
def test_what_is_not_there_is_named(command: Command, arguments: tuple[str, ...], expected: tuple[int, str]) -> None:
    code, said = command(*arguments)
    assert code == expected[0], said
    assert re.search(expected[1], said), said


def test_a_damaged_table_is_named(command: Command) -> None:
    command("fetch-tables", "--mission", "erosita_calpv")
    Path("daxa_wf_tables/erosita_calpv.parquet").write_bytes(b"PAR1")
    for arguments in (("show", "700199"), ("select", "none.yaml")):
        code, said = command(*arguments)
        assert (code, "erosita_calpv.parquet has changed since it was fetched" in said) == (1, True), said


def test_an_obsid_that_the_tables_do_not_have(command: Command) -> None:
    command("fetch-tables", "--mission", "erosita_calpv")
    code, said = command("show", "799999")
    assert (code, "799999 is not in the tables of erosita_calpv in daxa_wf_tables" in said) == (2, True), said
