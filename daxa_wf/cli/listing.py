"""Show observations as a table on the terminal, or write them to a file for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daxa_wf.tables.export import TableFormat, deliver, format_of, table_bytes

if TYPE_CHECKING:
    import pandas as pd

    from daxa_wf.mission.spec import MissionSpec

MOST_SHOWN = 500
"""Largest number of rows on the terminal. A line counts the others."""
LONGEST_CELL = 60
"""Largest number of characters of a cell on the terminal."""

Format = Annotated[
    TableFormat | None,
    typer.Option("--format", help="format of the table (default: of the suffix of --output)", show_default=False),
]
Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="write the table to this file, with all columns")
]


def joined_rows(selected: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several missions as one table with a column `mission`. Columns that a mission lacks are empty."""
    import pandas as pd

    parts = [rows.assign(mission=mission) for mission, rows in selected.items() if len(rows)]
    if not parts:
        return pd.DataFrame({"mission": [], "obsid": []})
    table = pd.concat(parts, ignore_index=True)
    return table[["mission", *(name for name in table.columns if name != "mission")]]


def show_or_write(
    rows: pd.DataFrame, form: TableFormat | None, output: Path | None, spec: MissionSpec | None = None
) -> None:
    """Write observations to a file, or to the standard output in a named format, or else show them on the terminal."""
    if form is None and output is None:
        _show(rows)
        return
    deliver(table_bytes(rows, form or format_of(output, ", or add --format"), spec), output)


def _show(rows: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    shown = _cells(rows.head(MOST_SHOWN))
    table = Table(
        *(Column(name, no_wrap=name in ("mission", "obsid", "start (UTC)"), overflow="fold") for name in shown)
    )
    for row in zip(*shown.values(), strict=True):
        table.add_row(*map(Text, row))
    console = Console()
    console.print(table)
    if len(rows) > MOST_SHOWN:
        console.print(
            f"and {len(rows) - MOST_SHOWN} more rows; --output FILE writes all rows and columns", soft_wrap=True
        )


def _cells(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns for the terminal by their headings, as text."""
    forms: dict[str, tuple[str, Any]] = {
        "mission": ("mission", str), "obsid": ("obsid", str), "target": ("target", str),
        "ra": ("ra", "{:.4f}".format), "dec": ("dec", "{:.4f}".format),
        "start": ("start (UTC)", "{:%Y-%m-%d %H:%M}".format), "exposure": ("exposure (ks)", _kiloseconds),
        "instruments": ("instruments", str),
    }  # fmt: skip
    return {
        heading: [_cell(value, form) for value in rows[name]]
        for name, (heading, form) in forms.items()
        if name in rows and (name in ("mission", "obsid") or not _is_empty(rows[name]))
    }


def _is_empty(values: pd.Series) -> bool:
    return bool((values.isna() | (values.astype(str) == "")).all())


def _kiloseconds(seconds: float) -> str:
    return f"{seconds / 1000:.1f}"


def _cell(value: Any, form: Any) -> str:
    import pandas as pd

    from daxa_wf.text import make_printable

    return "" if pd.isna(value) else make_printable(form(value), LONGEST_CELL)
