from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from daxa_wf.errors import ConfigError, UnfitDataError
from daxa_wf.events.sky_grid import SkyGrid, grid_of_image
from daxa_wf.events.sky_plane import OrthographicPlane
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.evtool import evtool
from daxa_wf.observatories.erosita.native.gti_tables import read_gti_file
from daxa_wf.observatories.erosita.native.images import automatic_grid, bin_images, image_grid, write_image
from daxa_wf.observatories.erosita.native.selection import EvtoolParameters, selection_of
from tests.genuine import is_whole
from tests.unit.observatories.erosita.conftest import default_parameters

pytestmark = pytest.mark.filterwarnings("error::astropy.utils.exceptions.AstropyUserWarning")
"""A wrong checksum is a warning of astropy's."""


BANDS = [(0.2, 2.3), (2.3, 5.0)]


def selected_rows(events, p):
    with fits.open(events.path) as hdus:
        rows = hdus["EVENTS"].data
        good = np.zeros(len(rows), bool)
        for module in p.telid:
            for start, stop in hdus[f"GTI{module}"].data if f"GTI{module}" in hdus else ():
                good |= (rows["TM_NR"] == module) & (rows["TIME"] >= start) & (rows["TIME"] <= stop)
        flag = (rows["FLAG"].astype(np.int64) & p.flag) == 0
        return rows[good & flag & (rows["PAT_TYP"] >= 1) & (rows["PAT_TYP"] <= 4)]


@pytest.mark.parametrize("obsid", ["700195", "134135"])
def test_images_are_histograms(event_file, obsid):
    events = event_file(obsid)
    p = default_parameters(gti="GTI", emin=None, emax=None)
    grid = image_grid(events, (300, 200), 200)
    images = bin_images(selection_of(events, p), BANDS, grid)
    rows = selected_rows(events, p)
    for (low, high), image in zip(BANDS, images, strict=True):
        of_band = rows[(rows["PI"] >= low * 1000) & (rows["PI"] < high * 1000)]
        edges = [np.arange(n + 1) * 200.0 - n * 100 for n in (200, 300)]
        expected = np.histogram2d(of_band["Y"], of_band["X"], edges)[0]
        np.testing.assert_array_equal(image.counts, expected)
        assert image.counts.sum() + image.outside == len(of_band) > 5000


def efeds_grid(real_data):
    """The pixels of the genuine image: 180 a side, of which the extract has the first 60."""
    side = 180 if is_whole(real_data) else 60
    return SkyGrid(-7200, -7200, 80, 80, side, side)


def test_coordinates_are_those_of_a_genuine_image(real_data):
    """The cards of a genuine evtool image, of its plane and 180 pixels of 80: pixel by pixel the same sky."""
    header = fits.getheader(real_data / "erosita" / "efeds_evtool_image_6642_GTI_FLAREGTI.fits")
    plane = OrthographicPlane(
        header["CRVAL1"], header["CRVAL2"], 0.0, 0.0, header["CDELT1"] / 80, header["CDELT2"] / 80
    )
    ours = {card: value for card, value, _ in efeds_grid(real_data).cards(plane)}
    for card in ("CTYPE1", "CUNIT1", "CRPIX1", "CRVAL1", "CDELT1", "CTYPE2", "CUNIT2", "CRPIX2", "CRVAL2", "CDELT2",
                 "WCSNAMEP", "CTYPE1P", "CTYPE2P", "CRPIX1P", "CRVAL1P", "CDELT1P", "CRPIX2P", "CRVAL2P", "CDELT2P"):  # fmt: skip
        expected = header[card]
        assert ours[card] == (pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected.strip())


def test_pixels_of_an_image(event_file, real_data, tmp_path):
    """Of a genuine image, and of one of ours: what exposure maps are made on."""
    header = fits.getheader(real_data / "erosita" / "efeds_evtool_image_6642_GTI_FLAREGTI.fits")
    assert grid_of_image(header) == efeds_grid(real_data)
    selection = selection_of(event_file("134135"), default_parameters(gti="GTI"))
    grid = automatic_grid(selection, 400)
    write_image(tmp_path / "image.fits", selection, grid, (0.2, 10), bin_images(selection, [(0.2, 10)], grid)[0])
    assert grid_of_image(fits.getheader(tmp_path / "image.fits")) == grid


def test_counts_are_32_bit_integers_whatever_their_maximum(event_file, tmp_path):
    selection = selection_of(event_file("134135"), default_parameters(gti="GTI"))
    for rebin, most in ((80, 255), (40_000, 2**31)):
        grid = automatic_grid(selection, rebin)
        (image,) = bin_images(selection, [(0.2, 10)], grid)
        write_image(tmp_path / "image.fits", selection, grid, (0.2, 10), image)
        written, header = fits.getdata(tmp_path / "image.fits", header=True)
        assert header["BITPIX"] == 32
        assert np.array_equal(written * 10, image.counts * 10)
        assert 0 < image.counts.max() <= most


def test_image_of_a_cleaned_list(event_file, tmp_path):
    """Nothing is selected anew, and the header says what was selected before."""
    events = event_file("700199")
    result = evtool(events, default_parameters(gti="GTI", pattern=3, emin=0.5, emax=5.0), tmp_path / "clean.fits")
    cleaned = ErositaEventList.open(tmp_path / "clean.fits")
    selection = selection_of(cleaned, EvtoolParameters())
    grid = automatic_grid(selection)
    (image,) = bin_images(selection, [(0.2, 10.0)], grid)
    write_image(tmp_path / "image.fits", selection, grid, (0.2, 10.0), image)
    header = fits.getheader(tmp_path / "image.fits")
    assert image.counts.sum() == result.selected
    assert (header["PAT_SEL"], header["FLAGSEL"], header["EMIN1"]) == (3, 0xC0000000 - 2**32, 0.2)


def test_image_file(event_file, erosita, tmp_path):
    events, path = event_file("700195"), tmp_path / "image.fits"
    selection = selection_of(events, default_parameters(gti="GTI", telid=(1, 2)))
    grid = image_grid(events, 960)
    (result,) = bin_images(selection, [(0.2, 2.3)], grid)
    write_image(path, selection, grid, (0.2, 2.3), result)
    with fits.open(path, checksum=True) as hdus:
        header = hdus[0].header
        np.testing.assert_array_equal(hdus[0].data, result.counts)
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "GTI1", "GTI2"]
        assert (header["EMIN1"], header["EMAX1"], header["GTI_SEL"], header["PAT_SEL"]) == (0.2, 2.3, "GTI", 15)
        assert header["FLAGSEL"] == 0xC0000000 - 2**32
        assert header["OBS_ID"] == "700195"
        assert header["LIVETI1"] == pytest.approx(events.live_time(1, events.gtis[1]))
        (place,) = erosita[1]["700195"].sources.values()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FITSFixedWarning)
            column, row = WCS(header).world_to_pixel_values(*place)
    assert result.counts[int(row) - 5 : int(row) + 6, int(column) - 5 : int(column) + 6].sum() > 300
    np.testing.assert_array_equal(read_gti_file(path, (1,))[1], events.gtis[1])


def test_center_position(event_file):
    events = event_file("700195")
    grid = image_grid(events, 11, 80, (150.15, 2.1))
    x, y = events.plane.pixel(150.15, 2.1)
    assert grid.index(np.array([x]), np.array([y])).tolist() == [5 * 11 + 5]
    with pytest.raises(ConfigError, match="far side"):
        image_grid(events, 11, 80, (330.0, -2.1))
    for size in (0, 20_000):
        with pytest.raises(ConfigError, match="allowed are 1 to 18000"):
            image_grid(events, size)


def test_automatic_size_holds_all(event_file):
    events = event_file("134135")
    selection = selection_of(events, default_parameters(gti="GTI", telid=(3,)))
    grid = automatic_grid(selection, 800)
    (image,) = bin_images(selection, [(0.0, 100.0)], grid)
    assert image.outside == 0
    assert all(side.any() for side in (image.counts[0], image.counts[-1], image.counts[:, 0], image.counts[:, -1]))
    assert grid.xmin % 800 == 0
    with pytest.raises(UnfitDataError, match="noCounts"):
        automatic_grid(selection_of(events, default_parameters(gti="GTI", emin=20, emax=30)))
