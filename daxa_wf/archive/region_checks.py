"""Add regions to an observation of an archive: read, converted to ICRS, and refused if they are of another field."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.products import Product
from daxa_wf.archive.region_files import RegionFile, write_region_file
from daxa_wf.archive.selected import selected_row
from daxa_wf.errors import ConfigError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.text import some_of

if TYPE_CHECKING:
    from daxa_wf.archive.access import Archive

LARGEST_FILE = 16 << 20
"""Largest size of a region file in bytes."""
MOST_REGIONS = 100_000
POINTING = (("RA_PNT", "DEC_PNT"), ("RA_NOM", "DEC_NOM"), ("RA_OBJ", "DEC_OBJ"))
"""Cards with the centre of an event list's field, in order of preference."""
FINE_PIXEL = 0.1 / 3600
"""Pixel in degrees of the plane by which regions change their frame."""
PIXELS_ACROSS = 2000
"""Pixels in the radius of a field, in the plane in which distances are compared."""


@dataclass(frozen=True)
class FieldCircle:
    """A circle of the sky that an observation covers, all in degrees (ICRS)."""

    ra: float
    dec: float
    radius: float


def add_regions(
    archive: Archive, regions: Path | str | object, obsid: str, mission: str | None = None, *, name: str | None = None,
    image: Path | str | None = None,
) -> RegionFile:  # fmt: skip
    """Store regions of an observation in sky coordinates, and return their file.

    `regions` is a DS9 file, a region, or a sequence of regions of the package `regions`. Pixel coordinates need `image`, the
    image of the archive whose pixels they count. `name` is the name of the file by default. Raise ConfigError if a region
    cannot be read or converted, or lies wholly outside of the observation's field, and NoSuchProductError if the archive
    lacks the observation.
    """
    mission = archive.mission_of(obsid, mission)
    listed = read_regions(Path(regions)) if isinstance(regions, (str, Path)) else list_of(regions)
    name = name or (Path(regions).stem if isinstance(regions, (str, Path)) else "regions")
    wcs = image_wcs(archive.layout, Path(image)) if image is not None else None
    fields = list(fields_of(archive.layout, archive.find_products(obsid, mission), mission, obsid))
    if not fields:
        raise ConfigError(
            f"regions {name}: the field of {mission} {obsid} is not known, because the archive has no position, image or "
            "event list of it; run the configuration first"
        )
    sky = [_in_icrs(region, number, wcs) for number, region in enumerate(listed, 1)]
    outside = [number for number, region in enumerate(sky, 1) if not any(_touches(region, field) for field in fields)]
    if outside:
        field = fields[0]
        raise ConfigError(
            f"regions {name}: {len(outside)} of {len(sky)} lie outside of the field of {obsid}, within {field.radius:.3g} deg of "
            f"RA {field.ra:.4f}, Dec {field.dec:.4f}: number {some_of([str(number) for number in outside])}; nothing was stored"
        )
    return write_region_file(archive.layout, mission, obsid, name, sky)


def read_regions(path: Path) -> list[Any]:
    """Return the regions of a DS9 file. Raise ConfigError if a line of it is not understood, or if it has no region."""
    from regions import Regions

    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{path} has more than {LARGEST_FILE} bytes; split it")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}") from None
    with warnings.catch_warnings(record=True) as skipped:
        warnings.simplefilter("always")
        try:
            listed = list(Regions.parse(text, format="ds9"))
        except Exception as error:  # noqa: BLE001 - the parser raises what its regular expressions and classes raise
            raise ConfigError(f"{path} is not a DS9 region file: {error}") from None
    if skipped:
        raise ConfigError(
            f"{path}: {skipped[0].message} Write sky coordinates (icrs, fk5, galactic) or image coordinates, and shapes "
            "that DS9 and the package regions share"
        )
    return _counted(listed, str(path))


def list_of(regions: object) -> list[Any]:
    """Return a region, or regions, as a list. Raise ConfigError if something else is among them."""
    from regions import Region, Regions

    is_many = isinstance(regions, (Iterable, Regions)) and not isinstance(regions, Region)
    listed: list[Any] = list(regions) if is_many else [regions]  # type: ignore[call-overload]
    if wrong := [item for item in listed if not isinstance(item, Region)]:
        raise ConfigError(f"{wrong[0]!r} is not a region; give a DS9 file or regions of the package regions")
    return _counted(listed, "the regions")


def _counted(listed: list[Any], origin: str) -> list[Any]:
    if not 0 < len(listed) <= MOST_REGIONS:
        raise ConfigError(f"{origin}: {len(listed)} regions; expected 1 to {MOST_REGIONS}")
    return listed


def image_wcs(layout: Layout, path: Path) -> Any:
    """Return the celestial WCS of an image. Raise ConfigError if the archive does not hold the file, or it has no WCS."""
    place = path if path.is_absolute() or path.exists() else layout.find(str(path))
    # Links are not followed: images of data centres are links to the raw store.
    if not Path(os.path.normpath(place.absolute())).is_relative_to(os.path.normpath(layout.root.absolute())):
        raise ConfigError(
            f"image {path}: not a file of the archive {layout.root}; name one of 'daxa-wf path --kind image'"
        )
    if not place.is_file():
        raise ConfigError(f"image {path}: the file does not exist; name one of 'daxa-wf path --kind image'")
    wcs = next(_celestial(place), None)
    if wcs is None:
        raise ConfigError(f"image {path}: not an image with celestial coordinates")
    return wcs


def _celestial(path: Path) -> Iterator[Any]:
    """Yield the celestial WCS of each image of a FITS file with its shape set; none if the file cannot be read."""
    from astropy.io import fits
    from astropy.wcs import WCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(path) as hdus:
                for hdu in (hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS", 0) == 2):
                    wcs = WCS(hdu.header)
                    if wcs.has_celestial:
                        yield wcs.celestial
        except (OSError, ValueError, KeyError, TypeError):
            return


def _in_icrs(region: Any, number: int, wcs: Any) -> Any:
    """Return a region in sky coordinates of ICRS. Raise ConfigError if that is impossible."""
    from regions import PixelRegion

    if isinstance(region, PixelRegion):
        if wcs is None:
            raise ConfigError(
                f"region {number} is in pixel coordinates; name the image of the archive whose pixels it counts (--image)"
            )
        region = region.to_sky(wcs)
    centre = _centre(region)
    if not (math.isfinite(centre.ra.deg) and math.isfinite(centre.dec.deg)):
        raise ConfigError(f"region {number} has a coordinate that is not a number")
    return region if _positions(region).frame.name == "icrs" else _turned(region, number)


def _turned(region: Any, number: int) -> Any:
    """Return a region of another frame in ICRS, by way of a plane that touches the sky at its centre.

    The plane is expressed in both frames, since the package regions measures angles from the axes of the plane's frame.
    """
    from astropy.wcs.utils import celestial_frame_to_wcs

    own = _positions(region)
    own = own if own.isscalar else own[0]
    try:
        before = celestial_frame_to_wcs(own.frame, "TAN")
    except ValueError:
        raise ConfigError(
            f"region {number} is in the frame {own.frame.name}; write icrs, fk5, fk4 or galactic"
        ) from None
    before.wcs.crval, before.wcs.crpix = [own.spherical.lon.deg, own.spherical.lat.deg], [1, 1]
    before.wcs.cdelt = [-FINE_PIXEL, FINE_PIXEL]
    centre = own.icrs
    north = centre.position_angle(own.directional_offset_by(0, 1e-4).icrs).rad
    after = _plane(centre.ra.deg, centre.dec.deg, FINE_PIXEL)
    after.wcs.pc = [[math.cos(north), -math.sin(north)], [math.sin(north), math.cos(north)]]
    return region.to_pixel(before).to_sky(after)


def _positions(region: Any) -> Any:
    """Return the position, or positions, that define a region."""
    for name in ("center", "vertices", "start", "region1"):
        if hasattr(region, name):
            positions = getattr(region, name)
            return _positions(positions) if name == "region1" else positions
    raise ConfigError(f"{type(region).__name__} is not a region that can be stored")


def _centre(region: Any) -> Any:
    positions = _positions(region).icrs
    return positions if positions.isscalar else positions[0]


def _plane(ra: float, dec: float, degrees_a_pixel: float) -> Any:
    """Return a tangent plane of ICRS whose pixel (0, 0) is a position."""
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [ra, dec], [1, 1]
    wcs.wcs.cdelt, wcs.wcs.radesys = [-degrees_a_pixel, degrees_a_pixel], "ICRS"
    return wcs


def _touches(region: Any, field: FieldCircle) -> bool:
    """Return True if the box around a region reaches into a circle of the sky."""
    from astropy.coordinates import SkyCoord

    centre = SkyCoord(field.ra, field.dec, unit="deg")
    if not centre.separation(_centre(region)).deg < 80:  # beyond, a tangent plane has no place for it
        return False
    box = region.to_pixel(_plane(field.ra, field.dec, field.radius / PIXELS_ACROSS)).bounding_box
    x = max(box.ixmin, 1 - box.ixmax, 0)
    y = max(box.iymin, 1 - box.iymax, 0)
    return math.hypot(x, y) <= PIXELS_ACROSS


def fields_of(layout: Layout, products: Sequence[Product], mission: str, obsid: str) -> Iterator[FieldCircle]:
    """Yield the circles that an observation covers: its table's position with the field of view, images, event lists."""
    spec = MISSIONS.get(mission)
    radius = max(item.field_of_view for item in spec.instruments) if spec else 0.5
    row = selected_row(layout, mission, obsid)
    yield from _circle(row.get("ra"), row.get("dec"), radius)
    for product in products:
        if product.kind == "image":
            for wcs in _celestial(product.path):
                yield from _circle_around(wcs)
        elif product.kind == "finalevents":
            yield from _pointing(product.path, radius)


def _circle(ra: Any, dec: Any, radius: float) -> Iterator[FieldCircle]:
    try:
        circle = FieldCircle(float(ra), float(dec), radius)
    except (TypeError, ValueError):
        return
    if math.isfinite(circle.ra) and -90 <= circle.dec <= 90:
        yield circle


def _circle_around(wcs: Any) -> Iterator[FieldCircle]:
    """Yield the circle through the farthest corner of an image."""
    columns, rows = wcs.pixel_shape
    centre = wcs.pixel_to_world((columns - 1) / 2, (rows - 1) / 2).icrs
    corners = wcs.pixel_to_world([-0.5, -0.5, columns - 0.5, columns - 0.5], [-0.5, rows - 0.5, -0.5, rows - 0.5])
    yield from _circle(centre.ra.deg, centre.dec.deg, float(centre.separation(corners.icrs).deg.max()))


def _pointing(path: Path, radius: float) -> Iterator[FieldCircle]:
    from astropy.io import fits

    try:
        header = fits.getheader(path, "EVENTS")
    except (OSError, KeyError, ValueError):
        return
    for ra, dec in POINTING:
        if ra in header and dec in header:
            yield from _circle(header[ra], header[dec], radius)
            return
