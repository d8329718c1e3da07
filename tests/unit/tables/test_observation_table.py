"""Service tables as observation tables: recorded answers, and the traps that tables set."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from daxa_wf.errors import ServiceError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection import filters
from daxa_wf.selection.select import CutflowLine, select
from daxa_wf.tables.observation_table import observation_table, packaged_table
from daxa_wf.tables.schema import COMMON_COLUMNS
from tests.genuine import is_whole


def made(mission: str, table: pd.DataFrame, number: int = 0):
    spec = MISSIONS[mission]
    return observation_table(spec, spec.tables[number], table)


def recorded(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Table.read(path).to_pandas()


def test_common_columns_come_first_in_their_types() -> None:
    table = made("erosita_calpv", packaged_table(MISSIONS["erosita_calpv"].tables[0])).rows
    assert list(table.columns[: len(COMMON_COLUMNS)]) == [column.name for column in COMMON_COLUMNS]
    assert table["start"].dtype == "datetime64[ms]"
    assert table["science_usable"].dtype == bool


def test_packaged_erosita_tables() -> None:
    calpv = made("erosita_calpv", packaged_table(MISSIONS["erosita_calpv"].tables[0])).rows
    assert len(calpv) == 170
    assert calpv["field_type"].value_counts().to_dict() == {
        "GALACTIC_FIELDS": 121, "EXTRAGALACTIC_FIELDS": 24, "MAGELLANIC_CLOUDS": 20, "SURVEY": 5,
    }  # fmt: skip
    first = calpv.set_index("obsid").loc["300007"]
    assert (first["instruments"], first["duration"]) == ("TM1 TM2 TM3 TM4 TM5 TM6 TM7", 89627.0)
    assert first["start"] == pd.Timestamp("2019-11-03T02:42:50")
    tiles = made("erosita_all_sky_de_dr1", packaged_table(MISSIONS["erosita_all_sky_de_dr1"].tables[0])).rows
    assert len(tiles) == 2447
    assert tiles["owner"].value_counts().to_dict() == {"2": 2248, "0": 199}


def test_tiles_follow_their_formula() -> None:
    """Rings of 3 degrees, of round(120 cos(the edge nearer to the equator)) tiles; the name is RA and 90 - Dec."""
    tiles = packaged_table(MISSIONS["erosita_all_sky_de_dr1"].tables[0])
    low, high = tiles["dec_min"].astype(float), tiles["dec_max"].astype(float)
    nearest = np.where(low * high < 0, 0.0, np.minimum(low.abs(), high.abs()))
    count = np.where(nearest > 88, 1, np.round(120 * np.cos(np.deg2rad(nearest))))
    width = tiles["ra_max"].astype(float) - tiles["ra_min"].astype(float)
    assert np.allclose(width, 360 / count, atol=1e-5)
    centre = tiles["ra_min"].astype(float) + width / 2
    assert np.all(np.abs(tiles["obsid"].str[:3].astype(float) - centre)[count > 1] <= 1)
    ring = np.where(nearest > 88, -90.0, (low + high) / 2)
    assert np.array_equal(90 - tiles["obsid"].str[3:].astype(int), ring)


def test_recorded_rosat_table(real_data: Path) -> None:
    table = recorded(real_data / "tables" / "heasarc_rosmaster_1000rows.vot.xml")
    result = made("rosat_pointed", table)
    assert len(result.rows) + sum(cut.dropped for cut in result.cuts) == len(table) >= 40
    assert set(result.rows["instruments"]) <= {"PSPCB", "PSPCC", "HRI", ""}
    assert (result.rows["end"] >= result.rows["start"]).all()
    assert result.rows["ra"].between(0, 360).all()


def test_recorded_integral_table(real_data: Path) -> None:
    table = recorded(real_data / "tables" / "heasarc_intscw_1000rows.vot.xml")
    result = made("integral_pointed", table)
    good = [name for name in table if name in ("good_spi", "good_isgri", "good_picsit", "good_jemx1", "good_jemx2")]
    seen = (table[good] > 0).any(axis=1)
    assert result.cuts[0].dropped == int((~seen).sum())
    assert result.rows["obsid"].str.fullmatch(r"\d{12}").all()
    both = result.rows.merge(table.assign(obsid=table["scw_id"].str.strip()), on="obsid", suffixes=("", "_raw"))
    assert np.array_equal(both["instruments"].str.contains("ISGRI"), both["good_isgri_raw"] > 0)


def test_rosat_exposures_of_no_seconds_are_not_usable(real_data: Path) -> None:
    table = recorded(real_data / "tables" / "heasarc_rosmaster_63rows.vot.xml")
    rows = made("rosat_pointed", table).rows
    assert (rows["science_usable"] == (rows["exposure"] > 0)).all()
    assert rows.loc[~rows["science_usable"], "exposure"].tolist() == [0.0]


def test_science_windows_without_data_of_the_chosen_instruments_are_dropped_and_counted(real_data: Path) -> None:
    spec = MISSIONS["integral_pointed"]
    answer = recorded(real_data / "tables" / "heasarc_intscw_1000rows.vot.xml")
    table = made(spec.name, answer).rows
    selection = select(table, spec, [filters.with_data(("JEMX1", "JEMX2", "ISGRI"))])
    answer = answer[answer["scw_id"].astype(str).str.strip().isin(table["obsid"])]
    good = [answer[f"good_{name}"] > 0 for name in ("jemx1", "jemx2", "isgri", "spi", "picsit")]
    before, after = (int(np.any(columns, axis=0).sum()) for columns in (good, good[:3]))
    assert selection.cutflow == [CutflowLine("data", "data of JEMX1 or JEMX2 or ISGRI", before, after)]
    assert before > after > 0
    if is_whole(real_data):
        assert (before, after) == (908, 748)
    assert "SPI" not in set(selection.rows["instruments"])
    assert len(select(table, spec, [filters.with_data(("SPI",))]).rows) == (table["good_spi"] > 0).sum()


def test_an_instrument_without_an_exposure_column_is_not_taken_to_lack_data() -> None:
    """HEASARC's table of XMM-Newton has no exposure of OM, and none at all of observations that were not processed."""
    table = pd.DataFrame({
        "obsid": ["0000000001", "0000000002", "0000000003"], "ra": [1.0] * 3, "dec": [2.0] * 3, "time": [52000.0] * 3,
        "end_time": [52001.0] * 3, "duration": [9.0] * 3, "status": ["archived"] * 3, "pn_time": [5.0, 0.0, np.nan],
    })  # fmt: skip
    rows = made("xmm_pointed", table, 1).rows
    assert rows["instruments"].tolist() == ["M1 M2 PN OM R1 R2", "M1 M2 OM R1 R2", ""]


def test_a_missing_column_is_named_with_mission_and_table(real_data: Path) -> None:
    table = recorded(real_data / "tables" / "heasarc_numaster_3c273_19rows.fits")
    with pytest.raises(
        ServiceError, match="nustar_pointed: the table numaster of heasarc has no column end_time, exposure_b"
    ):
        made("nustar_pointed", table)


XMM = {
    "observation_id": ["0001730201", "0002940101", "0002940401", "9000100002", "0009999999"],
    "ra": [263.675, 0.0, np.nan, 10.0, 20.0], "dec": [-32.58, 0.0, np.nan, 20.0, 30.0],
    "start_utc": ["2001-03-09T12:50:44.0", "2000-01-01", "2000-01-01 01:02:03", "2001-01-01", "2001-01-01"],
    "duration": [100.0, 1.0, 1.0, 1.0, 1.0], "proprietary_end_date": ["2002-04-01", "", None, "", ""],
    "with_science": ["true", "false", "true", "true", "true"],
}  # fmt: skip


def test_xmm_rows_without_a_position_go_and_are_counted() -> None:
    result = made("xmm_pointed", pd.DataFrame(XMM))
    assert result.rows["obsid"].tolist() == ["0001730201", "0009999999"]
    assert {cut.name: cut.dropped for cut in result.cuts} == {"no_slews": 1, "has_position": 2, "obsid": 0}
    first = result.rows.iloc[0]
    assert first["end"] == pd.Timestamp("2001-03-09T12:52:24")
    assert first["proprietary_end"] == pd.Timestamp("2002-04-01")
    assert pd.isna(result.rows.iloc[1]["proprietary_end"])


@pytest.mark.parametrize("kind", ["parquet", "csv", "feather"])
def test_leading_zeros_survive_files(tmp_path: Path, kind: str) -> None:
    rows = made("xmm_pointed", pd.DataFrame(XMM)).rows
    path = tmp_path / f"rows.{kind}"
    getattr(rows, f"to_{kind}")(path, **({"index": False} if kind != "feather" else {}))
    back = pd.read_csv(path, dtype={"obsid": str}) if kind == "csv" else getattr(pd, f"read_{kind}")(path)
    assert back["obsid"].tolist() == rows["obsid"].tolist()


def test_columns_in_another_case_and_bytes_are_read() -> None:
    table = pd.DataFrame(XMM).rename(columns=str.upper)
    table["OBSERVATION_ID"] = table["OBSERVATION_ID"].str.encode("ascii")
    assert made("xmm_pointed", table).rows["obsid"].tolist() == ["0001730201", "0009999999"]


CHANDRA = {
    "obsid": np.array([1, 12812, 22642], dtype="int32"), "ra": [1.0, 2.0, 3.0], "dec": [1.0, 2.0, 3.0],
    "time": [51000.0, 51000.5, 52000.0], "exposure": [86400.0, 100.0, 50.0],
    "status": ["archived", "PROCESSED ", "scheduled"], "detector": ["ACIS-S", "HRC-I", "ACIS-I"],
    "grating": ["NONE"] * 3, "class": ["CLUSTER OF GALAXIES", "SOMETHING NEW", "CV"], "public_date": [0.0, 51500.0, 51500.0],
}  # fmt: skip


def test_chandra_ends_an_exposure_after_it_starts() -> None:
    result = made("chandra", pd.DataFrame(CHANDRA))
    rows = result.rows
    assert rows["obsid"].tolist() == ["1", "12812"]
    assert rows["start"].tolist() == [pd.Timestamp("1998-07-06"), pd.Timestamp("1998-07-06T12:00")]
    assert rows["end"].iloc[0] == pd.Timestamp("1998-07-07")
    assert rows["instruments"].tolist() == ["ACIS-S", "HRC-I"]
    assert rows["target_type"].tolist() == ["GCL", "MISC"]
    assert rows["detector"].tolist() == ["ACIS-S", "HRC-I"]
    assert result.unlisted_types == {"SOMETHING NEW": 1}
    assert result.unlisted_instruments == {}
    assert result.notes == [
        "1 rows dropped by the cut 'status' (kept: status is processed or archived)",
        "unknown target types: SOMETHING NEW (1)",
    ]  # fmt: skip
    assert pd.isna(rows["proprietary_end"].iloc[0])


def test_a_grating_is_an_instrument_beside_its_detector() -> None:
    table = pd.DataFrame({**CHANDRA, "status": "archived", "grating": ["HETG", "NONE", "LETG"]})
    assert made("chandra", table).rows["instruments"].tolist() == ["ACIS-S HETG", "HRC-I", "ACIS-I LETG"]
    unknown = made("chandra", table.assign(detector=["ACIS-S", "HRC-9", "ACIS-I"]))
    assert unknown.rows["instruments"].tolist() == ["ACIS-S HETG", "", "ACIS-I LETG"]
    assert unknown.unlisted_instruments == {"HRC-9": 1}


def test_far_future_public_dates_are_not_known() -> None:
    table = pd.DataFrame({
        "obsid": ["000125000"], "ra": [1.0], "dec": [2.0], "time": [60000.0], "end_time": [60001.0], "duration": [86400.0],
        "exposure": [5.0], "xtd_expo": [0.0], "subject_category": ["Astrophysical Processes"], "public_date": [88068.0],
    })  # fmt: skip
    row = made("xrism_pointed", table).rows.iloc[0]
    assert pd.isna(row["proprietary_end"])
    assert row["instruments"] == "RESOLVE"


def test_rosat_pspc_without_letter_is_pspcb() -> None:
    table = pd.DataFrame({
        "seq_id": ["RP150001N00", "RH800446A01", "RP150002N00"], "ra": [1.0, 2.0, 3.0], "dec": [1.0, 2.0, 3.0],
        "start_time": [48000.0] * 3, "end_time": [48001.0] * 3, "exposure": [10, 0, 5],
        "instrument": ["PSPC", "HRI", "WFC"], "subj_cat": [7, 8, 99],
    })  # fmt: skip
    result = made("rosat_pointed", table)
    assert result.rows["instruments"].tolist() == ["PSPCB", "HRI", ""]
    assert result.unlisted_instruments == {"WFC": 1}
    assert result.notes[-1] == "unknown instruments: WFC (1)"
    assert result.rows["science_usable"].tolist() == [True, False, True]
    assert result.rows["target_type"].tolist() == ["AGN", "GCL", "MISC"]


def test_swift_instruments_follow_their_exposures() -> None:
    table = pd.DataFrame({
        "obsid": ["00020153006", "20153007", "00020153008"], "ra": [1.0, 2.0, 3.0], "dec": [1.0, 2.0, 3.0],
        "start_time": [55000.0] * 3, "stop_time": [55000.5] * 3, "xrt_exposure": [100.0, 0.0, 0.0],
        "uvot_exposure": [90.0, 5.0, 0.0], "bat_exposure": [0.0, 0.0, 0.0],
    })  # fmt: skip
    result = made("swift", table)
    assert result.rows["obsid"].tolist() == ["00020153006", "00020153007"]
    assert result.rows["instruments"].tolist() == ["XRT UVOT", "UVOT"]
    assert result.rows["duration"].tolist() == [43200.0, 43200.0]
    assert result.cuts[0].dropped == 1


def test_unreadable_values_are_told() -> None:
    table = pd.DataFrame(CHANDRA).astype({"exposure": object})
    table.loc[0, "exposure"] = "<html>"
    with pytest.raises(ServiceError, match="column exposure of chanmaster, row 1: '<html>' is not a number"):
        made("chandra", table)


def test_impossible_positions_are_dropped_and_counted() -> None:
    spec = MISSIONS["suzaku"]
    source = spec.tables[0]
    filled = {each.source: "" if each.kind in ("text", "instrument") else 1000.0 for each in source.columns}
    places = [(10.0, 1.0), (10.0, np.inf), (np.nan, 1.0), (10.0, 95.0), (400.0, 1.0), (0.0, 0.0)]
    rows = [{**filled, "obsid": f"70401501{n}", "ra": ra, "dec": dec} for n, (ra, dec) in enumerate(places)]
    made = observation_table(spec, source, pd.DataFrame(rows))
    assert made.rows["obsid"].tolist() == ["704015010"]
    assert [cut.dropped for cut in made.cuts if cut.name == "has_position"] == [5]


def test_classes_that_arrive_as_floats_are_understood() -> None:
    spec = MISSIONS["suzaku"]
    source = spec.tables[0]
    filled = {each.source: "" if each.kind in ("text", "instrument") else 1000.0 for each in source.columns}
    rows = [{**filled, "obsid": f"70401501{n}", "ra": 1.0, "dec": 1.0, "category_code": code}
            for n, code in enumerate((8.0, np.nan, 7.0))]  # fmt: skip
    made = observation_table(spec, source, pd.DataFrame(rows))
    assert made.rows["target_type"].tolist() == ["GCL", "MISC", "EGS"]
    assert made.unlisted_types == {}


def test_chandras_targets_of_opportunity_are_known_by_the_type_of_the_observation() -> None:
    classes = ["CLUSTER OF GALAXIES", "UNIDENTIFIED", "unidentified", "STAR", "X-RAY BINARY", "", "NON-POINTING DATA"]
    types = ["TOO", "TOO", "ddt", "GO", "DDT", "CAL", "GTO"]
    rows = pd.DataFrame({
        "obsid": [str(number + 1) for number in range(7)], "ra": 10.0, "dec": 20.0, "time": 58000.0, "exposure": 1e4,
        "status": "archived", "detector": "ACIS-S", "grating": "NONE", "class": classes, "type": types,
    })  # fmt: skip
    table = made("chandra", rows).rows
    assert table["target_type"].tolist() == ["GCL", "TOO", "TOO", "MISC", "GS", "CAL", "MISC"]
    assert {"TOO", "CAL"} <= MISSIONS["chandra"].known_target_types
    spec = MISSIONS["chandra"]
    assert table[filters.target_types(("TOO",)).keep(table, spec)]["obsid"].tolist() == ["2", "3"]
    assert table[filters.column_in("type", ("TOO", "DDT")).keep(table, spec)]["obsid"].tolist() == ["1", "2", "3", "5"]
    without = made("chandra", rows.drop(columns="type")).rows
    assert without["target_type"].tolist() == ["GCL", "MISC", "MISC", "MISC", "GS", "MISC", "MISC"]


def test_values_that_no_observation_has_are_named_with_the_known_ones() -> None:
    spec = MISSIONS["erosita_calpv"]
    table = made("erosita_calpv", packaged_table(spec.tables[0])).rows
    fields = filters.column_in("field", ("efeds", "Crab I", "A3391", "ETA CAR"))
    assert sorted(table[fields.keep(table, spec)]["field"].unique()) == ["A3391_A3395", "CRAB_1", "EFEDS"]
    (note,) = fields.notes(table, spec)
    assert note.startswith("no observation has field 'ETA CAR'; it has 1ES_0102_72, ")
    assert "ETA_CHA" in note
    assert filters.column_in("duration", ("1",)).notes(table, spec) == []
