"""The rows of the missions' tables that an archive's selections kept, as text, read without pandas."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from daxa_wf.archive.layout import Layout

Row = Mapping[str, str]
"""Column -> text; '' for unknown values."""


def selected_rows(layout: Layout, mission: str) -> Iterator[Row]:
    """Yield the selected rows of a mission's table; none if the archive has no table of it, or a damaged one."""
    path = layout.root / "selection" / f"{mission}_selection.tsv"
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                yield {name: value for name, value in row.items() if isinstance(name, str) and isinstance(value, str)}
    except (OSError, UnicodeDecodeError, csv.Error):
        return


def selected_row(layout: Layout, mission: str, obsid: str) -> Row:
    """Return the row of an observation, or an empty one."""
    return next((row for row in selected_rows(layout, mission) if row.get("obsid") == obsid), {})
