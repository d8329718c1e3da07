"""The commands `info`, `status`, `logs` and `path`, with a configuration and with the directory of an archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from tests.small_archive import M1_EXPOSURE, OBSID, write_small_archive

UNIT = M1_EXPOSURE.identifier


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """An archive, and a configuration beside it, in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    layout = write_small_archive(tmp_path / "archive")
    mission = {"xmm_pointed": {"source": {"local": "lists"}}}
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "archive", "missions": mission}))
    return layout


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def values(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def message(*arguments: str) -> str:
    done = run(*arguments)
    assert isinstance(done.exception, ConfigError), done.output
    return str(done.exception)


def test_a_configuration_and_an_archive_show_the_same(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = (["info"], ["status"], ["path"], ["logs", "espfilt", UNIT])
    shown = [[run(*command, place).output for command in commands] for place in ("my.yaml", "archive")]
    assert shown[0] == shown[1]
    monkeypatch.chdir(layout.root)
    assert [run("info").output, run("path").output] == [shown[0][0], shown[0][2]]


def test_info(layout: Layout) -> None:
    assert "xmm_pointed" in run("info", "archive").output
    facts = values("info", "archive")
    assert facts["archive"] == str(layout.root)
    (mission,) = facts["missions"]
    assert {name: mission[name] for name in ("mission", "observations", "exposures", "usable", "pending")} == {
        "mission": "xmm_pointed", "observations": 1, "exposures": 2, "usable": 1, "pending": 0,
    }  # fmt: skip


def test_status_of_failed_units_names_their_logs(layout: Layout) -> None:
    shown = run("status", "archive", "--failed").output.splitlines()
    assert shown == [
        f"espfilt of xmm_pointed {UNIT}: rejected: noData: no counts in the field of view",
        f"  {layout.log('espfilt', M1_EXPOSURE)}",
    ]
    assert run("status", "archive", "--failed", "--step", "merge").output.startswith("No unit failed")
    (row,) = values("status", "archive", "--failed")["units"]
    assert (row["unit"], row["reason"], row["logs"]) == (UNIT, "noData", [str(layout.log("espfilt", M1_EXPOSURE))])


def test_status_explains_a_unit(layout: Layout) -> None:
    shown = run("status", "archive", "--why", UNIT).output
    assert shown.startswith(f"xmm_pointed {UNIT}\n  espfilt of xmm_pointed {UNIT}: rejected: noData")
    assert f"Cause: espfilt of xmm_pointed {UNIT}: rejected: noData" in shown
    assert "PN" not in shown
    pn = run("status", "archive", "--why", f"{OBSID}PN").output
    assert "Nothing failed or was rejected." in pn
    assert "warning mostlyFlared: 70 % of the time was removed" in pn
    assert {row["step"] for row in values("status", "archive", "--why", UNIT)["units"]} == {"espfilt", "report"}


def test_status_of_a_step_and_a_mission(layout: Layout) -> None:
    assert values("status", "archive", "--step", "espfilt")["counts"] == {"espfilt": {"done": 1, "rejected": 1}}
    nothing = "--mission chandra: the archive has nothing of it; its missions are xmm_pointed"
    assert message("status", "archive", "--mission", "chandra") == nothing
    shown = run("status", "archive", "--step", "merge").output
    assert "merge" in shown
    assert "espfilt" not in shown


def test_logs(layout: Layout) -> None:
    log = layout.log("espfilt", M1_EXPOSURE)
    assert run("logs", "espfilt", UNIT, "archive").output == f"==> {log}\nno counts in the field of view\n"
    log.write_text("\x1b[31mred\x1b[0m\n")
    assert run("logs", "espfilt", UNIT, "archive").output == f"==> {log}\nred\n"
    assert values("logs", "espfilt", UNIT, "archive") == [{"path": str(log), "text": "\x1b[31mred\x1b[0m\n"}]


def test_paths_of_products(layout: Layout) -> None:
    shown = run("path", "archive", "--kind", "image", "--band", "0.5-2", "--instrument", "PN", "--obsid", OBSID).output
    assert Path(shown.strip()).name == f"obsid{OBSID}-instPN-subexpALL-en0.5_2.0keV-image.fits"
    assert Path(shown.strip()).is_absolute()
    (product,) = values("path", "archive", "--kind", "gti")
    assert (product["exposure"], product["band"], product["size"]) == (
        "S003",
        None,
        Path(product["path"]).stat().st_size,
    )
    nothing = run("path", "archive", "--instrument", "M1")
    assert (nothing.exit_code, nothing.output) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["status", "archive", "--why", "0201903501PNS004"], "did you mean '0201903501PNS003'"),
        (["status", "archive", "--step", "mergee"], "--step mergee: no such step; "),
        (["status", "archive", "--mission", "xmm"], "--mission xmm: unknown mission; "),
        (["logs", "merge", UNIT, "archive"], f"{UNIT} has not gone through merge; its steps with logs are espfilt"),
        (["path", "archive", "--band", "2-0.5"], "--band 2-0.5: the first energy must be lower than the second"),
        (["path", "archive", "--band", "soft"], "--band soft: expected two energies in keV, such as 0.5-2.0"),
        (["path", "archive", "--mission", "xmm"], "mission xmm: unknown mission; "),
        (["info", "."], ". cannot be read: Is a directory that is not an archive, because it holds no records"),
        (["info", "nosuch.yaml"], "nosuch.yaml cannot be read"),
    ],
)
def test_mistakes_are_named(layout: Layout, arguments: list[str], expected: str) -> None:
    assert expected in message(*arguments)
