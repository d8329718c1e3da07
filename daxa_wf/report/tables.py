"""The tables that every observation's page may have: its event lists, and all of its products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from daxa_wf.archive.layout import Layout, band_of, unit_of
from daxa_wf.archive.records import Record
from daxa_wf.report.facts import ListFacts
from daxa_wf.report.panels import Cell, PageTable, number_cell
from daxa_wf.text import shown_bytes

LIST_HEADINGS = (
    Cell("instrument"), Cell("exposure"), Cell("filter"), Cell("mode"), number_cell("good time (s)"),
    number_cell("live time (s)"), number_cell("events"), Cell("event list"),
)  # fmt: skip
PRODUCT_HEADINGS = (Cell("kind"), Cell("instrument"), number_cell("keV"), Cell("file"), number_cell("size"))


def list_table(lists: Sequence[ListFacts]) -> PageTable:
    """Return one row for each final event list: instrument, exposure, filter, mode, times in seconds, events, link."""
    rows = [
        [
            Cell(" ".join(facts.instruments)), Cell(facts.exposure), Cell(facts.filter), Cell(facts.mode),
            number_cell(_seconds(facts.ontime)), number_cell(_seconds(facts.livetime)), number_cell(facts.events),
            Cell(facts.path.name, link=facts.path),
        ]
        for facts in lists
    ]  # fmt: skip
    return PageTable("Event lists", LIST_HEADINGS, rows)


def _seconds(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "-"


def product_table(layout: Layout, records: Sequence[Record]) -> PageTable:
    """Return one row for each product of an observation: kind, instrument, band, name with a link, size."""
    rows = []
    for stamp in (stamp for record in records for stamp in record.products):
        path, name = layout.find(stamp.path), Path(stamp.path).name
        band = band_of(name)
        edges = f"{band.low:g}-{band.high:g}" if band else ""
        link = Cell(name, link=path) if path.exists() else Cell(f"{name} (missing)", "failed")
        instrument = unit_of(name)[0].replace("_", " ")
        rows.append(
            [Cell(stamp.kind), Cell(instrument), number_cell(edges), link, number_cell(shown_bytes(stamp.size))]
        )
    return PageTable("Products", PRODUCT_HEADINGS, rows)
