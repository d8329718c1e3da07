"""A large synthetic MOS list: 34-byte rows, 7 CCDs, sorted in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

from daxa_wf.events.gti_files import gti_hdu, write_gti
from daxa_wf.fits.writer import TableWriter, write_hdu
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES
from daxa_wf_simulator.files import LEGAL, MOS_COLUMNS

START, STOP = 6.0e8, 6.0e8 + 1e5


def write_list(path: Path, rows: int) -> None:
    """Write a list of so many rows, and 100 GTIs beside it as gti.fits."""
    rng = np.random.default_rng(1)
    header = fits.BinTableHDU(np.zeros(0, [(name, form) for name, form, _ in MOS_COLUMNS]), name="EVENTS").header
    cards = {"TELESCOP": "XMM", "INSTRUME": "EMOS1", "OBS_ID": "0999990901", "EXPIDSTR": "S001", "DATAMODE": "IMAGING",
             "SUBMODE": "PrimeFullWindow", "FILTER": "Thin1", "TSTART": START, "TSTOP": STOP, "MJDREF": 50814.0,
             "RA_PNT": 10.0, "DEC_PNT": 20.0, "PA_PNT": 30.0, "XMMEA_EM": "(FLAG & 0x766ba000) == 0"}  # fmt: skip
    for key, value in cards.items():
        header[key] = value
    for name, (low, high) in LEGAL.items():
        number = [column for column, _, _ in MOS_COLUMNS].index(name) + 1
        header[f"TLMIN{number}"], header[f"TLMAX{number}"] = low, high
    for number, axis, step in ((6, "RA---TAN", -1), (7, "DEC--TAN", 1)):
        header[f"TCTYP{number}"], header[f"TCRPX{number}"], header[f"TCRVL{number}"] = axis, 25921, 10.0 * (number - 5)
        header[f"TCDLT{number}"] = step * 1.38888888888889e-05
    with path.open("wb") as stream:
        write_hdu(stream, fits.PrimaryHDU().header, b"")
        writer = TableWriter(stream, header, 20)
        for first in range(0, rows, 1_000_000):
            writer.write(_rows(rng, min(1_000_000, rows - first), first / rows))
        writer.close(header)
        for ccd in range(1, 8):
            gti = np.array([[START, STOP]])
            gti_hdu(gti, XMM_TIMES, f"STDGTI{ccd:02d}", ccd).append_to(stream)
    edges = np.linspace(START, STOP, 201)
    write_gti(path.with_name("gti.fits"), np.column_stack([edges[:-1:2], edges[1::2]]), XMM_TIMES, "synthetic")


def _rows(rng: np.random.Generator, count: int, at: float) -> np.ndarray:
    rows = np.zeros(count, [(name, form) for name, form, _ in MOS_COLUMNS])
    rows["TIME"] = START + (STOP - START) * at + np.arange(count) * 1e-3
    rows["RAWX"], rows["RAWY"] = rng.integers(1, 601, count), rng.integers(1, 601, count)
    rows["DETX"], rows["DETY"] = rng.integers(-19000, 19000, count), rng.integers(-19000, 19000, count)
    rows["X"], rows["Y"] = rng.integers(4000, 48000, count), rng.integers(4000, 48000, count)
    rows["PI"], rows["PHA"] = rng.integers(100, 12000, count), rng.integers(20, 3000, count)
    rows["FLAG"] = rng.choice([0, 0, 0, 0x10000, 0x400000], count)
    rows["PATTERN"], rows["CCDNR"] = rng.integers(0, 16, count), rng.integers(1, 8, count)
    return rows
