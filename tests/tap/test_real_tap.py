"""The client against a real TAP service: GAVO DaCHS over PostgreSQL, which tests/tap/start.sh starts (.ci/run does)."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.table import Table

from daxa_wf.errors import ServiceError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.spec import TableSource
from daxa_wf.tables.http import session
from daxa_wf.tables.observation_table import observation_table
from daxa_wf.tables.snapshots import SnapshotStore, fetch_tables
from daxa_wf.tables.tap import fetch_table

URL = os.environ.get("DAXA_WF_TAP_URL", "")
pytestmark = pytest.mark.skipif(
    not URL, reason="no real TAP service: DAXA_WF_TAP_URL is not set (tests/tap/start.sh starts one)"
)
RECORDED = {
    "rosat_pointed": ("heasarc.rosmaster", "heasarc_rosmaster_1000rows.vot.xml", "seq_id"),
    "integral_pointed": ("heasarc.intscwpub", "heasarc_intscw_1000rows.vot.xml", "scw_id"),
}


def source(mission: str) -> TableSource:
    return replace(MISSIONS[mission].tables[0], table=RECORDED[mission][0])


@pytest.mark.parametrize("mission", RECORDED)
def test_tables_come_whole_and_as_recorded(whole_data: Path, mission: str) -> None:
    _, file, key = RECORDED[mission]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recorded = Table.read(whole_data / "tables" / file).to_pandas()
    rows, query, url = fetch_table(source(mission), [URL], session())
    assert url == URL
    assert "SELECT TOP 2000" in query
    assert len(rows) == len(recorded) == 1000
    assert sorted(rows[key].str.strip()) == sorted(recorded[key].str.strip())
    one = observation_table(MISSIONS[mission], source(mission), rows).rows.set_index("obsid")
    two = observation_table(MISSIONS[mission], source(mission), recorded).rows.set_index("obsid")
    assert set(one.index) == set(two.index)
    both = one.join(two.add_suffix("_recorded"))
    assert (both["ra"] - both["ra_recorded"]).abs().max() < 1e-9
    assert (both["start"] == both["start_recorded"]).all()
    assert (both["instruments"] == both["instruments_recorded"]).all()


def test_sync_async_top_count_and_overflow() -> None:
    from pyvo.dal import TAPService

    service = TAPService(URL, session=session())
    query = "SELECT TOP 7 seq_id FROM heasarc.rosmaster"
    assert len(service.run_sync(query)) == len(service.run_async(query)) == 7
    assert service.run_sync("SELECT COUNT(*) AS n FROM heasarc.rosmaster").to_table()["n"][0] == 1000
    cut = service.run_sync("SELECT seq_id FROM heasarc.rosmaster", maxrec=10)
    assert (len(cut), cut.status[0]) == (10, "OVERFLOW")


def test_faults_of_a_real_service_are_told(tmp_path: Path) -> None:
    missing = replace(source("rosat_pointed"), table="heasarc.nothing")
    with pytest.raises(ServiceError, match=r"heasarc\.nothing"):
        fetch_table(missing, [URL], session(retries=0))
    spec = replace(MISSIONS["rosat_pointed"], tables=(missing, source("rosat_pointed")))
    fetched = fetch_tables([spec], SnapshotStore(tmp_path), {"heasarc": [URL]}, session(retries=0))["rosat_pointed"]
    assert fetched.new
    assert fetched.snapshot is not None
    assert fetched.snapshot.rows == 1000
