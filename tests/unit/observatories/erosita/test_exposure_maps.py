from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.events.gti import NONE, total
from daxa_wf.events.rewrite import Changes, rewrite
from daxa_wf.events.sky_grid import SkyGrid
from daxa_wf.observatories.erosita.native.detector_frame import NOMINAL, detector_frames, fit_frame, turn
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.exposure_maps import (
    bad_pixel_mask,
    dwell_of,
    exposure_maps,
    write_exposure_map,
)
from daxa_wf.observatories.erosita.native.field_of_view import FOV_RADIUS, sum_along
from daxa_wf.observatories.erosita.native.images import image_grid
from daxa_wf.observatories.erosita.native.region import parse_region
from daxa_wf.observatories.erosita.native.vignetting import band_energy, vignetting

pytestmark = pytest.mark.filterwarnings("error::astropy.utils.exceptions.AstropyUserWarning")
"""A wrong checksum is a warning of astropy's."""


BAND = [(0.2, 2.3)]


def seen_by_hand(dx, dy, roll, bad):
    """The demo's CCD: 384 pixels of 9.6 arcsec about the pointing, turned by ROLL; place by place."""
    angle = np.deg2rad(roll)
    column = np.rint(192.5 + (dx * np.cos(angle) + dy * np.sin(angle)) / 192).astype(int)
    row = np.rint(192.5 + (dy * np.cos(angle) - dx * np.sin(angle)) / 192).astype(int)
    inside = (column >= 1) & (column <= 384) & (row >= 1) & (row <= 384) & (np.hypot(dx, dy) <= FOV_RADIUS)
    for rawx, rawy, extent in bad:
        inside &= ~((column == rawx) & (row >= rawy) & (row < rawy + extent))
    return inside


@pytest.mark.parametrize("corner", [(-4000, -4000), (30_000, -4000), (22_000, 22_000)])
def test_steady_pointing_against_brute_force(event_file, corner):
    """Live seconds times the part of each image pixel that is seen, on a fine raster: a bad column, and the rim."""
    events = event_file("700199")
    good = {5: events.gtis[5]}
    grid = SkyGrid(*corner, 80, 80, 100, 110)
    maps = exposure_maps(events, good, grid, BAND, with_vignetting=False)
    bad = [(row["RAWX"], row["RAWY"], row["YEXTENT"]) for row in events.bad_pixels(5)]
    fine_x = grid.xmin + 16.0 * (np.arange(grid.nx * 5) + 0.5)
    fine_y = grid.ymin + 16.0 * (np.arange(grid.ny * 5) + 0.5)
    seen = seen_by_hand(*np.meshgrid(fine_x, fine_y), 200.0, bad)
    expected = seen.reshape(grid.ny, 5, grid.nx, 5).mean(axis=(1, 3)) * events.live_time(5, good[5])
    found = maps.single[5][0]
    assert 0.3 < seen.mean() < 0.99
    assert np.mean(np.abs(found - expected) < 0.01 * expected.max()) > 0.95
    assert np.abs(found - expected).mean() < 0.006 * expected.max()
    assert found.sum() == pytest.approx(expected.sum(), rel=1e-3)
    assert found.max() == pytest.approx(events.live_time(5, good[5]), rel=1e-4)
    np.testing.assert_array_equal(maps.merged, maps.single[5])
    assert maps.findings == ()


def test_outside_of_the_region_that_events_were_selected_in_there_is_no_exposure(event_file):
    events = event_file("700199")
    good, grid = {5: events.gtis[5]}, SkyGrid(-4000, -4000, 80, 80, 100, 110)
    whole = exposure_maps(events, good, grid, BAND).merged[0]
    ra, dec = events.plane.ra, events.plane.dec
    region = parse_region(f'fk5; circle({ra}, {dec}, 150"); -circle({ra}, {dec}, 60")')
    part = exposure_maps(events, good, grid, BAND, region=region).merged[0]
    distance = np.hypot(*np.meshgrid(*(each * 0.05 for each in grid.centres())))
    inside, edge = (distance > 64) & (distance < 146), 4
    assert np.array_equal(part[inside], whole[inside])
    assert not part[(distance < 60 - edge) | (distance > 150 + edge)].any()
    assert part.sum() / whole.sum() == pytest.approx(np.pi * (150**2 - 60**2) / (grid.nx * grid.ny * 16), rel=0.05)


def test_scan_against_brute_force(event_file):
    """A pixel's exposure is the sum over fine steps of time in which it is in the field of view."""
    events = event_file("134135")
    module, good = 2, events.gtis[2]
    grid = SkyGrid(-100_000, -100_000, 2000, 2000, 100, 100)
    maps = exposure_maps(events, {module: good}, grid, BAND, with_vignetting=False, with_bad_pixels=False)
    pointing = events.pointing(module)
    times = np.concatenate([np.arange(start + 0.1, stop, 0.2) for start, stop in good])
    x, y = events.plane.pixel(
        np.interp(times, pointing.time, pointing.ra), np.interp(times, pointing.time, pointing.dec)
    )
    live = 0.2 * events.live_fraction(module, times)
    rows, columns = np.random.default_rng(8).integers(0, 100, (2, 80))
    centres_x, centres_y = grid.centres()
    expected = np.zeros(80)
    for u in (-750, -250, 250, 750):
        for v in (-750, -250, 250, 750):
            dx, dy = centres_x[columns, None] + u - x, centres_y[rows, None] + v - y
            expected += np.sum(live * seen_by_hand(dx, dy, 0.0, []), axis=1) / 16
    found = maps.single[module][0][rows, columns]
    np.testing.assert_allclose(found, expected, atol=0.01 * expected.max())
    assert found.sum() == pytest.approx(expected.sum(), rel=2e-3)


def test_dwell_is_all_live_time(event_file):
    events = event_file("134135")
    grid = image_grid(events, 100, 800)
    for module in (1, 7):
        dwell = dwell_of(events, module, events.gtis[module], grid)
        assert dwell.seconds.sum() == pytest.approx(events.live_time(module, events.gtis[module]), rel=1e-4)
        assert len(dwell.seconds) > 1000


def test_vignetting_and_weights(event_file):
    events = event_file("700195")
    good = {module: events.gtis[module] for module in (1, 2)} | {4: NONE}
    grid = SkyGrid(-40_000, -40_000, 1000, 1000, 80, 80)
    bands = [(0.2, 2.3), (5.0, 8.0)]
    maps = exposure_maps(events, good, grid, bands)
    flat = exposure_maps(events, good, grid, bands, with_vignetting=False)
    np.testing.assert_allclose(flat.merged[0], flat.merged[1])
    np.testing.assert_allclose(flat.merged[0], (flat.single[1][0] + flat.single[2][0]) / 3, rtol=1e-6)
    assert [each.text for each in maps.findings] == ["TM4 has no good time: its exposure is zero"]
    x, y = np.meshgrid(*grid.centres())
    middle = (flat.single[1][0] > 0.95 * flat.single[1][0].max()) & (np.hypot(x, y) < 30_000)
    for number, band in enumerate(bands):
        ratio = maps.single[1][number][middle] / flat.single[1][number][middle]
        np.testing.assert_allclose(ratio, vignetting(np.hypot(x, y)[middle] / 72_000, band_energy(*band)), rtol=0.012)
    weighted = exposure_maps(events, good, grid, BAND, with_vignetting=False, weights={1: 3.0, 2: 1.0, 4: 0.0})
    np.testing.assert_allclose(weighted.merged[0], 0.75 * flat.single[1][0] + 0.25 * flat.single[2][0])


def test_vignetting_is_the_published_one():
    assert float(vignetting(0.0, 1.25)) == 1
    assert float(vignetting(0.25, 1.25)) == pytest.approx((1 + (0.25 / 0.44966) ** 1.71288) ** -1.02111)
    assert float(vignetting(0.25, 0.3)) == float(vignetting(0.25, 1.25))
    assert float(vignetting(0.25, 9.0)) == float(vignetting(0.25, 7.5)) < float(vignetting(0.25, 4.0))
    halfway = (float(vignetting(0.4, 4.0)) + float(vignetting(0.4, 7.5))) / 2
    assert float(vignetting(0.4, 5.75)) == pytest.approx(halfway)


@pytest.mark.parametrize(("obsid", "roll"), [("700195", 30.0), ("700199", 200.0), ("134135", 0.0)])
def test_frame_from_events(event_file, obsid, roll):
    events = event_file(obsid)
    frames = detector_frames(events, (5, 6))
    dx, dy = np.array([0.0, 20_000.0]), np.array([0.0, -9000.0])
    for frame in frames.values():
        assert frame.measured
        np.testing.assert_allclose(frame.raw(dx, dy, roll), NOMINAL.raw(dx, dy, roll), atol=0.1)


@pytest.mark.parametrize("sense", [1, -1])
def test_sense_of_roll_is_found(sense):
    rng = np.random.default_rng(1)
    dx, dy, roll = rng.uniform(-30_000, 30_000, (2, 2000)), None, rng.uniform(0, 90, 2000)
    dx, dy = dx
    raw = np.rint(np.array(turn(dx, dy, sense * roll)) * np.array([[-1], [1]]) / 192 + np.array([[190.2], [194.1]]))
    raw[:, :10] += 100
    frame = fit_frame(dx, dy, roll, raw)
    assert (frame.sense, frame.measured) == (sense, True)
    np.testing.assert_allclose(frame.origin, [190.2, 194.1], atol=0.05)
    np.testing.assert_allclose(frame.matrix * 192, [[-1, 0], [0, 1]], atol=1e-3)
    assert fit_frame(dx[:50], dy[:50], roll[:50], raw[:, :50]) is NOMINAL
    assert fit_frame(dx, dy, roll, rng.uniform(1, 384, (2, 2000))) is NOMINAL


def test_bad_pixels(event_file):
    mask = bad_pixel_mask(event_file("700199"), 6)
    assert mask.sum() == 384 + 1
    assert mask[:, 239].all()
    assert mask[55, 99]


def test_sum_along_is_direct_sum():
    rng = np.random.default_rng(5)
    grid = SkyGrid(0, 0, 10, 10, 12, 9)
    view = rng.uniform(size=(5, 7))
    x, y, seconds = np.array([55.0, 5.0, 300.0]), np.array([35.0, -15.0, 300.0]), np.array([2.0, 3.0, 5.0])
    expected = np.zeros(grid.shape)
    for a, b, s in zip(x, y, seconds, strict=True):
        for row in range(grid.ny):
            for column in range(grid.nx):
                i, j = row - round((b - 5) / 10) + 2, column - round((a - 5) / 10) + 3
                if 0 <= i < 5 and 0 <= j < 7:
                    expected[row, column] += s * view[i, j]
    np.testing.assert_allclose(sum_along(grid, x, y, seconds, view), expected, atol=1e-5)
    np.testing.assert_array_equal(sum_along(grid, x[2:], y[2:], seconds[2:], view), 0)


def test_doubts_are_told(event_file, tmp_path):
    """Without CORRATTn the header's pointing is taken."""
    events = event_file("700199")
    rewrite(events, tmp_path / "x.fits", Changes("test"))
    data = (tmp_path / "x.fits").read_bytes().replace(b"'CORRATT5'", b"'XORRATT5'")
    (tmp_path / "x.fits").write_bytes(data)
    without = ErositaEventList.open(tmp_path / "x.fits")
    maps = exposure_maps(without, {5: without.gtis[5]}, SkyGrid(-4000, -4000, 4000, 4000, 2, 2), BAND)
    assert [each.name for each in maps.findings] == ["noAttitude"]
    assert maps.merged.max() > 2500


def test_map_file(event_file, tmp_path):
    events = event_file("700199")
    grid = image_grid(events, 30, 3200)
    maps = exposure_maps(events, events.gtis, grid, BAND)
    write_exposure_map(tmp_path / "map.fits", events, grid, BAND[0], maps.merged[0], True)
    with fits.open(tmp_path / "map.fits", checksum=True) as hdus:
        np.testing.assert_allclose(hdus[0].data, maps.merged[0], rtol=1e-6)
        assert hdus[0].header["BUNIT"] == "s"
        assert "SIXTE" in hdus[0].header["VIGNETT"]
        assert hdus[0].header["CTYPE1"] == "RA---SIN"
    assert maps.merged.max() < max(total(good) for good in events.gtis.values())
