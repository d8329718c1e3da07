"""Panels of an observation's page: plots and tables of its records. Each observatory adds its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record
from daxa_wf.mission.registry import pipelines
from daxa_wf.mission.step import Panels, load

COMMON_PANELS = Panels(
    plots={"preprocessed": "daxa_wf.report.delivered:delivered_plots"},
    tables=("daxa_wf.report.delivered:delivered_table",),
)
"""The panels of the steps that every mission has."""


@dataclass(frozen=True)
class Plot:
    """A drawn plot: its PNG, the path to write it to, its caption. Without a PNG, the caption gives the reason."""

    path: Path
    png: bytes
    caption: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table: text, CSS class (`n` for numbers), and the file that the text links to."""

    text: str
    style: str = ""
    link: Path | None = None


@dataclass(frozen=True)
class PageTable:
    """A table of a page: its title, and headings and rows with as many cells each."""

    title: str
    headings: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]


def number_cell(text: object) -> Cell:
    """Return a cell that is aligned as numbers are."""
    return Cell(str(text), "n")


def plots_of(layout: Layout, record: Record) -> list[Plot]:
    """Draw the plots of a record. Return an empty list if its step is not done, or has no plots."""
    plots = {**COMMON_PANELS.plots, **_own_panels(record.unit.mission).plots}
    if not record.done or record.step not in plots:
        return []
    drawn: list[Plot] = load(plots[record.step])(layout, record)
    return drawn


def tables_of(layout: Layout, mission: str, records: Sequence[Record]) -> list[PageTable]:
    """Return the tables of an observation's records that have rows, the observatory's own tables first."""
    references = (*_own_panels(mission).tables, *COMMON_PANELS.tables)
    tables: list[PageTable] = [load(reference)(layout, records) for reference in references]
    return [table for table in tables if table.rows]


def instruments_of(record: Record) -> list[str]:
    """Return the instruments whose events the final list of a whole observation holds."""
    reference = _own_panels(record.unit.mission).instruments
    return list(load(reference)(record)) if reference else []


def _own_panels(mission: str) -> Panels:
    """Return the panels of a mission's observatory, or empty panels for a mission that is not installed."""
    owners = (pipeline for pipeline in pipelines() if mission in {spec.name for spec in pipeline.missions})
    return next((pipeline.panels for pipeline in owners), Panels())
