"""Regions of an archive: stored in ICRS by ObsID, refused if they are of another field."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from regions import CirclePixelRegion, CircleSkyRegion, EllipseSkyRegion, PixCoord, PolygonSkyRegion, Regions
from typer.testing import CliRunner

from daxa_wf.archive.access import Archive, NoSuchProductError
from daxa_wf.archive.region_checks import add_regions
from daxa_wf.cli.main import app
from daxa_wf.errors import ConfigError
from tests.small_archive import MISSION, OBSID, image_hdu, write_small_archive

CENTRE = SkyCoord(150.0, 2.0, unit="deg")
"""Centre of the images of the small archive, whose corners are 0.71 deg away."""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(write_small_archive(tmp_path / "my_archive").root)


def write_ds9(directory: Path, text: str, name: str = "sources.reg") -> Path:
    path = directory / name
    path.write_text(f"# Region file format: DS9 version 4.1\nglobal color=green\n{text}\n")
    return path


def test_regions_in_any_frame_are_stored_in_icrs(archive: Archive, tmp_path: Path) -> None:
    galactic = CENTRE.galactic
    file = write_ds9(
        tmp_path,
        f'fk5\ncircle(150.1,2.1,30") # color=red text={{A}}\n-circle(150.2,2,0.1)\n'
        f"galactic\nellipse({galactic.l.deg},{galactic.b.deg},0.2,0.1,30)",
    )
    stored = add_regions(archive, file, OBSID)
    assert archive.regions(OBSID) == [stored.path]
    assert stored.path == archive.layout.root / "regions" / MISSION / OBSID / "sources.reg"
    assert "j2000" not in stored.path.read_text()
    assert "galactic" not in stored.path.read_text()
    circle, hole, ellipse = Regions.read(stored.path, format="ds9")
    assert circle.center.frame.name == ellipse.center.frame.name == "icrs"
    assert circle.center.separation(SkyCoord(150.1, 2.1, unit="deg", frame="fk5")).arcsec < 1e-3
    assert circle.radius.to_value("arcsec") == pytest.approx(30, rel=1e-5)
    assert circle.meta["text"] == "A"
    assert (circle.meta["include"], hole.meta["include"]) == (1, 0)
    assert ellipse.center.separation(CENTRE).arcsec < 1e-3
    # The major axis ends at the same point of the sky, at another angle to the new north. DS9 measures from west.
    end = CENTRE.directional_offset_by(ellipse.angle - 90 * u.deg, 0.2 * u.deg)
    assert end.separation(galactic.directional_offset_by((30 - 90) * u.deg, 0.2 * u.deg)).arcsec < 1
    assert ellipse.width.to_value("deg") == pytest.approx(0.4, rel=1e-5)
    assert abs(ellipse.angle.to_value("deg") - 30) > 10


def test_pixel_regions_need_the_image_whose_pixels_they_count(archive: Archive, tmp_path: Path) -> None:
    file = write_ds9(tmp_path, "image\ncircle(2,8,1.5)")
    with pytest.raises(ConfigError, match=r"region 1 is in pixel coordinates; name the image of the archive"):
        add_regions(archive, file, OBSID)
    image = archive.image(OBSID, "PN", (0.5, 2.0))
    stored = add_regions(archive, file, OBSID, image=image)
    (circle,) = Regions.read(stored.path, format="ds9")
    expected = WCS(image_hdu().header).pixel_to_world(1, 7)  # DS9 counts from 1
    assert circle.center.separation(expected).arcsec < 0.01
    assert circle.radius.to_value("deg") == pytest.approx(0.15, rel=1e-3)
    stored_elsewhere = image.rename(tmp_path / "in_the_raw_store.fits")
    image.symlink_to(stored_elsewhere)
    assert add_regions(archive, file, OBSID, image=image).number == 1
    outside = tmp_path / "other.fits"
    image_hdu().writeto(outside)
    with pytest.raises(ConfigError, match="not a file of the archive"):
        add_regions(archive, file, OBSID, image=outside)
    with pytest.raises(ConfigError, match=r"image .*nosuch\.fits: the file does not exist; name one of 'daxa-wf path"):
        add_regions(archive, file, OBSID, image="nosuch.fits")
    with pytest.raises(ConfigError, match="not an image with celestial coordinates"):
        add_regions(archive, file, OBSID, image=archive.find_products(kind="gti")[0].path)


def test_regions_of_another_field_are_refused_as_a_whole(archive: Archive, tmp_path: Path) -> None:
    file = write_ds9(tmp_path, 'fk5\ncircle(150,2,10")\ncircle(152,2,10")\ncircle(330,-2,10")')
    with pytest.raises(
        ConfigError, match=r"2 of 3 lie outside of the field of 0201903501.*number 2, 3; nothing was stored"
    ):
        add_regions(archive, file, OBSID)
    assert archive.regions() == []


def test_a_region_that_reaches_into_the_field_is_accepted(archive: Archive) -> None:
    radius = 0.1 * 50**0.5
    for reach, accepted in ((0.2, True), (-0.2, False)):
        circle = CircleSkyRegion(CENTRE.directional_offset_by(0 * u.deg, 2 * u.deg), (2 - radius + reach) * u.deg)
        if accepted:
            assert add_regions(archive, circle, OBSID, name="big").number == 1
        else:
            with pytest.raises(ConfigError, match="1 of 1 lie outside"):
                add_regions(archive, circle, OBSID, name="big")


def test_objects_are_accepted_and_replace_a_set_of_the_same_name(archive: Archive) -> None:
    first = [CircleSkyRegion(CENTRE, 1 * u.arcmin), EllipseSkyRegion(CENTRE, 1 * u.arcmin, 2 * u.arcmin)]
    assert add_regions(archive, first, OBSID).number == 2
    triangle = PolygonSkyRegion(SkyCoord([149.9, 150.1, 150.0], [1.9, 1.9, 2.1], unit="deg"))
    assert add_regions(archive, Regions([triangle]), OBSID).number == 1
    pixel = CirclePixelRegion(PixCoord(4.5, 4.5), 1)
    image = archive.image(OBSID, "PN", (0.5, 2.0))
    (circle,) = Regions.read(add_regions(archive, pixel, OBSID, name="core", image=image).path, format="ds9")
    assert circle.center.separation(CENTRE).arcsec < 0.01
    assert [path.name for path in archive.regions(OBSID)] == ["core.reg", "regions.reg"]
    assert [path.name for path in archive.regions(name="core")] == ["core.reg"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("physical\ncircle(100,100,5)", "is not supported by the regions package.* Write sky coordinates"),
        ('icrs\ncircle(150,2,3")\npanda(150,2,0,90,1,10",20",1)', "panda"),
        ("hello", "unable to parse line"),
        ("icrs\ncircle(150,2)", "is not a DS9 region file"),
        ('icrs\ncircle(nan,2,3")', "region 1 has a coordinate that is not a number"),
        ("", "0 regions; expected 1 to 100000"),
    ],
)
def test_what_cannot_be_read_is_refused(archive: Archive, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        add_regions(archive, write_ds9(tmp_path, text), OBSID)
    assert archive.regions() == []


def test_mistakes_are_named(archive: Archive, tmp_path: Path) -> None:
    circle = CircleSkyRegion(CENTRE, 1 * u.arcmin)
    for name in ("../evil", ".hidden", "a/b", ""):
        with pytest.raises(ConfigError, match="a name has letters, digits"):
            add_regions(archive, circle, OBSID, name=name or " ")
    with pytest.raises(ConfigError, match="'x' is not a region"):
        add_regions(archive, ["x"], OBSID)
    with pytest.raises(ConfigError, match=r"none.reg cannot be read: No such file"):
        add_regions(archive, tmp_path / "none.reg", OBSID)
    with pytest.raises(NoSuchProductError, match="has no observation 1234567890"):
        add_regions(archive, circle, "1234567890")


def regions(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["regions", *map(str, arguments)])
    if isinstance(done.exception, Exception):
        raise done.exception
    return done.stdout


def test_regions_on_the_command_line(archive: Archive, tmp_path: Path) -> None:
    root, file = archive.layout.root, write_ds9(tmp_path, 'icrs\ncircle(150,2,10")')
    path = root / "regions" / MISSION / OBSID / "mine.reg"
    assert regions("list", root) == "No regions are stored.\n"
    assert regions("add", file, root, "--obsid", OBSID, "--name", "mine") == f"{path}: 1 regions\n"
    assert regions("list", root) == f"{MISSION} {OBSID} mine: 1 regions\n"
    assert regions("path", root, "--obsid", OBSID) == f"{path}\n"
    with pytest.raises(ConfigError, match="regions mne: the archive has only mine - did you mean 'mine'"):
        regions("remove", "mne", root)
    assert regions("remove", "mine", root) == f"{path} removed\n"
    with pytest.raises(ConfigError, match="regions mine: the archive holds no regions; 'daxa-wf regions add' stores"):
        regions("remove", "mine", root)
    assert archive.regions() == []
