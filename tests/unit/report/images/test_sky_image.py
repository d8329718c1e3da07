"""Images are read as astropy reads them, and cameras are added up at the same positions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import CorruptFileError
from daxa_wf.fits.images import read_image
from daxa_wf.report.images.planes import plane_of_image
from daxa_wf.report.images.sky_image import HELD_PIXELS, SkyImage, combined, read_sky_image, shared_grid, sky_image
from tests.unit.report.archives import tangent_header, write_image

SOURCE = (150.02, 2.03)


def image_with_source(pixel: float, shape: tuple[int, int], centre: tuple[float, float], dtype: str = "f8") -> SkyImage:
    """An image with 100 counts in the pixel of SOURCE."""
    plane = plane_of_image(tangent_header(150.0, 2.0, pixel, centre))
    assert plane is not None
    pixels = np.zeros(shape, dtype)
    column, row = plane.pixel(*SOURCE)
    pixels[round(float(row)), round(float(column))] = 100
    pixels[0, 0] = pixels[-1, -1] = 1
    return sky_image(pixels, plane)


def peak(image: SkyImage) -> tuple[float, float]:
    row, column = np.unravel_index(np.argmax(image.pixels), image.pixels.shape)
    assert image.plane is not None
    ra, dec = image.plane.sky(float(column), float(row))
    return float(ra), float(dec)


def test_images_on_one_grid_are_added_pixel_by_pixel() -> None:
    images = [image_with_source(0.001, (120, 130), (64.0, 50.0)) for _ in range(3)]
    total = combined(images, shared_grid(images))
    assert total is not None
    np.testing.assert_array_equal(total.pixels, 3 * images[0].pixels)


def test_images_on_several_grids_are_added_at_the_same_positions() -> None:
    images = [image_with_source(0.001, (120, 130), (64.0, 50.0)), image_with_source(0.0011, (90, 80), (20.0, 30.0))]
    total = combined(images, shared_grid(images))
    assert total is not None
    row, column = np.unravel_index(np.argmax(total.pixels), total.pixels.shape)
    assert total.pixels[row - 1 : row + 2, column - 1 : column + 2].sum() == 200
    assert total.pixels.sum() == sum(image.pixels.sum() for image in images), "no count is lost"
    assert peak(total) == pytest.approx(SOURCE, abs=0.0012)


def test_exposure_times_are_averaged_where_pixels_are_joined() -> None:
    plane = plane_of_image(tangent_header(150.0, 2.0, 0.001, (50.0, 50.0)))
    fine = SkyImage(np.full((100, 100), 7.0), plane, is_mean=True)
    assert fine.small(25).pixels.tolist() == np.full((25, 25), 7.0).tolist()
    coarse = plane_of_image(tangent_header(150.0, 2.0, 0.004, (13.0, 13.0)))
    total = combined([fine, SkyImage(np.full((25, 25), 2.0), coarse, is_mean=True)], shared_grid([fine]))
    assert total is not None
    both = combined([fine, SkyImage(np.full((25, 25), 2.0), coarse, is_mean=True)], (coarse, (25, 25)))  # type: ignore[arg-type]
    assert both is not None
    assert both.pixels[12, 12] == 9.0


def test_images_without_coordinates_are_not_combined() -> None:
    known, unknown = image_with_source(0.001, (120, 130), (64.0, 50.0)), SkyImage(np.ones((3, 3)), None)
    assert combined([known, unknown], shared_grid([known, unknown])) is None
    assert shared_grid([unknown]) is None


def test_large_images_are_joined_and_keep_their_positions() -> None:
    large = image_with_source(0.0001, (2 * HELD_PIXELS, 1000), (300.0, 200.0), "i4")
    assert max(large.pixels.shape) <= HELD_PIXELS
    assert peak(large) == pytest.approx(SOURCE, abs=0.0002)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8", "u2"])
def test_pixels_of_every_type_are_read_as_astropy_reads_them(tmp_path: Path, dtype: str) -> None:
    pixels = np.arange(12).reshape(3, 4).astype(dtype)
    path = write_image(tmp_path / "a.fits", pixels)
    np.testing.assert_array_equal(read_image(path, 100)[1], fits.getdata(path))


def test_scaled_blank_deep_and_compressed_images_are_read(tmp_path: Path) -> None:
    scaled = fits.PrimaryHDU(np.array([[1, 2], [-9, 4]], np.int16))
    scaled.header["BLANK"] = -9
    scaled.writeto(tmp_path / "blank.fits")
    pixels = read_image(tmp_path / "blank.fits", 100)[1]
    assert np.isnan(pixels[1, 0])
    assert read_sky_image(tmp_path / "blank.fits").pixels.tolist() == [[1.0, 2.0], [0.0, 4.0]]
    write_image(tmp_path / "deep.fits", np.ones((1, 2, 3)))
    assert read_image(tmp_path / "deep.fits", 100)[1].shape == (2, 3)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.eye(50, dtype=np.int32))]).writeto(tmp_path / "packed.fits")
    np.testing.assert_array_equal(read_image(tmp_path / "packed.fits", 2500)[1], np.eye(50))


def test_what_is_not_an_image_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "large.fits", np.ones((20, 20)))
    with pytest.raises(CorruptFileError, match="more than 100 pixels"):
        read_image(tmp_path / "large.fits", 100)
    fits.HDUList([fits.PrimaryHDU()]).writeto(tmp_path / "empty.fits")
    with pytest.raises(CorruptFileError, match="does not contain an image"):
        read_image(tmp_path / "empty.fits", 100)
