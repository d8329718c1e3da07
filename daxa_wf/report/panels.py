"""Panels of an observation's page: plots and tables of its records. Each observatory adds its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record
from daxa_wf.mission.registry import pipelines
from daxa_wf.mission.step import Panels, load


@dataclass(frozen=True)
class Plot:
    """A drawn plot: its caption, its drawing, and the file to write beside the products, if any.

    The file is the PNG of an image's pixels, or else the drawing. Without a drawing, the caption gives the reason.
    """

    caption: str
    svg: str = ""
    path: Path | None = None
    png: bytes = b""


def not_drawn(reason: str) -> Plot:
    """Return the caption that takes the place of a plot."""
    return Plot(reason)


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


@dataclass(frozen=True)
class KeptTime:
    """The seconds of one exposure of an instrument ('' for all exposures) that cleaning kept and removed."""

    instrument: str
    exposure: str
    kept: float
    removed: float

    @property
    def name(self) -> str:
        """Return instrument and exposure for people."""
        return f"{self.instrument} {self.exposure}".rstrip()


def number_cell(text: object) -> Cell:
    """Return a cell that is aligned as numbers are."""
    return Cell(str(text), "n")


def plots_of(layout: Layout, record: Record) -> list[Plot]:
    """Draw the plots of a record. Return an empty list if its step is not done, or has no plots."""
    plots = own_panels(record.unit.mission).plots
    if not record.done or record.step not in plots:
        return []
    drawn: list[Plot] = load(plots[record.step])(layout, record)
    return drawn


def tables_of(layout: Layout, mission: str, records: Sequence[Record]) -> list[PageTable]:
    """Return the observatory's own tables of an observation's records that have rows."""
    tables: list[PageTable] = [load(reference)(layout, records) for reference in own_panels(mission).tables]
    return [table for table in tables if table.rows]


def kept_times(record: Record) -> list[KeptTime]:
    """Return the seconds that a record's step kept and removed; an empty list for other steps."""
    reference = own_panels(record.unit.mission).times.get(record.step)
    times: list[KeptTime] = load(reference)(record) if reference and record.done else []
    return times


def instruments_of(record: Record) -> list[str]:
    """Return the instruments whose events the final list of a whole observation holds."""
    reference = own_panels(record.unit.mission).instruments
    return list(load(reference)(record)) if reference else []


def own_panels(mission: str) -> Panels:
    """Return the panels of a mission's observatory, or empty panels for a mission that is not installed."""
    owners = (pipeline for pipeline in pipelines() if mission in {spec.name for spec in pipeline.missions})
    return next((pipeline.panels for pipeline in owners), Panels())
