"""Regions of the sky in evtool's words."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from pydantic import ValidationError

from daxa_wf.errors import ConfigError
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.evtool import evtool
from daxa_wf.observatories.erosita.native.region import parse_region
from daxa_wf.observatories.erosita.options import EvtoolOptions
from tests.unit.observatories.erosita.conftest import default_parameters

PLACE = SkyCoord(107.3, -49.38, unit="deg")


def around(place, angles, distances):
    """Positions at some degrees east of north, and away."""
    found = place.directional_offset_by(np.asarray(angles) * u.deg, np.asarray(distances) * u.deg)
    return found.ra.deg, found.dec.deg


def test_one_place_in_many_words():
    """The first two are from public calls of evtool."""
    same = (
        "j2000;circle(107.30d,-49.38d,0.5d)", "fk5; circle(7:09:12.0, -49:22:48, 0.5)", "ICRS;Circle(107.3 -49.38 30')",
        'fk5; +circle(107.3,-49.38,1800")', "fk5\ncircle(107.3, -49.38, 5e-1)",
    )  # fmt: skip
    assert {str(parse_region(text)) for text in same} == {"j2000;circle(107.3d,-49.38d,0.5d)"}
    genuine = "j2000;circle(133.2369537d,5.461465359d,0.1d)"
    assert str(parse_region(genuine)) == genuine
    assert parse_region("fk5;ellipse(1,-0:30:00,2,1,40)").shapes[0].dec == -0.5


@pytest.mark.parametrize("place", [PLACE, SkyCoord(0.05, 89.7, unit="deg"), SkyCoord(359.99, 0.0, unit="deg")])
def test_circle_and_annulus_are_great_circle_distances(place):
    angles, distances = np.meshgrid(np.arange(0, 360, 30), [0.0, 0.19, 0.21, 0.49, 0.51, 3.0])
    ra, dec = around(place, angles, distances)
    circle = parse_region(f"fk5;circle({place.ra.deg},{place.dec.deg},0.5)")
    np.testing.assert_array_equal(circle.contains(ra, dec), distances < 0.5)
    ring = parse_region(f"fk5;annulus({place.ra.deg},{place.dec.deg},0.2,0.5)")
    np.testing.assert_array_equal(ring.contains(ra, dec), (distances > 0.2) & (distances < 0.5))


@pytest.mark.parametrize("shape", ["ellipse", "box"])
def test_angles_are_from_west_to_north(shape):
    """The long axis is east to west, and turns to the north at its western end; a box has widths, an ellipse half axes."""
    lengths = "0.4,0.1" if shape == "ellipse" else "0.8,0.2"
    directions = np.array([270, 90, 0, 180, 315, 135, 45, 225])
    ra, dec = around(PLACE, directions, np.full(8, 0.39))
    at = f"{PLACE.ra.deg},{PLACE.dec.deg},{lengths}"
    assert parse_region(f"fk5;{shape}({at})").contains(ra, dec).tolist() == [True, True, *[False] * 6]
    assert parse_region(f"fk5;{shape}({at},90)").contains(ra, dec).tolist() == [False, False, True, True, *[False] * 4]
    turned = parse_region(f"fk5;{shape}({at},45)").contains(ra, dec)
    assert turned.tolist() == [*[False] * 4, True, True, False, False]
    corner = around(PLACE, [270 + np.rad2deg(np.arctan(0.09 / 0.39))], [np.hypot(0.39, 0.09)])
    assert parse_region(f"fk5;{shape}({at})").contains(*corner).tolist() == [shape == "box"]


def test_shapes_together():
    ra, dec = around(PLACE, [0, 0, 0, 0], [0.05, 0.2, 0.9, 1.5])
    at = f"{PLACE.ra.deg},{PLACE.dec.deg}"
    holed = parse_region(f"fk5;circle({at},1);-circle({at},0.1)")
    assert holed.contains(ra, dec).tolist() == [False, True, True, False]
    assert parse_region(f"fk5;-circle({at},1)").contains(ra, dec).tolist() == [False, False, False, True]
    assert str(holed) == "j2000;circle(107.3d,-49.38d,1d);-circle(107.3d,-49.38d,0.1d)"


def test_events_of_a_region(event_file, tmp_path):
    """By RA and DEC, of integers in the early release and of floats in DR1; times are what they were."""
    for obsid, place in (("700195", (150.15, 2.1)), ("134135", (134.1, -44.9))):
        parameters = default_parameters(gti="GTI", region=f"fk5;circle({place[0]},{place[1]},3')")
        result = evtool(event_file(obsid), parameters, tmp_path / "part.fits")
        everywhere = evtool(event_file(obsid), default_parameters(gti="GTI"), tmp_path / "all.fits")
        rows, part = (fits.getdata(tmp_path / f"{name}.fits", "EVENTS") for name in ("all", "part"))
        near = SkyCoord(rows["RA"], rows["DEC"], unit="deg").separation(SkyCoord(*place, unit="deg")).deg <= 0.05
        assert 100 < near.sum() == result.selected < everywhere.selected
        np.testing.assert_array_equal(part["TIME"], rows["TIME"][near])
        assert result.ontime == everywhere.ontime
        assert any("region=" in str(card) for card in ErositaEventList.open(tmp_path / "part.fits").header.cards)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("circle(1,2,3)", "expected a frame"),
        ("galactic;circle(1,2,3)", "expected a frame"),
        ("fk5", "expected a frame"),
        ("fk5;polygon(1,2,3,4,5,6)", "is not a shape; choose from circle, annulus, ellipse, box"),
        ("fk5;circle(1,2)", "has 2 numbers, circle has 3"),
        ("fk5;box(1,2,3)", "has 3 numbers, box has 4 or 5"),
        ("fk5;circle(1,two,3)", "'two' is not a number"),
        ("fk5;circle(1,95,3)", "nowhere on the sky"),
        ("fk5;circle(1,5,0)", "no extent"),
        ("fk5;annulus(1,5,2,1)", "no extent"),
    ],
)
def test_what_is_not_understood(text, said):
    with pytest.raises(ConfigError, match=said):
        parse_region(text)
    with pytest.raises(ValidationError, match=said):
        EvtoolOptions(region=text)
