"""Writes the products of flaregti: an event list with the intervals, light curve, mask and thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.rewrite import Changes, rewrite
from daxa_wf.events.sky_grid import SkyGrid
from daxa_wf.fits.header import Header
from daxa_wf.fits.headers import describe
from daxa_wf.fits.new_hdus import NewColumn, image_hdu, primary_hdu, table_hdu, write_hdus
from daxa_wf.observatories.erosita.flare_options import FLARE_FILTERS, AnyFlareOptions, FixedLimits, FlaregtiOptions
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.flare_methods import ARCMIN, region_grid, region_threshold
from daxa_wf.observatories.erosita.native.flaregti import FlaregtiResult, JudgedCurve

NAMES = (
    "gtitype", "mask_pimin", "mask_pimax", "xmin", "xmax", "ymin", "ymax", "gridsize", "binsize", "detml", "timebin",
    "source_size", "source_like", "fov_radius", "threshold", "max_threshold", "mask_iter", "method", "sigma", "edge_like",
)  # fmt: skip
"""Options in the order of a HISTORY; eSASS's flaregti does not have the last three."""
DEFAULTS = {
    name: field.default for model in reversed(FLARE_FILTERS.values()) for name, field in model.model_fields.items()
}
"""Defaults of all filters' options, flaregti's where several have one: a HISTORY has every option, used or not."""


def command_line(p: AnyFlareOptions) -> str:
    """Return the options as flaregti's command line would have them.

    A value equal to its default is written as the default is (25, not 25.0), also if it was read from text with a unit.
    """
    low, high = p.band
    bands = dict(zip(("mask_pimin", "mask_pimax"), p.mask_band, strict=True))
    given = {name: getattr(p, name, DEFAULTS[name]) for name in NAMES}
    values = {name: DEFAULTS[name] if value == DEFAULTS[name] else value for name, value in given.items()} | bands
    limits = p.thresholds if isinstance(p, FixedLimits) else {}
    words = [f"pimin={low:g} pimax={high:g}", *(f"{name}={value}" for name, value in values.items())]
    return " ".join([*words, *(f"threshold{name.removeprefix('TM')}={limits[name]}" for name in sorted(limits))])


def write_flare_events(events: ErositaEventList, result: FlaregtiResult, output: Path) -> None:
    """Copy the event file to `output` with tables FLAREGTIn, new or in place of old ones; nothing is selected.

    ConfigError if `output` is the file itself.
    """
    tables = {f"FLAREGTI{module}": gti for module, gti in result.gti.items()}
    rewrite(events, output, Changes(history=f"flaregti: {command_line(result.options)}", tables=tables))


def write_light_curve(events: ErositaEventList, result: FlaregtiResult, output: Path) -> None:
    """Write TIME (s, centre of the bin) and RATE (counts/s/deg^2), with their ingredients and the cut.

    One table RATE for all telescope modules together, or RATEn for each.
    """
    hdus = [primary_hdu(cards=_header(events, result).cards)]
    for judged in result.judged:
        modules = judged.curve.modules
        table = table_hdu(_columns(judged))
        table.header["EXTNAME"] = "RATE" if len(result.judged) == 1 else f"RATE{modules[0]}"
        table.header.extend(events.identity_cards)
        table.header["HDUCLASS"], table.header["HDUCLAS1"] = "OGIP", "LIGHTCURVE"
        table.header["TIMEDEL"] = (result.options.timebin, "[s] length of a bin")
        table.header["MODULES"] = (" ".join(f"TM{module}" for module in modules), "telescope modules of the rate")
        table.header["VIGNAPP"] = (False, "vignetting is not corrected")
        hdus.append(table)
    write_hdus(output, hdus)


def _columns(judged: JudgedCurve) -> list[NewColumn]:
    """Return the light curve's columns, for bins with good time."""
    curve = judged.curve
    error = np.sqrt(curve.counts) / np.where(curve.judged, curve.exposure, np.nan)
    columns: list[tuple[str, str, str, NDArray[Any]]] = [
        ("TIME", "D", "s", curve.bins.centres), ("RATE", "D", "count/s/deg**2", curve.rate),
        ("ERROR", "D", "count/s/deg**2", error), ("COUNTS", "J", "count", curve.counts),
        ("FRACEXP", "E", "", curve.seconds / curve.bins.size), ("AREA", "E", "deg**2", curve.area),
        ("THRESHOLD", "D", "count/s/deg**2", judged.cut), ("X", "E", "pixel", curve.x), ("Y", "E", "pixel", curve.y),
        ("QUIET", "L", "", judged.quiet),
    ]  # fmt: skip
    observed = curve.seconds > 0
    return [(name, form, unit, values[observed]) for name, form, unit, values in columns]


def write_mask(events: ErositaEventList, result: FlaregtiResult, output: Path) -> None:
    """Write the mask (1 keep, 0 out) and, as the second HDU, the counts that it was made of."""
    cards = _header(events, result, result.grid).cards
    counts = image_hdu(result.counts.astype(np.int32), cards, "COUNTS")
    write_hdus(output, [primary_hdu(result.mask.astype(np.uint8), cards), counts])


def write_threshold_image(events: ErositaEventList, result: FlaregtiResult, output: Path) -> None:
    """Write the cut of each region in counts/s/deg^2; NaN where nothing pointed to within fov_radius of it.

    One image; for methods that judge each telescope module, one extension THRESHn for each.
    """
    grid = region_grid(result.options)
    header = _header(events, result, grid)
    header["BUNIT"] = "count/s/deg**2"
    images = [threshold_image(judged, result.options) for judged in result.judged]
    if len(images) == 1:
        write_hdus(output, [primary_hdu(images[0].astype(np.float32), header.cards, has_extensions=False)])
        return
    hdus = [primary_hdu(cards=header.cards)]
    for judged, image in zip(result.judged, images, strict=True):
        hdus.append(image_hdu(image.astype(np.float32), header.cards, f"THRESH{judged.curve.modules[0]}"))
    write_hdus(output, hdus)


def threshold_image(judged: JudgedCurve, p: AnyFlareOptions) -> NDArray[np.float64]:
    """Return the cut of each region, shape (gridsize, gridsize)."""
    grid, curve = region_grid(p), judged.curve
    x, y = np.meshgrid(*grid.centres())
    nobody = np.full(len(curve.counts), -1, np.int64)
    image = np.full(grid.nx * grid.ny, np.nan)
    for region in range(grid.nx * grid.ny):
        near = curve.judged & (np.hypot(curve.x - x.flat[region], curve.y - y.flat[region]) <= p.fov_radius * ARCMIN)
        if near.any():
            image[region] = (
                region_threshold(curve, p, region, nobody)
                if isinstance(p, FlaregtiOptions) and p.threshold < 0
                else judged.cut[near][0]
            )
    capped = np.minimum(image, p.max_threshold) if p.max_threshold > 0 else image
    return capped.reshape(grid.shape)


def _header(events: ErositaEventList, result: FlaregtiResult, grid: SkyGrid | None = None) -> Header:
    header = Header()
    header.extend(events.identity_cards)
    for card, value, comment in grid.cards(events.plane) if grid else ():
        header[card] = (value, comment)
    describe(header, f"flaregti: {command_line(result.options)}")
    return header
