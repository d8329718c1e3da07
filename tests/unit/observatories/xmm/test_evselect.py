"""Cleaning: SAS's own cleaned lists, event for event."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import ExpressionError
from daxa_wf.events.gti import contains, intersection, union
from daxa_wf.events.gti_files import read_gti
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.evselect import evselect
from daxa_wf.observatories.xmm.native.exposure_times import live_time
from tests.genuine import Abell907

LISTS = {
    "M1": ("P0001730201M1S002MIEVLI.FTZ", 36_824, 11950.642),
    "M2": ("P0001730201M2S003MIEVLI.FTZ", 37_020, 12042.800),
}
EXPRESSION = "#XMMEA_EM && (PATTERN<=12) && (PI in [500:10000])"


@pytest.fixture(scope="module", params=LISTS)
def cleaned(request: pytest.FixtureRequest, exod: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    name, _, _ = LISTS[request.param]
    output = tmp_path_factory.mktemp("clean") / f"{request.param}.fits"
    gti = read_gti(exod / f"{request.param}_gti.fits")
    return request.param, output, evselect(EpicEventList.open(exod / name), EXPRESSION, gti, output)


def test_events_are_sas_events_one_for_one(cleaned: tuple, exod: Path) -> None:
    instrument, output, result = cleaned
    _, rows, _ = LISTS[instrument]
    assert result.selected == rows
    assert result.rows == result.selected + result.rejected_by_expression + result.rejected_by_gti
    with fits.open(output) as mine, fits.open(exod / f"{instrument}_clean.fits.gz") as sas:
        assert len(mine["EVENTS"].data) == rows
        for name in sas["EVENTS"].columns.names:
            assert np.array_equal(mine["EVENTS"].data[name], sas["EVENTS"].data[name]), name


def test_exposure_cards_and_tables_are_those_of_sas(cleaned: tuple, exod: Path) -> None:
    instrument, output, result = cleaned
    assert result.ontime[1] == pytest.approx(LISTS[instrument][2], abs=1e-3)
    with fits.open(output) as mine, fits.open(exod / f"{instrument}_clean.fits.gz") as sas:
        assert [hdu.name for hdu in mine] == [hdu.name for hdu in sas]
        cards = [card for card in sas["EVENTS"].header if card.startswith(("ONTIME", "LIVETI", "TSTART", "TSTOP"))]
        assert len(cards) == 18
        for card in cards:
            assert mine["EVENTS"].header[card] == pytest.approx(sas["EVENTS"].header[card], abs=1e-3), card
        for hdu in sas[2:]:
            assert len(mine[hdu.name].data) == len(hdu.data), hdu.name
        for ccd in range(7):
            name = f"GTI{ccd:03d}04"
            assert np.allclose(mine[name].data["START"], sas[name].data["START"], rtol=0, atol=1e-6)
            assert np.allclose(mine[name].data["STOP"], sas[name].data["STOP"], rtol=0, atol=1e-6)


def test_data_subspace_says_what_sas_says(cleaned: tuple, exod: Path) -> None:
    instrument, output, _ = cleaned
    with fits.open(output) as mine, fits.open(exod / f"{instrument}_clean.fits.gz") as sas:

        def subspace(header: fits.Header) -> tuple:
            names = {n: header[f"DSTYP{n}"] for n in range(1, 7)}
            return {(names[n], header.get(f"DSVAL{n}")) for n in names}, {header.get(f"{k}DSVAL1") for k in range(2, 8)}

        assert subspace(mine["EVENTS"].header) == subspace(sas["EVENTS"].header)


@pytest.fixture(scope="module")
def selected(mos_list: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of ours of the events of a genuine one that pass the usual filters."""
    output = tmp_path_factory.mktemp("selected") / "clean.fits"
    assert evselect(EpicEventList.open(mos_list), EXPRESSION, None, output).selected > 2000
    return output


def test_file_is_valid_with_checksums(selected: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(selected, checksum=True) as hdus:
            hdus.verify("exception")
            assert all("CHECKSUM" in hdu.header and "DATASUM" in hdu.header for hdu in hdus)


def test_a_flipped_byte_breaks_the_checksum(selected: Path, tmp_path: Path) -> None:
    data = bytearray(selected.read_bytes())
    with fits.open(selected) as hdus:
        data[hdus["EVENTS"].fileinfo()["datLoc"] + 1000] ^= 1
    broken = tmp_path / "broken.fits"
    broken.write_bytes(data)
    with pytest.warns(match="Checksum verification failed"), fits.open(broken, checksum=True) as hdus:
        hdus["EVENTS"].data  # noqa: B018


def test_stingray_reads_the_list_as_it_reads_that_of_sas(cleaned: tuple, exod: Path) -> None:
    from stingray import EventList as StingrayEventList

    instrument, output, result = cleaned
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, sas = (
            StingrayEventList.read(str(path), fmt="hea") for path in (output, exod / f"{instrument}_clean.fits.gz")
        )
    assert len(mine.time) == result.selected
    assert np.array_equal(mine.time, sas.time)
    assert len(mine.gti) >= 10
    assert np.allclose(mine.gti, sas.gti, rtol=0, atol=1e-6)


def test_livetime_of_genuine_lists(abell907: Abell907) -> None:
    events = EpicEventList.open(abell907.event_list)
    assert len(events.gtis) >= 6
    for ccd, intervals in events.gtis.items():
        expected = events.header[f"LIVETI{ccd:02d}"]
        assert live_time(events.frames(ccd), intervals) == pytest.approx(expected, abs=1e-3), ccd


def before_cleaning(path: Path, output: Path) -> tuple[EpicEventList, str]:
    """Take SAS's last selection back: return a list with the standard good times only, and the selection's text.

    SAS wrote the selection as cards of the data subspace and as tables GTI0nn06. Events that it removed stay away.
    """
    with fits.open(path) as hdus:
        header = hdus["EVENTS"].header
        text = header["SLCTEXPR"]
        for card in list(header):
            if card == "SLCTEXPR" or card.lstrip("23456789").startswith(("DSVAL", "DSREF", "DSTYP", "DSFORM", "DSUNI")):
                del header[card]
        for hdu in [hdu for hdu in hdus if hdu.name.startswith("GTI")]:
            del hdus[hdu.name]
        hdus.writeto(output)
    return EpicEventList.open(output), text


def test_exposure_of_a_selection_is_that_which_sas_wrote_for_it(abell907: Abell907, tmp_path: Path) -> None:
    """SAS's selection, done again: every event that it kept, its ONTIME and LIVETIME of each CCD, its good times."""
    left = EpicEventList.open(abell907.event_list).gtis
    events, text = before_cleaning(abell907.event_list, tmp_path / "before.fits")
    expression, gti = text.split(" && GTI(")
    assert gti.endswith("_gti.fits,TIME)")
    flare_free = union(*left.values())
    result = evselect(events, expression.replace(".eq.", "=="), flare_free, tmp_path / "after.fits")
    assert result.selected == result.rows > 2000
    sas = fits.getheader(abell907.event_list, "EVENTS")
    cards = [card for card in sas if card.startswith(("ONTIME", "LIVETI", "TSTART", "TSTOP"))]
    assert len(cards) >= 2 * len(left) + 4
    mine = fits.getheader(tmp_path / "after.fits", "EVENTS")
    for card in cards:
        assert mine[card] == pytest.approx(sas[card], rel=0, abs=2e-5 if card.startswith("LIVETI") else 1e-9), card
    after = EpicEventList.open(tmp_path / "after.fits")
    assert sorted(after.gtis) == sorted(left)
    for ccd, intervals in after.gtis.items():
        # SAS keeps intervals apart that touch; of joined ones the edges are the same numbers.
        assert np.array_equal(intervals, union(left[ccd])), ccd


def test_events_outside_of_a_half_of_the_good_times_are_removed(abell907: Abell907, tmp_path: Path) -> None:
    left = EpicEventList.open(abell907.event_list).gtis
    events, _ = before_cleaning(abell907.event_list, tmp_path / "before.fits")
    flare_free = union(*left.values())
    half = flare_free[: len(flare_free) // 2]
    result = evselect(events, "true", half, tmp_path / "after.fits")
    kept = contains(half, events.columns("TIME")["TIME"])
    assert 0 < result.selected == np.count_nonzero(kept) < result.rows
    after = EpicEventList.open(tmp_path / "after.fits")
    assert np.array_equal(after.columns("TIME")["TIME"], events.columns("TIME")["TIME"][kept])
    for ccd, intervals in after.gtis.items():
        assert np.allclose(intervals, intersection(union(left[ccd]), half), rtol=0, atol=1e-6)


def test_nothing_selected_is_a_valid_empty_list(mos_list: Path, tmp_path: Path) -> None:
    result = evselect(EpicEventList.open(mos_list), "PI > 20000", None, tmp_path / "none.fits")
    assert (result.selected, result.rejected_by_expression) == (0, result.rows)
    with fits.open(tmp_path / "none.fits", checksum=True) as hdus:
        hdus.verify("exception")
        assert len(hdus["EVENTS"].data) == 0


def test_without_gti_exposure_stays(mos_list: Path, tmp_path: Path) -> None:
    events = EpicEventList.open(mos_list)
    result = evselect(events, "true", None, tmp_path / "all.fits")
    assert result.selected == events.row_count
    assert result.ontime[1] == pytest.approx(events.header["ONTIME01"], abs=1e-6)
    assert result.livetime[1] == pytest.approx(events.header["LIVETI01"], abs=1e-3)


def test_cleaning_twice_keeps_what_is_in_both(mos_list: Path, tmp_path: Path) -> None:
    gtis = union(*EpicEventList.open(mos_list).gtis.values())
    start, stop = gtis[0, 0], gtis[-1, 1]
    first, second = np.array([[start, 0.4 * start + 0.6 * stop]]), np.array([[0.7 * start + 0.3 * stop, stop]])
    evselect(EpicEventList.open(mos_list), EXPRESSION, first, tmp_path / "a.fits")
    result = evselect(EpicEventList.open(tmp_path / "a.fits"), "PI > 1000", second, tmp_path / "b.fits")
    times = EpicEventList.open(tmp_path / "b.fits").columns("TIME", "PI")
    assert result.selected > 0
    assert contains(intersection(first, second), times["TIME"]).all()
    assert times["PI"].min() > 1000
    header = EpicEventList.open(tmp_path / "b.fits").header
    assert ":12" in [header.get(f"DSVAL{n}") for n in range(1, 9)]
    assert "(1000:" in [header.get(f"DSVAL{n}") for n in range(1, 9)]


def test_a_list_without_what_is_asked_for(mos_list: Path, tmp_path: Path) -> None:
    with pytest.raises(ExpressionError, match="PAT_ID is not a column"):
        evselect(EpicEventList.open(mos_list), "PAT_ID == 0", None, tmp_path / "x.fits")
