"""Small archives for the tests of pages: records of delivered products, images with sources at known positions."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from astropy.io import fits

from daxa_wf.archive.layout import SUBDIRECTORIES, Layout
from daxa_wf.archive.records import Record, Status, stamp_file, write_record
from daxa_wf.units import Unit

SWIFT = Unit("swift", "00085374001")
XMM = Unit("xmm_pointed", "0201903501")


def delivered(layout: Layout, files: dict[str, Path], unit: Unit = SWIFT) -> Record:
    """The record of products by name, copied into the archive."""
    stamps = []
    for name, source in files.items():
        kind = name.split(".fits")[0].split("-")[-1]
        path = layout.observation(unit) / SUBDIRECTORIES[kind] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
        stamps.append(stamp_file(path, layout.relative(path), kind))
    record = Record("preprocessed", unit, Status.DONE, products=stamps, message=f"{len(stamps)} products")
    write_record(layout, record)
    return record


def tangent_header(ra: float, dec: float, pixel: float, centre: tuple[float, float]) -> fits.Header:
    """The header of an image around a position; `pixel` in degrees, `centre` counts from 1."""
    header = fits.Header()
    for axis, (kind, value, step) in enumerate((("RA---TAN", ra, -pixel), ("DEC--TAN", dec, pixel)), start=1):
        header[f"CTYPE{axis}"], header[f"CRVAL{axis}"], header[f"CDELT{axis}"] = kind, value, step
        header[f"CRPIX{axis}"] = centre[axis - 1]
    return header


def write_image(path: Path, pixels: np.ndarray, header: fits.Header | None = None) -> Path:
    """Write an image with a header's coordinates."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.PrimaryHDU(pixels, header).writeto(path, overwrite=True)
    return path
