"""Genuine archival files: extracts in `tests/data/real`, and the whole ones in `../shared/data` where they are at hand.

Both collections have the same paths, so a test that takes the fixture `real_data` runs on either. tests/data/README.md
describes the extracts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

EXTRACTS = Path(__file__).parent / "data" / "real"
WHOLE = Path(os.environ.get("DAXA_WF_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
COLLECTIONS = [EXTRACTS, *([WHOLE] if WHOLE.is_dir() else [])]

SKY_BOX = slice(246, 270)
"""Rows and columns of evselect's images that the extracts keep (SKY_BOX in make_extracts.py)."""
MAP_STEP = 4
"""The extracts keep every fourth row and column of an exposure map."""


def is_whole(root: Path) -> bool:
    """True for the folder of whole files."""
    return root == WHOLE


@dataclass(frozen=True)
class Abell907:
    """Products of SAS of one MOS exposure of Abell 907: a cleaned event list, its images and its exposure maps."""

    root: Path
    obsid: str
    name: str

    @property
    def folder(self) -> Path:
        """The folder of the observation."""
        return self.root / "xmm" / "a907" / self.obsid

    @property
    def event_list(self) -> Path:
        """The cleaned event list."""
        (path,) = (self.folder / "eclean").glob(f"{self.name}_exp1_clean_evts.fits*")
        return path

    def image(self, band: str) -> tuple[fits.Header, NDArray[np.float64], tuple[slice, slice]]:
        """Return evselect's image in a band: header, pixels, and the rows and columns of the whole image that they are."""
        header, pixels = self._read(f"{band}keVimg")
        here = (slice(None), slice(None)) if is_whole(self.root) else (SKY_BOX, SKY_BOX)
        return header, pixels, here

    def exposure_map(self, band: str) -> tuple[fits.Header, NDArray[np.float64], tuple[slice, slice]]:
        """Return eexpmap's map in a band, as `image` does."""
        header, pixels = self._read(f"{band}keVexpmap")
        every = slice(None, None, 1 if is_whole(self.root) else MAP_STEP)
        return header, pixels, (every, every)

    def _read(self, kind: str) -> tuple[fits.Header, NDArray[np.float64]]:
        path = self.folder / "images" / f"{self.obsid}_{self.name}_exp1-{kind}.fits.gz"
        with fits.open(path) as hdus:
            return hdus[0].header, np.asarray(hdus[0].data, float)


ABELL_907 = [(obsid, name) for obsid in ("0201903501", "0404910601") for name in ("mos1", "mos2")]
