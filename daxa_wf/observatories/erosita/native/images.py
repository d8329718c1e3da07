"""Counts images as eSASS's evtool makes them (image=yes)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from daxa_wf.errors import ConfigError, UnfitDataError
from daxa_wf.events import image
from daxa_wf.events.gti import total
from daxa_wf.events.gti_files import gti_table
from daxa_wf.events.image import COUNT_TYPE, ImageResult
from daxa_wf.events.sky_grid import SkyGrid
from daxa_wf.fits.header import Header
from daxa_wf.fits.headers import describe
from daxa_wf.fits.new_hdus import primary_hdu
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.evtool import command_line, selection_cards, time_cards
from daxa_wf.observatories.erosita.native.selection import ErositaSelection, energy_mask

REBIN = 80
"""Sky pixels a side of an image pixel: 4 arcsec, evtool's default."""
LARGEST = 18_000
"""Pixels a side, evtool's limit."""


def image_grid(
    events: ErositaEventList,
    size: int | tuple[int, int],
    rebin: float = REBIN,
    center_position: tuple[float, float] | None = None,
) -> SkyGrid:
    """Return `size` pixels (or columns and rows) of `rebin` sky pixels about a position (RA, Dec in degrees).

    Without a position they lie about the zero of the plane of X and Y, which is the common edge of the middle pixels, as
    in a genuine evtool image of even size. Raise ConfigError for impossible sizes or a position on the far side of the sky.
    """
    nx, ny = (size, size) if isinstance(size, int) else size
    if not (0 < nx <= LARGEST and 0 < ny <= LARGEST and rebin > 0):
        raise ConfigError(f"image: size {nx} {ny}, rebin {rebin}: allowed are 1 to {LARGEST} pixels, and rebin above 0")
    plane = events.plane
    x, y = (plane.x0, plane.y0) if center_position is None else map(float, plane.pixel(*center_position))
    if not np.isfinite(x + y):
        raise ConfigError(
            f"image: center_position {center_position} is on the far side of the sky from the file's centre"
        )
    return SkyGrid(x - nx * rebin / 2, y - ny * rebin / 2, rebin, rebin, nx, ny)


def automatic_grid(selection: ErositaSelection, rebin: float = REBIN) -> SkyGrid:
    """Return the smallest grid with the pixels of `image_grid` that holds all selected events (size=auto); one pass.

    Raise UnfitDataError `noCounts` if no event is selected.
    """
    events, plane = selection.events, selection.events.plane
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for chunk in events.chunks():
        rows = chunk[selection.mask(chunk)]
        for axis, name in enumerate(("X", "Y")):
            values = rows[name].astype(np.float64)
            low[axis] = min(low[axis], float(values.min(initial=np.inf)))
            high[axis] = max(high[axis], float(values.max(initial=-np.inf)))
    if not np.all(np.isfinite(low)):
        raise UnfitDataError("noCounts", f"no event of {events.path.name} is selected: there is nothing for an image")
    zero = np.array([plane.x0, plane.y0])
    first, last = np.floor((low - zero) / rebin), np.floor((high - zero) / rebin)
    xmin, ymin = (zero + first * rebin).tolist()
    nx, ny = (last - first + 1).astype(int).tolist()
    return SkyGrid(xmin, ymin, rebin, rebin, nx, ny)


def bin_images(selection: ErositaSelection, bands: Sequence[tuple[float, float]], grid: SkyGrid) -> list[ImageResult]:
    """Bin the selected events of each band (keV, emin <= PI < emax), in one pass."""
    in_bands = [partial(energy_mask, emin=low, emax=high) for low, high in bands]
    return image.bin_images(selection.events, in_bands, grid, where=selection)


def map_header(events: ErositaEventList, grid: SkyGrid, band: tuple[float, float]) -> Header:
    """Return the cards of an image or a map: coordinates, identity, band in keV as evtool writes it."""
    header = Header()
    for card, value, comment in [*grid.cards(events.plane), *events.identity_cards]:
        header[card] = (value, comment)
    header["NENERGY"] = (1, "Number of energy intervals (0 .. 9)")
    header["EMIN1"], header["EMAX1"] = (band[0], "[keV] lower boundary"), (band[1], "[keV] upper boundary")
    return header


def write_image(
    path: Path, selection: ErositaSelection, grid: SkyGrid, band: tuple[float, float], result: ImageResult
) -> None:
    """Write a counts image of 32-bit integers, with the selected GTIn, and FLAREGTIn."""
    events, p = selection.events, selection.parameters
    counts = result.counts.astype(COUNT_TYPE)
    image_hdu = primary_hdu(counts, map_header(events, grid, band).cards)
    header = image_hdu.header
    ontime = {module: total(good) for module, good in selection.good.items()}
    livetime = {module: events.live_time(module, good) for module, good in selection.good.items()}
    chosen = {**selection_cards(events.header, p), **time_cards(ontime, livetime)}
    for card in (card for card in chosen if card not in ("NENERGY", "EMIN1", "EMAX1")):
        header[card] = chosen[card]
    header["BUNIT"] = ("count", "unit of the pixels")
    text = f"evtool: image=yes {command_line(p)} band {band[0]}-{band[1]} keV, {result.outside} events outside of the image"
    describe(header, text)
    with path.open("wb") as out:
        image_hdu.append_to(out)
        for module, good in selection.good.items():
            gti_table(f"GTI{module}", good, events.identity_cards).append_to(out)
        for module, good in events.intervals("FLAREGTI").items():
            if module in selection.good:
                gti_table(f"FLAREGTI{module}", good, events.identity_cards).append_to(out)
