"""Every command with what is not there: the message names it, the exit code is not 0, and there is no traceback."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from daxa_wf.cli import main

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
        ("mission.yaml", "missions.erosita_calvp: there is no such mission; "),
    ):
        code, said = command(name, config)
        assert (code, said.startswith(f"daxa-wf: {config}")) == (2, True), said
        assert expected in said


MISTAKES = {
    ("fetch-tables", "--mission", "erosita_calvp"): (2, "--mission erosita_calvp: no such mission; .* 'erosita_calpv'"),
    ("fetch-tables", "--mission", "erosita_calpv", "--tables", "file/t"): (
        1,
        "file/t/erosita_calpv.json: Not a directory",
    ),
    ("fetch-tables", "--max-age", "5"): (2, "--max-age: '5' is not a quantity that s can measure, such as '5 s'"),
    ("fetch-tables", "--config", "nosuch.yaml"): (2, "nosuch.yaml cannot be read"),
    ("check-config", "below.yaml"): (2, "archive: .*/file is no directory, so that .*/file/a cannot be one"),
    ("run", "below.yaml"): (2, "archive: .*/file is no directory, so that .*/file/a cannot be one"),
    ("run", "none.yaml", "--cores", "0"): (2, "--cores 0: expected a whole number from 1 on, or 'all'"),
    ("select", "below.yaml"): (1, "file/t/erosita_calpv.json: Not a directory"),
    ("select", "none.yaml"): (2, "(?s)erosita_calpv: no observation is left .* not in the table: 799999"),
    ("select", "damaged.yaml"): (1, "bad/erosita_calpv.json is not a snapshot's sidecar .* fetch the table again"),
    ("plan", "none.yaml"): (2, "(?s)erosita_calpv: no observation is left .* not in the table: 799999"),
    ("status", "none.yaml"): (2, "a holds no records yet; 'daxa-wf run none.yaml' makes them"),
    ("retry", "none.yaml"): (2, "a holds no records yet; 'daxa-wf run none.yaml' makes them"),
    ("retry", "none.yaml", "--step", "mergee"): (2, "--step mergee: no such step; .* did you mean 'merge'"),
    ("show", "nosuch"): (2, "'nosuch' is like the ObsIDs of no mission; 'daxa-wf missions' shows"),
    ("show", "700199"): (
        2,
        "700199 is in none of the tables in daxa_wf_tables; it may be one of .*erosita_calpv, of which",
    ),
    ("show", "700199", "--tables", "file"): (1, "file/.*.json: Not a directory"),
    ("show", "700199", "--tables", "bad"): (1, "bad/erosita_calpv.json is not a snapshot's sidecar"),
    ("observatory", "file/x"): (1, "file/x.*: Not a directory"),
    ("doctor", "--setup-script", "nosuch"): (2, "--setup-script nosuch: there is no such file"),
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
        assert (code, "erosita_calpv.parquet cannot be read as a table" in said) == (1, True), said


def test_an_obsid_that_the_tables_do_not_have(command: Command) -> None:
    command("fetch-tables", "--mission", "erosita_calpv")
    code, said = command("show", "799999")
    assert (code, "799999 is not in the tables of erosita_calpv in daxa_wf_tables" in said) == (2, True), said
