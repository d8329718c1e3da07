"""Regions in STC-S, polygons and MOC files: what they mean, and what becomes of hostile ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units
from mocpy import MOC

from daxa_wf.errors import ConfigError, ExpressionError
from daxa_wf.limited import run_limited
from daxa_wf.selection import filters
from daxa_wf.selection.sky_regions import parse_stcs, polygon, read_moc

RNG = np.random.default_rng(7)
RA = RNG.uniform(0, 360, 200_000)
DEC = np.rad2deg(np.arcsin(RNG.uniform(-1, 1, 200_000)))

TEXTS = (
    "Circle ICRS 149.6 -11.1 20",
    "Circle 10 89 5 unit deg",
    "CIRCLE icrs GEOCENTER SPHERICAL2 0.1 0.1 30",
    "Polygon ICRS 350 -20 15 -20 20 25 355 15",
    "Polygon ICRS 0 60 120 60 240 60",
    "Ellipse ICRS 10 20 30 12 10",
    "Ellipse ICRS 10 -20 20 12 60",
    "PositionInterval ICRS 350 20 10 40",
    "Union ICRS (Circle 10 20 10 Circle 30 20 10)",
    "Intersection ICRS (Circle 10 20 15 Circle 30 20 15)",
    "Difference ICRS (Circle 10 20 20 Circle 10 20 10)",
    "Not ICRS (Circle 10 20 40)",
    "AllSky ICRS",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_region_in_stcs_holds_what_mocpy_says(text: str) -> None:
    genuine = MOC.from_stcs(text.replace("unit deg", ""), max_depth=11).contains_lonlat(RA * units.deg, DEC * units.deg)
    mine = parse_stcs(text)(RA, DEC)
    assert mine.any()
    # mocpy holds every cell (of 1.7 arcmin) that the border touches, and takes ellipses in another projection.
    assert np.mean(mine != genuine) < (1.5e-3 if "Ellipse" in text else 4e-4)


@pytest.mark.parametrize("radius", [30.0, 90.0, 120.0, 179.0])
def test_a_circle_of_any_size_has_its_area(radius: float) -> None:
    """mocpy 0.21 gives 25 % too much for 30 degrees about (0, 0), and 83 % of the sky for 179 degrees."""
    area = (1 - np.cos(np.deg2rad(radius))) / 2
    assert np.mean(parse_stcs(f"Circle ICRS 0 0 {radius}")(RA, DEC)) == pytest.approx(area, abs=3e-3)


def test_longitudes_may_be_written_either_way() -> None:
    both = [parse_stcs(f"Polygon ICRS {west} -20 15 -20 20 25 355 15")(RA, DEC) for west in ("-10", "350")]
    assert both[0].any()
    assert np.array_equal(*both)


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("PositionInterval ICRS 10 20 5 5", 0, "the lower declination 20 is above the upper one 5"),
        ("Circle ICRS 10 20", 0, "circle: 2 numbers; write Circle ICRS ra dec radius"),
        ("Circle ICRS 10 95 1", 0, "is not on the sky"),
        ("Circle ICRS 10 20 nan", 0, "circle: 2 numbers"),
        ("Circle FK5 10 20 1", 7, "fk5 is not supported; expected ICRS and degrees"),
        ("Zirkel 1 2", 0, "expected a shape"),
        ("Box ICRS 10 20 4 2", 0, "expected a shape"),
        ("Union ICRS (Circle 10 20 1", 26, "expected a shape"),
        ("Polygon ICRS 0 0 120 0 240 0", 0, "half of the sky"),
        ("Circle ICRS 1 2 3 %", 18, "'%' has no meaning here"),
        ("Not (" * 5000 + "AllSky" + ")" * 5000, 100, "at most 20 parentheses"),
        ("Union (" + "AllSky " * 2000 + ")", 0, "at most 1000 shapes"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_wrong_region_in_stcs_is_an_error_of_the_package(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse_stcs(text)
    assert caught.value.position == position or "1000 shapes" in message


def test_polygons_that_took_all_memory_end_at_once() -> None:
    corners = [
        (float(ra) % 360, float(dec))
        for ra, dec in zip(RNG.normal(0, 0.002, 28), RNG.normal(30, 0.002, 28), strict=True)
    ]
    corners.insert(1, corners[0])
    inside = polygon(corners)(np.array([0.0, 90.0, 0.0]), np.array([30.0, 30.0, -30.0]))
    assert inside[1:].tolist() == [False, False]
    with pytest.raises(ConfigError, match=r"polygon: \(1, 95\) is not on the sky"):
        filters.polygon(((0, 0), (1, 95), (2, 0)))


def test_a_polygon_holds_its_corners_and_borders() -> None:
    inside = polygon([(359.0, -1.0), (1.0, -1.0), (1.0, 1.0), (359.0, 1.0)])
    assert inside(np.array([0.0, 0.999, 359.001, 1.001, 180.0]), np.array([0.0, 0.999, -0.999, 0.0, 0.0])).tolist() == [
        True,
        True,
        True,
        False,
        False,
    ]


def moc_file(path: Path) -> bytes:
    MOC.from_stcs("Circle ICRS 149.6 -11.1 5", max_depth=10).save(path, format="fits", overwrite=True)
    return path.read_bytes()


def test_a_moc_file_holds_what_mocpy_says(tmp_path: Path) -> None:
    path = tmp_path / "sky.fits"
    moc_file(path)
    expected = MOC.from_fits(path).contains_lonlat(RA * units.deg, DEC * units.deg)
    assert expected.any()
    assert np.array_equal(read_moc(path)(RA, DEC), expected)
    assert read_moc(path)(np.array([np.nan, 149.6]), np.array([0.0, -11.1])).tolist() == [False, True]


@pytest.mark.parametrize("damage", ["cut", "rows", "values", "card", "text"])
def test_a_damaged_moc_file_is_an_error_of_the_package(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "sky.fits"
    data = moc_file(path)
    end = data.rindex(b"END     ")
    changed = {
        "cut": data[: -(len(data) // 3)],
        "rows": data.replace(b"NAXIS2  =", b"NAXIS3  ="),
        "values": data[: -(-end // 2880) * 2880] + b"\xff" * (len(data) - -(-end // 2880) * 2880),
        "card": data.replace(b"TFORM1  = '", b"TFORM1  = x"),
        "text": b"this is not FITS",
    }[damage]
    path.write_bytes(changed)
    with pytest.raises(ConfigError, match=r"sky\.fits is not a MOC in a FITS file|impossible cells"):
        read_moc(path)


def abort(_: str) -> np.ndarray:
    """End as a program in Rust or C does that finds its memory damaged."""
    import os

    os.abort()


def take_all_memory(_: str) -> np.ndarray:
    """Take more than a function may."""
    return np.ones(10**11)


@pytest.mark.parametrize(("name", "message"), [("abort", "crashed"), ("take_all_memory", "Unable to allocate")])
def test_what_aborts_or_takes_all_memory_ends_as_an_error(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    with pytest.raises(ValueError, match=message):
        run_limited(f"tests.unit.selection.test_sky_regions:{name}", "x")
