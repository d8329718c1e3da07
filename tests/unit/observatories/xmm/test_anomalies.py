"""Anomalous CCDs of MOS without SAS: counts in the corners, states by the published limits, CCDs that are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.observatories.xmm.native.anomalies import CornerHardness, corner_hardness, states_of
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from tests.xmm_chain import Chain

OBSERVATION = "0999990101"
M1, M2 = f"{OBSERVATION}M1S001", f"{OBSERVATION}M2S002"


def in_corner_of_mos2(events: np.ndarray) -> np.ndarray:
    """The corners of MOS2 by their geometry alone: outside of two circles and of four boxes, with good flags and patterns."""
    x, y = events["DETX"].astype(float), events["DETY"].astype(float)
    inside = np.zeros(len(events), bool)
    for x0, y0, radius in ((435, 1006, 17100), (-34, 68, 17700)):
        inside |= np.hypot(x - x0, y - y0) <= radius
    boxes = ((-20, -17000, 6500, 500, 0), (5880, -20500, 7500, 1500, 10), (-5920, -20500, 7500, 1500, 350),
             (-20, -20000, 5500, 500, 0))  # fmt: skip
    for x0, y0, half_width, half_height, angle in boxes:
        turn = np.deg2rad(angle)
        along = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
        across = (y - y0) * np.cos(turn) - (x - x0) * np.sin(turn)
        inside |= (np.abs(along) <= half_width) & (np.abs(across) <= half_height)
    return ~inside & ((events["FLAG"] & 0x766AA000) == 0) & (events["PATTERN"] <= 12)


def test_counts_are_those_in_the_corners_of_each_ccd(observatory: Path, truth: dict) -> None:
    path = observatory / truth[M2]["file"]
    events = fits.getdata(path, "EVENTS")
    corner = events[in_corner_of_mos2(events)]
    found = corner_hardness(EpicEventList.open(path))
    assert set(found) == set(range(1, 8))
    for ccd, hardness in found.items():
        energy = corner["PI"][corner["CCDNR"] == ccd]
        assert hardness.hard == np.count_nonzero((energy >= 2500) & (energy <= 5000))
        assert hardness.soft == np.count_nonzero((energy >= 400) & (energy <= 800))
    assert found[1] == CornerHardness(0, 0)
    assert found[2].hard > 100


def test_genuine_lists(exod: Path) -> None:
    states = {}
    for name in ("P0001730201M1S002MIEVLI.FTZ", "P0001730201M2S003MIEVLI.FTZ"):
        events = EpicEventList.open(exod / name)
        states[events.identity.instrument] = states_of(events.identity.instrument, corner_hardness(events))
    assert states == {"M1": {4: "G", 5: "I"}, "M2": {2: "I"}}


@pytest.mark.parametrize(
    ("instrument", "ccd", "hard", "state"),
    [
        ("M1", 4, 274, "B"), ("M1", 4, 275, "I"), ("M1", 4, 300, "I"), ("M1", 4, 301, "G"),
        ("M1", 5, 224, "B"), ("M1", 5, 225, "I"), ("M1", 5, 361, "G"),
        ("M2", 2, 209, "B"), ("M2", 2, 250, "I"), ("M2", 2, 251, "G"), ("M2", 2, 0, "U"),
    ],
)  # fmt: skip
def test_states_follow_from_the_limits(instrument: str, ccd: int, hard: int, state: str) -> None:
    hardness = CornerHardness(hard, 100)
    assert states_of(instrument, {ccd: hardness})[ccd] == state
    if state != "U":
        assert hardness.error == pytest.approx(hard / 100 * (1 / hard + 1 / 100) ** 0.5)


def test_a_ccd_that_was_not_read_out_is_off_and_the_others_have_no_state() -> None:
    assert states_of("M1", {4: CornerHardness(400, 100), 6: CornerHardness(1, 900)}) == {4: "G", 5: "O"}
    assert states_of("M2", {5: CornerHardness(1, 900)}) == {2: "O"}


def hardened(path: Path, ccd: int, target: Path) -> None:
    """Copy a list, with three of four soft events in the corners of a CCD of MOS1 moved to 3 keV."""
    with fits.open(path) as hdus:
        events = hdus["EVENTS"].data
        soft = (
            (events["CCDNR"] == ccd) & (events["PI"] >= 400) & (events["PI"] <= 800) & ((events["FLAG"] & 0x10000) != 0)
        )
        moved = np.flatnonzero(soft)
        events["PI"][moved[np.arange(len(moved)) % 4 > 0]] = 3000
        target.parent.mkdir(parents=True)
        hdus.writeto(target)


def test_bad_ccds_are_left_out_and_unknown_limits_are_a_warning(observatory: Path, truth: dict, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    name = Path(truth[M1]["file"]).name
    hardened(observatory / truth[M1]["file"], 4, raw / OBSERVATION / name)
    (raw / OBSERVATION / Path(truth[M2]["file"]).name).symlink_to(observatory / truth[M2]["file"])
    chain = Chain(tmp_path, raw, engine="native", emanom={"run": True})
    chain.make("inventory", "anomalous_ccds", "espfilt", "evselect")
    assert chain.faults == {}
    one, two = (chain.record("anomalous_ccds", unit) for unit in (M1, M2))
    assert (one.results["states"], one.warnings) == ({"4": "G", "5": "B"}, [])
    assert one.message == "CCD 4 good, CCD 5 bad"
    assert one.results["corners"]["4"]["ratio"] > 3
    assert [warning["name"] for warning in two.warnings] == ["noLimits"]
    assert "CCD 5 of M2 has anomalous states too" in two.warnings[0]["text"]
    kept = {unit: chain.record("evselect", unit) for unit in (M1, M2)}
    assert "(CCDNR in 1,2,3,4,6,7)" in kept[M1].results["expression"]
    path = chain.layout.find(kept[M1].product("cleanevents"))
    assert set(EpicEventList.open(path).columns("CCDNR")["CCDNR"]) == {1, 2, 3, 4, 6, 7}
    assert 5 in EpicEventList.open(chain.layout.find(kept[M2].product("cleanevents"))).columns("CCDNR")["CCDNR"]


def test_without_a_request_no_ccd_is_judged(observatory: Path, tmp_path: Path) -> None:
    chain = Chain(tmp_path, observatory, engine="native", obsids=[OBSERVATION])
    assert "anomalous_ccds" not in chain.plan.mission("xmm_pointed").steps
