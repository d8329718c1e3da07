"""Write the pages. The templates escape every text that comes from outside."""

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
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.page import with_digest
from daxa_wf.archive.records import Record, Status, read_record
from daxa_wf.archive.requested import NOT_REQUESTED, RequestedUnits, read_requested
from daxa_wf.archive.status import (
    Verdict,
    counts_by_step,
    read_faults,
    read_verdicts,
    root_causes,
    used_statuses,
    warnings_by_name,
)
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import write_atomically
from daxa_wf.mission.registry import STEPS
from daxa_wf.mission.step import PREPROCESSED
from daxa_wf.report.delivered import delivered_instruments
from daxa_wf.report.panels import instruments_of, plots_of, tables_of
from daxa_wf.units import Unit

PAGE = "report.html"
MOST_WARNINGS = 50
"""Units that the archive's page lists for one warning of one step."""


@cache
def _template(name: str) -> Any:
    from jinja2 import Environment, FunctionLoader, select_autoescape

    folder = files("daxa_wf.report") / "templates"
    environment = Environment(
        loader=FunctionLoader(lambda file: (folder / file).read_text(encoding="utf-8")),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = lambda png: "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    return environment.get_template(name)


def observation_folder(layout: Layout, unit: Unit) -> Path:
    """Return the directory of an observation's page: with its products, or in `failed_data`."""
    failed = layout.failed_observation(unit)
    return failed if failed.exists() else layout.observation(unit)


def write_observation_page(layout: Layout, unit: Unit, records: Sequence[Record]) -> Path:
    """Write an observation's page, and its plots as PNG beside the products. Return the page's path."""
    folder = observation_folder(layout, unit)
    requested = read_requested(layout)
    records = [record for record in records if requested.asks_for(record.step, record.unit)]
    plots = [plot for record in records for plot in plots_of(layout, record)]
    for plot in plots:
        if plot.png:
            plot.path.parent.mkdir(parents=True, exist_ok=True)
            plot.path.write_bytes(plot.png)
    page = folder / PAGE
    faults = [
        fault for fault in read_faults(layout, unit.mission, unit.obsid) if requested.asks_for(fault.step, fault.unit)
    ]
    text = _template("observation.html").render(
        link_to=lambda path: os.path.relpath(path, folder),
        unit=unit,
        version=daxa_wf.__version__,
        records=records,
        plots=plots,
        tables=tables_of(layout, unit.mission, records),
        dropped=_dropped(layout, unit, requested),
        made_products=any(record.products for record in records),
        faults=faults,
        home=_way_up(layout, page) + layout.report.name,
    )
    write_atomically(page, _with_banner(text, requested.has(unit)))
    return page


UNMARKED = '<p id="requested"></p>'
MARKED = '<p id="requested" class="unrequested">This observation is no longer requested by the configuration.</p>'
"""A line of an observation's page, before and after the observation was dropped from the configuration."""


def _with_banner(text: str, requested: bool) -> str:
    """Return the text of an observation's page with the note about dropped observations added or removed."""
    return text.replace(MARKED, UNMARKED) if requested else text.replace(UNMARKED, MARKED)


def mark_pages(layout: Layout, observations: Sequence[Unit]) -> None:
    """Note on the pages of observations whether they are still requested. Correct pages are not written again."""
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
"""Characters at the start of a page that contain its banner."""


def _dropped(layout: Layout, unit: Unit, requested: RequestedUnits) -> list[str]:
    """Return the units of an observation that have records, and that the configuration no longer requests, with the cause."""
    dropped = set()
    for path in layout.records(unit).glob("*/*.json"):
        with suppress(CorruptFileError):  # a damaged record is reported as a fault
            record = read_record(path)
            if cause := requested.why_not(record.step, record.unit):
                dropped.add(f"{record.unit.identifier} ({record.step}): {cause}")
    return sorted(dropped)


def _way_up(layout: Layout, page: Path) -> str:
    return "../" * (len(page.relative_to(layout.root).parts) - 1)


def write_archive_page(layout: Layout) -> Path:
    """Write the archive's page: counts, failures with their reasons, warnings, one line an observation.

    Also mark the pages of observations that are no longer requested.
    """
    verdicts = read_verdicts(layout)
    observations: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        observations.setdefault((verdict.mission, verdict.obsid), []).append(verdict)
    rows = [
        _observation_row(layout, Unit(*key), of_observation) for key, of_observation in sorted(observations.items())
    ]
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
    """Return the instruments of a verdict's final event list, or of the lists that the data centre delivered."""
    is_final = verdict.step in STEPS and STEPS[verdict.step].is_final
    if verdict.status != Status.DONE or not (is_final or verdict.step == PREPROCESSED.name):
        return []
    if is_final and verdict.inst:
        return [verdict.inst]
    record = read_record(layout.record(verdict.step, Unit(verdict.mission, verdict.obsid)))
    return instruments_of(record) if is_final else delivered_instruments(record)


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
