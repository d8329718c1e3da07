"""Write a table in the format that the suffix of its file names: CSV, ECSV, VOTable or FITS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.errors import ConfigError
from daxa_wf.files import publish_file

if TYPE_CHECKING:
    from astropy.table import Table

FORMATS = {
    ".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".vot": "votable", ".votable": "votable", ".xml": "votable",
    ".fits": "fits", ".fit": "fits",
}  # fmt: skip
"""Suffix of a file -> astropy's name of its format."""


def write_table_file(table: Table, path: Path) -> None:
    """Write a table, whole or not at all, in the format of the path's suffix.

    Texts with letters beyond ASCII are stored as UTF-8 in FITS. Raise ConfigError for another suffix.
    """
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise ConfigError(f"--output {path}: unknown suffix {path.suffix!r}; write one of {', '.join(FORMATS)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        (_with_bytes(table) if form == "fits" else table).write(part, format=form, overwrite=True)
        publish_file(part, path)
    finally:
        part.unlink(missing_ok=True)


def _with_bytes(table: Table) -> Table:
    """Return a copy whose texts are UTF-8, because astropy writes only ASCII texts to FITS."""
    import numpy as np

    copy = table.copy()
    for name in copy.colnames:
        if copy[name].dtype.kind == "U":
            copy[name] = np.char.encode(copy[name], "utf-8")
    return copy
