"""eROSITA's event lists: CalPV fields of the early release (c001), sky tiles of DR1 (c010), and lists that evtool wrote.

Format: eROSITA EDR 'EventFiles', DR1 'Extensions description'. Tables of a telescope module n are called GTIn,
FLAREGTIn, DEADCORn, BADPIXn, CORRATTn and HKnm; a file may lack any of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.event_list import EventList
from daxa_wf.events.gti import NONE, Intervals, overlap
from daxa_wf.fits.table_types import with_columns

ALL_MODULES = (1, 2, 3, 4, 5, 6, 7)
MODULE_TABLE = re.compile(r"(?P<kind>GTI|FLAREGTI|QUALGTI|DEADCOR|BADPIX|CORRATT|OFFSET|HK)(?P<module>[1-7])\d?")
"""Names of the tables of one telescope module; HK has another digit for the sort of housekeeping."""

LIVE_FRACTION_COLUMNS = ("DEADC", "DEADTIME")
"""Names that the live fraction has in DEADCORn."""

UNSIGNED_ZERO = 2**31
SCIENCE_FILTERS = ("OPEN", "FILTER")
"""Filter-wheel positions in which the sky is seen (DAXA's rule for eROSITA)."""

OUT_OF_FOV = 0x8000
CORRUPT_EVENT, CORRUPT_FRAME = 0x40000000, 0x80000000
"""Bits of FLAG (eROSITA EDR; DAXA's eSASSFlag)."""


@dataclass(frozen=True)
class ErositaObservation:
    """The observation that a list's header identifies; `obsid` is the sky tile (SKYFIELD) for the survey."""

    obsid: str
    obs_mode: str
    filter: str
    owner: str
    target: str
    modules: tuple[int, ...]

    @property
    def sees_sky(self) -> bool:
        """Return whether the filter wheel let the sky in."""
        return self.filter in SCIENCE_FILTERS


@dataclass(frozen=True)
class Pointing:
    """The pointing of a telescope module: seconds and degrees; shape (rows,) each, in order of time."""

    time: NDArray[np.float64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    roll: NDArray[np.float64]


def unsigned_flags(stored: NDArray[Any], zero: int = 0) -> NDArray[np.uint32]:
    """Return FLAG as unsigned 32 bits, from the signed integers that the file holds and their TZERO; any shape."""
    return ((stored.astype(np.int64) + zero) & 0xFFFFFFFF).astype(np.uint32)


class ErositaEventList(EventList):
    """An event list of one or several telescope modules; `chunks` yields its events unscaled."""

    EXPECTED = "an eROSITA list such as em01_134135_020_EventList_c010.fits"
    LONGEST = 1e9
    """A sky tile is seen again in every survey."""
    NEEDED_COLUMNS = ("TIME", "X", "Y", "PI", "PAT_TYP", "TM_NR", "FLAG")
    UNSCALED_COLUMNS = ("TIME", "X", "Y", "PI", "TM_NR")
    """RA, DEC, SUBX, SUBY and PAT_TYP may be scaled integers."""
    DETECTOR_COLUMN = "TM_NR"
    DETECTOR_TABLES: Mapping[str, tuple[str, str]] = {
        "DEADCOR{}": ("missingDeadTime", "its live fraction is not known, and taken to be 1"),
    }
    IDENTITY_CARDS = (
        "ORIGIN", "OWNER", "MISSION", "TELESCOP", "INSTRUME", "NINST", *(f"INSTRUM{n}" for n in range(1, 8)), "OBS_MODE",
        "DATAMODE", "FRAMETIM", "FILTER", "SKYFIELD", "OBS_ID", "EXP_ID", "OBSERVER", "OBJECT", "RA_OBJ", "DEC_OBJ",
        "RA_CEN", "DEC_CEN", "DATE-OBS", "DATE-END", "TSTART", "TSTOP", "MJDREF", "TIMEZERO", "TIMEUNIT", "TIMESYS",
        "RA_PNT", "DEC_PNT", "PA_PNT", "RADESYS", "EQUINOX",
    )  # fmt: skip
    """As a genuine image of evtool repeats them."""

    def check(self) -> None:
        """Raise CorruptFileError as every list does, and if FLAG is scaled otherwise than to unsigned integers."""
        super().check()
        if self.scaling("FLAG") not in ((1.0, 0.0), (1.0, UNSIGNED_ZERO)):
            raise CorruptFileError(f"{self.place}: FLAG must not be scaled (TSCALn, TZEROn)")

    def keeps_table(self, name: str) -> bool:
        """Return whether a table is needed in memory: all but housekeeping."""
        return not name.startswith("HK")

    def flags(self, rows: NDArray[Any]) -> NDArray[np.uint32]:
        """Return FLAG of some rows as unsigned 32-bit; shape (rows,)."""
        return unsigned_flags(rows["FLAG"], int(self.scaling("FLAG")[1]))

    @cached_property
    def observation(self) -> ErositaObservation:
        """Return the observation and its telescope modules; CorruptFileError if the header does not identify them."""
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
    def module_tables(self) -> dict[tuple[str, int], str]:
        """Return kind and telescope module -> name of each table, housekeeping aside."""
        matches = {name: MODULE_TABLE.fullmatch(name) for name in self.extension_names}
        return {(match["kind"], int(match["module"])): name for name, match in matches.items() if match}

    def intervals(self, kind: str = "GTI") -> dict[int, Intervals]:
        """Return good times by telescope module, from the tables GTIn, FLAREGTIn or of another kind.

        Modules without a table are left out. An empty table means that the module was never on in good time.
        """
        names = {module: name for (table_kind, module), name in self.module_tables.items() if table_kind == kind}
        for module in names:
            self._rows(kind, module, "START", "STOP")
        return {module: self.gti_in(name) for module, name in sorted(names.items())}

    @property
    def gti_table_names(self) -> list[str]:
        """Return the names of GTIn and FLAREGTIn."""
        return [name for (kind, _), name in sorted(self.module_tables.items()) if kind in ("GTI", "FLAREGTI")]

    @cached_property
    def gtis(self) -> dict[int, Intervals]:
        """Return GTIn by telescope module."""
        return self.intervals("GTI")

    def pointing(self, module: int) -> Pointing | None:
        """Return CORRATTn of a telescope module in order of time; None if the table is missing or empty."""
        rows = self._rows("CORRATT", module, "TIME", "RA", "DEC", "ROLL")
        if rows is None:
            return None
        series = [rows[column].astype(np.float64) for column in ("TIME", "RA", "DEC", "ROLL")]
        known = np.all(np.isfinite(series), axis=0)
        order = np.argsort(series[0][known], kind="stable")
        return Pointing(*(values[known][order] for values in series))

    def live_fraction(self, module: int, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the live fraction of a telescope module at `times`, from DEADCORn; 1 without the table. Shape of `times`."""
        rows = self._rows("DEADCOR", module, "TIME")
        if rows is None:
            return np.ones(times.shape)
        column = next((name for name in LIVE_FRACTION_COLUMNS if name in (rows.dtype.names or ())), None)
        if column is None:
            raise CorruptFileError(
                f"{self.path}[DEADCOR{module}] has none of the columns {', '.join(LIVE_FRACTION_COLUMNS)}"
            )
        order = np.argsort(rows["TIME"], kind="stable")
        return np.interp(times, rows["TIME"][order].astype(float), rows[column][order].astype(float))

    def live_time(self, module: int, good: Intervals) -> float:
        """Return the live seconds of a telescope module within good time, summed over DEADCORn's steps."""
        rows = self._rows("DEADCOR", module, "TIME")
        times = np.empty(0) if rows is None else np.unique(rows["TIME"].astype(float))
        if len(good) == 0:
            return 0.0
        edges = np.concatenate([[-np.inf], times, [np.inf]]).clip(good[0, 0], good[-1, 1])
        middles = (edges[:-1] + edges[1:]) / 2
        return float(np.sum(overlap(good, edges[:-1], edges[1:]) * self.live_fraction(module, middles)))

    def bad_pixels(self, module: int) -> NDArray[Any]:
        """Return BADPIXn: records with RAWX, RAWY and YEXTENT (pixels from RAWY upwards); empty without the table."""
        rows = self._rows("BADPIX", module, "RAWX", "RAWY")
        return np.empty(0, [("RAWX", "i2"), ("RAWY", "i2"), ("YEXTENT", "i2")]) if rows is None else rows

    def _rows(self, kind: str, module: int, *needed: str) -> NDArray[Any] | None:
        """Return the rows of a module's table, None if it is missing or empty; CorruptFileError if it lacks a column."""
        name = self.module_tables.get((kind, module))
        if name is None:
            return None
        rows = with_columns(self.extension(name)[1], f"{self.path}[{name}]", *needed)
        return rows if len(rows) else None


def modules_of(header: Any) -> tuple[int, ...]:
    """Return the telescope modules that a header names, in INSTRUMn or, for a file of one module, in INSTRUME."""
    cards = [card for card in header if re.fullmatch(r"INSTRUM([1-7]|E)", card)]
    named = {match[1] for card in cards if (match := re.fullmatch(r"TM([1-7])", str(header[card]).strip()))}
    return tuple(sorted(int(module) for module in named))


def first_and_last(intervals: dict[int, Intervals]) -> Intervals:
    """Return the interval from the first start to the last stop of all modules; empty without good time."""
    together = np.concatenate([NONE, *intervals.values()])
    return np.array([[together[:, 0].min(), together[:, 1].max()]]) if len(together) else NONE
