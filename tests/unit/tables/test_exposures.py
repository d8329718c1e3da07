"""Exposures known before any download: from a service's table to observations, filters and footprints."""

from __future__ import annotations

import pandas as pd
import pytest

from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.filters import column_in, instruments
from daxa_wf.selection.positions import positions
from daxa_wf.selection.query import compile_query
from daxa_wf.selection.select import associate
from daxa_wf.tables.exposures import exposure_table, exposures_of, with_exposures

SPEC = MISSIONS["xmm_pointed"]
ROWS = [
    # two PN exposures, one in another mode; RGS1 and RGS2 share U002; what is not science, closed, or not understood
    ("0000000001", "EPN", "S003", "Full Frame", "MEDIUM", "true", 20000.0),
    ("0000000001", "EPN", "U005", "Small Window", "THIN1", "true", 5000.0),
    ("0000000001", "EMOS1", "S001", "Full Frame", "CalClosed", "true", 9000.0),
    ("0000000001", "RGS1", "U002", "Spectroscopy", "UNDEFINED", "true", 7000.0),
    ("0000000001", "RGS2", "U002", "Spectroscopy", "UNDEFINED", "true", 7100.0),
    ("0000000002", "EPN", "S003", "Full Frame", "THICK", "false", 30000.0),
    ("0000000002", "EMOS2", "S002", "Diagnostic 3x3", "THIN1", "true", 30000.0),
    ("0000000002", "RADMON", "S009", "", "", "true", 1.0),
    ("0000000002", "EPN", "??", "Full Frame", "THIN1", "true", 1.0),
]
COLUMNS = ["observation_id", "instrument", "exposure_id", "mode_friendly_name", "filter", "is_scientific", "duration"]


@pytest.fixture
def exposures() -> pd.DataFrame:
    rows = pd.DataFrame(ROWS, columns=COLUMNS).assign(start_utc="2010-01-01T00:00:00", end_utc="2010-01-01T01:00:00")
    made = exposure_table(SPEC, SPEC.exposures[0], rows)
    assert made.dropped == {"instrument": 1, "exposure identifier": 1}
    return made.rows


@pytest.fixture
def table(exposures: pd.DataFrame) -> pd.DataFrame:
    rows = pd.DataFrame({"obsid": ["0000000001", "0000000002", "0000000003"], "exposure": [1.0, 2.0, 3.0]})
    return with_exposures(rows, SPEC, exposures)


def test_which_exposures_are_fit(exposures: pd.DataFrame) -> None:
    unfit = {row.obsid[-1] + row.inst + row.exposure: row.unfit for row in exposures.itertuples()}
    assert {key for key, why in unfit.items() if not why} == {"1PNS003", "1PNU005", "1R1U002", "1R2U002"}
    assert unfit["1M1S001"] == "filter CalClosed: closed, or for calibration"
    assert unfit["2PNS003"] == "mode Full Frame: not marked as scientific by the data centre"
    assert unfit["2M2S002"] == "mode Diagnostic3x3: not a science mode"
    assert exposures["filter"].tolist()[:2] == ["Medium", "Thin1"]
    assert len(exposures_of(exposures, {"0000000001"}, {"PN", "R1"})) == 3


def test_observations_know_their_instruments(table: pd.DataFrame) -> None:
    assert table["pn_exposure"].tolist() == [25000.0, 0.0, 0.0]
    assert table["r2_exposure"].tolist() == [7100.0, 0.0, 0.0]
    assert table["exposure"].tolist() == [25000.0, 0.0, 0.0]
    # Of OM nothing is known; the third observation has no listed exposure, so its instruments are unknown.
    assert table["instruments"].tolist() == ["PN OM R1 R2", "OM", ""]


def test_observations_whose_listed_exposures_are_all_unfit_are_not_usable(exposures: pd.DataFrame) -> None:
    om = exposures.iloc[[0]].assign(obsid="0000000001", inst="OM", exposure="S401")
    rows = pd.DataFrame({"obsid": ["0000000001", "0000000002", "0000000003"], "exposure": 1.0, "science_usable": True})
    made = with_exposures(rows, SPEC, pd.concat([exposures, om]))
    assert made["instruments"].tolist() == ["PN OM R1 R2", "", ""]
    assert made["science_usable"].tolist() == [True, False, True]


def test_filters_by_exposure_mode_and_filter(table: pd.DataFrame) -> None:
    assert instruments(("PN",), {"PN": 10_000}).keep(table, SPEC).tolist() == [True, False, False]
    assert instruments(("PN",), {"PN": 25_000}).keep(table, SPEC).tolist() == [False, False, False]
    assert column_in("pn_mode", ("small window",)).keep(table, SPEC).tolist() == [True, False, False]
    assert column_in("pn_filter", ("Thick",)).keep(table, SPEC).tolist() == [False, False, False]
    query = compile_query("PN > 10 ks AND pn_filter IN (thin1) AND m1_mode != 'Full Frame'")
    assert query.keep(table, SPEC).tolist() == [True, False, False]


def test_a_footprint_that_cannot_be_read_is_matched_by_its_centre() -> None:
    rows = pd.DataFrame({"obsid": ["1", "2"], "ra": [10.0, 10.0], "dec": [0.0, 0.0], "instruments": "PN",
                         "stc_s": ["", "Polygon ICRS 20 0 21 0 21 1 20 1"]})  # fmt: skip
    found = associate(rows, SPEC, positions([(10.1, 0.0)], footprint=True))
    assert found["obsid"].tolist() == ["1"]
