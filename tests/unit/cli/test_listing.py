"""Selected observations and whole tables, on the terminal and as files; a name in place of a configuration."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pandas as pd
import pytest
import yaml
from astropy.table import Table
from astropy.time import Time
from typer.testing import CliRunner

from daxa_wf.cli.listing import MOST_SHOWN, show_or_write
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.tables.export import mission_table
from daxa_wf.tables.http import session
from daxa_wf.tables.snapshots import SnapshotStore, fetch_tables


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the commands, with two tables that the package holds; connections are failures."""
    specs = [MISSIONS["erosita_calpv"], MISSIONS["erosita_all_sky_de_dr1"]]
    fetch_tables(specs, SnapshotStore(tmp_path / "daxa_wf_tables"), {}, session(retries=0))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", lambda *given: pytest.fail(f"a connection was tried: {given}"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "form"),
    [("t.csv", "ascii.csv"), ("t.ecsv", "ascii.ecsv"), ("t.vot", "votable"), ("t.fits", "fits"), ("t.txt", "votable")],
)
def test_a_whole_table_as_a_file_of_each_kind(folder: Path, name: str, form: str) -> None:
    arguments = ["--format", "votable"] if name == "t.txt" else []
    done = CliRunner().invoke(app, ["table", "erosita_calpv", "--output", name, *arguments])
    assert done.exit_code == 0, done.output
    read = Table.read(name, format=form)
    assert len(read) == 170
    row = read[[str(obsid) for obsid in read["obsid"]].index("300007")]
    assert (str(row["start"]), row["duration"], str(row["field"])) == ("2019-11-03T02:42:50.000", 89627.0, "EFEDS")
    assert row["ra"] == pytest.approx(129.55, abs=1e-4)
    if form != "ascii.csv":
        assert (read["ra"].unit, read["duration"].unit) == ("deg", "s")


def test_a_table_in_python_has_units_and_times(folder: Path) -> None:
    table = mission_table("erosita_calpv")
    assert table["start"][0] == Time("2019-11-03T02:42:50")
    assert table["end"].scale == "utc"
    assert table["proprietary_end"].mask.all()
    assert (table["dec"].unit, table["dec"].description) == ("deg", "declination of the pointing, ICRS")
    assert set(table["field_type"]) == {"SURVEY", "GALACTIC_FIELDS", "EXTRAGALACTIC_FIELDS", "MAGELLANIC_CLOUDS"}
    with pytest.raises(ConfigError, match="hubble: unknown mission"):
        mission_table("hubble")


def test_the_values_of_a_column_are_counted(folder: Path) -> None:
    shown = CliRunner().invoke(app, ["table", "erosita_calpv", "--values", "field_type"])
    counts = dict(line.split() for line in shown.stdout.splitlines()[1:])
    assert counts == {
        "GALACTIC_FIELDS": "121", "EXTRAGALACTIC_FIELDS": "24", "MAGELLANIC_CLOUDS": "20", "SURVEY": "5"
    }  # fmt: skip
    wrong = CliRunner().invoke(app, ["table", "erosita_calpv", "--values", "fields"])
    assert "did you mean 'field'?" in str(wrong.exception)


def test_selected_observations_as_a_table(folder: Path) -> None:
    select = {"positions": [[133.071, -1.025]]}
    missions = {"erosita_calpv": {"select": select}, "erosita_all_sky_de_dr1": {"select": select}}
    Path("my.yaml").write_text(yaml.safe_dump({"archive": "archive", "missions": missions}))
    shown = CliRunner().invoke(app, ["select", "my.yaml", "--list"]).stdout
    assert "eROSITA CalPV: 2 observations" in shown
    (line,) = (line for line in shown.splitlines() if "300008" in line)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells == ["erosita_calpv", "300008", "133.8600", "1.5000", "2019-11-04 03:49", "TM1 TM2 TM3 TM4 TM5 TM6 TM7"]
    written = CliRunner().invoke(app, ["select", "my.yaml", "--output", "both.csv"])
    assert written.exit_code == 0, written.output
    both = pd.read_csv("both.csv", dtype=str)
    assert both[["mission", "obsid"]].to_numpy().tolist() == [
        ["erosita_all_sky_de_dr1", "134090"], ["erosita_all_sky_de_dr1", "134093"],
        ["erosita_calpv", "300007"], ["erosita_calpv", "300008"],
    ]  # fmt: skip
    assert both["field"].fillna("").tolist() == ["", "", "EFEDS", "EFEDS"]
    assert Path("archive/selection/erosita_calpv_selection.tsv").exists()


def test_a_named_format_has_the_standard_output_to_itself(folder: Path) -> None:
    done = CliRunner().invoke(app, ["select", "J0852.1-0101", "--format", "csv"])
    assert done.exit_code == 0
    assert sorted(pd.read_csv(io.StringIO(done.stdout), dtype=str)["obsid"]) == ["134090", "134093", "300007", "300008"]
    assert "eROSITA CalPV: 2 observations" in done.stderr


def test_a_name_in_place_of_a_configuration(folder: Path) -> None:
    done = CliRunner().invoke(app, ["select", "RX J0852.1-0101", "--mission", "erosita_calpv"])
    assert done.exit_code == 0, done.output
    assert "query (RX J0852.1-0101): 170 -> 2" in done.stdout
    assert "300007" in done.stdout
    assert not Path("selection").exists(), "nothing is written"
    nowhere = CliRunner().invoke(app, ["select", "M31", "--tables", "elsewhere"])
    assert isinstance(nowhere.exception, ConfigError)
    assert "elsewhere holds no table to search" in str(nowhere.exception)
    assert "my.yaml cannot be read" in str(CliRunner().invoke(app, ["select", "my.yaml"]).exception)


def test_plan_names_excluded_obsids_that_the_table_lacks(folder: Path) -> None:
    select = "{exclude: ['300099'], public: true}"
    Path("my.yaml").write_text(
        f"archive: a\ntables: daxa_wf_tables\nmissions: {{erosita_calpv: {{source: {{archives: any}}, select: {select}}}}}"
    )
    done = CliRunner().invoke(app, ["plan", "my.yaml", "--list", "0"])
    assert "ObsIDs that are not in the table: 300099" in done.output, done.output


def test_a_configuration_chooses_its_missions_itself(folder: Path) -> None:
    Path("my.yaml").write_text("missions: {chandra: {select: {public: true}}}")
    done = CliRunner().invoke(app, ["select", "my.yaml", "--mission", "chandra"])
    assert "--mission is for a query; my.yaml is a configuration" in str(done.exception)


def test_mistakes_in_outputs_are_named(folder: Path) -> None:
    for output, problem in {"t.xlsx": "the suffix '.xlsx' names no format", "no/t.csv": "no does not exist"}.items():
        done = CliRunner().invoke(app, ["table", "erosita_calpv", "--output", output])
        assert isinstance(done.exception, ConfigError)
        assert problem in str(done.exception)
    assert not list(folder.glob("*.part"))


def test_long_tables_are_cut_on_the_terminal_and_say_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    rows = pd.DataFrame({"obsid": [f"{number:05d}" for number in range(MOST_SHOWN + 3)], "target": "\x1b[31mred\x07"})
    show_or_write(rows, None, None)
    shown = capsys.readouterr().out
    assert "00499" in shown
    assert "00500" not in shown
    assert "and 3 more rows" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_instruments_with_products_in_a_band() -> None:
    shown = CliRunner().invoke(app, ["missions", "--band", "0.4-2.0 keV"], env={"COLUMNS": "200"}).stdout
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in shown.splitlines() if "│" in line]
    assert ["asca", "SIS", "image", "yes", "0.4-10"] in rows
    assert ["xrism_pointed", "XTEND", "image", "no", "0.4-20"] in rows
    assert not [row for row in rows if row[0] == "nustar_pointed"]
    none = CliRunner().invoke(app, ["missions", "--band", "0.001-200"])
    assert none.stdout == "no mission has products that contain 0.001-200 keV\n"
    assert "expected two energies in keV" in str(CliRunner().invoke(app, ["missions", "--band", "soft"]).exception)
