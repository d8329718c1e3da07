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
    from astropy.table import Table

    table = Table({name: [row[name] for row in rows] for name in columns}, dtype=[str] * len(columns))
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return text.getvalue()
