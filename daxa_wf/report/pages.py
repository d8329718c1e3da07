"""Writes the pages; every text that comes from outside is escaped by the templates."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import daxa_wf
from daxa_wf.archive.layout import Layout, unit_of
from daxa_wf.archive.page import with_digest
from daxa_wf.archive.records import Record, Status, read_record
from daxa_wf.archive.requested import NOT_REQUESTED, Requested, read_requested
from daxa_wf.archive.status import (
    Verdict,
    counts_by_step,
    read_faults,
    read_verdicts,
    root_causes,
    used_statuses,
    warnings_by_name,
)
from daxa_wf.download.sizes import shown_bytes
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import write_atomically
from daxa_wf.observatories.erosita.panels import flare_plots, module_rows
from daxa_wf.report.delivered import EVENT_LISTS, delivered_plots
from daxa_wf.report.observation import Plot, exposure_plots, image_plots
from daxa_wf.units import Unit

PAGE = "report.html"
MOST_WARNINGS = 50
"""Units that the archive's page lists for one warning of one step."""
PLOTS = {
    "espfilt": exposure_plots,
    "images": image_plots,
    "flaregti": flare_plots,
    "erosita_images": image_plots,
    "preprocessed": delivered_plots,
}
"""Step -> what draws the plots of its record."""


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, FunctionLoader, select_autoescape

    folder = files("daxa_wf.report") / "templates"
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
    requested = read_requested(layout)
    records = [record for record in records if requested.asks_for(record.step, record.unit)]
    plots = [plot for record in records for plot in _plots(layout, record)]
    for plot in plots:
        if plot.png:
            plot.path.parent.mkdir(parents=True, exist_ok=True)
            plot.path.write_bytes(plot.png)
    page = folder / PAGE
    faults = [
        fault for fault in read_faults(layout, unit.mission, unit.obsid) if requested.asks_for(fault.step, fault.unit)
    ]
    text = _template("observation.html").render(
        unit=unit,
        version=daxa_wf.__version__,
        records=records,
        plots=plots,
        exposures=_exposures(records),
        modules=module_rows(records),
        delivered=_delivered(layout, folder, records),
        dropped=_dropped(layout, unit, requested),
        made_products=any(record.products for record in records),
        faults=faults,
        home=_way_up(layout, page) + layout.report.name,
    )
    write_atomically(page, _with_banner(text, requested.has(unit)))
    return page


UNMARKED = '<p id="requested"></p>'
MARKED = '<p id="requested" class="unrequested">This observation is no longer requested by the configuration.</p>'
"""First lines of an observation's page, before and after its observation was dropped from the configuration."""


def _with_banner(text: str, requested: bool) -> str:
    """Return the text of an observation's page with or without the note that it is no longer requested."""
    return text.replace(MARKED, UNMARKED) if requested else text.replace(UNMARKED, MARKED)


def mark_pages(layout: Layout, observations: Sequence[Unit]) -> None:
    """Note on the pages of observations whether they are still requested; those that are drawn correctly stay as they are."""
    requested = read_requested(layout)
    for unit in observations:
        page = observation_folder(layout, unit) / PAGE
        if not page.exists():
            continue
        with page.open(encoding="utf-8") as stream:
            is_marked = MARKED in stream.read(LONGEST_HEAD)
        if is_marked == requested.has(unit):
            write_atomically(page, _with_banner(page.read_text(encoding="utf-8"), requested.has(unit)))


LONGEST_HEAD = 10_000
"""Characters of a page within which its banner is."""


def _dropped(layout: Layout, unit: Unit, requested: Requested) -> list[str]:
    """Return the units of an observation that have records, and that the configuration no longer requests."""
    dropped = set()
    for path in layout.records(unit).glob("*/*.json"):
        with suppress(CorruptFileError):  # a damaged record is a fault of its own
            record = read_record(path)
            if not requested.asks_for(record.step, record.unit):
                dropped.add(f"{record.unit.identifier} ({record.step})")
    return sorted(dropped)


def _delivered(layout: Layout, folder: Path, records: Sequence[Record]) -> list[dict[str, str]]:
    """One row a product that the data centre delivered: kind, instrument and so on as its name has them, and a link."""
    rows = []
    for stamp in (stamp for record in records if record.step == "preprocessed" for stamp in record.products):
        path = layout.find(stamp.path)
        rows.append({"kind": stamp.kind, "name": path.name, "link": os.path.relpath(path, folder),
                     "size": shown_bytes(stamp.size)})  # fmt: skip
    return rows


def _plots(layout: Layout, record: Record) -> list[Plot]:
    if not record.done:
        return []
    return PLOTS.get(record.step, lambda *_: [])(layout, record)


def _exposures(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row an exposure: what espfilt kept and removed and how well, what evselect kept, the names of warnings."""
    rows: dict[str, dict[str, Any]] = {}
    for record in records:
        if record.step in ("espfilt", "evselect"):
            row = rows.setdefault(record.unit.identifier, {"unit": record.unit, "warnings": []})
            row[record.step] = record
            row["warnings"] += [each["name"] for each in record.warnings]
            if record.done and "quality" in record.results:
                row["quality"] = record.results["quality"]
    return list(rows.values())


def _way_up(layout: Layout, page: Path) -> str:
    return "../" * (len(page.relative_to(layout.root).parts) - 1)


def write_archive_page(layout: Layout) -> Path:
    """Draw the archive's page: counts, reasons of units without a result, warnings, one line an observation.

    The pages of observations that are no longer requested are marked, too.
    """
    verdicts = read_verdicts(layout)
    observations: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        observations.setdefault((verdict.mission, verdict.obsid), []).append(verdict)
    rows = [_observation_row(layout, Unit(*key), each) for key, each in sorted(observations.items())]
    mark_pages(layout, [row["unit"] for row in rows])
    text = _template("archive.html").render(
        name=layout.root.name,
        version=daxa_wf.__version__,
        statuses=used_statuses(verdicts),
        counts=counts_by_step(verdicts),
        causes=root_causes(verdicts),
        warnings=warnings_by_name(verdicts),
        most_warnings=MOST_WARNINGS,
        missions=sorted({mission for mission, _ in observations}),
        rows=rows,
    )
    write_atomically(layout.report, with_digest(layout, text))
    return layout.report


def _final_instruments(layout: Layout, verdict: Verdict) -> list[str]:
    """The instruments of the final list that a verdict is of, or of the lists that the data centre delivered.

    eROSITA's telescope modules have one together.
    """
    from daxa_wf.mission.registry import STEPS

    if verdict.step == "preprocessed" and verdict.status == Status.DONE:
        record = read_record(layout.record(verdict.step, Unit(verdict.mission, verdict.obsid)))
        return sorted({unit_of(Path(stamp.path).name)[0] for stamp in record.products if stamp.kind in EVENT_LISTS})
    if not STEPS[verdict.step].is_final or verdict.status != Status.DONE:
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
        "warnings": sum(len(verdict.warnings) for verdict in verdicts),
        "requested": any(verdict.status != NOT_REQUESTED for verdict in verdicts),
        "failed": layout.failed_observation(unit).exists(),
    }
