"""An archive of one observation with real products: an event list, good times, images; one exposure was rejected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, write_manifest
from daxa_wf.archive.records import FileStamp, Record, Status, stamp_file, write_record
from daxa_wf.events.examples import write_example
from daxa_wf.units import Band, Unit

MISSION, OBSID = "xmm_pointed", "0201903501"
PN = Unit(MISSION, OBSID, "PN")
PN_EXPOSURE = Unit(MISSION, OBSID, "PN", "S003")
M1_EXPOSURE = Unit(MISSION, OBSID, "M1", "S001")


def image_hdu(**cards: Any) -> fits.PrimaryHDU:
    """An image of 10 by 10 pixels with a celestial WCS."""
    header = fits.Header(
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 5.5, "CRPIX2": 5.5,
         "CDELT1": -0.1, "CDELT2": 0.1, "CUNIT1": "deg", "CUNIT2": "deg", **cards}
    )  # fmt: skip
    return fits.PrimaryHDU(np.arange(100, dtype=np.int32).reshape(10, 10), header)


def stamped(layout: Layout, path: Path, kind: str) -> FileStamp:
    return stamp_file(path, layout.relative(path), kind)


def place(layout: Layout, unit: Unit, kind: str, band: Band | None = None) -> Path:
    path = layout.product(unit, kind, band)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_images(layout: Layout) -> list[FileStamp]:
    stamps = []
    for band in (Band(0.5, 2.0), Band(2.0, 10.0)):
        path = place(layout, PN, "image", band)
        image_hdu(BUNIT="count").writeto(path)
        stamps.append(stamped(layout, path, "image"))
    for kind, cards in (("expmap", {"BUNIT": "s"}), ("backmap", {})):
        path = place(layout, PN, kind, Band(0.5, 2.0))
        image_hdu(**cards).writeto(path)
        stamps.append(stamped(layout, path, kind))
    return stamps


def write_small_archive(root: Path) -> Layout:
    """Write the archive: PN is cleaned, M1 was rejected, and the observation is usable."""
    layout = Layout(root)
    events = write_example(place(layout, PN, "finalevents"))
    gti = place(layout, PN_EXPOSURE, "gti")
    columns = [fits.Column("START", "D", array=[1000.0, 1700.0]), fits.Column("STOP", "D", array=[1600.0, 2000.0])]
    fits.BinTableHDU.from_columns(columns, name="STDGTI").writeto(gti)
    warning = {"name": "mostlyFlared", "text": "70 % of the time was removed"}
    message, log = "no counts in the field of view", layout.log("espfilt", M1_EXPOSURE)
    log.parent.mkdir(parents=True)
    log.write_text(message)
    for record in (
        Record("espfilt", PN_EXPOSURE, Status.DONE, products=[stamped(layout, gti, "gti")], warnings=[warning],
               results={"kept_seconds": 3000.0, "lost_seconds": 7000.0}),
        Record("espfilt", M1_EXPOSURE, Status.REJECTED, "noData", message, logs=[layout.relative(log)]),
        Record("merge", PN, Status.DONE, products=[stamped(layout, events, "finalevents")]),
        Record("images", PN, Status.DONE, products=write_images(layout)),
        Record("report", Unit(MISSION, OBSID), Status.DONE, results={"usable": True}),
    ):  # fmt: skip
        write_record(layout, record)
    facts = '{"revolution": "819"}'
    rows = [ManifestRow(MISSION, OBSID, "M1", "S001", filter="Medium", facts=facts),
            ManifestRow(MISSION, OBSID, "PN", "S003", filter="Thin1", facts=facts)]  # fmt: skip
    write_manifest(layout.manifest, rows)
    return layout
