"""The files of plots beside an observation's products, and its thumbnail."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from daxa_wf.archive.layout import PLOT_FILES
from daxa_wf.report.images.shading import small_copy
from daxa_wf.report.pages import THUMBNAIL
from daxa_wf.report.panels import Plot
from daxa_wf.report.svg.elements import standalone

THUMBNAIL_PIXELS = 160


def write_plots(plots: Sequence[Plot]) -> set[Path]:
    """Write the file of every plot that has one: the PNG of an image, or the drawing. Return the paths."""
    written = set()
    for plot in plots:
        if plot.svg and plot.path is not None:
            plot.path.parent.mkdir(parents=True, exist_ok=True)
            plot.path.write_bytes(plot.png or standalone(plot.svg).encode("utf-8"))
            written.add(plot.path)
    return written


def remove_old_plots(folder: Path, obsid: str, written: Collection[Path]) -> None:
    """Remove plots of earlier runs that were not drawn again, unless the product that they show still exists.

    Plots of units that are no longer requested stay with their products.
    """
    stems = {path.with_suffix("") for path in written}
    for path in folder.glob(f"*/obsid{obsid}-*"):
        if path.suffix not in PLOT_FILES or path in written:
            continue
        products = [other for other in path.parent.glob(f"{path.stem}.*") if other.suffix not in PLOT_FILES]
        if path.with_suffix("") in stems or not products:
            path.unlink()


def write_thumbnail(folder: Path, png: bytes) -> None:
    """Write a small copy of a plot beside the page; without a plot, remove the one of an earlier run."""
    path = folder / THUMBNAIL
    if png:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(small_copy(png, THUMBNAIL_PIXELS))
    else:
        path.unlink(missing_ok=True)
