"""Writes the pages; every text that comes from outside is escaped by the templates."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import daxa_wf
from daxa_wf.archive.layout import Layout, Unit
from daxa_wf.archive.records import Record, Status, read_record
from daxa_wf.archive.report.erosita import flare_plots, module_rows
from daxa_wf.archive.report.observation import Plot, exposure_plots, image_plots
from daxa_wf.archive.status import FAULT, Verdict, counts_by_step, read_faults, read_verdicts, root_causes
from daxa_wf.files import write_atomically

PAGE = "report.html"
PLOTS = {
    "espfilt": exposure_plots,
    "images": image_plots,
    "flaregti": flare_plots,
    "erosita_images": image_plots,
}
"""Step -> what draws the plots of its record."""


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, FunctionLoader, select_autoescape

    folder = files("daxa_wf.archive.report") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda each: (folder / each).read_text(encoding="utf-8")),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = lambda png: "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    return environment.get_template(name)


def observation_folder(layout: Layout, unit: Unit) -> Path:
    """Where an observation's page is: with its products, or in `failed_data`."""
    failed = layout.failed_observation(unit)
    return failed if failed.exists() else layout.observation(unit)


def write_observation_page(layout: Layout, unit: Unit, records: Sequence[Record]) -> Path:
    """Draw an observation's page and put its plots beside the products as PNG; the page's path."""
    folder = observation_folder(layout, unit)
    plots = [plot for record in records for plot in _plots(layout, record)]
    for plot in plots:
        plot.path.parent.mkdir(parents=True, exist_ok=True)
        plot.path.write_bytes(plot.png)
    page = folder / PAGE
    text = _template("observation.html").render(
        unit=unit,
        version=daxa_wf.__version__,
        records=records,
        plots=plots,
        exposures=_exposures(records),
        modules=module_rows(records),
        faults=read_faults(layout, unit.mission, unit.obsid),
        home=_way_up(layout, page) + layout.report.name,
    )
    write_atomically(page, text)
    return page


def _plots(layout: Layout, record: Record) -> list[Plot]:
    if not record.done:
        return []
    return PLOTS.get(record.step, lambda *_: [])(layout, record)


def _exposures(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row an exposure: what espfilt kept and cut, what evselect kept."""
    rows: dict[str, dict[str, Any]] = {}
    for record in records:
        if record.step in ("espfilt", "evselect"):
            row = rows.setdefault(record.unit.identifier, {"unit": record.unit})
            row[record.step] = record
    return list(rows.values())


def _way_up(layout: Layout, page: Path) -> str:
    return "../" * (len(page.relative_to(layout.root).parts) - 1)


def write_archive_page(layout: Layout) -> Path:
    """Draw the archive's page: counts, why what did not make it did not, one line an observation."""
    verdicts = read_verdicts(layout)
    observations: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        observations.setdefault((verdict.mission, verdict.obsid), []).append(verdict)
    rows = [_observation_row(layout, Unit(*key), each) for key, each in sorted(observations.items())]
    text = _template("archive.html").render(
        name=layout.root.name,
        version=daxa_wf.__version__,
        statuses=[*(str(status) for status in Status), FAULT],
        counts=counts_by_step(verdicts),
        causes=root_causes(verdicts),
        rows=rows,
    )
    write_atomically(layout.report, text)
    return layout.report


def _final_instruments(layout: Layout, verdict: Verdict) -> list[str]:
    """The instruments of the final list that a verdict is of; eROSITA's telescope modules have one together."""
    from daxa_wf.steps.catalogue import FINAL

    if verdict.step not in FINAL or verdict.status != Status.DONE:
        return []
    if verdict.inst:
        return [verdict.inst]
    unit = Unit(verdict.mission, verdict.obsid)
    return list(read_record(layout.record(verdict.step, unit)).results["modules"])


def _observation_row(layout: Layout, unit: Unit, verdicts: Sequence[Verdict]) -> dict[str, Any]:

    page = observation_folder(layout, unit) / PAGE
    final = sorted(name for verdict in verdicts for name in _final_instruments(layout, verdict))
    return {
        "unit": unit,
        "link": layout.relative(page) if page.exists() else "",
        "instruments": " ".join(final),
        "causes": len(root_causes(verdicts)),
        "failed": layout.failed_observation(unit).exists(),
    }
