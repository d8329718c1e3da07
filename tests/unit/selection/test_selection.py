"""Matching and filters: brute force, DAXA's own answers, and traps."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_wf.errors import ConfigError, NoObservationsError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection import filters
from daxa_wf.selection.matching import SkyTree
from daxa_wf.selection.positions import Positions
from daxa_wf.selection.query import compile_query
from daxa_wf.selection.select import associate, select
from daxa_wf.tables.observation_table import observation_table, packaged_table

CALPV, ERASS1 = MISSIONS["erosita_calpv"], MISSIONS["erosita_all_sky_de_dr1"]


@cache
def table(name: str) -> pd.DataFrame:
    spec = MISSIONS[name]
    return observation_table(spec, spec.tables[0], packaged_table(spec.tables[0])).rows


def separation(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Vincenty's formula, good everywhere."""
    a, d, b, e = np.deg2rad([ra1, dec1, ra2, dec2])
    up = np.hypot(np.cos(e) * np.sin(b - a), np.cos(d) * np.sin(e) - np.sin(d) * np.cos(e) * np.cos(b - a))
    return float(np.rad2deg(np.arctan2(up, np.sin(d) * np.sin(e) + np.cos(d) * np.cos(e) * np.cos(b - a))))


longitudes = st.one_of(st.floats(0, 360), st.sampled_from([0.0, 1e-9, 359.9999999, 360.0, 180.0]))
latitudes = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0, 89.9999999, 0.0]))
points = st.lists(st.tuples(longitudes, latitudes), min_size=1, max_size=8)


@settings(deadline=None, max_examples=150)
@given(points, points, st.lists(st.floats(1e-3, 180), min_size=8, max_size=8))
def test_matching_equals_brute_force(observations: list, positions: list, radii: list[float]) -> None:
    radius = np.array(radii[: len(positions)])
    pairs = SkyTree(*zip(*observations, strict=True)).within(*zip(*positions, strict=True), radius)
    found = set(zip(pairs.position.tolist(), pairs.observation.tolist(), strict=True))
    for i, position in enumerate(positions):
        for j, observation in enumerate(observations):
            expected = separation(*position, *observation)
            if abs(expected - radius[i]) > 1e-6:
                assert ((i, j) in found) == (expected < radius[i])
    for i, j, apart in zip(pairs.position, pairs.observation, pairs.separation, strict=True):
        assert apart == pytest.approx(separation(*positions[i], *observations[j]), abs=2e-6)


SAMPLES = {
    "efeds": ("efeds_xray_cluster_candidates.csv", "efeds_clusters"),
    "sn1a": ("sn1a_samp.csv", "sn1a"),
}


def sample(real_data: Path, name: str) -> pd.DataFrame:
    read = pd.read_csv(real_data / "samples" / SAMPLES[name][0])
    names = {column.lower(): column for column in read.columns}
    return pd.DataFrame({"ra": read[names["ra"]], "dec": read[names["dec"]]})


@pytest.mark.parametrize(("spec", "key"), [(CALPV, "calpv"), (ERASS1, "erass1")], ids=["calpv", "erass1"])
@pytest.mark.parametrize("name", SAMPLES)
def test_selections_equal_those_of_daxa(real_data: Path, spec: object, key: str, name: str) -> None:
    reference = pd.read_csv(real_data / "reference_selections" / f"{key}_{SAMPLES[name][1]}_default.csv", dtype=str)
    positions = pd.DataFrame({"ra": reference["pos_ra"].astype(float), "dec": reference["pos_dec"].astype(float)})
    labels = tuple(reference["pos_ind"])
    sought = Positions(labels, positions["ra"].to_numpy(), positions["dec"].to_numpy())
    found = associate(table(spec.name), spec, sought)  # type: ignore[attr-defined]
    mine = found.groupby("object")["obsid"].agg(set)
    for label, expected in zip(labels, reference["ObsIDs"], strict=True):
        assert mine.get(label, set()) == set(expected.replace(" ", "").split(",")), (key, name, label)


def test_dated_counts_at_a_point_and_in_time() -> None:
    point = Positions(("x",), np.array([133.071]), np.array([-1.025]))
    assert len(select(table(CALPV.name), CALPV, [], point).rows) == 2
    assert set(select(table(ERASS1.name), ERASS1, [], point).rows["obsid"]) == {"134090", "134093"}
    month = pd.Timestamp("2020-01-01"), pd.Timestamp("2020-02-01")
    assert len(select(table(ERASS1.name), ERASS1, [filters.time(*month)]).rows) == 530
    assert len(select(table(ERASS1.name), ERASS1, [filters.time(*month, inside=True)]).rows) == 184


def observations(**columns: list) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    base = {
        "obsid": [f"{n:011d}" for n in range(size)], "ra": [10.0] * size, "dec": [0.0] * size,
        "start": pd.to_datetime(["2020-01-01"] * size), "end": pd.to_datetime(["2020-01-02"] * size),
        "exposure": [100.0] * size, "target_type": ["AGN"] * size, "instruments": ["XRT"] * size,
        "proprietary_end": [pd.NaT] * size, "science_usable": [True] * size,
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


SWIFT = MISSIONS["swift"]


def test_each_instrument_is_matched_with_its_own_field() -> None:
    rows = observations(ra=[10.0, 10.2, 40.0], instruments=["XRT UVOT BAT", "XRT UVOT", "XRT BAT"])
    here = Positions(("x",), np.array([10.0]), np.array([0.0]))
    assert associate(rows, SWIFT, here)["obsid"].tolist() == ["00000000000", "00000000001"]
    assert associate(rows, SWIFT, here)["instruments"].tolist() == ["XRT", "XRT"]
    asked = Positions(("x",), here.ra, here.dec, instruments=("XRT", "UVOT", "BAT"))
    found = associate(rows, SWIFT, asked)
    assert found["instruments"].tolist() == ["XRT UVOT BAT", "XRT", "BAT"]
    assert found["separation"].tolist() == pytest.approx([0, 0.2, 30])


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 360), st.floats(-89.9, 40))
def test_footprints_are_tiles(ra: float, dec: float) -> None:
    tiles = table(ERASS1.name)
    sought = Positions(("x",), np.array([ra]), np.array([dec]), footprint=True)
    expected = tiles[
        ((ra - tiles["ra_min"]) % 360 <= tiles["ra_max"] - tiles["ra_min"])
        & tiles["dec_min"].le(dec)
        & tiles["dec_max"].ge(dec)
    ]
    assert sorted(associate(tiles, ERASS1, sought)["obsid"]) == sorted(expected["obsid"])


def test_a_position_is_in_one_tile_of_the_footprints() -> None:
    point = Positions(("x",), np.array([133.071]), np.array([-1.025]), footprint=True)
    assert associate(table(ERASS1.name), ERASS1, point)["obsid"].tolist() == ["134090"]
    with pytest.raises(ConfigError, match="erosita_calpv has no footprints"):
        associate(table(CALPV.name), CALPV, point)


def test_objects_without_observations_and_windows_of_time() -> None:
    rows = observations(ra=[10.0, 10.0], start=pd.to_datetime(["2020-01-01", "2021-01-01"]),
                        end=pd.to_datetime(["2020-01-02", "2021-01-02"]))  # fmt: skip
    day = np.array(["2020-01-01T12:00", "2019-01-01", "2020-01-01"], "datetime64[ms]")
    sought = Positions(
        ("a", "b", "c"), np.array([10.0, 10.0, 200.0]), np.zeros(3), 0.1, day, day + np.timedelta64(2, "D")
    )
    selection = select(rows, SWIFT, [], sought)
    assert selection.association[["object", "obsid", "overlap"]].to_numpy().tolist() == [["a", "00000000000", 43200.0]]
    assert selection.unmatched == ["b", "c"]
    assert selection.rows["obsid"].tolist() == ["00000000000"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ((355, -5), (5, 5), [0, 1, 4]),
        ((5, -5), (355, 5), [2, 3]),
        ((0, -5), (360, 5), [0, 1, 2, 3, 4]),
        ((350, 1), (20, 5), []),
    ],
)
def test_rectangles_wrap_at_zero_hours(low: tuple, high: tuple, expected: list) -> None:
    rows = observations(ra=[0.0, 359.0, 180.0, 6.0, 4.0])
    assert np.flatnonzero(filters.rectangle(low, high).keep(rows, SWIFT)).tolist() == expected


@pytest.mark.parametrize(
    ("low", "high", "expected", "described"),
    [
        ((39, -8), (30, -2), ["in XXL"], "longitude 30 to 39, latitude -8 to -2 degrees"),
        ((30, -8), (39, -2), ["in XXL"], "longitude 30 to 39, latitude -8 to -2 degrees"),
        ((355, -8), (5, -2), ["at 0 h"], "longitude 355 to 5 across 0 h, latitude -8 to -2 degrees"),
        ((5, -8), (-5, -2), ["at 0 h"], "longitude -5 to 5, latitude -8 to -2 degrees"),
        ((270, -8), (90, -2), ["in XXL", "at 0 h"], "longitude 270 to 90 across 0 h, latitude -8 to -2 degrees"),
        ((180, -8), (360, -2), ["beyond"], "longitude 180 to 360, latitude -8 to -2 degrees"),
    ],
)
def test_a_rectangle_from_high_to_low_right_ascension_is_the_narrower_one(
    low: tuple, high: tuple, expected: list, described: str
) -> None:
    rows = observations(ra=[35.0, 200.0, 1.0], dec=[-5.0, -5.0, -5.0], target=["in XXL", "beyond", "at 0 h"])
    made = filters.rectangle(low, high)
    assert rows["target"][made.keep(rows, SWIFT)].tolist() == expected
    assert made.description == described
    assert made.notes(rows, SWIFT) == []
    text = f"box({low[0]}, {low[1]}, {high[0]}, {high[1]})"
    assert rows["target"][compile_query(text).keep(rows, SWIFT)].tolist() == expected


def test_a_rectangle_of_more_than_half_the_sky_is_named_with_its_width() -> None:
    selection = select(observations(ra=[180.0, 0.0], dec=[0.0, 0.0]), SWIFT, [filters.rectangle((10, -5), (350, 5))])
    assert selection.rows["ra"].tolist() == [180.0]
    assert selection.notes == [
        "rectangle: 340 degrees wide eastwards; for the 20 degrees on the other side begin at 350"
    ]


def test_galactic_rectangle_and_polygon() -> None:
    rows = observations(ra=[266.4, 10.0], dec=[-28.94, 0.0])
    assert filters.rectangle((359, -1), (1, 1), galactic=True).keep(rows, SWIFT).tolist() == [True, False]
    corners = ((9.0, -1.0), (11.0, -1.0), (11.0, 1.0), (9.0, 1.0))
    for turned in (corners, corners[::-1]):
        assert filters.polygon(turned).keep(rows, SWIFT).tolist() == [False, True]


times = st.integers(0, 40)


@settings(max_examples=80)
@given(st.lists(st.tuples(times, times), min_size=1, max_size=6), times, times)
def test_time_overlap_equals_brute_force(spans: list, one: int, two: int) -> None:
    spans = [tuple(sorted(span)) for span in spans]
    first, last = sorted((one, two))
    day = pd.Timestamp("2020-01-01")
    rows = observations(
        start=[day + pd.Timedelta(days=a) for a, _ in spans], end=[day + pd.Timedelta(days=b) for _, b in spans]
    )
    window = day + pd.Timedelta(days=first), day + pd.Timedelta(days=last)
    assert filters.time(*window).keep(rows, SWIFT).tolist() == [a <= last and b >= first for a, b in spans]
    assert filters.time(*window, inside=True).keep(rows, SWIFT).tolist() == [first <= a and b <= last for a, b in spans]


def test_filters_commute_and_the_cutflow_counts() -> None:
    cuts = [filters.time(pd.Timestamp("2020-01-10"), None), filters.rectangle((100, -60), (200, 60)),
            filters.expression("dec > 0 && duration < 400000")]  # fmt: skip
    one, two = select(table(ERASS1.name), ERASS1, cuts), select(table(ERASS1.name), ERASS1, cuts[::-1])
    assert one.rows["obsid"].tolist() == two.rows["obsid"].tolist()
    flow = [(step.before, step.left) for step in one.cutflow]
    assert flow[0][0] == 2447
    assert [left for _, left in flow[:-1]] == [before for before, _ in flow[1:]]
    assert flow[-1][1] == len(one.rows) > 0


def test_an_empty_selection_shows_the_cutflow() -> None:
    with pytest.raises(NoObservationsError) as caught:
        select(table(ERASS1.name), ERASS1, [filters.expression("dec > 0"), filters.expression("dec > 80")])
    assert "no observation is left of 2447" in str(caught.value)
    assert "expression (dec > 80):" in str(caught.value)
    assert "-> 0" in str(caught.value)


def test_other_filters() -> None:
    rows = observations(
        xrt_exposure=[50.0, 20_000.0], uvot_exposure=[0.0, 1.0], bat_exposure=[0.0, 0.0], target_type=["AGN", "GCL"],
        proprietary_end=pd.to_datetime(["2030-01-01", "2020-01-01"]), science_usable=[True, False],
    )  # fmt: skip
    nustar = MISSIONS["nustar_pointed"]
    now = pd.Timestamp("2026-11-21")
    assert filters.instruments(("XRT",), {"XRT": 10_000.0}).keep(rows, SWIFT).tolist() == [False, True]
    assert filters.target_types(("GCL",)).keep(rows, nustar).tolist() == [False, True]
    assert filters.public(now).keep(rows, nustar).tolist() == [False, True]
    assert filters.public(now).keep(rows.assign(proprietary_end=pd.NaT), SWIFT).tolist() == [True, True]
    assert filters.science_usable().keep(rows, SWIFT).tolist() == [True, False]
    assert filters.obsids(("00000000001",)).keep(rows, SWIFT).tolist() == [False, True]
    assert filters.obsids(("00000000001",), exclude=True).keep(rows, SWIFT).tolist() == [True, False]
    assert filters.column_in("field", ("efeds",)).keep(table(CALPV.name), CALPV).sum() == 4


def test_fields_and_obsids_of_calpv_by_their_other_names() -> None:
    rows = table(CALPV.name)

    def fields(*names: str) -> set[str]:
        return set(rows["field"][filters.column_in("field", names).keep(rows, CALPV)])

    assert fields("Crab") == {"CRAB_1", "CRAB_2", "CRAB_3", "CRAB_4"}
    assert fields("crab-II", "Puppis A", "A3391/A3395") == {"CRAB_2", "PUPPIS_A", "A3391_A3395"}
    mistyped = filters.obsids(("700195",)).keep(rows, CALPV)
    assert rows["obsid"][mistyped].tolist() == ["700199", "700200"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: filters.target_types(("GALAXY",)), "unknown GALAXY; choose from AGN"),
        (lambda: filters.target_types(("AGN",)).keep(observations(ra=[1.0]), CALPV), "has no target types"),
        (lambda: filters.obsids(("1",)).keep(observations(ra=[1.0]), SWIFT), "'1' is not an ObsID"),
        (lambda: filters.rectangle((0, 5), (1, -5)), "is above the upper one"),
        (lambda: filters.rectangle((float("nan"), 5), (1, 6)), "nan is not a longitude"),
        (lambda: filters.polygon(((0, 0), (1, 1))), "expected three or more"),
        (lambda: filters.time(pd.Timestamp("2021"), pd.Timestamp("2020")), "is after the end"),
        (lambda: filters.column_in("grating", ("HETG",)).keep(observations(ra=[1.0]), SWIFT), "no column 'grating'"),
        (lambda: filters.expression("exposur > 3").keep(observations(ra=[1.0]), SWIFT), "did you mean 'exposure'"),
        (lambda: Positions(("a", "b"), np.array([1.0, np.nan]), np.array([0.0, 0.0])), r"position 2 \(b\)"),
        (lambda: Positions(("a",), np.array([1.0]), np.array([91.0])), "expected right ascension"),
    ],
)
def test_mistakes_are_named(make: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()  # type: ignore[operator]


DETECTORS = {
    "ACIS-I": [True, False, False, False],
    "acis-s": [False, True, True, False],
    "ACIS": [True, True, True, False],
    "HRC": [False, False, False, True],
    "HETG": [False, False, True, False],
    "LETG": [False, False, False, False],
}


@pytest.mark.parametrize("name", DETECTORS)
def test_an_instrument_of_chandra_selects_its_own_observations(name: str) -> None:
    rows = observations(ra=[10.0] * 4, instruments=["ACIS-I", "ACIS-S", "ACIS-S HETG", "HRC-S"])
    chandra = MISSIONS["chandra"]
    assert filters.instruments((name,)).keep(rows, chandra).tolist() == DETECTORS[name]
    longer = filters.instruments((name,), {name: 50.0}).keep(rows, chandra)
    assert longer.tolist() == DETECTORS[name]
    query = compile_query(f"instrument = '{name}'", None)
    assert query.keep(rows, chandra).tolist() == DETECTORS[name]


def test_a_radius_for_a_group_is_that_of_its_instruments() -> None:
    rows = observations(ra=[10.0, 10.2, 10.2], instruments=["ACIS-I", "ACIS-S", "HRC-I"])
    here = Positions(("x",), np.array([10.0]), np.array([0.0]), {"ACIS": 0.1, "HRC": 0.5})
    assert associate(rows, MISSIONS["chandra"], here)["obsid"].tolist() == [rows["obsid"][0], rows["obsid"][2]]
    chosen = Positions(("x",), here.ra, here.dec, {"ACIS": 0.1}, instruments=("ACIS-I",))
    assert associate(rows, MISSIONS["chandra"], chosen)["instruments"].tolist() == ["ACIS-I"]


CAUTIONS = {
    "chandra": [
        "the default radius of ACIS-I, ACIS-S is 0.556 deg: it fits the longest row of chips",
        "the default radius of HRC-I, HRC-S is 0.99 deg: it fits the longest row of chips",
    ],
    "erosita_calpv": ["the default radius of TM1, TM2, TM3, TM4, TM5, TM6, TM7 is 5.4 deg: it fits the longest scans"],
    "swift": [],
    "swift BAT": ["the default radius of BAT is 60 deg: it is a quarter of the sky"],
    "swift XRT": [],
}


@pytest.mark.parametrize("searched", CAUTIONS)
def test_an_unreasonable_default_radius_is_noted_unless_another_one_is_given(searched: str) -> None:
    mission, _, named = searched.partition(" ")
    spec, instruments = MISSIONS[mission], (named,) if named else ()
    rows = observations(ra=[10.0], instruments=[" ".join(item.name for item in spec.instruments)])

    def notes(radius: object) -> list[str]:
        here = Positions(("x",), np.array([10.0]), np.array([0.0]), radius, instruments=instruments)
        return select(rows, spec, [], here).notes

    assert len(notes(None)) == len(CAUTIONS[searched])
    for note, expected in zip(notes(None), CAUTIONS[searched], strict=True):
        assert note.startswith(expected)
        assert note.endswith("; choose one with 'radius'")
    assert notes(0.5) == notes(np.array([0.5])) == []


def test_only_instruments_without_a_radius_of_their_own_are_noted() -> None:
    rows = observations(ra=[10.0], instruments=["ACIS-I"])
    here = Positions(("x",), np.array([10.0]), np.array([0.0]), {"ACIS": 0.2, "HRC-I": 0.3})
    (note,) = select(rows, MISSIONS["chandra"], [], here).notes
    assert note.startswith("the default radius of HRC-S is 0.99 deg: ")


def test_pspc_means_both_of_its_counters() -> None:
    rows = observations(ra=[10.0] * 3, instruments=["PSPCB", "PSPCC", "HRI"])
    assert filters.instruments(("PSPC",)).keep(rows, MISSIONS["rosat_pointed"]).tolist() == [True, True, False]
