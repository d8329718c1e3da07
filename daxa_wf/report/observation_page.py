"""Write an observation's page, and its plots beside the products."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, read_checked_record
from daxa_wf.archive.requested import RequestedUnits, read_requested
from daxa_wf.archive.status import Verdict, read_faults
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import write_atomically
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.report.event_lists import list_plots
from daxa_wf.report.facts import Facts, observation_facts, sexagesimal
from daxa_wf.report.files import remove_old_plots, write_plots, write_thumbnail
from daxa_wf.report.images.products import image_plots
from daxa_wf.report.pages import PAGE, observation_folder, render, with_banner
from daxa_wf.report.panels import Plot, plots_of, tables_of
from daxa_wf.report.summary import Summary
from daxa_wf.report.tables import list_table, product_table
from daxa_wf.units import Unit


@dataclass(frozen=True)
class PlotSection:
    """A heading of a page with its plots; `small` for plots that need less width."""

    title: str
    plots: Sequence[Plot]
    small: bool = False


@dataclass(frozen=True)
class WrittenPage:
    """A page that was written, and the summary of its observation."""

    path: Path
    summary: Summary


def write_observation_page(layout: Layout, unit: Unit, records: Sequence[Record]) -> Path:
    """Write an observation's page, its plots beside the products, and its thumbnail. Return the page's path."""
    return draw_observation(layout, unit, records).path


def draw_observation(layout: Layout, unit: Unit, records: Sequence[Record]) -> WrittenPage:
    """Write an observation's page, its plots beside the products, and its thumbnail."""
    folder = observation_folder(layout, unit)
    requested = read_requested(layout)
    records = [record for record in records if requested.asks_for(record.step, record.unit)]
    facts = observation_facts(layout, unit, records)
    lists = list_plots(layout, records)
    images = image_plots(layout, folder, records, lists.images)
    curves = [*(plot for record in records for plot in plots_of(layout, record)), *lists.curves]
    drawn = (
        PlotSection("Images", images.together),
        PlotSection("Images by instrument", images.single, small=True),
        PlotSection("Light curves", [*curves, *lists.problems]),
    )
    sections = [section for section in drawn if section.plots]
    plots = [plot for section in sections for plot in section.plots]
    remove_old_plots(folder, unit.obsid, write_plots(plots))
    write_thumbnail(folder, images.best)
    faults = [
        fault for fault in read_faults(layout, unit.mission, unit.obsid) if requested.asks_for(fault.step, fault.unit)
    ]
    text = _text(layout, unit, records, facts, sections, faults, _dropped(layout, unit, requested))
    write_atomically(folder / PAGE, with_banner(text, requested.has(unit)))
    return WrittenPage(folder / PAGE, Summary.from_facts(facts))


def _text(
    layout: Layout, unit: Unit, records: Sequence[Record], facts: Facts, sections: Sequence[PlotSection],
    faults: Sequence[Verdict], dropped: Sequence[str],
) -> str:  # fmt: skip
    folder = observation_folder(layout, unit)
    spec = MISSIONS.get(unit.mission)
    tables = [list_table(facts.lists), *tables_of(layout, unit.mission, records), product_table(layout, records)]
    return render("observation.html", {
        "unit": unit, "heading": facts.target or f"ObsID {unit.obsid}",
        "mission_name": f"{spec.pretty_name} ({unit.mission})" if spec else unit.mission,
        "facts": shown_facts(facts), "row": facts.row, "sections": sections, "records": records, "faults": faults,
        "tables": [table for table in tables if table.rows],
        "warnings": [(record, warning) for record in records for warning in record.warnings],
        "made_products": any(record.products for record in records), "dropped": dropped,
        "link_to": lambda path: quote(os.path.relpath(path, folder)),
        "record_path": lambda record: layout.record(record.step, record.unit),
        "logs_of": lambda record: [path for name in record.logs if (path := layout.root / name).exists()],
        "home": quote(os.path.relpath(layout.report, folder)),
    })  # fmt: skip


def shown_facts(facts: Facts) -> list[tuple[str, str]]:
    """Return label and text of every known fact, in the order of the page."""
    position = ""
    if math.isfinite(facts.ra) and math.isfinite(facts.dec):
        position = f"{sexagesimal(facts.ra, facts.dec)} ({facts.ra:.4f}°, {facts.dec:+.4f}°)"
    shown = [
        ("Target", facts.target),
        ("Position (ICRS)", position),
        ("Start (UTC)", _date(facts.start)),
        ("End (UTC)", _date(facts.end)),
        ("Revolution", facts.revolution),
        ("Filter", _joined(item.filter for item in facts.lists)),
        ("Mode", _joined(item.mode for item in facts.lists)),
        ("Good time", ", ".join(f"{name} {seconds / 1000:.1f} ks" for name, seconds in facts.exposures.items())),
        ("Kept and removed", ", ".join(
            f"{time.name} {time.kept / 1000:.1f} ks, {_share(time.removed, time.kept)} removed" for time in facts.times
        )),
        ("Target type", facts.row.get("target_type", "")),
        ("Public since", _date(facts.row.get("proprietary_end", ""))[:10]),
    ]  # fmt: skip
    return [(label, text) for label, text in shown if text]


def _share(part: float, other: float) -> str:
    return f"{100 * part / (part + other):.0f} %" if part + other > 0 else "0 %"


def _date(text: str) -> str:
    return text.replace("T", " ")[:19]


def _joined(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


def _dropped(layout: Layout, unit: Unit, requested: RequestedUnits) -> list[str]:
    """Return the units of an observation that have records, and that the configuration no longer requests, with the cause."""
    dropped = set()
    for path in layout.records(unit).glob("*/*.json"):
        with suppress(CorruptFileError):  # a damaged record is reported as a fault
            record = read_checked_record(path)
            if cause := requested.why_not(record.step, record.unit):
                dropped.add(f"{record.unit.identifier} ({record.step}): {cause}")
    return sorted(dropped)
