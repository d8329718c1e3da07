"""Event lists: tables of photons in FITS files, as any X-ray mission delivers them.

`EventList` opens every list with a table EVENTS and a column TIME. A mission that differs derives its own class, sets the
class attributes and overrides what its files hold otherwise.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError, UnfitDataError
from daxa_wf.events.gti import Intervals, union
from daxa_wf.events.gti_files import LATEST, intervals_of
from daxa_wf.events.sky_plane import TangentPlane, plane_in
from daxa_wf.events.time_system import TimeSystem, time_system_in
from daxa_wf.fits.headers import Card, repeated_cards
from daxa_wf.fits.stream import open_bytes, walk_hdus
from daxa_wf.fits.table_types import record_type, row_count, with_columns

if TYPE_CHECKING:
    from daxa_wf.events.expression import BoundExpression
    from daxa_wf.events.inspection import Inspection

ROWS_AT_A_TIME = 131072
"""Rows of a chunk: about 10 MB, so that a pass over a list of any size needs little memory."""


class RowFilter(Protocol):
    """An object that selects rows, such as a bound selection expression."""

    def mask(self, rows: Any) -> NDArray[np.bool_]:
        """Return True for each row to keep, shape (rows,)."""


@dataclass(frozen=True)
class Identity:
    """The observation and the instrument that an event list belongs to."""

    obsid: str
    instrument: str


class EventList:
    """An event list. Opening it reads the header of EVENTS; other tables and the events are read when they are needed.

    >>> from daxa_wf.events.examples import write_example
    >>> events = EventList.open(write_example())
    >>> events.row_count, events.column_names
    (1000, ('TIME', 'X', 'Y', 'PI'))
    >>> soft = events.columns("PI", where=events.bind("PI in [500:2000]"))["PI"]
    >>> len(soft), int(soft.min()), int(soft.max())
    (150, 502, 1992)
    """

    EXPECTED = "a list with a table EVENTS"
    """The file that messages say was expected."""
    TABLE = "EVENTS"
    """Name of the table of events."""
    LONGEST = 1e10
    """Largest number of seconds between TSTART and TSTOP."""
    NEEDED_COLUMNS: tuple[str, ...] = ("TIME",)
    """Columns that a list must have, with one number a row."""
    UNSCALED_COLUMNS: tuple[str, ...] | None = ("TIME",)
    """Columns that are read as they are stored, so TSCALn and TZEROn must not change them. None means all columns."""
    DETECTOR_COLUMN = ""
    """Column with the number of the detector (CCD, telescope module); '' if the mission has none."""
    DETECTOR_TABLES: Mapping[str, tuple[str, str]] = {}
    """Tables that each detector with events should have -> name and text of the warning if one is missing."""
    GTI_TABLE = re.compile(r"(?:STD)?GTI(?P<detector>\d{0,2})")
    """Names of the tables of good times, with the number of the detector."""
    IDENTITY_CARDS: tuple[str, ...] = (
        "TELESCOP", "INSTRUME", "FILTER", "DATAMODE", "OBS_ID", "OBJECT", "RA_OBJ", "DEC_OBJ", "RA_NOM", "DEC_NOM",
        "RA_PNT", "DEC_PNT", "PA_PNT", "EQUINOX", "RADESYS", "DATE-OBS", "DATE-END",
    )  # fmt: skip
    """Cards that every product repeats from the event list."""
    ATTRIBUTES: Mapping[str, str] = {}
    """Attributes of selection expressions that lists may leave out of their header -> their usual meaning."""

    def __init__(self, path: Path, primary_header: Any, header: Any) -> None:
        self.path, self.primary_header, self.header = path, primary_header, header
        self.dtype = record_type(header, path)
        self.column_names: tuple[str, ...] = self.dtype.names or ()
        self.row_count = row_count(header, path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a list, plain or gzip FITS. Raise CorruptFileError if the file is not such a list."""
        try:
            with open_bytes(path) as stream:
                primary = None
                for hdu in walk_hdus(stream, path):
                    primary = hdu.header if primary is None else primary
                    if hdu.name == cls.TABLE:
                        events = cls(path, primary, hdu.header)
                        events.check()
                        return events
        except FileNotFoundError:
            raise CorruptFileError(f"{path} is not there; fetch the file again") from None
        except (KeyError, ValueError, TypeError) as error:
            raise CorruptFileError(f"{path}: a header card is missing or wrong: {error}") from error
        raise CorruptFileError(f"{path} has no table {cls.TABLE}, so it is not an event list; expected {cls.EXPECTED}")

    @property
    def place(self) -> str:
        """Return the file and the table of events, as messages name them."""
        return f"{self.path}[{self.TABLE}]"

    def check(self) -> None:
        """Raise CorruptFileError if a needed column is missing, or a column is scaled that must not be."""
        with_columns(np.empty(0, self.dtype), self.place, *self.NEEDED_COLUMNS, expected=self.EXPECTED)
        unscaled = self.column_names if self.UNSCALED_COLUMNS is None else self.UNSCALED_COLUMNS
        scaled = [name for name in unscaled if self.scaling(name) != (1.0, 0.0)]
        if scaled:
            raise CorruptFileError(f"{self.place}: {', '.join(scaled)} must not be scaled (TSCALn, TZEROn)")

    def scaling(self, name: str) -> tuple[float, float]:
        """Return factor and zero of a column (TSCALn, TZEROn); CorruptFileError if they are not finite numbers."""
        number = self.column_number(name)
        cards = f"TSCAL{number}", f"TZERO{number}"
        scale, zero = (self.header.get(card, usual) for card, usual in zip(cards, (1, 0), strict=True))
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in (scale, zero)):
            raise CorruptFileError(f"{self.place}: expected numbers in {' and '.join(cards)}; fetch the file again")
        return float(scale), float(zero)

    def physical(self, rows: NDArray[Any], name: str) -> NDArray[np.float64]:
        """Return a column of some rows in its unit, scaled as the header states; shape (rows,)."""
        scale, zero = self.scaling(name)
        values = rows[name].astype(np.float64)
        return values if (scale, zero) == (1.0, 0.0) else values * scale + zero

    @property
    def identity(self) -> Identity:
        """Return ObsID and instrument as the header states them; '' where it does not."""
        return Identity(*(str(self.header.get(card, "")).strip() for card in ("OBS_ID", "INSTRUME")))

    @property
    def identity_cards(self) -> list[Card]:
        """Return the cards of the header that every product repeats: observation, instrument, pointing, dates."""
        return repeated_cards(self.header, self.IDENTITY_CARDS)

    @property
    def time_system(self) -> TimeSystem:
        """Return the zero and the scale of the list's times. Raise CorruptFileError if the header has no MJDREF."""
        return time_system_in(self.header, self.place)

    @property
    def time_range(self) -> tuple[float, float]:
        """Return TSTART and TSTOP, in seconds of the list's time system; UnfitDataError `badTimes` if they are not times."""
        try:
            start, stop = float(self.header["TSTART"]), float(self.header["TSTOP"])
        except (KeyError, ValueError, TypeError) as error:
            raise CorruptFileError(f"{self.place}: expected TSTART and TSTOP in seconds: {error}") from None
        if not (abs(start) <= LATEST and abs(stop) <= LATEST):
            raise UnfitDataError(
                "badTimes",
                f"{self.path.name}[{self.TABLE}]: TSTART and TSTOP are {start:g} and {stop:g}, which are not times",
            )
        return start, stop

    @cached_property
    def plane(self) -> TangentPlane:
        """Return the projection of X and Y. Raise CorruptFileError if the header does not define one."""
        return plane_in(self.header, {axis: self.column_number(axis) for axis in ("X", "Y")}, self.place)

    def bind(self, text: str) -> BoundExpression:
        """Return a selection expression bound to this list; ExpressionError if the list lacks what it needs."""
        from daxa_wf.events.expression import kinds_of, parse

        return parse(text).bind(self.header, self.column_names, kinds=kinds_of(self.dtype), attributes=self.ATTRIBUTES)

    @cached_property
    def _extensions(self) -> Mapping[str, tuple[Any, NDArray[Any]]]:
        with open_bytes(self.path) as stream:
            return {
                hdu.name: (hdu.header, hdu.table())
                for hdu in walk_hdus(stream, self.path)
                if hdu.name not in (self.TABLE, "PRIMARY") and "TFIELDS" in hdu.header and self.keeps_table(hdu.name)
            }

    def keeps_table(self, name: str) -> bool:
        """Return whether a table beside the events is kept in memory once one of them is needed. Override to leave some."""
        del name
        return True

    @property
    def extension_names(self) -> tuple[str, ...]:
        """Return the names of the tables beside the events, in order."""
        return tuple(self._extensions)

    def extension(self, name: str) -> tuple[Any, NDArray[Any]]:
        """Return header and big-endian rows of a table beside the events; CorruptFileError if the list has no such table."""
        try:
            return self._extensions[name]
        except KeyError:
            raise CorruptFileError(f"{self.path} has no {name}; it has {', '.join(self._extensions)}") from None

    @property
    def gti_table_names(self) -> list[str]:
        """Return the names of the tables of good times. Override where a mission has several kinds."""
        return [name for name in self._extensions if self.GTI_TABLE.fullmatch(name)]

    @cached_property
    def gtis(self) -> dict[int, Intervals]:
        """Return good time intervals by number of the detector; 0 stands for a table that is for all detectors."""
        numbers = {int(self.GTI_TABLE.fullmatch(name)["detector"] or 0): name for name in self.gti_table_names}  # type: ignore[index]
        return {number: self.gti_in(name) for number, name in sorted(numbers.items())}

    @property
    def good_time(self) -> Intervals:
        """Return the time that is good for any detector; from TSTART to TSTOP if the list has no table of good times."""
        return union(*self.gtis.values()) if self.gtis else np.array([self.time_range])

    def gti_in(self, name: str) -> Intervals:
        """Return the intervals of a table of good times."""
        return intervals_of(self.extension(name)[1], f"{self.path}[{name}]")

    def good_time_tables(self) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
        """Yield name, starts and stops of the tables of good times, as the file holds them."""
        for name in self.gti_table_names:
            rows = with_columns(self._extensions[name][1], f"{self.path}[{name}]", "START", "STOP")
            yield name, rows["START"].astype(float), rows["STOP"].astype(float)

    def chunks(self, rows: int = ROWS_AT_A_TIME, inspection: Inspection | None = None) -> Iterator[NDArray[Any]]:
        """Yield the events as big-endian records, `rows` at a time. A chunk is valid only until the next one is requested.

        The file is read to its end, where a damaged gzip stream shows. An inspection sees every event, and has the file's
        checksums verified. Raise CorruptFileError for a second table of events, unless an inspection reports it.
        """
        tables: Counter[str] = Counter() if inspection is None else inspection.tables
        with open_bytes(self.path) as stream:
            for hdu in walk_hdus(stream, self.path, None if inspection is None else inspection.checksums):
                tables[hdu.name] += 1
                if hdu.name != self.TABLE:
                    continue
                if tables[self.TABLE] == 1:
                    for chunk in hdu.chunks(rows):
                        if inspection is not None:
                            inspection.look(chunk)
                        yield chunk
                elif inspection is None:
                    raise CorruptFileError(f"{self.path} has two tables {self.TABLE}; expected one")

    def columns(self, *names: str, where: RowFilter | None = None) -> dict[str, NDArray[Any]]:
        """Return columns in the machine's byte order, in one pass; only the rows that `where` keeps, if it is given."""
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        for chunk in self.chunks():
            rows = chunk if where is None else chunk[where.mask(chunk)]
            for name in names:
                parts[name].append(rows[name].astype(self.dtype[name].newbyteorder("=")))
        return {name: np.concatenate(values) if values else self._empty(name) for name, values in parts.items()}

    def _empty(self, name: str) -> NDArray[Any]:
        return np.empty(0, self.dtype[name].newbyteorder("="))

    def column_number(self, name: str) -> int:
        """Return the number of a column, from 1, as in its TTYPEn card. Raise CorruptFileError if the list lacks it."""
        if name not in self.column_names:
            raise CorruptFileError(f"{self.place} lacks {name}; it has {', '.join(self.column_names)}")
        return self.column_names.index(name) + 1
