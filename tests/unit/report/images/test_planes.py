"""Sky coordinates of pixels agree with astropy's, for every form of header."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from daxa_wf.report.images.planes import plane_of_image

BASE = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 83.63, "CRVAL2": 62.0, "CRPIX1": 60.5, "CRPIX2": 41.0,
    "CUNIT1": "deg", "CUNIT2": "deg",
}  # fmt: skip
FORMS: dict[str, dict[str, Any]] = {
    "plain": {"CDELT1": -0.01, "CDELT2": 0.01},
    "rotated": {"CDELT1": -0.01, "CDELT2": 0.012, "CROTA2": 33.0},
    "matrix": {"CD1_1": -0.008, "CD1_2": 0.003, "CD2_1": 0.003, "CD2_2": 0.008},
    "part of a matrix": {"CD1_1": -0.008, "CD2_2": 0.008},
    "PC": {"CDELT1": -0.01, "CDELT2": 0.01, "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8},
    "orthographic": {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CDELT1": -0.02, "CDELT2": 0.02},
}


def header_of(form: str) -> fits.Header:
    return fits.Header({**BASE, **FORMS[form]})


@pytest.mark.parametrize("form", FORMS)
def test_pixels_have_the_positions_that_astropy_gives(form: str) -> None:
    header = header_of(form)
    plane = plane_of_image(header)
    assert plane is not None
    columns, rows = np.meshgrid(np.arange(0, 120, 17.0), np.arange(0, 80, 13.0))
    expected = WCS(header).all_pix2world(columns, rows, 0)
    ra, dec = plane.sky(columns, rows)
    np.testing.assert_allclose(ra, expected[0] % 360, atol=1e-9)
    np.testing.assert_allclose(dec, expected[1], atol=1e-9)
    back = plane.pixel(ra, dec)
    np.testing.assert_allclose(back[0], columns, atol=1e-6)
    np.testing.assert_allclose(back[1], rows, atol=1e-6)
    assert plane.degrees_per_pixel == pytest.approx(np.sqrt(abs(np.linalg.det(WCS(header).pixel_scale_matrix))))


def test_a_part_with_joined_pixels_keeps_its_positions() -> None:
    plane = plane_of_image(header_of("rotated"))
    assert plane is not None
    part = plane.part(20, 10, 3)
    assert part.sky(4.0, 5.0) == pytest.approx(plane.sky(20 + 4 * 3 + 1.0, 10 + 5 * 3 + 1.0))


def test_the_far_side_of_the_sky_has_no_pixel() -> None:
    plane = plane_of_image(header_of("plain"))
    assert plane is not None
    assert np.isnan(plane.pixel(263.63, -62.0)[0])


@pytest.mark.parametrize(
    "change",
    [
        {"CTYPE1": "GLON-TAN"}, {"CTYPE1": "RA---AIT"}, {"CTYPE2": "RA---TAN"}, {"CDELT1": 0.0}, {"CRVAL2": 200.0},
        {"CRPIX1": "left"}, {"CTYPE1": 7},
    ],
)  # fmt: skip
def test_headers_without_usable_coordinates_have_no_plane(change: dict[str, Any]) -> None:
    assert plane_of_image({**BASE, **FORMS["plain"], **change}) is None
