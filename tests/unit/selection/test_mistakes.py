"""What users get wrong: each is told, none is passed over in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from daxa_wf.errors import ConfigError, ExpressionError, NoObservationsError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection import filters
from daxa_wf.selection.options import PositionTable, Select, filters_of, positions_of
from daxa_wf.selection.position_files import read_positions
from daxa_wf.selection.positions import Positions, positions
from daxa_wf.selection.query import compile_query
from daxa_wf.selection.select import associate, select

SWIFT, XMM, CALPV = MISSIONS["swift"], MISSIONS["xmm_pointed"], MISSIONS["erosita_calpv"]


def swift_rows(**columns: Any) -> pd.DataFrame:
    base = {
        "obsid": ["00000000001", "00030000002", "00030000010"], "ra": [10.0, 10.0, 10.0], "dec": [0.0, 0.1, 30.0],
        "start": pd.to_datetime(["2020-01-01"] * 3), "end": pd.to_datetime(["2020-01-02"] * 3),
        "exposure": [100.0, 2e4, 5e4], "target_type": ["MISC"] * 3, "instruments": ["XRT", "XRT BAT", "XRT BAT"],
        "xrt_exposure": [100.0, 2e4, np.nan], "bat_exposure": [0.0, 10.0, 5e4], "revolution": [1.0, 2.0, 3.0],
        "proprietary_end": [pd.NaT] * 3, "science_usable": [True, True, False], "target": ["M 31", "3C 273", "x"],
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


def at(**options: Any) -> Positions:
    return positions([10.0, 0.0], **options)


ASKED = {
    "obsid = 00030000002": [1],
    "obsid IN (00000000001, 00030000010)": [0, 2],
    "obsid != 00000000001": [1, 2],
    "XRT > 10ks": [1],
    "bat >= 10 s": [1, 2],
    "science_usable = true": [0, 1],
    "science_usable != TRUE": [2],
    "revolution IN (1, 3)": [0, 2],
    "dec < 10 arcmin": [0, 1],
    "target = 'm 31' OR target = \"3C 273\"": [0, 1],
    "start = 2020-01-01T00:00Z": [0, 1, 2],
    "instrument NOT IN (BAT)": [0],
    " OR ".join(["revolution = 2"] * 3000): [1],
}


@pytest.mark.parametrize(("text", "expected"), ASKED.items(), ids=[text[:40] for text in ASKED])
def test_queries_keep_zeros_units_and_instruments(text: str, expected: list[int]) -> None:
    assert np.flatnonzero(compile_query(text).keep(swift_rows(), SWIFT)).tolist() == expected


MISPUT = {
    "exposure > 10 deg": (11, "exposure is not in units of angle"),
    "dec > 10 ks": (6, "dec is not in units of time"),
    "revolution > 10 ks": (13, "has no known unit"),
    "cone(10, 0, 1 ks)": (12, "expected a number of degrees"),
    "cone(10, 95, 1)": (0, "expected right ascension and declination"),
    "cone(10, 0, -1)": (0, "expected above 0, at most 180"),
    "box(10, 5, 11, -5)": (0, "is above the upper one"),
    "box(10, -95, 11, 5)": (0, "-95.0 is not a latitude"),
    "instrument > XRT": (0, "can be compared only with = and !="),
    "instrument = EPIC": (0, "Swift has no instrument 'EPIC'"),
    "target > 'a'": (0, "can be compared only with = and !="),
    "target_type IN (AGN, GALAXY)": (16, "unknown GALAXY; choose from AGN"),
    "science_usable = maybe": (17, "expected true or false"),
    "exposur > 3": (0, "did you mean 'exposure'"),
    "exposure > 1e999": (11, "is too large"),
    "exposure > 3 AND AND dec > 1": (17, "expected a column"),
    "(" * 5000 + "ra > 1" + ")" * 5000: (50, "at most 50 parentheses"),
    "NOT " * 5000 + "ra > 1": (200, "at most 50 parentheses"),
}


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [(text, *rest) for text, rest in MISPUT.items()],
    ids=[text[:30] for text in MISPUT],
)
def test_mistakes_in_a_query_point_at_the_character(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_query(text).keep(swift_rows(), SWIFT)
    assert message in caught.value.message
    assert caught.value.position == position


def test_xmm_instruments_without_exposures_are_told_by_the_query() -> None:
    with pytest.raises(ExpressionError, match="no exposure of pn; use 'exposure'"):
        compile_query("PN > 10 ks").keep(swift_rows(), XMM)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": -1.0}, "within -1.0 degrees; expected above 0"),
        ({"radius": 0.0}, "expected above 0"),
        ({"radius": 181.0}, "at most 180"),
        ({"radius": np.array([np.nan])}, r"position 1 \(\(10, 0\)\) is to be matched within nan"),
        ({"radius": {"XRT": 0.0}}, "radius.XRT is 0.0"),
        ({"start": np.array(["NaT"], "M8[ms]"), "end": np.array(["2020-01-01"], "M8[ms]")}, "two times in their order"),
        ({"start": np.array(["2021-01-01"], "M8[ms]"), "end": np.array(["2020-01-01"], "M8[ms]")}, "in their order"),
        ({"start": np.array(["2021-01-01"], "M8[ms]")}, "need both ends"),
    ],
)
def test_radii_and_windows_that_match_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        at(**options)


def test_positions_as_pairs_arrays_and_with_one_name_twice() -> None:
    for pair in ([10, 0], (10, 0), np.array([10.0, 0.0]), [[10, 0]], np.array([[10.0, 0.0]])):
        assert (positions(pair).ra.tolist(), positions(pair).dec.tolist()) == ([10.0], [0.0])
    twice = positions([[10, 0], [20, 0], [30, 0]], ["a", "b", "a"])
    assert twice.names == ("a (row 1)", "b", "a (row 3)")
    selection = select(swift_rows(), SWIFT, [], twice)
    assert selection.unmatched == ["b", "a (row 3)"]
    with pytest.raises(ConfigError, match=r"shape \(1, 3\)"):
        positions([1, 2, 3])
    with pytest.raises(ConfigError, match="'a' is the name of more than one"):
        Positions(("a", "a"), np.zeros(2), np.zeros(2))
    with pytest.raises(ConfigError, match=r"position 2 .* \(2 such positions\)"):
        positions([[1, 2], [400, 0], [1, 91]])


def test_radii_by_instrument_know_their_other_names_and_no_strangers() -> None:
    rows = swift_rows(instruments=["M1 PN", "M1 PN", "PN"], dec=[0.0, 0.9, 0.0])
    found = associate(rows, XMM, at(radius={"MOS1": 1.0}))
    assert dict(zip(found["obsid"], found["instruments"], strict=True)) == {
        "00000000001": "M1 PN", "00030000002": "M1", "00030000010": "PN"
    }  # fmt: skip
    with pytest.raises(ConfigError, match="XMM-Newton Pointed has no instrument 'MOS3'"):
        associate(rows, XMM, at(radius={"MOS3": 1.0}))
    with pytest.raises(ConfigError, match="radius is given for M1, which 'instruments' does not name"):
        associate(rows, XMM, at(radius={"M1": 1.0}, instruments=("PN",)))


def test_a_radius_for_an_instrument_asks_for_it() -> None:
    found = associate(swift_rows(), SWIFT, at(radius={"BAT": 35.0}))
    assert found["instruments"].tolist() == ["XRT", "XRT BAT", "BAT"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda: filters.instruments(("EPIC",)).keep(swift_rows(), SWIFT),
        lambda: filters.instruments(("XRT",), {"EPIC": 1.0}).keep(swift_rows(), SWIFT),
        lambda: positions_of(Select(positions=((1.0, 2.0),), instruments=("EPIC",)), SWIFT),
        lambda: associate(swift_rows(), SWIFT, at(instruments=("EPIC",))),
    ],
)
def test_unknown_instruments_are_told_with_those_that_there_are(ask: Any) -> None:
    with pytest.raises(ConfigError, match="Swift has no instrument 'EPIC'; it has XRT, UVOT, BAT"):
        ask()


def test_obsids_that_the_table_does_not_have_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "obsids.txt"
    path.write_text("# of my proposal\n00000000001\n\n00099999999  # lost\n")
    (_, made) = filters_of(Select(obsids_file=path), None)
    selection = select(swift_rows(), SWIFT, [made])
    assert selection.rows["obsid"].tolist() == ["00000000001"]
    assert selection.notes == ["ObsIDs that are not in the table: 00099999999"]
    with pytest.raises(NoObservationsError, match="ObsIDs that are not in the table: 00099999999"):
        select(swift_rows(), SWIFT, [filters.obsids(("00099999999",))])
    path.write_text("# nothing\n")
    with pytest.raises(ConfigError, match="names no ObsID"):
        filters_of(Select(obsids_file=path), None)
    with pytest.raises(ConfigError, match="cannot be read"):
        filters_of(Select(obsids_file=tmp_path / "none.txt"), None)


def test_columns_of_numbers_are_compared_as_numbers() -> None:
    assert filters.column_in("revolution", ("2",)).keep(swift_rows(), SWIFT).tolist() == [False, True, False]
    with pytest.raises(ConfigError, match=r"columns.revolution: 'two' is not a number"):
        filters.column_in("revolution", ("two",)).keep(swift_rows(), SWIFT)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"obsids": [201703501]}, "put ObsIDs in quotes"),
        ({"positions": []}, r"expected \[ra, dec\]"),
        ({"positions": [[1, 2, 3]]}, "position 1 is"),
        ({"positions": [["1", "x"]]}, "'x' is not a coordinate"),
        ({"positions": [1, 2], "radius": "-1 deg"}, "'-1 deg' cannot be used; expected 0 deg or more"),
        ({"positions": [1, 2], "radius": "400 deg"}, "at most 180"),
        ({"positions": [1, 2], "radius": {"XRT": "4 s"}}, "is not a quantity that deg can measure"),
        ({"positions": {"file": "a.csv"}, "frame": "galactic"}, "give a table's frame inside of 'positions'"),
        ({"match": "footprint"}, "footprint needs 'positions' or 'names'"),
        ({"exposure": {"XRT": "-1 ks"}}, "'-1 ks' cannot be used; expected 0 s or more"),
        ({"time": {}}, "give 'start', 'end' or both"),
        ({"time": {"start": "soon"}}, "'soon' is not a time"),
        ({"time": {"start": "NaT"}}, "'NaT' is not a time"),
        ({"target_types": ["galaxy"]}, "unknown galaxy; choose from AGN"),
    ],
)
def test_mistakes_in_the_section_are_told_before_anything_runs(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Select.model_validate(section)


def test_coordinates_as_people_write_them() -> None:
    for given in ([10.5, -1.5], ["10.5", "-1.5"], ["00 42 00", "-01 30 00"], [["0h42m", "-1d30m"]], ["00:42:00", -1.5]):
        sought = positions_of(Select.model_validate({"positions": given}), SWIFT)
        assert sought is not None
        assert (sought.ra[0], sought.dec[0]) == pytest.approx((10.5, -1.5))
    centre = positions_of(Select.model_validate({"positions": [0, 0], "frame": "galactic"}), SWIFT)
    assert centre is not None
    assert (centre.ra[0], centre.dec[0]) == pytest.approx((266.405, -28.936), abs=1e-3)
    options = Select.model_validate({"positions": ["00 42 00", "-01 30 00"], "radius": "1.1 arcmin", "frame": "fk5"})
    assert Select.from_values(options.model_dump(mode="json")) == options


def test_times_with_a_zone_and_days_that_yaml_knows() -> None:
    import yaml

    section = yaml.safe_load("time: {start: 2020-01-02, end: '2020-01-02T01:00+02:00'}")
    with pytest.raises(ValidationError, match="is after the end 2020-01-01 23:00"):
        Select.model_validate(section)
    (_, made) = filters_of(Select.model_validate({"time": {"start": "2020-01-02T01:00+02:00"}}), None)
    assert made.keep(swift_rows(), SWIFT).all()


def table(folder: Path, text: str, **columns: str) -> Positions:
    path = folder / "objects.csv"
    path.write_text(text)
    return read_positions(PositionTable(file=path, **columns), None, ())  # type: ignore[arg-type]


def test_tables_of_positions_keep_names_and_tell_rows(tmp_path: Path) -> None:
    assert table(tmp_path, "ra,dec,id\n1,2,0012\n3,4,NA\n5,6,\n", name="id").names == ("0012", "NA", "3")
    assert table(tmp_path, "ra,dec\n00:42:00,-01:30:00\n").ra[0] == pytest.approx(10.5)
    with pytest.raises(ConfigError, match=r"position 1 \(1\) is to be matched within nan"):
        table(tmp_path, "ra,dec,r\n1,2,\n3,4,1\n", radius="r")
    with pytest.raises(ConfigError, match=r"column r, row 2: 'wide' is not a number"):
        table(tmp_path, "ra,dec,r\n1,2,1\n3,4,wide\n", radius="r")
    with pytest.raises(ConfigError, match=r"position 1 \(1\) is to be matched from NaT"):
        table(tmp_path, "ra,dec,a,b\n1,2,,2020-01-01\n", start="a", end="b")
    with pytest.raises(ConfigError, match=r"objects.csv: positions: the list is empty"):
        table(tmp_path, "ra,dec\n")


def test_units_of_columns_are_heeded_and_other_columns_are_not_read(tmp_path: Path) -> None:
    from astropy.table import Table

    rows = Table({"ra": [0.7], "dec": [-1.5], "r": [6.0], "flux": np.zeros((1, 3)), "who": ["a"]})
    for name, unit in (("ra", "hourangle"), ("dec", "deg"), ("r", "arcmin")):
        rows[name].unit = unit
    path = tmp_path / "objects.ecsv"
    rows.write(path, format="ascii.ecsv")
    read = read_positions(PositionTable(file=path, radius="r"), None, ())
    assert (read.ra[0], read.dec[0], read.radius[0]) == pytest.approx((10.5, -1.5, 0.1))  # type: ignore[index]
    rows["r"].unit = "s"
    rows.write(path, format="ascii.ecsv", overwrite=True)
    with pytest.raises(ConfigError, match="column r is in s, which is not an angle"):
        read_positions(PositionTable(file=path, radius="r"), None, ())


def test_a_moc_that_is_not_there_is_not_looked_for_in_the_network(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.fits is not a file"):
        filters_of(Select.model_validate({"region": {"moc": str(tmp_path / "none.fits")}}), None)


def test_files_of_the_section_are_where_the_user_started(tmp_path: Path) -> None:
    (tmp_path / "objects.csv").write_text("ra,dec\n1,2\n")
    section = {"positions": {"file": "objects.csv"}, "obsids_file": "obsids.txt", "region": {"moc": "sky.fits"}}
    options = Select.model_validate(section).started_in(tmp_path)
    again = Select.from_values(options.model_dump(mode="json"))
    assert again == options
    assert positions_of(again, SWIFT).ra.tolist() == [1.0]  # type: ignore[union-attr]
    one = options.fingerprints()
    assert [len(digest) for digest in one] == [0, 64, 0]
    (tmp_path / "objects.csv").write_text("ra,dec\n1,3\n")
    assert options.fingerprints() != one
