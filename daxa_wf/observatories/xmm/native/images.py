"""EPIC's counts images, with the pixels and the coordinates that SAS's evselect gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daxa_wf.events import image
from daxa_wf.events.gti_files import gti_hdu
from daxa_wf.events.image import COUNT_TYPE, ImageResult, channels
from daxa_wf.events.sky_grid import SkyGrid
from daxa_wf.fits.header import Header
from daxa_wf.fits.headers import Card, describe, repeated_cards
from daxa_wf.fits.new_hdus import primary_hdu, write_hdus
from daxa_wf.observatories.xmm.epic_units import EXTENT, FIRST_PIXEL
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES, EpicEventList

ROWS_AT_A_TIME = 262_144
"""Fastest for binning on common processors: a chunk's indices stay in the cache."""


def epic_grid(bin_size: int, first: int = FIRST_PIXEL) -> SkyGrid:
    """Return square pixels of `bin_size` sky pixels over the field of view, the first of them from `first` on.

    Pixel i holds first - 0.5 + i * bin_size <= X < first - 0.5 + (i + 1) * bin_size, as evselect bins integer columns.
    Genuine images agree pixel by pixel.
    """
    size = -(-EXTENT // bin_size)
    return SkyGrid(first - 0.5, first - 0.5, bin_size, bin_size, size, size)


def bin_images(events: EpicEventList, bands: Sequence[tuple[int, int]], grid: SkyGrid) -> list[ImageResult]:
    """Bin the events with low <= PI <= high (eV) for each band, in one pass."""
    return image.bin_images(events, [channels(*band) for band in bands], grid, rows=ROWS_AT_A_TIME)


def sky_cards(events: EpicEventList, grid: SkyGrid) -> list[Card]:
    """Return celestial and physical coordinates of a grid over a list's X and Y, as evselect writes them."""
    cards: list[Card] = []
    for axis, name, edge, size in ((1, "X", grid.xmin, grid.xbin), (2, "Y", grid.ymin, grid.ybin)):
        number = events.column_number(name)
        reference, step = float(events.header[f"TCRPX{number}"]), float(events.header[f"TCDLT{number}"])
        cards += [
            (f"CTYPE{axis}", str(events.header[f"TCTYP{number}"]).strip(), "projection"),
            (f"CRPIX{axis}", (reference - edge) / size + 0.5, "reference pixel"),
            (f"CRVAL{axis}", float(events.header[f"TCRVL{number}"]), "[deg] coordinate of the reference pixel"),
            (f"CUNIT{axis}", "deg", "unit of CRVAL and CDELT"),
            (f"CDELT{axis}", step * size, "[deg] size of a pixel"),
            (f"CTYPE{axis}L", name, "column that was binned"),
            (f"CRPIX{axis}L", 1.0, "reference pixel, physical"),
            (f"CRVAL{axis}L", edge + size / 2, "centre of the first pixel"),
            (f"CDELT{axis}L", float(size), "sky pixels a pixel"),
            (f"LTV{axis}", -edge / size + 0.5, "physical to image: offset"),
            (f"LTM{axis}_{axis}", 1.0 / size, "physical to image: scale"),
        ]
    return cards


TIME_CARDS = (
    "TSTART", "TSTOP", "TELAPSE", "TIMEUNIT", "TIMESYS", "MJDREF", "TIMEREF", "ONTIME", "LIVETIME",
)  # fmt: skip
"""Cards that images and maps repeat from the event list beside its identity."""


def image_header(events: EpicEventList, grid: SkyGrid, band: tuple[int, int], content: str) -> Header:
    """Return the cards of an image or a map: identity, times, coordinates, band (eV); HDUCLAS1 IMAGE (OGIP)."""
    header = Header()
    repeated = [*events.identity_cards, *repeated_cards(events.header, TIME_CARDS)]
    for key, value, comment in [*repeated, *sky_cards(events, grid)]:
        header[key] = (value, comment)
    header["HDUCLASS"] = ("OGIP", "format conforms to OGIP standard")
    header["HDUCLAS1"] = ("IMAGE", "an image")
    header["CONTENT"] = (content, "contents of the file")
    header["PIMIN"], header["PIMAX"] = (band[0], "[eV] lowest PI"), (band[1], "[eV] highest PI")
    ontimes = [float(events.header[card]) for card in events.header if card.startswith("ONTIME") and card[6:].isdigit()]
    if ontimes:
        header["EXPOSURE"] = (max(ontimes), "[s] longest ONTIME of a CCD")
    return header


def write_image(path: Path, events: EpicEventList, grid: SkyGrid, band: tuple[int, int], result: ImageResult) -> None:
    """Write a counts image of 32-bit integers, with the list's GTIs and checksums."""
    header = image_header(events, grid, band, "EPIC IMAGE")
    header["BUNIT"] = ("count", "unit of the pixels")
    describe(header, f"images: PI in [{band[0]}:{band[1]}], {result.outside} events outside of the image")
    tables = [gti_hdu(gti, XMM_TIMES, f"STDGTI{ccd:02d}", ccd) for ccd, gti in events.gtis.items()]
    write_hdus(path, [primary_hdu(result.counts.astype(COUNT_TYPE), header.cards, bool(tables)), *tables])
