"""Write an astropy Table in the format that the suffix of its file names: CSV, ECSV, VOTable or FITS."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.tables.export import ASTROPY_FORMATS, deliver, format_of

if TYPE_CHECKING:
    from astropy.table import Table


def write_table_file(table: Table, path: Path) -> None:
    """Write a table, whole or not at all, in the format of the path's suffix.

    Texts with letters beyond ASCII are stored as UTF-8 in FITS. Raise ConfigError for another suffix, or if the directory
    does not exist.
    """
    form = format_of(path)
    if form == "fits" or form == "votable":
        content = io.BytesIO()
        (_with_bytes(table) if form == "fits" else table).write(content, format=ASTROPY_FORMATS[form])
        deliver(content.getvalue(), path)
        return
    text = io.StringIO()
    table.write(text, format="ascii.csv" if form == "csv" else ASTROPY_FORMATS[form])
    deliver(text.getvalue().encode(), path)


def _with_bytes(table: Table) -> Table:
    """Return a copy whose texts are UTF-8, because astropy writes only ASCII texts to FITS."""
    import numpy as np

    copy = table.copy()
    for name in copy.colnames:
        if copy[name].dtype.kind == "U":
            copy[name] = np.char.encode(copy[name], "utf-8")
    return copy
