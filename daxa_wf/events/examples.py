"""A small event list with known content, for the examples in the documentation of this package."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from daxa_wf.events.gti_files import gti_hdu
from daxa_wf.events.time_system import TimeSystem
from daxa_wf.fits.new_hdus import NewColumn, primary_hdu, table_hdu, write_hdus

ROWS = 1000
START = 1000.0
TIMES = TimeSystem(51910.0, "2001-01-01T00:00:00 (TT)")


def write_example(path: Path | None = None) -> Path:
    """Write an event list of 1000 s with one event a second and PI from 0 to 9999 eV, and return its path.

    X and Y run from 1 to 1000 and back. Good time is from 1000 to 1600 s and from 1700 to 2000 s. Without a `path` the list
    is written to a new temporary directory.
    """
    path = Path(tempfile.mkdtemp()) / "example.fits" if path is None else path
    number = np.arange(ROWS)
    columns: list[NewColumn] = [
        ("TIME", "D", "s", START + number), ("X", "I", "", number + 1), ("Y", "I", "", ROWS - number),
        ("PI", "J", "eV", (number * 617) % 10_000),
    ]  # fmt: skip
    events = table_hdu(columns, "EVENTS")
    cards = {"TELESCOP": "EXAMPLE", "INSTRUME": "CAMERA", "OBS_ID": "1", "TSTART": START, "TSTOP": START + ROWS,
             "MJDREF": TIMES.mjdref, "TIMESYS": TIMES.scale}  # fmt: skip
    for axis, kind, value, step in ((2, "RA---TAN", 150.0, -0.001), (3, "DEC--TAN", 2.0, 0.001)):
        cards |= {f"TCTYP{axis}": kind, f"TCRVL{axis}": value, f"TCRPX{axis}": 500.0, f"TCDLT{axis}": step}
    for card, content in cards.items():
        events.header[card] = content
    good = gti_hdu(np.array([[1000.0, 1600.0], [1700.0, 2000.0]]), TIMES, "GTI")
    write_hdus(path, [primary_hdu(), events, good])
    return path
