"""Write tables of an archive as tab-separated text, and as ECSV that keeps text as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from daxa_wf.files import write_atomically


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write rows of text to `path`, tab-separated, and beside it as ECSV, from which ObsIDs come back as text."""
    write_atomically(path.with_suffix(".ecsv"), _ecsv(columns, rows))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def _ecsv(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table of text columns as astropy writes it (ECSV 1.0, astropy's APE 6).

    Three processes of each run write a table, and importing astropy.table takes each of them 0.7 s of CPU.
    """
    types = [f"# - {{name: {name}, datatype: string}}" for name in columns]
    head = ["# %ECSV 1.0", "# ---", "# datatype:", *types, "# schema: astropy-2.0", " ".join(columns)]
    return "\n".join([*head, *(" ".join(_cell(row[name]) for name in columns) for row in rows)]) + "\n"


def _cell(text: str) -> str:
    """Return a cell, in quotation marks if it is empty or would not be read as one cell."""
    if text and not any(character in text for character in ' "\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
