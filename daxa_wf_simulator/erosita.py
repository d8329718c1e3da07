"""Simulates eROSITA event files with known content.

Names, tables, columns and cards follow the product pages of eROSITA's EDR and DR1. The known content is flares of hard
events, a bright source, flagged events and a telescope module without GTIn. The bytes are the same in every run.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.gti import Intervals
from daxa_wf.fits.writer import write_hdu
from daxa_wf_simulator.erosita_events import FRAME, simulate
from daxa_wf_simulator.erosita_targets import SCALE, TARGETS, ErositaTarget, ErositaTruth, observed, path_of, truth_of
from daxa_wf_simulator.files import primary_header, table_header, write_compressed

MJDREF = 51543.875
COLUMNS = (
    ("TIME", ">f8", "s"), ("RA", ">f8", "deg"), ("DEC", ">f8", "deg"), ("X", ">f8", ""), ("Y", ">f8", ""),
    ("PI", ">f4", "eV"), ("EV_WEIGHT", ">f4", ""), ("RAWX", ">i2", "pixel"), ("RAWY", ">i2", "pixel"),
    ("SUBX", ">f8", "pixel"), ("SUBY", ">f8", "pixel"), ("PHA", ">i2", "adu"), ("PAT_TYP", ">i2", ""),
    ("PAT_INF", "u1", ""), ("TM_NR", "u1", ""), ("FLAG", ">i4", ""), ("FRAMETIME", ">f8", "s"),
)  # fmt: skip
"""Columns and forms of DR1."""

EARLY_FORMS = {"RA": ">i4", "DEC": ">i4", "X": ">i4", "Y": ">i4", "SUBX": "u1", "SUBY": "u1"}
"""Forms that the early release has otherwise."""
EARLY_SCALES = {"RA": (1e-6, 0.0), "DEC": (1e-6, 0.0), "SUBX": (1 / 150, -126.5 / 150), "SUBY": (1 / 150, -126.5 / 150)}
"""TSCAL and TZERO of the early release (eROSITA EDR, 'EventFiles', 'Properties of the CCD')."""


def make_erosita(root: Path) -> list[ErositaTruth]:
    """Write all files into `root` and return the truth of each."""
    return [write_event_file(root / target.file, target) for target in TARGETS]


def write_event_file(path: Path, target: ErositaTarget) -> ErositaTruth:
    """Simulate and write one file, compressed if its name ends in .gz; the same bytes for the same target."""
    rng = np.random.default_rng(int(target.obsid))
    columns, good = simulate(target, rng)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = _file(target, columns, good, rng)
    if path.suffix == ".gz":
        write_compressed(path, data)
    else:
        path.write_bytes(data)
    return truth_of(target, len(columns["TIME"]))


def _file(
    target: ErositaTarget, columns: dict[str, NDArray[Any]], good: dict[int, Intervals], rng: np.random.Generator
) -> bytes:
    stream = io.BytesIO()
    cards = _cards(target)
    write_hdu(stream, primary_header(cards), b"")
    write_hdu(stream, *_events(target, columns, cards))
    for kind, make in (("GTI", _gti_rows), ("DEADCOR", _dead_time), ("BADPIX", _bad_pixels), ("CORRATT", _attitude)):
        for module in target.modules:
            if kind == "GTI" and module in target.without_gti:
                continue
            rows, units = make(target, module, good[module])
            write_hdu(stream, table_header(f"{kind}{module}", rows, cards, units), rows.tobytes())
    for module in target.modules:
        rows = np.zeros(20, [("TIME", ">f8"), ("HKVALUE", ">f4")])
        rows["TIME"], rows["HKVALUE"] = target.start + 10.0 * np.arange(20), rng.normal(size=20)
        write_hdu(stream, table_header(f"HK{module}1", rows, cards, {"TIME": "s"}), rows.tobytes())
    return stream.getvalue()


def _cards(target: ErositaTarget) -> list[tuple[str, Any]]:
    span = observed(target)
    begin, end = float(span[0, 0]), float(span[-1, 1])
    names = [f"TM{module}" for module in target.modules]
    return [
        ("MISSION", "SRG"), ("TELESCOP", "eROSITA"), ("INSTRUME", "merged"), ("NINST", len(names)),
        *((f"INSTRUM{number}", name) for number, name in enumerate(names, start=1)), ("OWNER", "MPE"),
        ("OBS_MODE", target.obs_mode), ("DATAMODE", "FRAMESTORE"), ("FRAMETIM", FRAME * 1000), ("FILTER", "FILTER"),
        ("SKYFIELD", target.obsid if target.scans else ""), ("OBS_ID", "" if target.scans else target.obsid),
        ("EXP_ID", ""), ("OBJECT", target.target), ("RA_OBJ", target.ra), ("DEC_OBJ", target.dec),
        ("RA_CEN", target.ra), ("DEC_CEN", target.dec), ("RA_PNT", target.ra), ("DEC_PNT", target.dec),
        ("PA_PNT", target.roll), ("DATE-OBS", _utc(begin)), ("DATE-END", _utc(end)), ("TSTART", begin), ("TSTOP", end),
        ("MJDREF", MJDREF), ("TIMEZERO", 0.0), ("TIMEUNIT", "s"), ("TIMESYS", "TT"), ("RADECSYS", "FK5"),
        ("EQUINOX", 2000.0),
    ]  # fmt: skip


def _utc(seconds: float) -> str:
    """Return seconds since 2000-01-01T00:00:00 Moscow time as a date. Leap seconds are left out; no step reads it."""
    return str(np.datetime64("1999-12-31T21:00:00") + np.timedelta64(int(seconds), "s"))


def _events(target: ErositaTarget, columns: dict[str, NDArray[Any]], cards: list[tuple[str, Any]]) -> tuple[Any, bytes]:
    forms = {name: form for name, form, _ in COLUMNS} | (EARLY_FORMS if target.is_early else {})
    scales = EARLY_SCALES if target.is_early else {}
    rows = np.zeros(len(columns["TIME"]), list(forms.items()))
    for name, form in forms.items():
        scale, zero = scales.get(name, (1.0, 0.0))
        values = (columns[name] - zero) / scale if name in scales else columns[name]
        if name == "FLAG":
            rows[name] = values.view(np.int32)
        else:
            rows[name] = np.rint(values) if form[1] in "i1" else values
    header = table_header("EVENTS", rows, cards, {name: unit for name, _, unit in COLUMNS})
    numbers = {name: number for number, name in enumerate(forms, start=1)}
    for name, (scale, zero) in scales.items():
        header[f"TSCAL{numbers[name]}"], header[f"TZERO{numbers[name]}"] = scale, zero
    for name, kind, step, value in (("X", "RA---SIN", -SCALE, target.ra), ("Y", "DEC--SIN", SCALE, target.dec)):
        number = numbers[name]
        for prefix, suffix in (("TC", str(number)), (f"REF{name}C", "")):
            for word, content in (("TYP", kind), ("RPX", 0.0), ("RVL", value), ("DLT", step), ("UNI", "deg")):
                header[f"{prefix}{word}{suffix}"] = content
    header["HDUCLASS"], header["HDUCLAS1"] = "OGIP", "EVENTS"
    return header, rows.tobytes()


TableRows = tuple[NDArray[Any], dict[str, str]]


def _gti_rows(target: ErositaTarget, module: int, good: Intervals) -> TableRows:
    del target, module
    rows = np.zeros(len(good), [("START", ">f8"), ("STOP", ">f8")])
    rows["START"], rows["STOP"] = good[:, 0], good[:, 1]
    return rows, {"START": "s", "STOP": "s"}


def _dead_time(target: ErositaTarget, module: int, good: Intervals) -> TableRows:
    del good
    times = np.concatenate([np.arange(start, stop + 10, 10) for start, stop in observed(target)])
    rows = np.zeros(len(times), [("TIME", ">f8"), ("DEADC", ">f4")])
    rows["TIME"], rows["DEADC"] = times, 0.98 - 0.002 * module + 0.005 * np.sin(times / 500)
    return rows, {"TIME": "s"}


def _bad_pixels(target: ErositaTarget, module: int, good: Intervals) -> TableRows:
    """Return a dead column and a bright pixel."""
    del target, good
    rows = np.zeros(2, [("RAWX", ">i2"), ("RAWY", ">i2"), ("YEXTENT", ">i2"), ("TYPE", ">i2")])
    rows["RAWX"], rows["RAWY"], rows["YEXTENT"], rows["TYPE"] = (40 * module, 100), (1, 50 + module), (384, 1), (3, 1)
    return rows, {}


def _attitude(target: ErositaTarget, module: int, good: Intervals) -> TableRows:
    del module, good
    times = np.concatenate([np.arange(start - 1, stop + 2, 1.0) for start, stop in observed(target)])
    rows = np.zeros(len(times), [("TIME", ">f8"), ("RA", ">f8"), ("DEC", ">f8"), ("ROLL", ">f8")])
    rows["TIME"], rows["ROLL"] = times, target.roll
    rows["RA"], rows["DEC"] = target.plane.sky(*path_of(target, times))
    return rows, {"TIME": "s", "RA": "deg", "DEC": "deg", "ROLL": "deg"}
