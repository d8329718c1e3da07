"""Images and exposure maps against those of evselect and eexpmap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from daxa_wf.events.gti import union
from daxa_wf.events.image import pi_ranges
from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.observatories.xmm.native.attitude import NO_DRIFT, Drift, read_drift
from daxa_wf.observatories.xmm.native.detector import Detector, without_neighbours
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.exposure_map import exposure_maps, write_exposure_map
from daxa_wf.observatories.xmm.native.images import bin_images, epic_grid, write_image
from daxa_wf.observatories.xmm.native.vignetting import measured_vignetting, spacecraft_frame
from daxa_wf.observatories.xmm.steps.images import bands_cut_off
from daxa_wf.units import Band
from tests.genuine import EXTRACTS, Abell907, is_whole

BANDS = {"0.50-2.00": (500, 2000), "2.00-10.00": (2000, 10000)}
GRID = epic_grid(87)


@pytest.fixture(scope="module")
def events(abell907: Abell907) -> EpicEventList:
    """The cleaned event list."""
    return EpicEventList.open(abell907.event_list)


@pytest.fixture(scope="module")
def some_list() -> EpicEventList:
    """One of the lists, for what is true of any."""
    return EpicEventList.open(Abell907(EXTRACTS, "0201903501", "mos1").event_list)


def test_images_are_pixel_exact(abell907: Abell907, events: EpicEventList, tmp_path: Path) -> None:
    for (band, edges), image in zip(BANDS.items(), bin_images(events, list(BANDS.values()), GRID), strict=True):
        sas, pixels, here = abell907.image(band)
        assert pixels.sum() > 300
        assert np.array_equal(image.counts[here], pixels)
        energy = events.columns("PI")["PI"]
        assert image.counts.sum() + image.outside == np.count_nonzero((energy >= edges[0]) & (energy <= edges[1]))
        write_image(tmp_path / f"{band}.fits", events, GRID, edges, image)
        with fits.open(tmp_path / f"{band}.fits", checksum=True) as hdus:
            hdus.verify("exception")
            cards = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CDELT1", "CDELT2", "LTV1", "LTM1_1", "CRVAL1L", "CDELT1L")
            for card in cards:
                assert hdus[0].header[card] == pytest.approx(sas[card], rel=1e-9), card
            assert hdus[0].header["EXPOSURE"] == pytest.approx(sas["EXPOSURE"], abs=1e-3)


def test_bands_that_share_an_edge_share_no_event_and_others_are_those_of_evselect(events: EpicEventList) -> None:
    bands = list(BANDS.values())
    assert pi_ranges(bands) == [(500, 1999), (2000, 10_000)]
    assert pi_ranges([(500, 2000), (2001, 10_000), (300, 7000)]) == [(500, 2000), (2001, 10_000), (300, 7000)]
    soft, hard, both = (image.counts for image in bin_images(events, [*pi_ranges(bands), (500, 10_000)], GRID))
    assert np.array_equal(soft + hard, both)
    twice = sum(image.counts for image in bin_images(events, bands, GRID)) - both
    (shared,) = bin_images(events, [(2000, 2000)], GRID)
    assert np.array_equal(twice, shared.counts)


def test_counts_are_32_bit_integers_so_that_images_can_be_multiplied_and_subtracted(
    events: EpicEventList, tmp_path: Path
) -> None:
    for edges, image in zip(BANDS.values(), bin_images(events, list(BANDS.values()), GRID), strict=True):
        write_image(tmp_path / "image.fits", events, GRID, edges, image)
        written, header = fits.getdata(tmp_path / "image.fits", header=True)
        assert header["BITPIX"] == 32
        assert (written * 10).max() == 10 * image.counts.max()
        brighter = np.roll(written, 1, axis=0)
        assert np.array_equal(written - brighter, image.counts - np.roll(image.counts, 1, axis=0))


def test_exposure_maps_agree_with_eexpmap(abell907: Abell907, events: EpicEventList) -> None:
    """The vignetting was measured on 0201903501; 0404910601 is the independent test."""
    maps = exposure_maps([events], GRID, events.plane, [1.25, 6.0])
    for band, whole_map in zip(BANDS, maps.seconds, strict=True):
        _, sas, here = abell907.exposure_map(band)
        field, seconds = sas > 0, whole_map[here]
        ratio = seconds[field] / sas[field]
        assert np.median(ratio) == pytest.approx(1, abs=0.02)
        # Where the CCDs are is fitted to the events, of which the extract has few.
        assert np.mean(np.abs(ratio - 1) < 0.10) >= (0.95 if is_whole(abell907.root) else 0.94)
        assert np.count_nonzero((seconds > 0) & ~field) < 0.01 * np.count_nonzero(field)


@pytest.mark.parametrize("band", BANDS)
def test_pn_vignetting_predicts_the_other_observation(real_data: Path, band: str) -> None:
    """No pn list is at hand: the shape of the map is tested, away from CCD gaps."""
    header, seconds, (rows, columns) = Abell907(real_data, "0404910601", "pn").exposure_map(band)
    x, y = np.meshgrid(GRID.centres()[0][columns] - 25921, GRID.centres()[1][rows] - 25921)
    factor = measured_vignetting("PN").at(
        *spacecraft_frame(x, y, header["PA_PNT"]), {"0.50-2.00": 1.25, "2.00-10.00": 6.0}[band]
    )
    bright = seconds > 0.25 * seconds.max()
    ratio = (seconds / factor)[bright] / np.percentile((seconds / factor)[bright], 80)
    assert np.median(ratio) == pytest.approx(1, abs=0.02)
    assert np.mean(np.abs(ratio - 1) < 0.10) > 0.75


def test_without_vignetting_a_map_is_live_time(some_list: EpicEventList) -> None:
    seconds = exposure_maps([some_list], GRID, some_list.plane, [1.0], "none").seconds[0]
    lives = [some_list.header[f"LIVETI{ccd:02d}"] for ccd in some_list.ccds]
    inner = seconds[seconds > 0.5 * seconds.max()]
    assert min(lives) <= np.median(inner) <= 1.01 * max(lives)


def test_events_fall_where_there_is_exposure(mos_list: Path, tmp_path: Path) -> None:
    from daxa_wf.observatories.xmm.native.evselect import evselect

    output = tmp_path / "clean.fits"
    evselect(EpicEventList.open(mos_list), "#XMMEA_EM && PATTERN<=12 && FLAG==0", None, output)
    events = EpicEventList.open(output)
    seconds = exposure_maps([events], GRID, events.plane, [1.0]).seconds[0]
    image = bin_images(events, [(200, 12000)], GRID)[0].counts
    assert image[seconds <= 0].sum() <= 0.001 * image.sum()


def test_a_ccd_without_events_is_left_out_and_told(some_list: EpicEventList, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = exposure_maps([some_list], GRID, some_list.plane, [1.0], "none")
    place = Detector.place
    monkeypatch.setattr(Detector, "place", lambda self, ccd: None if ccd == 2 else place(self, ccd))
    less = exposure_maps([some_list], GRID, some_list.plane, [1.0], "none")
    assert whole.findings == ()
    assert [each.name for each in less.findings] == ["ccdLeftOut"]
    assert less.seconds.sum() < 0.95 * whole.seconds.sum()


def test_two_exposures_add_up(some_list: EpicEventList) -> None:
    single = exposure_maps([some_list], GRID, some_list.plane, [1.25]).seconds
    double = exposure_maps([some_list, some_list], GRID, some_list.plane, [1.25]).seconds
    assert np.allclose(double, 2 * single)


def test_drift_moves_exposure(some_list: EpicEventList) -> None:
    still = exposure_maps([some_list], GRID, some_list.plane, [1.0], "none").seconds[0]
    moved = exposure_maps([some_list], GRID, some_list.plane, [1.0], "none", [Drift(((870.0, 0.0, 1.0),))]).seconds[0]
    inner = slice(100, 400)
    assert np.mean(np.abs(moved[inner, 110:410] - still[inner, 100:400]) < 1) > 0.98


def test_real_attitude_is_steady(real_data: Path) -> None:
    exposure = Abell907(real_data, "0201903501", "mos1")
    events = EpicEventList.open(exposure.event_list)
    (series,) = (exposure.folder / "att").glob("*ATTTSR0000.FIT")
    assert read_drift(series, events.plane, union(*events.gtis.values())) == NO_DRIFT


def test_map_file_says_what_its_vignetting_is(some_list: EpicEventList, tmp_path: Path) -> None:
    write_exposure_map(tmp_path / "map.fits", some_list, GRID, (500, 2000), np.ones(GRID.shape), "measured")
    with fits.open(tmp_path / "map.fits", checksum=True) as hdus:
        hdus.verify("exception")
        header = hdus[0].header
        assert (header["VIGNETT"], header["CONTENT"], header["BUNIT"]) == ("measured", "EPIC EXPOSURE MAP", "s")
        assert hdus[0].data.dtype == np.dtype(">f4")
        assert any("0201903501" in line for line in header["HISTORY"])


def test_planes_equal_astropy_and_come_back() -> None:
    plane = TangentPlane(149.59, -11.09, 25921, 25921, -1.38888888888889e-05, 1.38888888888889e-05)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crpix, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [25921, 25921], [149.59, -11.09]
    wcs.wcs.cdelt = [-1.38888888888889e-05, 1.38888888888889e-05]
    x, y = np.random.default_rng(2).uniform(1, 51840, (2, 200))
    ra, dec = plane.sky(x, y)
    expected = wcs.wcs_pix2world(np.column_stack([x, y]), 1)
    assert np.allclose(np.column_stack([ra, dec]), expected, rtol=0, atol=1e-10)
    assert np.allclose(plane.pixel(ra, dec), (x, y), rtol=0, atol=1e-5)


def test_neighbours_of_bad_pixels() -> None:
    good = np.zeros((7, 7), bool)
    good[1:6, 1:6] = True
    kept = without_neighbours(good)
    assert np.argwhere(kept).tolist() == [[row, column] for row in (2, 3, 4) for column in (2, 3, 4)]


def test_vignetting_is_one_on_the_axis_and_falls() -> None:
    for instrument in ("M1", "M2", "PN"):
        vignetting = measured_vignetting(instrument)
        u = vignetting.axis[0] + 1200 * np.array([0.0, 4, 8, 12])
        low, high = (vignetting.at(u, np.full(4, vignetting.axis[1]), energy) for energy in (1.25, 6.0))
        assert low[0] == pytest.approx(1, abs=0.02)
        assert np.all(np.diff(low) < 0)
        assert np.all(high[1:] < low[1:])
        assert np.allclose(vignetting.at(u, np.full(4, vignetting.axis[1]), 3.625), (low + high) / 2)


def test_a_band_that_the_list_does_not_hold_in_full_is_named() -> None:
    bands = [Band(0.5, 2.0), Band(2.0, 10.0), Band(3.2, 3.8)]
    assert bands_cut_off(bands, None) == []
    cut = bands_cut_off(bands, Band(3.0, 4.0))
    assert [each["name"] for each in cut] == ["bandNotInList"] * 2
    assert cut[0]["text"] == "the image en0.5_2.0keV holds a part of its band only: the list was cut to en3.0_4.0keV"
