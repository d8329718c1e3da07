"""Plots of the count images of a step that makes one image an energy band."""

from __future__ import annotations

from dataclasses import dataclass

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record
from daxa_wf.report.panels import Plot
from daxa_wf.report.plots import image_plot


@dataclass(frozen=True)
class ImageBands:
    """The results of a step that makes images: the edges of their energy bands in keV, in the order of the products."""

    bands: tuple[tuple[float, float], ...]

    @classmethod
    def from_record(cls, record: Record) -> ImageBands:
        """Return the results in a record that is done."""
        return cls(tuple((low, high) for low, high in record.results["bands"]))


def image_plots(layout: Layout, record: Record) -> list[Plot]:
    """Draw one plot for each image of a record."""
    from astropy.io import fits

    plots = []
    images = [stamp for stamp in record.products if stamp.kind == "image"]
    for stamp, (low, high) in zip(images, ImageBands.from_record(record).bands, strict=True):
        path = layout.find(stamp.path)
        with fits.open(path) as hdus:
            title = f"{record.unit.identifier} {low}-{high} keV"
            plot = image_plot(hdus[0].data, hdus[0].header, title)
        plots.append(Plot(path.with_suffix(".png"), plot, f"Image of {title}"))
    return plots
