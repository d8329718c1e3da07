"""Tables that users have: services' answers, exports of this package, DAXA's tables; and what is wrong with others."""

from __future__ import annotations

import hashlib
import json
import socket
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from typer.testing import CliRunner

from daxa_wf.chain.select import select_observations
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.options import Select
from daxa_wf.tables.observation_table import observation_table
from daxa_wf.tables.snapshots import SnapshotStore

GENUINE = {"rosat_pointed": "heasarc_rosmaster_63rows.vot.xml", "integral_pointed": "heasarc_intscw_1000rows.vot.xml"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", lambda *given: pytest.fail(f"a connection was tried: {given}"))
    return tmp_path


def imported(mission: str, path: Path | str) -> pd.DataFrame:
    done = CliRunner().invoke(app, ["import-table", mission, str(path), "--tables", "tables"])
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    return SnapshotStore(Path("tables")).observations(MISSIONS[mission])


def refused(mission: str, path: Path | str) -> str:
    done = CliRunner().invoke(app, ["import-table", mission, str(path), "--tables", "tables"])
    assert isinstance(done.exception, ConfigError), done.exception
    assert not Path("tables").exists() or not list(Path("tables").glob(f"{mission}*"))
    return str(done.exception)


@pytest.mark.parametrize("mission", GENUINE)
def test_a_services_answer_in_a_file_is_as_good_as_from_the_service(real_data: Path, mission: str) -> None:
    path = real_data / "tables" / GENUINE[mission]
    if not path.exists():
        pytest.skip(f"{path} does not exist")
    spec = MISSIONS[mission]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = Table.read(path)
    rows.convert_bytestring_to_unicode()
    expected = observation_table(spec, spec.tables[0], rows.to_pandas()).rows
    pd.testing.assert_frame_equal(imported(mission, path), expected)
    sidecar = json.loads(Path(f"tables/{mission}.json").read_text())
    assert (sidecar["service"], sidecar["table"]) == ("heasarc", spec.tables[0].table)
    assert sidecar["url"] == path.absolute().as_uri()
    assert sidecar["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_services_answer_without_some_columns_is_refused(real_data: Path) -> None:
    message = refused("nustar_pointed", real_data / "tables" / "heasarc_numaster_3c273_19rows.fits")
    assert "it lacks start (beside these, the table numaster of heasarc has end_time, exposure_b, ontime_a, " in message


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "vot", "fits"])
def test_an_exported_table_comes_back_unchanged(suffix: str) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["table", "erosita_calpv", "--output", f"first.{suffix}"]).exit_code == 0
    imported("erosita_calpv", f"first.{suffix}")
    for name in ("second.csv", "first.csv"):
        tables = "tables" if name == "second.csv" else "none"
        assert runner.invoke(app, ["table", "erosita_calpv", "--tables", tables, "--output", name]).exit_code == 0
    assert Path("second.csv").read_bytes() == Path("first.csv").read_bytes()


CHANDRA = pd.DataFrame({
    "ObsID": ["12812", "635", "22642"], "ra": [149.59, 10.0, 20.0], "dec": [-11.09, 1.0, 2.0],
    "start": ["2010-12-10 12:00:00", "2000-01-01 00:00:00", "2019-03-04 05:06:07"],
    "duration": ["0 days 03:00:00", "0 days 00:10:00", "1 days 00:00:00"], "science_usable": [True, False, True],
    "target_category": ["GCL", "CV", "TOO"], "proprietary_end_date": ["2011-12-10", "", "2020-03-04"],
    "instruments": ["ACIS-I", "ACIS-S HETG", "HRC-I"],
})  # fmt: skip
"""A table with DAXA's names of columns, and lengths as pandas writes them."""


def test_a_table_with_daxas_names_of_columns() -> None:
    CHANDRA.to_csv("daxa.csv", index=False)
    table = imported("chandra", "daxa.csv").set_index("obsid")
    assert table.loc["12812", "start"] == pd.Timestamp("2010-12-10T12:00")
    assert table.loc["12812", "end"] == pd.Timestamp("2010-12-10T15:00")
    assert table["duration"].tolist() == [10800.0, 600.0, 86400.0]
    assert table["target_type"].tolist() == ["GCL", "CV", "TOO"], "codes stay as they are"
    assert table["science_usable"].tolist() == [True, False, True]
    assert table["proprietary_end"].isna().tolist() == [False, True, False]
    assert table["ra"].tolist() == [149.59, 10.0, 20.0]
    options = Select.model_validate({"target_types": ["GCL", "CV"], "instruments": ["ACIS"]})
    selection = select_observations("chandra", options, Path("tables"))
    assert selection.rows["obsid"].tolist() == ["12812"], "the other one is not fit for science"


def test_times_in_days_and_numbers_as_obsids() -> None:
    rows = Table({"obsid": [1234567], "ra": [1.0], "dec": [2.0], "start": [59000.5], "exposure": [10.0]})
    rows["exposure"].unit, rows["ra"].unit = "ks", "rad"
    rows["ra"] = np.deg2rad(rows["ra"])
    rows["ra"].unit = "rad"
    rows.write("t.ecsv")
    table = imported("nustar_pointed", "t.ecsv")
    assert table["obsid"].tolist() == ["00001234567"]
    assert (table["start"][0], table["end"][0]) == (
        pd.Timestamp("2020-05-31T12:00"),
        pd.Timestamp("2020-05-31T14:46:40"),
    )
    assert (table["exposure"][0], round(table["ra"][0], 9)) == (10000.0, 1.0)


def test_rows_that_are_no_observations_are_counted() -> None:
    pd.concat([CHANDRA, CHANDRA.assign(ObsID=["1", "x1", "635"])]).to_csv("t.csv", index=False)
    done = CliRunner().invoke(app, ["import-table", "chandra", "t.csv", "--tables", "tables"])
    assert "chandra: 4 observations from 6 rows of t.csv, SHA-256 " in done.stdout
    assert "1 rows dropped by the cut 'obsid'" in done.stdout
    assert "1 rows dropped by the cut 'repeated'" in done.stdout


def test_what_is_wrong_with_a_table_is_named() -> None:
    CHANDRA.drop(columns=["dec", "duration"]).to_csv("t.csv", index=False)
    message = refused("chandra", "t.csv")
    assert "t.csv is not a table of Chandra: it lacks dec (" in message
    assert "the table chanmaster of heasarc has dec, time, exposure, status, detector, grating, class" in message
    CHANDRA.drop(columns="duration").to_csv("t.csv", index=False)
    assert "it lacks one of end, duration, exposure" in refused("chandra", "t.csv")
    CHANDRA.assign(instruments="XRT").to_csv("t.csv", index=False)
    assert "column instruments: Chandra has no instrument 'XRT'" in refused("chandra", "t.csv")
    CHANDRA.assign(duration=["1 h", "long", "2"]).to_csv("t.csv", index=False)
    assert "column duration, row 2: 'long' is not a length of time" in refused("chandra", "t.csv")
    CHANDRA.assign(ra=["1", "east", "2"]).to_csv("t.csv", index=False)
    assert "column ra of observations, row 2: 'east' is not a number" in refused("chandra", "t.csv")
    CHANDRA.assign(ObsID="0123456789").to_csv("t.csv", index=False)
    assert "holds no observation of Chandra: its 3 rows are dropped (3 rows dropped by the cut 'obsid'" in refused(
        "chandra", "t.csv"
    )
    Path("t.vot").write_text("<!DOCTYPE x [<!ENTITY y 'z'>]><VOTABLE>&y;</VOTABLE>")
    assert "is not a table of a known kind" in refused("chandra", "t.vot")
    assert "cannot be read" in refused("chandra", "none.csv")
    with Path("large.csv").open("wb") as stream:
        stream.truncate((1 << 30) + 1)
    assert "large.csv has more than 1073741824 bytes" in refused("chandra", "large.csv")
    assert "hubble: unknown mission" in refused("hubble", "t.csv")


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("start", "2010-13-01", "'2010-13-01' is not a time such as 2010-12-31 or 2010-12-31T23:59:59.5 (UTC)"),
        ("dec", "north", "'north' is not a number"),
    ],
)
def test_a_value_of_another_form_is_named_by_column_and_row(column: str, value: str, expected: str) -> None:
    rows = pd.DataFrame({"obsid": ["12812", "12813"], "ra": ["10", "11"], "dec": ["1", "2"], "duration": ["1", "1"],
                         "start": ["2010-12-31", "2010-12-31"]})  # fmt: skip
    rows.loc[1, column] = value
    rows.to_csv("own.csv", index=False)
    assert refused("chandra", "own.csv") == (
        f"own.csv cannot be imported: chandra: column {column} of observations, row 2: {expected}"
    )


def test_dates_among_numbers_are_named_and_not_lost() -> None:
    rows = pd.DataFrame({"obsid": ["12812", "12813"], "ra": ["10", "11"], "dec": ["1", "2"], "duration": ["1", "1"],
                         "start": ["2010-12-31", "55560.5"]})  # fmt: skip
    rows.to_csv("own.csv", index=False)
    assert refused("chandra", "own.csv").startswith(
        "own.csv: column start, row 1: '2010-12-31' is no number, but others are"
    )


def test_rows_dropped_for_their_positions_do_not_ask_for_other_obsids() -> None:
    rows = pd.DataFrame({"obsid": ["12812"], "ra": ["10"], "dec": ["95"], "duration": ["1"], "start": ["2010-12-31"]})
    rows.to_csv("own.csv", index=False)
    said = refused("chandra", "own.csv")
    assert "position" in said
    assert "expected ObsIDs" not in said
    rows.assign(dec="9", obsid="x").to_csv("own.csv", index=False)
    assert "expected ObsIDs like" in refused("chandra", "own.csv")
