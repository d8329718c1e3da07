"""The plots of an observation, made from its records and products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record
from daxa_wf.report.plots import histogram_plot, image_plot, light_curve_plot


@dataclass(frozen=True)
class Plot:
    """A drawn plot: its PNG, where it is put, what it shows. Without a PNG, `caption` says why there is none."""

    path: Path
    png: bytes
    caption: str


def exposure_plots(layout: Layout, record: Record) -> list[Plot]:
    """Light curve with kept and cut time, and the rate histogram with its fit where the filter made one."""
    results = record.results
    if not any(stamp.kind == "lightcurve" for stamp in record.products):
        return []
    path = layout.find(record.product("lightcurve"))
    limits = (float(results["limits"][0]), float(results["limits"][1])) if results["limits"] else None
    judged = results.get("judged")
    curve = _judged(path) if judged else _of_rates(path, results)
    title = f"{record.unit.identifier} {results['method']}"
    png = light_curve_plot(*curve, limits, title, judged or "count/s")
    plots = [Plot(path.with_suffix(".png"), png, f"Light curve of {title}")]
    return [*plots, *_histogram(layout, record, limits, title)]


Curve = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Times of bins, their values, and whether they were kept."""


def _judged(path: Path) -> Curve:
    """What the filter compared with its limits, which is not the rate for every filter."""
    from daxa_wf.fits.tables import read_table

    _, rows = read_table(path, "JUDGED")
    return rows["TIME"].astype(float), rows["VALUE"].astype(float), rows["ACCEPTED"] == ord("T")


def _of_rates(path: Path, results: Mapping[str, Any]) -> Curve:
    """The rates of a light curve of SAS's espfilt, which does not record what it judged."""
    from daxa_wf.events.gti import overlap
    from daxa_wf.fits.tables import read_table

    header, rows = read_table(path, "RATE")
    factor = max(1, round(results["judged_bin"] / float(header["TIMEDEL"])))
    # Light curves of SAS's espfilt do not tell which part of a bin was observed.
    fraction = rows["FRACEXP"].astype(float) if "FRACEXP" in (rows.dtype.names or ()) else np.ones(len(rows))
    time, rate = _binned(rows["TIME"].astype(float), rows["RATE"].astype(float), fraction, factor)
    half = results["judged_bin"] / 2
    return time, rate, overlap(np.array(results["gti"]).reshape(-1, 2), time - half, time + half) > 0


def _binned(time: np.ndarray, rate: np.ndarray, fraction: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Longer bins, and their rate in a second of observed time; bins that saw nothing are left out."""
    padding = -len(time) % factor
    counts, observed = (np.pad(each, (0, padding)).reshape(-1, factor).sum(axis=1) for each in (rate, fraction))
    step = time[1] - time[0] if len(time) > 1 else 1.0
    centres = time[0] - step / 2 + step * factor * (np.arange(len(counts)) + 0.5)
    seen = observed > 0
    return centres[seen], counts[seen] / observed[seen]


def _histogram(layout: Layout, record: Record, limits: tuple[float, float] | None, title: str) -> list[Plot]:
    from daxa_wf.observatories.xmm.native.qdp import read_histogram

    if not any(stamp.kind == "hist" for stamp in record.products):
        return []
    path = layout.find(record.product("hist"))
    found = read_histogram(path)
    if found is None:
        return []
    caption = f"{title}: centre {found.centre:.3f}, width {found.width:.3f} count/s"
    png = histogram_plot(found.rates, found.samples, found.model, limits or found.limits, found.fitted, caption)
    return [Plot(path.with_suffix(".png"), png, f"Rate histogram of {caption}")]


def image_plots(layout: Layout, record: Record) -> list[Plot]:
    """One picture for each image."""
    from astropy.io import fits

    plots = []
    for stamp, band in zip(
        (each for each in record.products if each.kind == "image"), record.results["bands"], strict=True
    ):
        path = layout.find(stamp.path)
        with fits.open(path) as hdus:
            title = f"{record.unit.identifier} {band[0]}-{band[1]} keV"
            plots.append(
                Plot(path.with_suffix(".png"), image_plot(hdus[0].data, hdus[0].header, title), f"Image of {title}")
            )
    return plots
