"""Writes simulated exposures as PPS event lists with XSA's names, tables, columns and cards; the bytes are reproducible."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.data_subspace import replace_subspace
from daxa_wf.events.gti import total
from daxa_wf.events.gti_files import gti_hdu
from daxa_wf.fits.writer import write_hdu
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES, Frames
from daxa_wf.observatories.xmm.native.exposure_times import live_time, write_exposure_cards
from daxa_wf_simulator.detectors import CAMERAS
from daxa_wf_simulator.events import FRAME, PIXEL_SCALE, REFERENCE_PIXEL, SimulatedExposure
from daxa_wf_simulator.truth import Exposure, Observation

ORIGIN = "daxa_wf embedded observatory"
"""The simulator's name in headers, of its first version: products repeat it, so it stays."""
DATE = "2026-01-01T00:00:00"
NULL = -99999999

MOS_COLUMNS = (
    ("TIME", ">f8", "s"), ("RAWX", ">i2", "PIXELS"), ("RAWY", ">i2", "PIXELS"), ("DETX", ">i2", "pixel"),
    ("DETY", ">i2", "pixel"), ("X", ">i4", "pixel"), ("Y", ">i4", "pixel"), ("PHA", ">i2", "CHAN"),
    ("PI", ">i2", "CHAN"), ("FLAG", ">i4", ""), ("PATTERN", "u1", ""), ("CCDNR", "u1", ""),
)  # fmt: skip
PN_COLUMNS = (*MOS_COLUMNS[:-1], ("PAT_ID", ">i2", ""), ("PAT_SEQ", "u1", ""), ("CCDNR", "u1", ""))
LEGAL = {"X": (1, 51840), "Y": (1, 51840), "PI": (0, 15000), "PATTERN": (0, 31), "CCDNR": (1, 17)}

MOS_BITS = {0: "DIAGONAL", 1: "CLOSE_TO_CCD_BORDER", 8: "CLOSE_TO_DEADPIX", 16: "OUT_OF_FOV", 22: "REJECTED_BY_GATTI"}
SELECTIONS = {
    "PN": {"XMMEA_EP": "(FLAG & 0xfa0000) == 0"},
    "M1": {"XMMEA_EM": "(FLAG & 0x766ba000) == 0", "XMMEA_SM": "(FLAG & 0xfffffeff) == 0"},
}
SELECTIONS["M2"] = SELECTIONS["M1"]


def list_name(observation: Observation, exposure: Exposure) -> str:
    """Return the PPS name of an exposure's list."""
    kind = "TI" if exposure.data_mode == "TIMING" else "PI" if exposure.instrument == "PN" else "MI"
    return f"P{observation.obsid}{exposure.instrument}{exposure.exposure}{kind}EVLI0000.FTZ"


def write_event_list(path: Path, observation: Observation, exposure: Exposure, simulated: SimulatedExposure) -> None:
    """Write a list with EVENTS, EXPOSUnn, BADPIXnn and STDGTInn, compressed."""
    write_compressed(path, event_list(observation, exposure, simulated))


def event_list(observation: Observation, exposure: Exposure, simulated: SimulatedExposure) -> bytes:
    """Return the bytes of that list, uncompressed."""
    stream = io.BytesIO()
    identity = _identity_cards(observation, exposure, simulated)
    write_hdu(stream, primary_header(identity), b"")
    header, rows = _events(exposure, simulated, identity)
    write_hdu(stream, header, rows.tobytes())
    for ccd in CAMERAS[exposure.instrument].ccds:
        for header, rows in (_frames(exposure, simulated, ccd.number), _bad_pixels(simulated, ccd.number)):
            write_hdu(stream, header, rows.tobytes())
    for number, gti in simulated.gtis.items():
        gti_hdu(gti, XMM_TIMES, f"STDGTI{number:02d}", number).append_to(stream)
    return stream.getvalue()


def write_compressed(path: Path, data: bytes) -> None:
    """Write gzip that is the same for the same data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
        stream.write(data)


def write_attitude(path: Path, observation: Observation) -> None:
    """Write the attitude series: one row every 10 s, steady but for a wobble of half an arcsecond."""
    stop = max(exposure.start + exposure.duration for exposure in observation.exposures)
    time = observation.start + np.arange(-60, stop + 60, 10.0)
    rows = np.zeros(
        len(time), [("TIME", ">f8"), ("AHFRA", ">f8"), ("AHFDEC", ">f8"), ("AHFPA", ">f8"), ("DAHFPNT", ">f8")]
    )
    rows["TIME"], rows["AHFPA"] = time, observation.position_angle
    wobble = 0.5 / 3600 * np.sin(time / 300)
    rows["AHFRA"], rows["AHFDEC"], rows["DAHFPNT"] = observation.ra, observation.dec + wobble, np.abs(wobble)
    stream = io.BytesIO()
    write_hdu(stream, primary_header([("OBS_ID", observation.obsid), ("TELESCOP", "XMM")]), b"")
    write_hdu(stream, table_header("ATTHK", rows, [("MJDREF", XMM_TIMES.mjdref)]), rows.tobytes())
    write_compressed(path, stream.getvalue())


def primary_header(cards: list[tuple[str, Any]]) -> Any:
    """Return a primary header without data that marks the file as simulated."""
    from astropy.io import fits

    header = fits.PrimaryHDU().header
    for key, value in [*cards, ("ORIGIN", ORIGIN), ("CREATOR", ORIGIN), ("DATE", DATE), ("CONTENT", "SIMULATED")]:
        header[key] = value
    header.add_history("Simulated by the embedded observatory of daxa_wf: not an observation.")
    return header


def _identity_cards(
    observation: Observation, exposure: Exposure, simulated: SimulatedExposure
) -> list[tuple[str, Any]]:
    start = observation.start + exposure.start
    return [
        ("TELESCOP", "XMM"), ("INSTRUME", CAMERAS[exposure.instrument].card), ("OBS_ID", observation.obsid),
        ("EXP_ID", observation.obsid + exposure.exposure[1:]), ("EXPIDSTR", exposure.exposure),
        ("DATAMODE", exposure.data_mode), ("SUBMODE", exposure.submode), ("FILTER", exposure.filter),
        ("OBS_MODE", "POINTING"), ("REVOLUT", observation.revolution), ("OBJECT", observation.target),
        ("RA_OBJ", observation.ra), ("DEC_OBJ", observation.dec), ("RA_NOM", observation.ra),
        ("DEC_NOM", observation.dec), ("RA_PNT", simulated.plane.ra), ("DEC_PNT", simulated.plane.dec),
        ("PA_PNT", observation.position_angle), ("EQUINOX", 2000.0), ("RADECSYS", "FK5"),
        ("DATE-OBS", utc(start)), ("DATE-END", utc(start + exposure.duration)),
        ("TSTART", start), ("TSTOP", start + exposure.duration), ("TELAPSE", exposure.duration), ("TIMEUNIT", "s"),
        ("TIMESYS", "TT"), ("MJDREF", XMM_TIMES.mjdref), ("TIMEREF", "LOCAL"), ("TASSIGN", "SATELLITE"), ("TIMEZERO", 0.0),
        ("CLOCKAPP", True),
    ]  # fmt: skip


def utc(seconds: float) -> str:
    """Return seconds since 1998-01-01T00:00:00 TT as a date. The date is in TT, a minute off UTC; no step reads it."""
    return str(np.datetime64("1998-01-01T00:00:00") + np.timedelta64(int(seconds), "s"))


def _events(
    exposure: Exposure, simulated: SimulatedExposure, identity: list[tuple[str, Any]]
) -> tuple[Any, NDArray[Any]]:
    columns = PN_COLUMNS if exposure.instrument == "PN" else MOS_COLUMNS
    rows = np.zeros(len(simulated.columns["TIME"]), [(name, form) for name, form, _ in columns])
    for name, _, _ in columns:
        if name in simulated.columns:
            rows[name] = simulated.columns[name]
    header = table_header("EVENTS", rows, identity, {name: unit for name, _, unit in columns})
    numbers = {name: number for number, (name, _, _) in enumerate(columns, start=1)}
    for name, (low, high) in LEGAL.items():
        header[f"TLMIN{numbers[name]}"], header[f"TLMAX{numbers[name]}"] = low, high
    for name, axis, step, value in (
        ("X", "RA---TAN", -1, simulated.plane.ra),
        ("Y", "DEC--TAN", 1, simulated.plane.dec),
    ):
        number = numbers[name]
        header[f"TNULL{number}"] = NULL
        header[f"TCTYP{number}"], header[f"TCRPX{number}"], header[f"TCRVL{number}"] = axis, int(REFERENCE_PIXEL), value
        header[f"TCDLT{number}"], header[f"TCUNI{number}"] = step * PIXEL_SCALE, "deg"
        header[f"REF{name}CTYP"], header[f"REF{name}CRPX"], header[f"REF{name}CRVL"] = axis, int(REFERENCE_PIXEL), value
        header[f"REF{name}CDLT"], header[f"REF{name}CUNI"] = step * PIXEL_SCALE, "deg"
    for bit, name in MOS_BITS.items():
        header[f"XMMEA_{bit}"] = (f"(FLAG & {1 << bit:#x}) != 0", name)
    for name, text in SELECTIONS[exposure.instrument].items():
        header[name] = text
    ontime = {ccd: total(gti) for ccd, gti in simulated.gtis.items()}
    livetime = {ccd: live_time(_as_frames(exposure, simulated, ccd), gti) for ccd, gti in simulated.gtis.items()}
    write_exposure_cards(header, exposure.instrument, ontime, livetime)
    replace_subspace(header, "CCDNR", {ccd: f"STDGTI{ccd:02d}" for ccd in simulated.gtis}, [])
    return header, rows


def _as_frames(exposure: Exposure, simulated: SimulatedExposure, ccd: int) -> Frames:
    time = simulated.frames[ccd]
    return Frames(time, np.full(len(time), FRAME[exposure.instrument]), _live_fraction(len(time)))


def _live_fraction(frames: int) -> NDArray[np.float64]:
    return 0.985 + 0.005 * np.sin(np.arange(frames) // 50)


def _frames(exposure: Exposure, simulated: SimulatedExposure, ccd: int) -> tuple[Any, NDArray[Any]]:
    time = simulated.frames[ccd]
    mos = exposure.instrument != "PN"
    forms = [("TIME", ">f8"), *([("TIMEDEL", ">f4")] if mos else []), ("FRACEXP", ">f4")]
    rows = np.zeros(len(time), forms)
    rows["TIME"], rows["FRACEXP"] = time, _live_fraction(len(time))
    if mos:
        rows["TIMEDEL"] = FRAME[exposure.instrument]
    camera = CAMERAS[exposure.instrument].ccds[0]
    cards = [("CCDID", ccd), ("CCDNODE", 0), ("WINDOWX0", 1), ("WINDOWY0", 1), ("WINDOWDX", camera.width),
             ("WINDOWDY", camera.height), ("FRMTIME", FRAME[exposure.instrument] * 1000)]  # fmt: skip
    return table_header(f"EXPOSU{ccd:02d}", rows, cards, {"TIME": "s", "TIMEDEL": "s"}), rows


def _bad_pixels(simulated: SimulatedExposure, ccd: int) -> tuple[Any, NDArray[Any]]:
    names = ("RAWX", "RAWY", "TYPE", "YEXTENT", "BADFLAG")
    rows = np.zeros(len(simulated.bad_pixels[ccd]), [(name, ">i2") for name in names])
    for index, name in enumerate(names):
        rows[name] = simulated.bad_pixels[ccd][:, index]
    return table_header(f"BADPIX{ccd:02d}", rows, [("CCDID", ccd)]), rows


def table_header(
    name: str, rows: NDArray[Any], cards: list[tuple[str, Any]], units: dict[str, str] | None = None
) -> Any:
    """Header of a binary table of these records, with units by column."""
    from astropy.io import fits

    header = fits.BinTableHDU(rows[:0], name=name).header
    header["NAXIS2"] = len(rows)
    for number, column in enumerate(rows.dtype.names or (), start=1):
        if (units or {}).get(column):
            header[f"TUNIT{number}"] = (units or {})[column]
    for key, value in cards:
        header[key] = value
    return header
