"""Panels of an observation: light curves and rate histograms of its exposures, and the table of their cleaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record
from daxa_wf.observatories.xmm.results import EpicCleaningResults, EpicFlareResults, QualityResults
from daxa_wf.report.panels import Cell, KeptTime, PageTable, Plot, number_cell
from daxa_wf.report.svg.charts import histogram_chart, light_curve_chart

Curve = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Times of bins in seconds, their values, and whether they were kept, shape (bins,) each."""


def exposure_plots(layout: Layout, record: Record) -> list[Plot]:
    """Draw the light curve of espfilt with flare-free and excluded time, and the rate histogram with its fit, if any."""
    if not any(stamp.kind == "lightcurve" for stamp in record.products):
        return []
    flares = EpicFlareResults.from_record(record)
    path = layout.find(record.product("lightcurve"))
    curve = _judged(path) if flares.judged else _of_rates(path, flares)
    title = f"{record.unit.instrument} {record.unit.exposure}, method {flares.method}"
    gti = np.array(flares.gti).reshape(-1, 2)
    svg = light_curve_chart(*curve, flares.limits, title, flares.judged or "count/s", gti=gti)
    caption = f"Light curve of {title}. The strip shows flare-free and excluded time"
    plots = [Plot(caption, svg, path.with_suffix(".svg"))]
    return [*plots, *_histogram(layout, record, flares.limits, title)]


def _judged(path: Path) -> Curve:
    """Read the values that the filter compared with its limits. For some filters these are not rates."""
    from daxa_wf.fits.tables import read_table

    _, rows = read_table(path, "JUDGED")
    return rows["TIME"].astype(float), rows["VALUE"].astype(float), rows["ACCEPTED"] == ord("T")


def _of_rates(path: Path, flares: EpicFlareResults) -> Curve:
    """Read the rates of a light curve of SAS's espfilt, which does not record the values that it judged."""
    from daxa_wf.events.gti import overlap
    from daxa_wf.fits.tables import read_table

    header, rows = read_table(path, "RATE")
    factor = max(1, round(flares.judged_bin / float(header["TIMEDEL"])))
    # Light curves of SAS's espfilt do not record which part of a bin was observed.
    fraction = rows["FRACEXP"].astype(float) if "FRACEXP" in (rows.dtype.names or ()) else np.ones(len(rows))
    time, rate = _binned(rows["TIME"].astype(float), rows["RATE"].astype(float), fraction, factor)
    half = flares.judged_bin / 2
    return time, rate, overlap(np.array(flares.gti).reshape(-1, 2), time - half, time + half) > 0


def _binned(time: np.ndarray, rate: np.ndarray, fraction: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Join `factor` bins each. Return the centres and the rates in a second of observed time of bins with observed time."""
    padding = -len(time) % factor
    counts, observed = (np.pad(values, (0, padding)).reshape(-1, factor).sum(axis=1) for values in (rate, fraction))
    step = time[1] - time[0] if len(time) > 1 else 1.0
    centres = time[0] - step / 2 + step * factor * (np.arange(len(counts)) + 0.5)
    seen = observed > 0
    return centres[seen], counts[seen] / observed[seen]


def _histogram(layout: Layout, record: Record, limits: tuple[float, float] | None, title: str) -> list[Plot]:
    from daxa_wf.observatories.xmm.native.qdp import read_histogram

    if not any(stamp.kind == "hist" for stamp in record.products):
        return []
    path = layout.find(record.product("hist"))
    histogram = read_histogram(path)
    if histogram is None:
        return []
    caption = f"{title}: centre {histogram.centre:.3f}, width {histogram.width:.3f} count/s"
    svg = histogram_chart(
        histogram.rates, histogram.samples, histogram.model, limits or histogram.limits, histogram.fitted, title
    )
    return [Plot(f"Rate histogram of {caption}", svg, path.with_suffix(".svg"))]


def kept_times(record: Record) -> list[KeptTime]:
    """Return the seconds of an exposure that espfilt kept and removed."""
    flares = EpicFlareResults.from_record(record)
    return [KeptTime(record.unit.instrument, record.unit.exposure, flares.kept_seconds, flares.lost_seconds)]


EXPOSURE_HEADINGS = (
    Cell("exposure"),
    *map(
        number_cell,
        ("kept (s)", "removed (s)", "share removed", "fit distance (KS)", "IN/OUT after cleaning", "events kept", "of"),
    ),
    Cell("warnings"),
)
NOTHING = number_cell("-")


@dataclass
class _ExposureRow:
    """The results of one exposure's cleaning, from the steps that are done, and the names of their warnings."""

    name: str
    flares: EpicFlareResults | None = None
    quality: QualityResults | None = None
    cleaning: EpicCleaningResults | None = None
    warnings: list[str] = field(default_factory=list)


def exposure_table(_: Layout, records: Sequence[Record]) -> PageTable:
    """Return one row for each exposure: kept and removed time, quality of the cleaning, kept events, names of warnings."""
    rows: dict[str, _ExposureRow] = {}
    for record in records:
        if record.step not in ("espfilt", "evselect"):
            continue
        row = rows.setdefault(record.unit.identifier, _ExposureRow(f"{record.unit.instrument} {record.unit.exposure}"))
        row.warnings += [warning["name"] for warning in record.warnings]
        if record.done and record.step == "espfilt":
            row.flares, row.quality = EpicFlareResults.from_record(record), QualityResults.from_record(record)
        elif record.done:
            row.cleaning = EpicCleaningResults.from_record(record)
    return PageTable("Exposures", EXPOSURE_HEADINGS, [_cells(row) for row in rows.values()])


def _cells(row: _ExposureRow) -> list[Cell]:
    seconds = (row.flares.kept_seconds, row.flares.lost_seconds) if row.flares else (None, None)
    events = (row.cleaning.selected, row.cleaning.rows) if row.cleaning else (None, None)
    return [
        Cell(row.name),
        *(NOTHING if value is None else number_cell(f"{value:.0f}") for value in seconds),
        *(_quality_cells(row.quality) if row.quality else (NOTHING, NOTHING, NOTHING)),
        *(NOTHING if value is None else number_cell(value) for value in events),
        Cell(", ".join(row.warnings), "rejected"),
    ]


def _quality_cells(quality: QualityResults) -> list[Cell]:
    in_out = number_cell(quality.no_in_out or "-")
    if quality.in_out is not None:
        ratio, error, contamination = quality.in_out
        in_out = number_cell(f"{ratio:.2f} ± {error:.2f}, {contamination} contaminated")
    distance = "-" if quality.fit_distance is None else f"{quality.fit_distance:.3f}"
    return [number_cell(f"{100 * quality.removed_fraction:.0f} %"), number_cell(distance), in_out]
