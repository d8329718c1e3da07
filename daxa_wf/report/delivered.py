"""Panels of the products that a data centre delivered: a table of its files, plots of its images and event lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from daxa_wf.archive.layout import Layout, unit_of
from daxa_wf.archive.records import FileStamp, Record
from daxa_wf.download.sizes import shown_bytes
from daxa_wf.report.panels import Cell, PageTable, Plot, number_cell
from daxa_wf.report.plots import image_plot, light_curve_plot
from daxa_wf.text import make_printable

EVENT_LISTS = ("finalevents", "events")
"""Kinds of products that are event lists."""
MOST_PLOTS = 24
"""Plots of one observation; a page with more would be too large to open."""
LIST_BINS = 256
"""Pixels along a side of the image of an event list."""
LIGHT_CURVE_BINS = 300
LARGEST_IMAGE, LARGEST_LIST = 200_000_000, 4_000_000_000
"""Largest number of pixels of an image, and of bytes of an event list, that a plot reads into memory."""


def delivered_plots(layout: Layout, record: Record) -> list[Plot]:
    """Draw one plot for each image, and for each event list of an instrument without an image.

    A file that cannot be drawn gets a caption with the reason. After MOST_PLOTS, a caption gives the number of files left.
    """
    images = [stamp for stamp in record.products if stamp.kind == "image"]
    drawn = {_instrument(stamp) for stamp in images}
    lists = [stamp for stamp in record.products if stamp.kind in EVENT_LISTS and _instrument(stamp) not in drawn]
    plots = [_plot(layout.find(stamp.path), stamp) for stamp in (*images, *lists)[:MOST_PLOTS]]
    left = len(images) + len(lists) - len(plots)
    if left > 0:
        plots.append(Plot(Path(), b"", f"{left} more images and event lists are not drawn; the table lists them"))
    return plots


DELIVERED_HEADINGS = (Cell("kind"), Cell("file"), number_cell("size"))


def delivered_table(layout: Layout, records: Sequence[Record]) -> PageTable:
    """Return one row a product that the data centre delivered: kind, name with a link, size."""
    stamps = [stamp for record in records if record.step == "preprocessed" for stamp in record.products]
    paths = [layout.find(stamp.path) for stamp in stamps]
    rows = [
        [Cell(stamp.kind), Cell(path.name, link=path), number_cell(shown_bytes(stamp.size))]
        for stamp, path in zip(stamps, paths, strict=True)
    ]
    return PageTable("Products of the data centre", DELIVERED_HEADINGS, rows)


def delivered_instruments(record: Record) -> list[str]:
    """Return the instruments whose event lists the data centre delivered."""
    return sorted({_instrument(stamp) for stamp in record.products if stamp.kind in EVENT_LISTS})


def _instrument(stamp: FileStamp) -> str:
    return unit_of(Path(stamp.path).name)[0]


def _plot(path: Path, stamp: FileStamp) -> Plot:
    name = path.name
    plain = name.split(".fits")[0]
    draw = _draw_image if stamp.kind == "image" else _draw_list
    try:
        return Plot(path.with_name(f"{plain}.png"), draw(path, title_of(plain)), f"{name}")
    except Exception as error:  # noqa: BLE001 - the page is drawn although astropy may raise anything for a damaged file
        return Plot(Path(), b"", f"{name} cannot be drawn: {make_printable(str(error) or type(error).__name__, 300)}")


def title_of(name: str) -> str:
    """Return the title of a plot from the name of a product: `obsid1-instA-subexpNone-image` becomes `1 A image`."""
    parts = [part for part in name.split("-") if part not in ("subexpNone", "subexpALL")]
    for prefix in ("obsid", "inst", "subexp", "en"):
        parts = [part.removeprefix(prefix) for part in parts]
    return " ".join(parts).replace("_", " ")


def _draw_image(path: Path, title: str) -> bytes:
    from astropy.io import fits

    with fits.open(path) as hdus:
        image = next((hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS") == 2), None)
        if image is None:
            raise ValueError("it does not contain an image of two dimensions")
        if image.header["NAXIS1"] * image.header["NAXIS2"] > LARGEST_IMAGE:
            raise ValueError(f"its image has more than {LARGEST_IMAGE} pixels")
        return image_plot(np.asarray(image.data), image.header, title)


def _draw_list(path: Path, title: str) -> bytes:
    """Draw the sky image of an event list, or its light curve if its events have no sky coordinates."""
    from astropy.io import fits

    with fits.open(path) as hdus:
        events = next((hdu for hdu in hdus if hdu.name in ("EVENTS", "STDEVT")), None)
        if events is None:
            raise ValueError("it does not contain a table EVENTS")
        if events.header["NAXIS1"] * events.header["NAXIS2"] > LARGEST_LIST:
            raise ValueError(f"its events have more than {LARGEST_LIST} bytes")
        columns = {name.upper(): number + 1 for number, name in enumerate(events.columns.names)}
        if not len(events.data):
            raise ValueError("it does not contain any event")
        if {"X", "Y"} <= set(columns) and f"TCRVL{columns['X']}" in events.header:
            image, header = list_image(events, columns["X"], columns["Y"])
            return image_plot(image, header, title)
        times = np.asarray(events.data["TIME"], dtype=float)
    counts, edges = np.histogram(times, LIGHT_CURVE_BINS)
    width = edges[1] - edges[0]
    kept = np.ones(len(counts), bool)
    return light_curve_plot(edges[:-1] + width / 2, counts / width, kept, None, title)


def list_image(events: Any, x: int, y: int) -> tuple[np.ndarray, Any]:
    """Return an image of an event list on its own sky plane, LIST_BINS pixels a side, and a header with its WCS.

    `x` and `y` are the numbers of the columns with sky coordinates. The image covers the part of the plane with events.
    """
    from astropy.io.fits import Header

    names = events.columns.names
    positions = [np.asarray(events.data[names[number - 1]], dtype=float) for number in (x, y)]
    inside = np.isfinite(positions[0]) & np.isfinite(positions[1])
    if not inside.any():
        raise ValueError("its events have no sky coordinates")
    lowest = [axis_values[inside].min() for axis_values in positions]
    step = max(
        1.0,
        *(
            np.ceil((axis_values[inside].max() - low + 1) / LIST_BINS)
            for axis_values, low in zip(positions, lowest, strict=True)
        ),
    )
    edges = [low - 0.5 + step * np.arange(LIST_BINS + 1) for low in lowest]
    image, _, _ = np.histogram2d(positions[1][inside], positions[0][inside], bins=[edges[1], edges[0]])
    header, table = Header(), events.header
    for axis, (number, edge) in enumerate(zip((x, y), edges, strict=True), start=1):
        header[f"CTYPE{axis}"] = table.get(f"TCTYP{number}", ("RA---TAN", "DEC--TAN")[axis - 1])
        header[f"CRVAL{axis}"] = table[f"TCRVL{number}"]
        header[f"CDELT{axis}"] = table[f"TCDLT{number}"] * step
        header[f"CRPIX{axis}"] = (table[f"TCRPX{number}"] - edge[0]) / step + 0.5
        header[f"CUNIT{axis}"] = table.get(f"TCUNI{number}", "deg")
    return image.astype(np.int64), header
