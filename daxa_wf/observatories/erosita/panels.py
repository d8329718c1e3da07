"""What the page of an eROSITA observation shows: its light curve, and what was kept of each telescope module."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record
from daxa_wf.report.observation import Plot
from daxa_wf.report.plots import light_curve_plot

OF_MODULE = re.compile(r"RATE([1-7])")
"""Name of the table of one telescope module."""


def flare_plots(layout: Layout, record: Record) -> list[Plot]:
    """The light curve (of each telescope module, if they were judged one by one) with kept and cut time."""
    from daxa_wf.events.gti import overlap
    from daxa_wf.fits.stream import open_bytes, walk_hdus

    path = layout.find(record.product("lightcurve"))
    half = record.results["timebin"] / 2
    kept = np.array(record.results["gti"]).reshape(-1, 2)
    with open_bytes(path) as stream:
        tables = [(hdu.name, hdu.table()) for hdu in walk_hdus(stream, path) if "TFIELDS" in hdu.header]
    plots = []
    for name, rows in tables:
        if not {"TIME", "RATE"} <= set(rows.dtype.names or ()):
            continue
        time, rate = rows["TIME"].astype(float), rows["RATE"].astype(float)
        limits = rows["THRESHOLD"].astype(float) if "THRESHOLD" in (rows.dtype.names or ()) else None
        match = OF_MODULE.fullmatch(name)
        module = f"TM{match[1]}" if match else ""
        title = " ".join(filter(None, (record.unit.identifier, module, record.results["method"])))
        good = overlap(kept, time - half, time + half) > 0
        place = path.with_name(path.name.replace("-lightcurve.fits", f"{'-' * bool(module)}{module}-lightcurve.png"))
        picture = light_curve_plot(time, rate, good, limits, title, "count/s/deg$^2$")
        plots.append(Plot(place, picture, f"Light curve of {title}"))
    return plots


def module_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row a telescope module: seconds that flaregti kept and cut, live seconds of the cleaned list if there is one."""
    done = {record.step: record.results for record in records if record.done}
    flares, cleaned = done.get("flaregti"), done.get("evtool", {"livetime": {}})
    if flares is None:
        return []
    return [
        {
            "name": name,
            "kept": flares["kept_seconds"][name],
            "lost": flares["lost_seconds"][name],
            "live": cleaned["livetime"].get(name),
        }
        for name in flares["modules"]
    ]
