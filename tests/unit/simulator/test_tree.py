"""The simulator's tree: valid files, the same bytes in every run, with the content that the truth records."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.chain.planned import observation_facts
from daxa_wf.chain.select import select_observations
from daxa_wf.config.reading import read_config
from daxa_wf.download.file_request import FileRequest
from daxa_wf.download.observation import Fetcher
from daxa_wf.errors import UnfitDataError
from daxa_wf.events.gti import contains
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.sas.odf_view import make_odf_view
from daxa_wf.selection.options import Select
from daxa_wf.selection.positions import positions
from daxa_wf.selection.select import associate
from daxa_wf.tables.http import session
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf_simulator import TRUTH_FILE
from daxa_wf_simulator.__main__ import main
from daxa_wf_simulator.erosita_mirror import MISSIONS_OF_TARGETS
from daxa_wf_simulator.xmm_mirror import FIRST, OBSERVATIONS
from tests.standins.odf import parsed_summary

FILES = {
    "xmm_pointed": {"0999990101": 5, "0999990201": 5, "0999990901": 0},
    "erosita_calpv": {"700195": 1, "700199": 1},
    "erosita_all_sky_de_dr1": {"134135": 1},
}
"""Files that the native engine needs of each simulated observation."""


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_bytes_are_the_same_in_every_run(simulated: Path, tmp_path: Path) -> None:
    """Snapshots and their sidecars are among them: a second run of the workflow sees the same tables."""
    assert main([str(tmp_path)]) == 0
    made = digests(tmp_path)
    assert {Path(name).parts[0] for name in made} == {"mirror", "tables", "truth.json"}
    assert made == digests(simulated)


def test_the_default_configuration_names_what_the_simulator_makes(simulated: Path, tmp_path: Path) -> None:
    """Its run waits for the file that the simulator writes last, and reads directories that exist by then."""
    default = read_config(Path(__file__).parents[3] / "config" / "config.yaml")
    assert default.simulator is not None
    (tmp_path / default.simulator).parent.mkdir(parents=True)
    (tmp_path / default.simulator).symlink_to(simulated)
    assert default.simulation(tmp_path) == tmp_path / default.simulator / TRUTH_FILE
    for name in default.all_missions:
        assert SnapshotStore(tmp_path / default.tables).latest(name) is not None
        mirrors = default.mirrors_for(name, tmp_path)
        assert mirrors
        assert all(place.is_dir() for places in mirrors.values() for place in places)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file" / "below")]) == 1
    assert f"{tmp_path / 'file' / 'below'}" in capsys.readouterr().err


def test_files_are_valid(observatory: Path, truth: dict) -> None:
    for told in truth.values():
        with fits.open(observatory / told["file"], checksum=True) as hdus:
            hdus.verify("exception")
            assert hdus[0].header["CONTENT"] == "SIMULATED"


def test_headers_say_which_exposure(observatory: Path, truth: dict) -> None:
    for observation in OBSERVATIONS:
        for exposure in observation.exposures:
            told = truth[f"{observation.obsid}{exposure.instrument}{exposure.exposure}"]
            identity = EpicEventList.open(observatory / told["file"]).identity
            assert (identity.instrument, identity.exposure) == (exposure.instrument, exposure.exposure)
            assert (identity.submode, identity.filter) == (exposure.submode, exposure.filter)


def test_events_are_within_their_ccds_good_time(observatory: Path, truth: dict) -> None:
    events = EpicEventList.open(observatory / truth["0999990101M1S001"]["file"])
    columns = events.columns("TIME", "CCDNR")
    for ccd, intervals in events.gtis.items():
        assert len(intervals) == 2
        times = columns["TIME"][columns["CCDNR"] == ccd]
        assert contains(intervals + np.array([-0.06, 0.06]), times).all()
    assert np.any(np.diff(columns["TIME"]) < 0)


@pytest.mark.parametrize("unit", ["0999990101PNS003", "0999990101M1S001", "0999990101M2U002"])
def test_sources_are_where_the_truth_says(observatory: Path, truth: dict, unit: str) -> None:
    events = EpicEventList.open(observatory / truth[unit]["file"])
    columns = events.columns("X", "Y", "PI")
    soft = (columns["PI"] >= 500) & (columns["PI"] <= 2000)
    for source in FIRST.sources:
        x, y = events.plane.pixel(source.ra, source.dec)
        near = soft & (np.hypot(columns["X"] - x, columns["Y"] - y) < 400)
        counts = truth[unit]["source_counts"][source.name]["0.5-2.0"]
        assert 0.6 * counts < np.count_nonzero(near) < 1.6 * counts + 60
        offset = np.hypot(np.median(columns["X"][near]) - x, np.median(columns["Y"][near]) - y)
        assert offset < 60


def test_corners_are_flagged_out_of_the_field(observatory: Path, truth: dict) -> None:
    events = EpicEventList.open(observatory / truth["0999990101M1S001"]["file"])
    columns = events.columns("DETX", "DETY", "FLAG")
    corner = (columns["FLAG"] & 0x10000) != 0
    assert 0.1 < corner.mean() < 0.4
    radius = np.hypot(columns["DETX"].astype(float) - 97, columns["DETY"].astype(float) + 172)
    assert radius[corner].min() > 15_000
    assert np.all(radius[~corner] < 18_000)


@pytest.mark.parametrize("mission", ["xmm_pointed", *MISSIONS_OF_TARGETS])
def test_observations_of_the_tables_are_in_the_mirror(simulated: Path, mission: str, tmp_path: Path) -> None:
    """The client of the data centres finds the files that a mission's table leads to; one observation has none."""
    rows = SnapshotStore(simulated / "tables").observations(MISSIONS[mission])
    spec = MISSIONS[mission]
    bases = {path.name: (str(path),) for path in (simulated / "mirror").iterdir() if path.name in spec.archives}
    fetcher = Fetcher(tmp_path, session(), bases)
    instruments = tuple(each.name for each in spec.instruments if each.default)
    files = {}
    for _, row in rows.iterrows():
        try:
            wish = FileRequest(spec, observation_facts(row), ("preprocessed",), instruments)
            files[row["obsid"]] = len(fetcher.acquire(wish).files)
        except UnfitDataError:
            files[row["obsid"]] = 0
    assert files == FILES[mission]


def test_the_table_of_exposures_has_modes_and_footprints(simulated: Path) -> None:
    store, spec = SnapshotStore(simulated / "tables"), MISSIONS["xmm_pointed"]
    exposures = store.exposures(spec)
    assert exposures is not None
    assert exposures[exposures["unfit"] != ""]["exposure"].tolist() == ["S001", "U003"]
    options = Select.model_validate({"exposure": {"PN": "6 ks"}})
    selected = select_observations("xmm_pointed", options, simulated / "tables")
    assert selected.rows["obsid"].tolist() == ["0999990101"]
    assert selected.rows["m2_exposure"].tolist() == [18000.0]
    # One position lies inside the square footprint's corner, outside of the circle; the other outside of the square.
    near = positions([(150.0 + 0.24, 2.2 + 0.24), (150.0 + 0.26, 2.2)], footprint=True)
    assert associate(store.observations(spec), spec, near)["object"].tolist() == ["(150.24, 2.44)"]


def test_odfs_have_the_names_and_the_summary_of_genuine_ones(observatory: Path, truth: dict, tmp_path: Path) -> None:
    """The summary that odfingest would make lists the exposures of the truth."""
    make_odf_view(observatory / "heasarc/xmm/data/rev0/0999990201/ODF", tmp_path / "view")
    summary = parsed_summary(tmp_path / "view")
    assert (summary.obsid, summary.revolution) == ("0999990201", "3998")
    held = {f"{each.instrument}{each.exposure}": (each.mode, each.filter) for each in summary.exposures}
    assert held == {
        "PNS003": ("PrimeFullWindowExtended", "Medium"), "M1S001": ("PrimeFullWindow", "CalClosed"),
        "M1U003": ("Diagnostic", "Medium"), "M2S002": ("PrimeFullWindow", "Medium"),
    }  # fmt: skip
    assert {f"0999990201{unit}" for unit in held} == {unit for unit in truth if unit.startswith("0999990201")}
