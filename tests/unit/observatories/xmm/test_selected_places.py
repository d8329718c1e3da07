"""Exposures of lists that were selected by place, CCD or time: there is exposure where, and when, events could pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daxa_wf.errors import StepFailedError
from daxa_wf.events.expression import BoundExpression, parse
from daxa_wf.events.expression.passable import mixed_columns, part_about, passable, time_intervals
from daxa_wf.events.gti import NONE, total
from daxa_wf.observatories.xmm.native.detector import Detector
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.evselect import evselect
from daxa_wf.observatories.xmm.native.exposure_map import EpicExposureMaps, exposure_maps
from daxa_wf.observatories.xmm.native.images import bin_images, epic_grid
from daxa_wf.observatories.xmm.native.merge import merge
from tests.genuine import WHOLE
from tests.unit.observatories.xmm.conftest import WHOLE_LIST

CLEAN = "#XMMEA_EM && PATTERN <= 12 && FLAG == 0"
GRID = epic_grid(87)
SECONDS = 10_000.0


def bound(text: str) -> BoundExpression:
    return parse(text).bind({}, ["TIME", "PI", "CCDNR", "X", "Y", "DETX", "DETY"], load_gti=lambda _: GOOD)


GOOD = np.array([[10.0, 20.0], [30.0, 40.0]])


# --- what an expression lets pass ---


@pytest.mark.parametrize(
    ("text", "ccds"),
    [
        ("PI > 500", [1, 2, 3, 4]),
        ("CCDNR in 1,2 && PI > 500", [1, 2]),
        ("!(CCDNR == 1 || PI > 500)", [2, 3, 4]),
        ("(CCDNR == 1 && PI > 500) || (CCDNR == 3 && PI < 500)", [1, 3]),
        ("CCDNR == 1 || PI > 500", [1, 2, 3, 4]),
        ("!(CCDNR >= 3) && (DETX,DETY) in circle(0,0,10)", [1, 2]),
        ("CCDNR != 2 && !(!(CCDNR < 4))", [1, 3]),
    ],
)
def test_a_ccd_passes_if_any_event_on_it_can(text: str, ccds: list[int]) -> None:
    numbers = np.arange(1, 5)
    assert numbers[passable(bound(text), {"CCDNR": numbers})].tolist() == ccds


def test_conditions_on_other_columns_do_not_matter_to_places() -> None:
    places = ("X", "Y")
    assert part_about(bound("PI > 500 && CCDNR == 1"), places) is None
    part = part_about(bound("PI > 500 && (X,Y) in circle(0,0,2)"), places)
    assert part is not None
    assert mixed_columns(part, places) == frozenset()
    assert passable(part, {"X": np.array([0, 3]), "Y": np.array([1, 1])}).tolist() == [True, False]
    assert mixed_columns(bound("X > 3 || PI > 500"), places) == {"PI"}
    assert mixed_columns(bound("!(X > 3 || PI > 500)"), places) == frozenset()


@pytest.mark.parametrize(
    ("text", "expected", "others"),
    [
        ("TIME in [10:20],[40:50]", [[[10, 20], [40, 50]]], False),
        ("PI > 3 && TIME < 20 && TIME >= 5", [[[-1e15, 20]], [[5, 1e15]]], False),
        ("gti(a.fits,TIME)", [GOOD.tolist()], False),
        ("!gti(a.fits,TIME) && !(TIME > 100)", [[[-1e15, 10], [20, 30], [40, 1e15]], [[-1e15, 100]]], False),
        ("gti(a.fits,TIME) || TIME in [15:35]", [[[10, 40]]], False),
        ("TIME > 20 || PI > 3", [], True),
        ("TIME - 5 > 20", [], True),
        ("PI > 3", [], False),
    ],
)
def test_times_that_an_expression_selects(text: str, expected: list[list[list[float]]], others: bool) -> None:
    times, rest = time_intervals(bound(text))
    assert ([each.tolist() for each in times], rest) == (expected, others)


# --- lists ---


@pytest.fixture(scope="module", params=["simulated", *(["genuine"] if WHOLE.is_dir() else [])])
def raw(request: pytest.FixtureRequest) -> EpicEventList:
    """A list of MOS1 without flares filtered out: a simulated one of 40 ks, and a whole genuine one."""
    if request.param == "genuine":
        return EpicEventList.open(request.getfixturevalue("exod") / WHOLE_LIST)
    truth = request.getfixturevalue("truth")["0999990101M1S001"]
    return EpicEventList.open(request.getfixturevalue("observatory") / truth["file"])


@pytest.fixture(scope="module")
def clean(raw: EpicEventList, tmp_path_factory: pytest.TempPathFactory) -> dict[str, EpicEventList]:
    """Expression -> genuine events that it keeps of the first 10 ks; lists are made once."""
    folder, start = tmp_path_factory.mktemp("selected"), raw.time_range[0]

    class Lists(dict[str, EpicEventList]):
        def __missing__(self, text: str) -> EpicEventList:
            path = folder / f"{len(self)}.fits"
            evselect(raw, f"{CLEAN} && {text}", np.array([[start, start + SECONDS]]), path)
            self[text] = EpicEventList.open(path)
            return self[text]

    return Lists()


def map_of(events: EpicEventList) -> EpicExposureMaps:
    return exposure_maps([events], GRID, events.plane, [1.0], "none")


def counts_of(events: EpicEventList) -> np.ndarray:
    return bin_images(events, [(200, 12_000)], GRID)[0].counts


@pytest.fixture(scope="module")
def whole(clean: dict[str, EpicEventList]) -> np.ndarray:
    return map_of(clean["true"]).seconds[0]


def test_a_selection_by_ccd_keeps_the_good_times_of_its_ccds_and_no_others(
    clean: dict[str, EpicEventList], tmp_path: Path
) -> None:
    every, some = clean["true"], clean["CCDNR in 1,2,5"]
    for ccd, intervals in some.gtis.items():
        assert np.array_equal(intervals, every.gtis[ccd] if ccd in (1, 2, 5) else NONE), ccd
        assert (f"ONTIME{ccd:02d}" in some.header) == (f"LIVETI{ccd:02d}" in some.header) == (ccd in (1, 2, 5))
    assert some.header["LIVETIME"] == every.header["LIVETIME"]
    merge([some, some], tmp_path / "merged.fits")
    merged = EpicEventList.open(tmp_path / "merged.fits").gtis
    assert {ccd for ccd, intervals in merged.items() if len(intervals)} == {1, 2, 5}
    assert total(merged[1]) == pytest.approx(total(every.gtis[1]))


def test_a_selection_by_time_is_in_the_good_times(raw: EpicEventList, clean: dict[str, EpicEventList]) -> None:
    middle = raw.time_range[0] + SECONDS / 2
    early, late = clean[f"TIME < {middle}"], clean[f"!(TIME < {middle})"]
    for ccd, intervals in clean["true"].gtis.items():
        assert total(early.gtis[ccd]) + total(late.gtis[ccd]) == pytest.approx(total(intervals))
        assert 0.4 * SECONDS < early.header[f"LIVETI{ccd:02d}"] < 0.5 * SECONDS
    assert map_of(early).seconds.max() == pytest.approx(SECONDS / 2, rel=0.02)


def test_times_that_no_good_time_interval_can_show_are_told(raw: EpicEventList, tmp_path: Path) -> None:
    result = evselect(raw, f"{CLEAN} && (TIME > {raw.time_range[0]} || PI > 500)", None, tmp_path / "clean.fits")
    assert [each.name for each in result.findings] == ["timeNotInExposure"]


# --- maps ---


def test_ccds_that_the_user_excludes_have_no_exposure_and_no_warning(
    clean: dict[str, EpicEventList], whole: np.ndarray
) -> None:
    some, rest = (map_of(clean[text]) for text in ("CCDNR in 1,2,5", "!(CCDNR in 1,2,5)"))
    assert (some.findings, rest.findings, some.selected_by) == ((), (), ("CCDNR",))
    for maps, mine, others in (
        (some, "CCDNR in 1,2,5", "!(CCDNR in 1,2,5)"),
        (rest, "!(CCDNR in 1,2,5)", "CCDNR in 1,2,5"),
    ):
        inside, outside = counts_of(clean[mine]), counts_of(clean[others])
        assert inside[maps.seconds[0] <= 0].sum() <= 0.001 * inside.sum()
        assert outside[maps.seconds[0] > 0].sum() <= 0.05 * outside.sum()
    assert (some.seconds + rest.seconds).sum() == pytest.approx(whole.sum(), rel=0.02)


SHAPES = {
    "(DETX,DETY) in BOX(0,0,3000,4000,0)": ("DETX", "DETY"),
    "!((X,Y) in CIRCLE(25921,25921,4000))": ("X", "Y"),
    "(DETX,DETY) in ANNULUS(0,0,5000,12000) && PI in [500:8000]": ("DETX", "DETY"),
    "RAWY > 300 && CCDNR < 4": ("CCDNR", "RAWY"),
    "!((DETX,DETY) in BOX(0,0,6000,6000,30) || PI < 300)": ("DETX", "DETY"),
}


@pytest.mark.parametrize("text", SHAPES)
def test_places_that_the_user_excludes_have_no_exposure_and_the_others_all_of_theirs(
    clean: dict[str, EpicEventList], whole: np.ndarray, text: str
) -> None:
    maps = map_of(clean[text])
    assert (maps.findings, maps.selected_by) == ((), SHAPES[text])
    inside, everything, seconds = counts_of(clean[text]), counts_of(clean["true"]), maps.seconds[0]
    assert 0.02 * everything.sum() < inside.sum() < 0.95 * everything.sum()
    assert inside[seconds <= 0].sum() <= 0.002 * inside.sum()
    # Away from borders a place is seen in full or not at all.
    partly = (seconds > 0.05 * whole) & (seconds < 0.95 * whole)
    assert np.count_nonzero(partly) < 0.08 * np.count_nonzero(whole)
    if "PI" not in text:
        missed = everything - inside
        assert missed[(seconds >= 0.95 * whole) & (whole > 0)].sum() <= 0.02 * missed.sum()


def test_the_area_of_a_map_is_that_of_the_selected_shape(clean: dict[str, EpicEventList]) -> None:
    seconds = map_of(clean["(DETX,DETY) in BOX(0,0,3000,4000,0)"]).seconds[0]
    assert (seconds / seconds.max()).sum() * GRID.xbin**2 == pytest.approx(6000 * 8000, rel=0.05)


def test_a_place_that_also_depends_on_energy_is_told(clean: dict[str, EpicEventList]) -> None:
    (finding,) = map_of(clean["(DETX > 0 || PI > 5000)"]).findings
    assert finding.name == "selectionNotInMap"
    assert "depends on PI too" in finding.text


def test_a_region_that_cannot_be_read_again_refuses_the_map(clean: dict[str, EpicEventList]) -> None:
    events = EpicEventList.open(clean["true"].path)
    events.header["SLCTEXPR"] = "PI > 300 && region(gone.fits,X,Y)"
    with pytest.raises(StepFailedError, match=r"selectionNotInMap: .* gone\.fits is not there"):
        map_of(events)


def test_only_a_selected_ccd_of_unknown_place_is_told(
    clean: dict[str, EpicEventList], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Detector.place
    monkeypatch.setattr(Detector, "place", lambda self, ccd: None if ccd == 2 else place(self, ccd))
    (finding,) = map_of(clean["CCDNR in 1,2,5"]).findings
    assert finding.name == "ccdLeftOut"
    assert finding.text.startswith("CCD 2 of ")
    assert map_of(clean["(DETX,DETY) in BOX(0,0,3000,4000,0)"]).findings == ()
