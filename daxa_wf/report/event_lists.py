"""Plots of event lists that no step has drawn: an image on the list's own sky plane, a light curve, the good times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.archive.layout import Layout, band_of, unit_of
from daxa_wf.archive.records import FileStamp, Record
from daxa_wf.errors import CorruptFileError
from daxa_wf.events.gti import NONE, Intervals, intersection, normalise, overlap, total, union
from daxa_wf.fits.blocks import Cards
from daxa_wf.fits.images import real_number
from daxa_wf.fits.stream import Hdu, open_bytes, walk_hdus
from daxa_wf.fits.tables import has_columns
from daxa_wf.report.images.planes import plane_of_image
from daxa_wf.report.images.products import ImageFile, why_not_drawn
from daxa_wf.report.images.sky_image import SkyImage
from daxa_wf.report.panels import Plot, not_drawn
from daxa_wf.report.svg.charts import light_curve_chart

SHOWN_LISTS = ("finalevents", "events")
"""Kinds of products that are event lists."""
EVENT_TABLES = ("EVENTS", "STDEVT")
LIST_BINS = 256
"""Pixels along a side of the image of an event list."""
LIGHT_CURVE_BINS = 300
MOST_BINS = 50_000
"""Bins of a light curve: of its good time, and of the whole time with its gaps at most."""
MOST_LISTS = 24
"""Event lists of one observation that are drawn."""
LARGEST_LIST = 4_000_000_000
"""Bytes of events that a plot reads."""
LARGEST_CURVE = 100_000_000
"""Bytes of a file whose light curve is drawn although the instrument has an image."""
CHUNK_ROWS = 1 << 16


@dataclass
class ListPlots:
    """The plots of an observation's event lists: images of instruments without one, light curves, and the reasons of others."""

    images: list[ImageFile] = field(default_factory=list)
    curves: list[Plot] = field(default_factory=list)
    problems: list[Plot] = field(default_factory=list)


@dataclass
class ListContent:
    """The content of an event list: its cards, sky coordinates (if any) and times of its events, its good times."""

    cards: Cards
    columns: dict[str, int]
    values: dict[str, NDArray[np.float64]]
    gti: Intervals


def delivered_lists(records: Sequence[Record]) -> list[FileStamp]:
    """Return the event lists that the data centre delivered."""
    done = (record for record in records if record.step == "preprocessed" and record.done)
    return [stamp for record in done for stamp in record.products if stamp.kind in SHOWN_LISTS]


def instruments_of_lists(stamps: Sequence[FileStamp]) -> list[str]:
    """Return the instruments in the names of event lists."""
    return sorted({unit_of(Path(stamp.path).name)[0] for stamp in stamps})


def list_plots(layout: Layout, records: Sequence[Record]) -> ListPlots:
    """Draw the light curve of each delivered list, and the image of each final list whose instrument has no image."""
    done = [record for record in records if record.done]
    imaged = {
        unit_of(Path(stamp.path).name)[0] for record in done for stamp in record.products if stamp.kind == "image"
    }
    plots = ListPlots()
    delivered = delivered_lists(records)
    own = [
        stamp for record in done for stamp in record.products if stamp.kind == "finalevents" and stamp not in delivered
    ]
    stamps = [
        *((stamp, True) for stamp in delivered),
        *((stamp, False) for stamp in own if unit_of(Path(stamp.path).name)[0] not in imaged),
    ]
    for stamp, is_delivered in stamps[:MOST_LISTS]:
        path = layout.find(stamp.path)
        needs_image = unit_of(path.name)[0] not in imaged
        if not needs_image and stamp.size > LARGEST_CURVE:
            continue
        try:
            _add_plots(plots, path, needs_image, is_delivered)
        except Exception as error:  # noqa: BLE001 - the page is drawn although readers may raise anything for a damaged file
            plots.problems.append(why_not_drawn(path.name, error))
    if len(stamps) > MOST_LISTS:
        plots.problems.append(
            not_drawn(f"{len(stamps) - MOST_LISTS} more event lists are not drawn; the table lists them")
        )
    return plots


def _add_plots(plots: ListPlots, path: Path, needs_image: bool, needs_curve: bool) -> None:
    content = read_list(path, with_sky=needs_image)
    instrument, exposure = unit_of(path.name)
    if "X" in content.values:
        image = list_image(content.values["X"], content.values["Y"], content.cards, content.columns)
        plots.images.append(ImageFile(path, instrument, exposure, band_of(path.name), image))
    if "TIME" in content.values and (needs_curve or "X" not in content.values):
        plots.curves.append(_curve(path, content, f"{instrument} {exposure}".removesuffix(" None")))


def read_list(path: Path, with_sky: bool = True) -> ListContent:
    """Read the sky coordinates, times and good times of an event list in one pass.

    Tables of good times whose names differ by a number belong to parts of a detector, and their union counts. Others, such
    as STDGTI01 and GTI00003, are successive filters, and their intersection counts.

    Raise CorruptFileError if the file is damaged or lacks events.
    """
    content, families = None, dict[str, Intervals]()
    with open_bytes(path) as stream:
        for hdu in walk_hdus(stream, path):
            if content is None and hdu.name in EVENT_TABLES:
                content = _read_events(hdu, with_sky)
            elif hdu.is_table and "GTI" in hdu.name and has_columns(hdu.cards, ("START", "STOP")):
                rows, family = hdu.table(), hdu.name.rstrip("0123456789")
                times = normalise(np.column_stack([rows["START"], rows["STOP"]]).astype(float))
                families[family] = union(families.get(family, NONE), times)
    if content is None:
        raise CorruptFileError("it does not contain a table EVENTS")
    content.gti = intersection(*families.values()) if families else NONE
    return content


def _read_events(hdu: Hdu, with_sky: bool) -> ListContent:
    cards = hdu.cards
    if hdu.size > LARGEST_LIST:
        raise CorruptFileError(f"its events have more than {LARGEST_LIST} bytes")
    columns = {str(cards[card]).strip().upper(): int(card[5:]) for card in cards if card.startswith("TTYPE")}
    has_sky = with_sky and {"X", "Y"} <= set(columns) and f"TCRVL{columns['X']}" in cards
    names = [name for name in (*(("X", "Y") if has_sky else ()), "TIME") if name in columns]
    if not int(str(cards.get("NAXIS2", 0))):
        raise CorruptFileError("it does not contain any event")
    if not names:
        raise CorruptFileError("its events have neither sky coordinates nor times")
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    for rows in hdu.chunks(CHUNK_ROWS, names):
        for name in names:
            parts[name].append(rows[name].astype(np.float64))
    values = {name: _scaled(np.concatenate(parts[name]), cards, columns[name]) for name in names}
    return ListContent(cards, columns, values, NONE)


def _scaled(values: NDArray[np.float64], cards: Cards, column: int) -> NDArray[np.float64]:
    return values * real_number(cards, f"TSCAL{column}", 1.0) + real_number(cards, f"TZERO{column}", 0.0)


def list_image(
    x: NDArray[np.float64], y: NDArray[np.float64], cards: Cards, columns: dict[str, int], bins: int = LIST_BINS
) -> SkyImage:
    """Return an image of events on their list's own sky plane, at most `bins` pixels a side.

    `x` and `y` are sky coordinates, shape (events,); `columns` has the numbers of their columns. The image covers the part
    of the plane with events.
    """
    inside = np.isfinite(x) & np.isfinite(y)
    if not inside.any():
        raise CorruptFileError("its events have no sky coordinates")
    positions = (x[inside], y[inside])
    lowest = [float(values.min()) for values in positions]
    spans = [float(values.max()) - low + 1 for values, low in zip(positions, lowest, strict=True)]
    step = max(1.0, *(float(np.ceil(span / bins)) for span in spans))
    edges = [low - 0.5 + step * np.arange(bins + 1) for low in lowest]
    image, _, _ = np.histogram2d(positions[1], positions[0], bins=[edges[1], edges[0]])
    header: dict[str, Any] = {}
    for axis, (name, edge) in enumerate(zip(("X", "Y"), edges, strict=True), start=1):
        number = columns[name]
        header[f"CTYPE{axis}"] = cards.get(f"TCTYP{number}", ("RA---TAN", "DEC--TAN")[axis - 1])
        header[f"CRVAL{axis}"] = cards.get(f"TCRVL{number}", "")
        header[f"CDELT{axis}"] = real_number(cards, f"TCDLT{number}") * step
        header[f"CRPIX{axis}"] = (real_number(cards, f"TCRPX{number}") - edge[0]) / step + 0.5
    return SkyImage(image, plane_of_image(header))


def _curve(path: Path, content: ListContent, title: str) -> Plot:
    """Draw the rate of a list's events in seconds of good time, or of a bin if the list has no good times."""
    times = content.values["TIME"]
    times = times[np.isfinite(times)]
    if not len(times):
        raise CorruptFileError("its events have no times")
    first, last = float(times.min()), float(times.max())
    gti = intersection(content.gti, np.array([[first, max(last, first + 1.0)]]))
    shortest = max(total(gti) / LIGHT_CURVE_BINS, (last - first) / MOST_BINS, 1e-3)
    counts, edges = np.histogram(times, max(1, round((last - first) / shortest)) if len(gti) else LIGHT_CURVE_BINS)
    width = float(edges[1] - edges[0])
    centres = edges[:-1] + width / 2
    if len(gti):
        observed = overlap(gti, edges[:-1], edges[1:])
        used = observed > 0.05 * width
        centres, rate = centres[used], counts[used] / observed[used]
    else:
        rate = counts / width
    svg = light_curve_chart(centres, rate, None, None, title, gti=gti if len(gti) else None)
    stem = path.name.split(".fits")[0]
    strip = "; the strip shows the good times of the list" if len(gti) else ""
    return Plot(f"{title}: events in bins of {width:.3g} s{strip}", svg, path.with_name(f"{stem}-lightcurve.svg"))
