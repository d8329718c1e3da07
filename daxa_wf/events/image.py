"""Counts images of the sky, as SAS's evselect bins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.gti_files import gti_hdu
from daxa_wf.fits.headers import Card, describe, repeated_cards
from daxa_wf.observatories.xmm.native.event_list import EventList

FIRST_PIXEL = 3649
EXTENT = 512 * 87
"""Smallest X and Y of an image, and its width, in sky pixels of 0.05 arcsec: the field of view with a margin."""

ROWS_AT_A_TIME = 262_144
"""Fastest for binning on common processors: a chunk's indices stay in the cache."""

COUNT_TYPE = np.dtype(">i4")
"""Counts are 32-bit integers on disk whatever their maximum, as evselect has them (BITPIX 32).

Smaller types wrap silently when users multiply or subtract images.
"""


@dataclass(frozen=True)
class SkyGrid:
    """Square pixels over X and Y: `bin_size` sky pixels each, `size` a side, the first of them from `first` on."""

    bin_size: int
    first: int = FIRST_PIXEL

    @property
    def size(self) -> int:
        """Pixels a side."""
        return -(-EXTENT // self.bin_size)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of an image."""
        return self.size, self.size

    def add(self, counts: NDArray[np.int64], x: NDArray[Any], y: NDArray[Any]) -> int:
        """Add events to flattened counts of shape (size * size,); how many of them are outside of the image.

        Pixel i holds first - 0.5 + i * bin_size <= X < first - 0.5 + (i + 1) * bin_size, as evselect has it for integer
        columns; genuine images agree pixel by pixel. `x` and `y` of 32-bit integers.
        """
        column, row = x - np.int32(self.first), y - np.int32(self.first)
        column //= np.int32(self.bin_size)
        row //= np.int32(self.bin_size)
        if any(each.min(initial=0) < 0 or each.max(initial=0) >= self.size for each in (column, row)):
            inside = (column >= 0) & (column < self.size) & (row >= 0) & (row < self.size)
            column, row = column[inside], row[inside]
        row *= np.int32(self.size)
        row += column
        np.add.at(counts, row, 1)
        return len(x) - len(row)

    def centres(self, samples: int = 1) -> NDArray[np.float64]:
        """X (or Y) of the centres of `samples` equal parts of each pixel, shape (size * samples,)."""
        return self.first - 0.5 + self.bin_size * (np.arange(self.size * samples) + 0.5) / samples


@dataclass(frozen=True)
class ImageResult:
    """Counts in one band, and the events of the band that the image could not hold."""

    counts: NDArray[np.int64]
    outside: int


def pi_ranges(bands: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the lowest and highest PI that each band of eV holds, such that no two bands share an edge.

    Both edges belong to a band, as in evselect's `PI in [500:2000]`, unless another one of the bands begins at its upper
    edge: events there are counted in the higher band only. PI is a whole number of eV.
    """
    begins = {low for low, _ in bands}
    return [(low, high - 1 if high in begins else high) for low, high in bands]


def bin_images(events: EventList, bands: Sequence[tuple[int, int]], grid: SkyGrid) -> list[ImageResult]:
    """Counts of the events with low <= PI <= high (eV) for each band, in one pass; images of shape (rows, columns)."""
    flat = [np.zeros(grid.size**2, np.int64) for _ in bands]
    outside = [0] * len(bands)
    for chunk in events.chunks(ROWS_AT_A_TIME):
        energy = chunk["PI"].astype(np.int32)
        for number, (low, high) in enumerate(bands):
            chosen = chunk[(energy >= low) & (energy <= high)]
            outside[number] += grid.add(flat[number], chosen["X"].astype(np.int32), chosen["Y"].astype(np.int32))
    return [ImageResult(counts.reshape(grid.shape), lost) for counts, lost in zip(flat, outside, strict=True)]


def sky_cards(events: EventList, grid: SkyGrid) -> list[Card]:
    """Celestial and physical coordinates of a grid over a list's X and Y, as evselect writes them."""
    cards: list[Card] = []
    for axis, name in ((1, "X"), (2, "Y")):
        number = events.column_number(name)
        reference, step = float(events.header[f"TCRPX{number}"]), float(events.header[f"TCDLT{number}"])
        shift = (reference - grid.first + 0.5) / grid.bin_size + 0.5
        cards += [
            (f"CTYPE{axis}", str(events.header[f"TCTYP{number}"]).strip(), "projection"),
            (f"CRPIX{axis}", shift, "reference pixel"),
            (f"CRVAL{axis}", float(events.header[f"TCRVL{number}"]), "[deg] coordinate of the reference pixel"),
            (f"CUNIT{axis}", "deg", "unit of CRVAL and CDELT"),
            (f"CDELT{axis}", step * grid.bin_size, "[deg] size of a pixel"),
            (f"CTYPE{axis}L", name, "column that was binned"),
            (f"CRPIX{axis}L", 1.0, "reference pixel, physical"),
            (f"CRVAL{axis}L", grid.first - 0.5 + grid.bin_size / 2, "centre of the first pixel"),
            (f"CDELT{axis}L", float(grid.bin_size), "sky pixels a pixel"),
            (f"LTV{axis}", -(grid.first - 0.5) / grid.bin_size + 0.5, "physical to image: offset"),
            (f"LTM{axis}_{axis}", 1.0 / grid.bin_size, "physical to image: scale"),
        ]
    return cards


TIME_CARDS = (
    "TSTART", "TSTOP", "TELAPSE", "TIMEUNIT", "TIMESYS", "MJDREF", "TIMEREF", "ONTIME", "LIVETIME",
)  # fmt: skip
"""Cards that images and maps repeat from the event list beside its identity."""


def image_header(events: EventList, grid: SkyGrid, band: tuple[int, int], content: str) -> Any:
    """Header of an image or a map: identity, times, coordinates, band (eV); HDUCLAS1 IMAGE (OGIP)."""
    from astropy.io.fits import Header

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


def write_image(path: Path, events: EventList, grid: SkyGrid, band: tuple[int, int], result: ImageResult) -> None:
    """Write a counts image of 32-bit integers, with the list's GTIs and checksums."""
    from astropy.io import fits

    header = image_header(events, grid, band, "EPIC IMAGE")
    header["BUNIT"] = ("count", "unit of the pixels")
    describe(header, f"images: PI in [{band[0]}:{band[1]}], {result.outside} events outside of the image")
    hdus: list[Any] = [fits.PrimaryHDU(result.counts.astype(COUNT_TYPE), header)]
    hdus += [gti_hdu(gti, f"STDGTI{ccd:02d}", ccd) for ccd, gti in events.gtis.items()]
    fits.HDUList(hdus).writeto(path, checksum=True, overwrite=True)
