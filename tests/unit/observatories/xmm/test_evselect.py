"""Cleaning: SAS's own cleaned lists, event for event."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import ExpressionError
from daxa_wf.events.gti import contains, intersection
from daxa_wf.events.gti_files import read_gti
from daxa_wf.observatories.xmm.native.event_list import EventList
from daxa_wf.observatories.xmm.native.evselect import evselect, live_time

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
    return request.param, output, evselect(EventList.open(exod / name), EXPRESSION, gti, output)


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


def test_file_is_valid_with_checksums(cleaned: tuple) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(cleaned[1], checksum=True) as hdus:
            hdus.verify("exception")
            assert all("CHECKSUM" in hdu.header and "DATASUM" in hdu.header for hdu in hdus)


def test_a_flipped_byte_breaks_the_checksum(cleaned: tuple, tmp_path: Path) -> None:
    data = bytearray(cleaned[1].read_bytes())
    data[200_000] ^= 1
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


def test_livetime_of_genuine_lists(real_data: Path) -> None:
    paths = sorted((real_data / "xmm" / "a907").glob("*/eclean/*.fits"))
    assert paths
    for path in paths:
        events = EventList.open(path)
        for ccd, intervals in events.gtis.items():
            expected = events.header[f"LIVETI{ccd:02d}"]
            assert live_time(events.frames(ccd), intervals) == pytest.approx(expected, abs=1e-3), (path.name, ccd)


def test_nothing_selected_is_a_valid_empty_list(exod: Path, tmp_path: Path) -> None:
    result = evselect(EventList.open(exod / LISTS["M1"][0]), "PI > 20000", None, tmp_path / "none.fits")
    assert (result.selected, result.rejected_by_expression) == (0, 134_685)
    with fits.open(tmp_path / "none.fits", checksum=True) as hdus:
        hdus.verify("exception")
        assert len(hdus["EVENTS"].data) == 0


def test_without_gti_exposure_stays(exod: Path, tmp_path: Path) -> None:
    events = EventList.open(exod / LISTS["M1"][0])
    result = evselect(events, "true", None, tmp_path / "all.fits")
    assert result.selected == events.row_count
    assert result.ontime[1] == pytest.approx(events.header["ONTIME01"], abs=1e-6)
    assert result.livetime[1] == pytest.approx(events.header["LIVETI01"], abs=1e-3)


def test_cleaning_twice_keeps_what_is_in_both(exod: Path, tmp_path: Path) -> None:
    gti = read_gti(exod / "M1_gti.fits")
    first, second = gti[:6], gti[3:]
    evselect(EventList.open(exod / LISTS["M1"][0]), EXPRESSION, first, tmp_path / "a.fits")
    result = evselect(EventList.open(tmp_path / "a.fits"), "PI > 1000", second, tmp_path / "b.fits")
    times = EventList.open(tmp_path / "b.fits").columns("TIME", "PI")
    assert result.selected > 0
    assert contains(intersection(first, second), times["TIME"]).all()
    assert times["PI"].min() > 1000
    header = EventList.open(tmp_path / "b.fits").header
    assert ":12" in [header.get(f"DSVAL{n}") for n in range(1, 9)]
    assert "(1000:" in [header.get(f"DSVAL{n}") for n in range(1, 9)]


def test_a_list_without_what_is_asked_for(exod: Path, tmp_path: Path) -> None:
    with pytest.raises(ExpressionError, match="PAT_ID is not a column"):
        evselect(EventList.open(exod / LISTS["M1"][0]), "PAT_ID == 0", None, tmp_path / "x.fits")
