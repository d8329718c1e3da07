"""The embedded observatory: valid files, the same every time, with what the truth says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.events.gti import contains
from daxa_wf.events.tangent_plane import plane_of
from daxa_wf.observatories.xmm.native.event_list import EventList
from daxa_wf.observatories.xmm.sas.odf_view import make_odf_view
from daxa_wf_simulator.observatory import FIRST, OBSERVATIONS, make_observatory
from tests.standins.odf import parsed_summary


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_same_bytes_every_time(observatory: Path, tmp_path: Path) -> None:
    make_observatory(tmp_path)
    assert digests(tmp_path) == digests(observatory)


def test_files_are_valid(observatory: Path, truth: dict) -> None:
    for told in truth.values():
        with fits.open(observatory / told["file"], checksum=True) as hdus:
            hdus.verify("exception")
            assert hdus[0].header["CONTENT"] == "SIMULATED"


def test_headers_say_which_exposure(observatory: Path, truth: dict) -> None:
    for observation in OBSERVATIONS:
        for exposure in observation.exposures:
            told = truth[f"{observation.obsid}{exposure.instrument}{exposure.exposure}"]
            identity = EventList.open(observatory / told["file"]).identity
            assert (identity.instrument, identity.exposure) == (exposure.instrument, exposure.exposure)
            assert (identity.submode, identity.filter) == (exposure.submode, exposure.filter)


def test_events_are_within_their_ccds_good_time(observatory: Path, truth: dict) -> None:
    events = EventList.open(observatory / truth["0999990101M1S001"]["file"])
    columns = events.columns("TIME", "CCDNR")
    for ccd, intervals in events.gtis.items():
        assert len(intervals) == 2
        times = columns["TIME"][columns["CCDNR"] == ccd]
        assert contains(intervals + np.array([-0.06, 0.06]), times).all()
    assert np.any(np.diff(columns["TIME"]) < 0)


@pytest.mark.parametrize("unit", ["0999990101PNS003", "0999990101M1S001", "0999990101M2U002"])
def test_sources_are_where_the_truth_says(observatory: Path, truth: dict, unit: str) -> None:
    events = EventList.open(observatory / truth[unit]["file"])
    columns = events.columns("X", "Y", "PI")
    soft = (columns["PI"] >= 500) & (columns["PI"] <= 2000)
    for source in FIRST.sources:
        x, y = plane_of(events).pixel(source.ra, source.dec)
        near = soft & (np.hypot(columns["X"] - x, columns["Y"] - y) < 400)
        counts = truth[unit]["source_counts"][source.name]["0.5-2.0"]
        assert 0.6 * counts < np.count_nonzero(near) < 1.6 * counts + 60
        offset = np.hypot(np.median(columns["X"][near]) - x, np.median(columns["Y"][near]) - y)
        assert offset < 60


def test_corners_are_flagged_out_of_the_field(observatory: Path, truth: dict) -> None:
    events = EventList.open(observatory / truth["0999990101M1S001"]["file"])
    columns = events.columns("DETX", "DETY", "FLAG")
    corner = (columns["FLAG"] & 0x10000) != 0
    assert 0.1 < corner.mean() < 0.4
    radius = np.hypot(columns["DETX"].astype(float) - 97, columns["DETY"].astype(float) + 172)
    assert radius[corner].min() > 15_000
    assert np.all(radius[~corner] < 18_000)


def test_erosita_is_in_its_trees_and_tables(observatory: Path, tmp_path: Path) -> None:
    """What the tables name is where eROSITA-DE would have it."""
    from daxa_wf.chain.select import fetch_embedded_table
    from daxa_wf.mission.registry import MISSIONS
    from daxa_wf.tables.snapshots import SnapshotStore

    files = {path.name for path in (observatory / "erosita").rglob("*") if path.is_file()}
    for mission in ("erosita_calpv", "erosita_all_sky_de_dr1"):
        fetch_embedded_table(mission, tmp_path)
        rows = SnapshotStore(tmp_path).observations(MISSIONS[mission])
        for obsid, tar in zip(rows["obsid"], rows.get("archive_file", rows["obsid"]), strict=True):
            assert {tar, f"em01_{obsid}_020_EventList_c010.fits.gz"} & files


def test_odfs_have_the_names_and_the_summary_of_genuine_ones(observatory: Path, truth: dict, tmp_path: Path) -> None:
    """What odfingest would find in them is what the observatory holds."""
    make_odf_view(observatory / "FTP/xmm/data/rev0/0999990201/ODF", tmp_path / "view")
    summary = parsed_summary(tmp_path / "view")
    assert (summary.obsid, summary.revolution) == ("0999990201", "3998")
    held = {f"{each.instrument}{each.exposure}": (each.mode, each.filter) for each in summary.exposures}
    assert held == {
        "PNS003": ("PrimeFullWindowExtended", "Medium"), "M1S001": ("PrimeFullWindow", "CalClosed"),
        "M1U003": ("Diagnostic", "Medium"), "M2S002": ("PrimeFullWindow", "Medium"),
    }  # fmt: skip
    assert {f"0999990201{unit}" for unit in held} == {unit for unit in truth if unit.startswith("0999990201")}
