"""Simulates eROSITA event files: two CalPV pointings of the early release, and a sky tile of the survey as in DR1.

Names, tables, columns and cards as reference/SAS_ESASS.md section 6.4 has them. What was put in is known: flares of hard
events, a bright source, flagged events, a telescope module without GTIn. The same bytes always.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.demo.files import primary_header, table_header, write_compressed
from daxa_wf.demo.truth import Flare, Source
from daxa_wf.events.erosita.event_file import CORRUPT_EVENT, CORRUPT_FRAME, OUT_OF_FOV
from daxa_wf.events.erosita.sky_plane import OrthographicPlane
from daxa_wf.events.fits_writer import write_hdu
from daxa_wf.events.gti import Intervals, complement, contains, normalise

SCALE = 0.05 / 3600
FOV_RADIUS = 37126.7
"""Sky pixels (eSASS flaregti, 'Algorithm')."""
CCD_PIXEL = 192.0
"""Sky pixels of 0.05 arcsec in a CCD pixel of 9.6 arcsec."""
CCD_SIZE, CCD_CENTRE = 384, 192.5
FRAME = 0.05
"""Seconds: times are those of frames."""
MJDREF = 51543.875
PSF_CORE = 250.0
"""Sky pixels: 12.5 arcsec."""
PSF_WINGS = 0.8
"""(1 + (radius / core)^2)^(-1 / 0.8) of the events are farther out: 2 per cent beyond an arcminute."""
TILE_HALF_WIDTH = 129_600.0
"""Sky pixels: half of a tile of 3.6 degrees."""
SCAN_SPEED = 90 / 0.05
"""Sky pixels a second: once round in four hours."""
SCAN_PERIOD = 14_400.0
SCAN_STEP = 12_000.0
"""Sky pixels between two scans: 10 arcmin."""
OUTSIDE_GTI, TRAILING, ON_BADPIX = 0x20000, 0x10, 0x2000
KEPT_OUTSIDE_GTI = 0.1

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


@dataclass(frozen=True)
class ErositaTarget:
    """One file to simulate: `quiet_rate` is events a second of all `modules` together, in the whole field of view."""

    obsid: str
    file: str
    target: str
    obs_mode: str
    ra: float
    dec: float
    roll: float
    start: float
    duration: float
    modules: tuple[int, ...]
    quiet_rate: float
    sources: tuple[Source, ...]
    flares: tuple[Flare, ...]
    hole: tuple[float, float] | None = None
    without_gti: tuple[int, ...] = ()
    scans: int = 0

    @property
    def is_early(self) -> bool:
        """Whether the file has the forms of the early release."""
        return "c001" in self.file

    @property
    def plane(self) -> OrthographicPlane:
        """The plane of X and Y, with its zero at the centre."""
        return OrthographicPlane(self.ra, self.dec, 0.0, 0.0, -SCALE, SCALE)


@dataclass
class ErositaTruth:
    """What was put into a file: times in seconds of its time system, source positions in degrees."""

    obsid: str
    file: str
    modules: tuple[int, ...]
    without_gti: tuple[int, ...]
    flares: list[list[float]]
    quiet: list[list[float]]
    sources: dict[str, list[float]] = field(default_factory=dict)
    events: int = 0


TARGETS = (
    ErositaTarget(
        "700195", "pm00_700195_020_EventList_c001.fits", "Demo cluster", "POINTING", 150.0, 2.0, 30.0, 6.20e8, 3600.0,
        (1, 2, 3, 4, 5, 6, 7), 5.0, (Source("bright", 150.15, 2.1, 2.0),),
        (Flare(793, 1187, 16, 1), Flare(2590, 2836, 20, 1)), hole=(1500, 1560), without_gti=(4,),
    ),
    ErositaTarget(
        "700199", "pm00_700199_020_EventList_c001.fits", "Demo pulsar", "POINTING", 83.6, -66.5, 200.0, 6.21e8, 3000.0,
        (5, 6, 7), 6.0, (Source("bright", 83.3, -66.4, 1.5),), (Flare(1710, 2012, 18, 1),),
    ),
    ErositaTarget(
        "134135", "em01_134135_020_EventList_c010.fits.gz", "", "SURVEY", 134.0, -45.0, 0.0, 6.30e8, 0.0,
        (1, 2, 3, 4, 5, 6, 7), 14.0, (Source("bright", 134.1, -44.9, 30.0),), (Flare(3 * 14_400 + 50, 3 * 14_400 + 140, 10, 1),),
        scans=8,
    ),
)  # fmt: skip


def make_erosita(root: Path) -> list[ErositaTruth]:
    """Write all files into `root`; what was put into each."""
    return [write_event_file(root / target.file, target) for target in TARGETS]


def write_event_file(path: Path, target: ErositaTarget) -> ErositaTruth:
    """Simulate and write one file, compressed if its name ends in .gz; the same bytes for the same target."""
    rng = np.random.default_rng(int(target.obsid))
    columns, good = _simulate(target, rng)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = _file(target, columns, good, rng)
    if path.suffix == ".gz":
        write_compressed(path, data)
    else:
        path.write_bytes(data)
    return _truth(target, len(columns["TIME"]))


def observed(target: ErositaTarget) -> Intervals:
    """When the telescope looked at the field, in seconds: all the time, or while it scanned over the tile."""
    if not target.scans:
        return np.array([[target.start, target.start + target.duration]])
    starts = target.start + SCAN_PERIOD * np.arange(target.scans)
    return np.column_stack([starts, starts + _scan_time()])


def path_of(target: ErositaTarget, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """X and Y of the pointing at some times: steady, or northwards over the tile in scans side by side."""
    if not target.scans:
        return np.zeros(len(times)), np.zeros(len(times))
    scan = np.floor((times - target.start) / SCAN_PERIOD)
    along = (times - target.start) % SCAN_PERIOD - _scan_time() / 2
    return (scan - (target.scans - 1) / 2) * SCAN_STEP, along * SCAN_SPEED


def _scan_time() -> float:
    return 2 * (TILE_HALF_WIDTH * 0.95 + FOV_RADIUS) / SCAN_SPEED


def _truth(target: ErositaTarget, events: int) -> ErositaTruth:
    """Flares as the times in which they add more than the quiet rate again; quiet beyond their ramps."""
    top = [(f.start - f.ramp * (1 - 1 / f.height), f.stop + f.ramp * (1 - 1 / f.height)) for f in target.flares]
    all_of_them = [(f.start - f.ramp, f.stop + f.ramp) for f in target.flares]
    begin, end = observed(target)[0, 0], observed(target)[-1, 1]
    quiet = complement(normalise(np.array(all_of_them) + target.start), begin, end)
    return ErositaTruth(
        target.obsid, target.file, target.modules, target.without_gti,
        (normalise(top) + target.start).tolist(), quiet.tolist(),
        {source.name: [source.ra, source.dec] for source in target.sources}, events,
    )  # fmt: skip


def _simulate(target: ErositaTarget, rng: np.random.Generator) -> tuple[dict[str, NDArray[Any]], dict[int, Intervals]]:
    """Columns of the events in order of time, and the good times by telescope module."""
    parts = [_background(target, rng), _flared(target, rng), *(_source(target, each, rng) for each in target.sources)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["TIME"] = np.floor(columns["TIME"] / FRAME) * FRAME
    columns["TM_NR"] = rng.choice(target.modules, len(columns["TIME"]))
    pointing_x, pointing_y = path_of(target, columns["TIME"])
    _on_ccd(columns, target.roll, pointing_x, pointing_y)
    good = {module: _good_time(target, module) for module in target.modules}
    outside = ~np.select(
        [columns["TM_NR"] == module for module in good], [contains(gti, columns["TIME"]) for gti in good.values()]
    ).astype(bool)
    kept = (
        (columns["RAWX"] >= 1) & (columns["RAWX"] <= CCD_SIZE) & (columns["RAWY"] >= 1) & (columns["RAWY"] <= CCD_SIZE)
    )
    kept &= ~outside | (rng.uniform(size=len(outside)) < KEPT_OUTSIDE_GTI)
    if target.scans:
        kept &= (np.abs(columns["X"]) < TILE_HALF_WIDTH) & (np.abs(columns["Y"]) < TILE_HALF_WIDTH)
    columns["FLAG"] = _flags(outside, rng)
    order = np.flatnonzero(kept)[np.argsort(columns["TIME"][kept], kind="stable")]
    columns = {name: values[order] for name, values in columns.items()}
    _add_patterns(columns, rng)
    columns["RA"], columns["DEC"] = target.plane.sky(columns["X"], columns["Y"])
    return columns, good


def _uniform_times(intervals: Intervals, rate: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.concatenate([rng.uniform(start, stop, rng.poisson(rate * (stop - start))) for start, stop in intervals])


def _anywhere(target: ErositaTarget, times: NDArray[np.float64], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    radius, turn = FOV_RADIUS * np.sqrt(rng.uniform(size=len(times))), rng.uniform(0, 2 * np.pi, len(times))
    x, y = path_of(target, times)
    return {"TIME": times, "X": x + radius * np.cos(turn), "Y": y + radius * np.sin(turn)}


def _background(target: ErositaTarget, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Half sky, soft; half particles, with a flat spectrum."""
    part = _anywhere(target, _uniform_times(observed(target), target.quiet_rate, rng), rng)
    count = len(part["TIME"])
    soft = rng.uniform(size=count) < 0.5
    part["PI"] = np.where(soft, 200 + rng.exponential(600, count), rng.uniform(200, 10_000, count))
    return part


def _flared(target: ErositaTarget, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Hard events: a flat spectrum from 3 to 10 keV."""
    times = [np.empty(0)]
    for flare in target.flares:
        begin, end = flare.start - flare.ramp, flare.stop + flare.ramp
        each = _uniform_times(np.array([[begin, end]]), target.quiet_rate * flare.height, rng)
        height = np.minimum(np.minimum((each - begin) / flare.ramp, (end - each) / flare.ramp), 1)
        times.append(target.start + each[rng.uniform(size=len(each)) < height])
    part = _anywhere(target, np.concatenate(times), rng)
    part["PI"] = rng.uniform(3000, 10_000, len(part["TIME"]))
    return part


def _source(target: ErositaTarget, source: Source, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    times = _uniform_times(observed(target), source.rate, rng)
    radius = PSF_CORE * np.sqrt((1 - rng.uniform(size=len(times))) ** -PSF_WINGS - 1)
    turn = rng.uniform(0, 2 * np.pi, len(times))
    x0, y0 = target.plane.pixel(source.ra, source.dec)
    x, y = x0 + radius * np.cos(turn), y0 + radius * np.sin(turn)
    pointing_x, pointing_y = path_of(target, times)
    seen = np.hypot(x - pointing_x, y - pointing_y) < FOV_RADIUS
    energy = 300 + rng.exponential(1200, len(times))
    return {"TIME": times[seen], "X": x[seen], "Y": y[seen], "PI": energy[seen]}


def _on_ccd(columns: dict[str, NDArray[Any]], roll: float, x0: NDArray[np.float64], y0: NDArray[np.float64]) -> None:
    """RAWX, RAWY and the place within the pixel: the sky turned by the roll angle, its centre at that of the CCD."""
    angle = np.deg2rad(roll)
    dx, dy = columns["X"] - x0, columns["Y"] - y0
    across = CCD_CENTRE + (dx * np.cos(angle) + dy * np.sin(angle)) / CCD_PIXEL
    along = CCD_CENTRE + (dy * np.cos(angle) - dx * np.sin(angle)) / CCD_PIXEL
    for raw, sub, value in (("RAWX", "SUBX", across), ("RAWY", "SUBY", along)):
        columns[raw] = np.rint(value).astype(np.int64)
        columns[sub] = value - columns[raw]


def _flags(outside: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint32]:
    """A hundredth of events with each of some bits, the two of corrupt ones among them."""
    flags = np.where(outside, OUTSIDE_GTI, 0).astype(np.uint32)
    for bit in (CORRUPT_EVENT, CORRUPT_FRAME, TRAILING, ON_BADPIX, OUT_OF_FOV):
        flags |= np.where(rng.uniform(size=len(flags)) < 0.01, bit, 0).astype(np.uint32)
    return flags


def _add_patterns(columns: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
    """PAT_TYP, PHA, and PI below zero for pixels that are not the main one of a pattern."""
    count = len(columns["TIME"])
    columns["PAT_TYP"] = rng.choice([1, 2, 3, 4, 0, -1, -5], count, p=[0.66, 0.24, 0.04, 0.03, 0.01, 0.01, 0.01])
    columns["PAT_INF"] = rng.integers(0, 5, count)
    other = (columns["PAT_TYP"] > 1) & (rng.uniform(size=count) < 0.05)
    columns["PHA"] = (columns["PI"] / 5).astype(np.int64)
    columns["PI"] = np.where(other, -columns["PI"], columns["PI"])
    columns["EV_WEIGHT"] = np.ones(count)
    columns["FRAMETIME"] = columns["TIME"]


def _good_time(target: ErositaTarget, module: int) -> Intervals:
    good = observed(target) + np.array([0.5 * module, -0.25 * module])
    if target.hole is None:
        return good
    hole = np.array([target.hole]) + target.start + 0.1 * module
    return normalise([[good[0, 0], hole[0, 0]], [hole[0, 1], good[0, 1]]])


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
    """Seconds since 2000-01-01T00:00:00 Moscow time as a date; leap seconds are left out, which no step reads."""
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


Rows = tuple[NDArray[Any], dict[str, str]]


def _gti_rows(target: ErositaTarget, module: int, good: Intervals) -> Rows:
    del target, module
    rows = np.zeros(len(good), [("START", ">f8"), ("STOP", ">f8")])
    rows["START"], rows["STOP"] = good[:, 0], good[:, 1]
    return rows, {"START": "s", "STOP": "s"}


def _dead_time(target: ErositaTarget, module: int, good: Intervals) -> Rows:
    del good
    times = np.concatenate([np.arange(start, stop + 10, 10) for start, stop in observed(target)])
    rows = np.zeros(len(times), [("TIME", ">f8"), ("DEADC", ">f4")])
    rows["TIME"], rows["DEADC"] = times, 0.98 - 0.002 * module + 0.005 * np.sin(times / 500)
    return rows, {"TIME": "s"}


def _bad_pixels(target: ErositaTarget, module: int, good: Intervals) -> Rows:
    """A dead column and a bright pixel."""
    del target, good
    rows = np.zeros(2, [("RAWX", ">i2"), ("RAWY", ">i2"), ("YEXTENT", ">i2"), ("TYPE", ">i2")])
    rows["RAWX"], rows["RAWY"], rows["YEXTENT"], rows["TYPE"] = (40 * module, 100), (1, 50 + module), (384, 1), (3, 1)
    return rows, {}


def _attitude(target: ErositaTarget, module: int, good: Intervals) -> Rows:
    del module, good
    times = np.concatenate([np.arange(start - 1, stop + 2, 1.0) for start, stop in observed(target)])
    rows = np.zeros(len(times), [("TIME", ">f8"), ("RA", ">f8"), ("DEC", ">f8"), ("ROLL", ">f8")])
    rows["TIME"], rows["ROLL"] = times, target.roll
    rows["RA"], rows["DEC"] = target.plane.sky(*path_of(target, times))
    return rows, {"TIME": "s", "RA": "deg", "DEC": "deg", "ROLL": "deg"}
