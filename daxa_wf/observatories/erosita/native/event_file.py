"""eROSITA's event files: CalPV fields of the early release (c001), sky tiles of DR1 (c010), and what evtool made of them.

Format: eROSITA EDR 'EventFiles', DR1 'Extensions description'. Tables of a telescope module n are called GTIn,
FLAREGTIn, DEADCORn, BADPIXn, CORRATTn and HKnm; a file may lack any of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.gti import NONE, Intervals, overlap
from daxa_wf.events.tangent_plane import TangentPlane
from daxa_wf.observatories.erosita.native.sky_plane import sky_plane_of
from daxa_wf.observatories.xmm.native.event_list import EventList, with_columns

ALL_MODULES = (1, 2, 3, 4, 5, 6, 7)
MODULE_TABLE = re.compile(r"(?P<kind>GTI|FLAREGTI|QUALGTI|DEADCOR|BADPIX|CORRATT|OFFSET|HK)(?P<module>[1-7])\d?")
"""Names of the tables of one telescope module; HK has another digit, the sort of housekeeping."""

NEEDED_COLUMNS = ("TIME", "X", "Y", "PI", "PAT_TYP", "TM_NR", "FLAG")
UNSCALED_COLUMNS = ("TIME", "X", "Y", "PI", "TM_NR")
"""Columns that are read as they are stored; RA, DEC, SUBX, SUBY and PAT_TYP may be scaled integers."""

LIVE_FRACTION_COLUMNS = ("DEADC", "DEADTIME")
"""What DEADCORn may call the live fraction."""

UNSIGNED_ZERO = 2**31
SCIENCE_FILTERS = ("OPEN", "FILTER")
"""Filter-wheel positions in which the sky is seen (DAXA's rule for eROSITA)."""

OUT_OF_FOV = 0x8000
CORRUPT_EVENT, CORRUPT_FRAME = 0x40000000, 0x80000000
"""Bits of FLAG (eROSITA EDR; DAXA's eSASSFlag)."""


@dataclass(frozen=True)
class ErositaObservation:
    """What a file's header says of the observation: `obsid` is the sky tile (SKYFIELD) for the survey."""

    obsid: str
    obs_mode: str
    filter: str
    owner: str
    target: str
    modules: tuple[int, ...]

    @property
    def sees_sky(self) -> bool:
        """Whether the filter wheel let the sky in."""
        return self.filter in SCIENCE_FILTERS


@dataclass(frozen=True)
class Pointing:
    """Where a telescope module pointed: seconds, and degrees; shape (rows,) each, in order of time."""

    time: NDArray[np.float64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    roll: NDArray[np.float64]


def unsigned_flags(stored: NDArray[Any], zero: int = 0) -> NDArray[np.uint32]:
    """FLAG as the 32 bits it is, of the signed integers that the file has (and its TZERO); any shape."""
    return ((stored.astype(np.int64) + zero) & 0xFFFFFFFF).astype(np.uint32)


class ErositaEventFile(EventList):
    """An event file of one or several telescope modules; `chunks` are its events as they are stored."""

    EXPECTED = "an eROSITA list such as em01_134135_020_EventList_c010.fits"
    LONGEST = 1e9
    """Seconds between TSTART and TSTOP, at most: a sky tile is seen again in every survey."""
    DETECTOR_COLUMN = "TM_NR"
    DETECTOR_TABLES: Mapping[str, tuple[str, str]] = {
        "DEADCOR{}": ("missingDeadTime", "its live fraction is not known, and taken to be 1"),
    }

    def _checked(self) -> Self:
        missing = [name for name in NEEDED_COLUMNS if name not in self.column_names]
        if missing:
            raise CorruptFileError(
                f"{self.path}[EVENTS] lacks {', '.join(missing)}; it has {', '.join(self.column_names)}; "
                f"expected {self.EXPECTED}"
            )
        with_columns(np.empty(0, self.dtype), f"{self.path}[EVENTS]", *NEEDED_COLUMNS)
        scaled = [name for name in UNSCALED_COLUMNS if self._scaling(name) != (1.0, 0.0)]
        scaled += ["FLAG"] if self._scaling("FLAG") not in ((1.0, 0.0), (1.0, UNSIGNED_ZERO)) else []
        if scaled:
            raise CorruptFileError(f"{self.path}[EVENTS]: {', '.join(scaled)} must not be scaled (TSCALn, TZEROn)")
        return self

    def _is_read(self, name: str) -> bool:
        return not name.startswith("HK")

    def _scaling(self, name: str) -> tuple[float, float]:
        number = self.column_number(name)
        cards = f"TSCAL{number}", f"TZERO{number}"
        scale, zero = (self.header.get(card, usual) for card, usual in zip(cards, (1, 0), strict=True))
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in (scale, zero)):
            raise CorruptFileError(
                f"{self.path}[EVENTS]: expected numbers in {' and '.join(cards)}; fetch the file again"
            )
        return float(scale), float(zero)

    def physical(self, rows: NDArray[Any], name: str) -> NDArray[np.float64]:
        """A column of some rows in its unit, scaled as the header says: RA and DEC in degrees; shape (rows,)."""
        scale, zero = self._scaling(name)
        values = rows[name].astype(np.float64)
        return values if (scale, zero) == (1.0, 0.0) else values * scale + zero

    def flags(self, rows: NDArray[Any]) -> NDArray[np.uint32]:
        """FLAG of some rows as unsigned 32-bit; shape (rows,)."""
        return unsigned_flags(rows["FLAG"], int(self._scaling("FLAG")[1]))

    @cached_property
    def observation(self) -> ErositaObservation:
        """The observation and its telescope modules; CorruptFileError if the header does not say it."""
        obsid = str(self.header.get("OBS_ID", "")).strip()
        tile = str(self.header.get("SKYFIELD", "")).strip()
        modules = modules_of(self.header)
        if not (obsid or tile) or not modules:
            raise CorruptFileError(
                f"{self.path}[EVENTS] names no observation (OBS_ID, SKYFIELD) or no telescope module (INSTRUME, INSTRUMn)"
            )
        mode, wheel, owner, target = (
            str(self.header.get(card, "")).strip() for card in ("OBS_MODE", "FILTER", "OWNER", "OBJECT")
        )
        survey = mode.upper() == "SURVEY" and tile
        return ErositaObservation(tile if survey or not obsid else obsid, mode.upper(), wheel, owner, target, modules)

    @cached_property
    def plane(self) -> TangentPlane:
        """The plane of X and Y."""
        return sky_plane_of(self)

    @cached_property
    def module_tables(self) -> dict[tuple[str, int], str]:
        """Kind and telescope module -> name, of the tables that there are (housekeeping aside)."""
        found = {name: MODULE_TABLE.fullmatch(name) for name in self.extension_names}
        return {(match["kind"], int(match["module"])): name for name, match in found.items() if match}

    def intervals(self, kind: str = "GTI") -> dict[int, Intervals]:
        """Good times by telescope module, of the tables GTIn, FLAREGTIn or another kind; modules without one are not in.

        An empty table means that the module has no good time.
        """
        names = {module: name for (each, module), name in self.module_tables.items() if each == kind}
        for module in names:
            self._rows(kind, module, "START", "STOP")
        return {module: self._gti(name) for module, name in sorted(names.items())}

    def _good_time_names(self) -> list[str]:
        return [name for (kind, _), name in sorted(self.module_tables.items()) if kind in ("GTI", "FLAREGTI")]

    @cached_property
    def gtis(self) -> dict[int, Intervals]:
        """GTIn by telescope module."""
        return self.intervals("GTI")

    def pointing(self, module: int) -> Pointing | None:
        """CORRATTn of a telescope module in order of time; None if the file has no table, or no row in it."""
        rows = self._rows("CORRATT", module, "TIME", "RA", "DEC", "ROLL")
        if rows is None:
            return None
        series = [rows[column].astype(np.float64) for column in ("TIME", "RA", "DEC", "ROLL")]
        known = np.all(np.isfinite(series), axis=0)
        order = np.argsort(series[0][known], kind="stable")
        return Pointing(*(values[known][order] for values in series))

    def live_fraction(self, module: int, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Live fraction of a telescope module at `times`, from DEADCORn; 1 where the file has none. Shape of `times`."""
        rows = self._rows("DEADCOR", module, "TIME")
        if rows is None:
            return np.ones(times.shape)
        column = next((each for each in LIVE_FRACTION_COLUMNS if each in (rows.dtype.names or ())), None)
        if column is None:
            raise CorruptFileError(
                f"{self.path}[DEADCOR{module}] has none of the columns {', '.join(LIVE_FRACTION_COLUMNS)}"
            )
        order = np.argsort(rows["TIME"], kind="stable")
        return np.interp(times, rows["TIME"][order].astype(float), rows[column][order].astype(float))

    def live_time(self, module: int, good: Intervals) -> float:
        """Live seconds of a telescope module within good time: its sum over DEADCORn's steps."""
        rows = self._rows("DEADCOR", module, "TIME")
        times = np.empty(0) if rows is None else np.unique(rows["TIME"].astype(float))
        if len(good) == 0:
            return 0.0
        edges = np.concatenate([[-np.inf], times, [np.inf]]).clip(good[0, 0], good[-1, 1])
        middles = (edges[:-1] + edges[1:]) / 2
        return float(np.sum(overlap(good, edges[:-1], edges[1:]) * self.live_fraction(module, middles)))

    def bad_pixels(self, module: int) -> NDArray[Any]:
        """BADPIXn: records with at least RAWX, RAWY, YEXTENT (pixels from RAWY upwards); none where there is no table."""
        rows = self._rows("BADPIX", module, "RAWX", "RAWY")
        return np.empty(0, [("RAWX", "i2"), ("RAWY", "i2"), ("YEXTENT", "i2")]) if rows is None else rows

    def _rows(self, kind: str, module: int, *needed: str) -> NDArray[Any] | None:
        """Rows of a module's table; None if there is no such table, or no row in it. CorruptFileError without a column."""
        name = self.module_tables.get((kind, module))
        if name is None:
            return None
        rows = self.extension(name)[1]
        missing = [column for column in needed if column not in (rows.dtype.names or ())]
        if missing:
            raise CorruptFileError(
                f"{self.path}[{name}] lacks {', '.join(missing)}; it has {', '.join(rows.dtype.names or ())}"
            )
        wrong = [column for column in needed if rows.dtype[column].kind not in "iuf"]
        if wrong:
            raise CorruptFileError(f"{self.path}[{name}]: {', '.join(wrong)} must hold one number a row")
        return rows if len(rows) else None


def modules_of(header: Any) -> tuple[int, ...]:
    """Telescope modules that a header names, in INSTRUMn or, for a file of one module, in INSTRUME."""
    cards = [card for card in header if re.fullmatch(r"INSTRUM([1-7]|E)", card)]
    named = {match[1] for card in cards if (match := re.fullmatch(r"TM([1-7])", str(header[card]).strip()))}
    return tuple(sorted(int(module) for module in named))


def first_and_last(intervals: dict[int, Intervals]) -> Intervals:
    """The interval from the first start to the last stop of all modules; empty if there is no good time."""
    together = np.concatenate([NONE, *intervals.values()])
    return np.array([[together[:, 0].min(), together[:, 1].max()]]) if len(together) else NONE
