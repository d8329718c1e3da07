"""Panels of an observation: its light curve, and the time that was kept of each telescope module."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record
from daxa_wf.observatories.erosita.results import ErositaCleaningResults, ErositaFlareResults
from daxa_wf.report.panels import Cell, KeptTime, PageTable, Plot, number_cell
from daxa_wf.report.svg.charts import light_curve_chart

OF_MODULE = re.compile(r"RATE([1-7])")
"""Name of the table of one telescope module."""


def flare_plots(layout: Layout, record: Record) -> list[Plot]:
    """Draw the light curve with flare-free and excluded time, one for each telescope module if they have separate curves."""
    from daxa_wf.events.gti import overlap
    from daxa_wf.fits.stream import open_bytes, walk_hdus

    path = layout.find(record.product("lightcurve"))
    flares = ErositaFlareResults.from_record(record)
    half = flares.timebin / 2
    kept = np.array(flares.gti).reshape(-1, 2)
    with open_bytes(path) as stream:
        tables = [(hdu.name, hdu.table()) for hdu in walk_hdus(stream, path) if hdu.is_table]
    plots = []
    for name, rows in tables:
        if not {"TIME", "RATE"} <= set(rows.dtype.names or ()):
            continue
        time, rate = rows["TIME"].astype(float), rows["RATE"].astype(float)
        limits = rows["THRESHOLD"].astype(float) if "THRESHOLD" in (rows.dtype.names or ()) else None
        match = OF_MODULE.fullmatch(name)
        module = f"TM{match[1]}" if match else ""
        title = " ".join(filter(None, (module, f"method {flares.method}")))
        good = overlap(kept, time - half, time + half) > 0
        ending = f"-{module}-lightcurve.svg" if module else "-lightcurve.svg"
        place = path.with_name(path.name.replace("-lightcurve.fits", ending))
        svg = light_curve_chart(time, rate, good, limits, title, "count/s/deg²", gti=kept)
        caption = f"Light curve: {title}. The strip shows flare-free and excluded time"
        plots.append(Plot(caption, svg, place))
    return plots


def kept_times(record: Record) -> list[KeptTime]:
    """Return the seconds of each telescope module that flaregti kept and removed."""
    flares = ErositaFlareResults.from_record(record)
    return [KeptTime(name, "", flares.kept_seconds[name], flares.lost_seconds[name]) for name in flares.modules]


MODULE_HEADINGS = (Cell("module"), number_cell("kept (s)"), number_cell("removed (s)"), number_cell("live (s)"))


def module_table(_: Layout, records: Sequence[Record]) -> PageTable:
    """Return one row for each telescope module: flare-free and excluded seconds, live seconds of the cleaned list."""
    done = {record.step: record for record in records if record.done}
    if "flaregti" not in done:
        return PageTable("Telescope modules", MODULE_HEADINGS, [])
    flares = ErositaFlareResults.from_record(done["flaregti"])
    live = ErositaCleaningResults.from_record(done["evtool"]).livetime if "evtool" in done else {}
    rows = [
        [
            Cell(name),
            *(number_cell(_whole(seconds.get(name))) for seconds in (flares.kept_seconds, flares.lost_seconds, live)),
        ]
        for name in flares.modules
    ]
    return PageTable("Telescope modules", MODULE_HEADINGS, rows)


def _whole(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f}"


def modules_of(record: Record) -> tuple[str, ...]:
    """Return the telescope modules whose events a final list holds."""
    return ErositaCleaningResults.from_record(record).modules
