"""Event lists of the EPIC cameras, as the archive has them (PPS) and as SAS and daxa_wf write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError, IdentityError, UnfitDataError
from daxa_wf.events.gti import NONE, Intervals
from daxa_wf.events.gti_files import LATEST, intervals_of
from daxa_wf.fits.headers import Card, repeated_cards
from daxa_wf.fits.stream import open_bytes, record_type, row_count, walk_hdus

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.native.inspection import Inspection

INSTRUMENTS = {"EPN": "PN", "EMOS1": "M1", "EMOS2": "M2"}
"""INSTRUME cards -> names of instruments."""

PN_FRAME_TIMES = {
    "PrimeFullWindow": 0.0733649,
    "PrimeFullWindowExtended": 0.1991936,
    "PrimeLargeWindow": 0.0476649,
    "PrimeSmallWindow": 0.0056718,
}
"""Frame times of pn in seconds by SUBMODE (XMM-Newton Users Handbook, table of EPIC modes), where FRMTIME is not given."""

IDENTITY_CARDS = (
    "TELESCOP", "INSTRUME", "OBS_ID", "EXP_ID", "EXPIDSTR", "DATAMODE", "SUBMODE", "FILTER", "OBS_MODE", "REVOLUT",
    "OBJECT", "OBSERVER", "RA_OBJ", "DEC_OBJ", "RA_NOM", "DEC_NOM", "RA_PNT", "DEC_PNT", "PA_PNT", "EQUINOX", "RADESYS",
    "DATE-OBS", "DATE-END",
)  # fmt: skip
"""Cards that every product repeats from the event list."""

ROWS_AT_A_TIME = 131072
NEEDED_COLUMNS = ("TIME", "PI")


class Mask(Protocol):
    """What picks rows: a bound selection expression, for one."""

    def mask(self, rows: Any) -> NDArray[np.bool_]:
        """True for each row to keep."""


@dataclass(frozen=True)
class ExposureIdentity:
    """What a list's header says of the exposure it is of."""

    obsid: str
    instrument: str
    exposure: str
    data_mode: str
    submode: str
    filter: str
    obs_mode: str
    revolution: int


@dataclass(frozen=True)
class Frames:
    """Read-out frames of one CCD: centre and length in seconds, live fraction; shape (frames,) each."""

    time: NDArray[np.float64]
    time_delta: NDArray[np.float64]
    fraction: NDArray[np.float64]


class EventList:
    """An event list: headers are read when opened, small extensions when asked for, events in chunks."""

    EXPECTED = "a PPS list such as *MIEVLI*"
    """What a message says should have been there; lists of other telescopes say their own."""
    LONGEST = 1e6
    """Seconds between TSTART and TSTOP, at most; XMM-Newton's orbit takes 1.7e5."""
    DETECTOR_COLUMN = "CCDNR"
    DETECTOR_TABLES: Mapping[str, tuple[str, str]] = {
        "STDGTI{:02d}": ("missingGoodTimes", "its good times are not known, and taken to be the whole exposure"),
        "EXPOSU{:02d}": ("missingFrames", "its frames are not known, so it has no live time"),
        "BADPIX{:02d}": ("missingBadPixels", "its bad pixels are not known, and taken to be none"),
    }
    """Tables that every detector with events has -> name and text of the warning where it has not."""

    def __init__(self, path: Path, primary_header: Any, header: Any) -> None:
        self.path, self.primary_header, self.header = path, primary_header, header
        self.dtype = record_type(header, path)
        self.column_names: tuple[str, ...] = self.dtype.names or ()
        self.row_count = row_count(header, path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a list: plain or gzip FITS with an EVENTS table. CorruptFileError says what it is instead."""
        try:
            with open_bytes(path) as stream:
                primary = None
                for hdu in walk_hdus(stream, path):
                    primary = hdu.header if primary is None else primary
                    if hdu.name == "EVENTS":
                        return cls(path, primary, hdu.header)._checked()
        except FileNotFoundError:
            raise CorruptFileError(f"{path} is not there; fetch the file again") from None
        except (KeyError, ValueError, TypeError) as error:
            raise CorruptFileError(f"{path}: a header card is missing or wrong: {error}") from error
        raise CorruptFileError(f"{path} has no table EVENTS, so it is no event list; expected {cls.EXPECTED}")

    def _checked(self) -> Self:
        with_columns(np.empty(0, self.dtype), f"{self.path}[EVENTS]", *NEEDED_COLUMNS)
        scaled = [card for card in self.header if re.fullmatch(r"(TSCAL|TZERO)\d+", card)]
        if any(self.header[card] != (1 if card.startswith("TSCAL") else 0) for card in scaled):
            raise CorruptFileError(
                f"{self.path}[EVENTS] has scaled columns ({', '.join(scaled)}); EPIC lists have none"
            )
        return self

    @cached_property
    def identity(self) -> ExposureIdentity:
        """Return instrument, exposure, mode and filter as the header has them; IdentityError if it does not."""
        try:
            return ExposureIdentity(
                obsid=str(self.header["OBS_ID"]).strip(),
                instrument=INSTRUMENTS[str(self.header["INSTRUME"]).strip()],
                exposure=str(self.header["EXPIDSTR"]).strip(),
                data_mode=str(self.header["DATAMODE"]).strip(),
                submode=str(self.header["SUBMODE"]).strip(),
                filter=str(self.header["FILTER"]).strip(),
                obs_mode=str(self.header.get("OBS_MODE", "")).strip(),
                revolution=int(self.header.get("REVOLUT", self.primary_header.get("REVOLUT", 0))),
            )
        except (KeyError, ValueError, TypeError, OverflowError, CorruptFileError) as error:
            raise IdentityError(
                f"{self.path}[EVENTS]: {error.args[0]}; expected the cards OBS_ID, EXPIDSTR, DATAMODE, SUBMODE, FILTER "
                f"and INSTRUME, one of {', '.join(INSTRUMENTS)}"
            ) from None

    @property
    def identity_cards(self) -> list[Card]:
        """What every product repeats of the list's header: which exposure of what it is of, and when it was made."""
        return repeated_cards(self.header, IDENTITY_CARDS)

    @property
    def time_range(self) -> tuple[float, float]:
        """Return TSTART and TSTOP of the list, in seconds of its time system; UnfitDataError `badTimes` if they are not times."""
        try:
            start, stop = float(self.header["TSTART"]), float(self.header["TSTOP"])
        except (KeyError, ValueError, TypeError) as error:
            raise CorruptFileError(f"{self.path}[EVENTS]: expected TSTART and TSTOP in seconds: {error}") from None
        if not (abs(start) <= LATEST and abs(stop) <= LATEST):
            raise UnfitDataError(
                "badTimes",
                f"{self.path.name}[EVENTS]: TSTART and TSTOP are {start:g} and {stop:g}, which are not times",
            )
        return start, stop

    @cached_property
    def _extensions(self) -> Mapping[str, tuple[Any, NDArray[Any]]]:
        with open_bytes(self.path) as stream:
            return {
                hdu.name: (hdu.header, hdu.table())
                for hdu in walk_hdus(stream, self.path)
                if hdu.name not in ("EVENTS", "PRIMARY") and "TFIELDS" in hdu.header and self._is_read(hdu.name)
            }

    def _is_read(self, name: str) -> bool:
        """Whether a table beside EVENTS is kept in memory once the small tables are asked for."""
        del name
        return True

    @property
    def extension_names(self) -> tuple[str, ...]:
        """Names of the tables beside EVENTS, in order."""
        return tuple(self._extensions)

    def extension(self, name: str) -> tuple[Any, NDArray[Any]]:
        """Header and big-endian rows of a table beside EVENTS; CorruptFileError if there is none of the name."""
        try:
            return self._extensions[name]
        except KeyError:
            raise CorruptFileError(f"{self.path} has no {name}; it has {', '.join(self._extensions)}") from None

    @property
    def ccds(self) -> tuple[int, ...]:
        """The CCDs that the list has frames of."""
        return tuple(sorted(int(name[6:]) for name in self._extensions if re.fullmatch(r"EXPOSU\d\d", name)))

    @cached_property
    def gtis(self) -> dict[int, Intervals]:
        """Good time intervals by CCD: those of the data subspace, none for a CCD that it leaves out; else STDGTInn."""
        selected = self._data_subspace_gtis()
        names = {int(name[6:]): name for name in self._extensions if re.fullmatch(r"STDGTI\d\d", name)}
        if selected:
            return {ccd: selected.get(ccd, NONE) for ccd in sorted(names)}
        return {ccd: self._gti(name) for ccd, name in sorted(names.items())}

    def _data_subspace_gtis(self) -> dict[int, Intervals]:
        from daxa_wf.events.data_subspace import gti_references

        return {ccd: self._gti(name) for ccd, name in gti_references(self.header).items() if name in self._extensions}

    def _gti(self, name: str) -> Intervals:
        return intervals_of(self._extensions[name][1], f"{self.path}[{name}]")

    def good_time_tables(self) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
        """Yield name, starts and stops of the tables of good times, as they are in the file."""
        for name in self._good_time_names():
            rows = with_columns(self._extensions[name][1], f"{self.path}[{name}]", "START", "STOP")
            yield name, rows["START"].astype(float), rows["STOP"].astype(float)

    def _good_time_names(self) -> list[str]:
        from daxa_wf.events.data_subspace import gti_references

        named = {*gti_references(self.header).values()}
        return [name for name in self._extensions if name in named or re.fullmatch(r"STDGTI\d\d", name)]

    def frames(self, ccd: int) -> Frames:
        """The frames of a CCD, from EXPOSUnn; pn's frame length is a header card or follows from the mode."""
        return self.frames_from(*self.extension(f"EXPOSU{ccd:02d}"))

    def frames_from(self, header: Any, rows: NDArray[Any]) -> Frames:
        """Frames from the header and rows of an EXPOSUnn table of this list."""
        has_lengths = "TIMEDEL" in (rows.dtype.names or ())
        columns = ("TIME", "FRACEXP", "TIMEDEL") if has_lengths else ("TIME", "FRACEXP")
        with_columns(rows, f"{self.path}[{header.get('EXTNAME', '')}]", *columns)
        time, fraction = rows["TIME"].astype(float), rows["FRACEXP"].astype(float)
        if has_lengths:
            return Frames(time, rows["TIMEDEL"].astype(float), fraction)
        return Frames(time, np.full(len(time), self._frame_time(header)), fraction)

    def _frame_time(self, header: Any) -> float:
        milliseconds = header.get("FRMTIME", self.header.get("FRMTIME"))
        if isinstance(milliseconds, int | float):
            return float(milliseconds) / 1000
        try:
            return PN_FRAME_TIMES[self.identity.submode]
        except KeyError:
            raise CorruptFileError(
                f"{self.path}: no FRMTIME, and no frame time is known of {self.identity.submode}"
            ) from None

    def bad_pixels(self, ccd: int) -> NDArray[Any]:
        """The bad pixels of a CCD: records with RAWX, RAWY, TYPE, YEXTENT, BADFLAG; none where it has no table."""
        name = f"BADPIX{ccd:02d}"
        entry = self._extensions.get(name)
        if entry:
            return with_columns(entry[1], f"{self.path}[{name}]", "RAWX", "RAWY", "TYPE", "YEXTENT")
        return np.empty(0, [("RAWX", "i2"), ("RAWY", "i2"), ("TYPE", "i2"), ("YEXTENT", "i2")])

    def chunks(self, rows: int = ROWS_AT_A_TIME, inspection: Inspection | None = None) -> Iterator[NDArray[Any]]:
        """Yield the events as big-endian records, `rows` at a time; a chunk is only good until the next one is asked for.

        The file is read to its end, where a damaged gzip stream shows. An inspection sees every event, and has the file's
        checksums verified. CorruptFileError for a second table EVENTS, if there is no inspection to report it.
        """
        tables: Counter[str] = Counter() if inspection is None else inspection.tables
        with open_bytes(self.path) as stream:
            for hdu in walk_hdus(stream, self.path, None if inspection is None else inspection.checksums):
                tables[hdu.name] += 1
                if hdu.name != "EVENTS":
                    continue
                if tables["EVENTS"] == 1:
                    for chunk in hdu.chunks(rows):
                        if inspection is not None:
                            inspection.look(chunk)
                        yield chunk
                elif inspection is None:
                    raise CorruptFileError(f"{self.path} has two tables EVENTS; expected one")

    def columns(self, *names: str, where: Mask | None = None) -> dict[str, NDArray[Any]]:
        """Columns in the machine's byte order, in one pass; only the rows that `where` keeps, if it is given."""
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
        for chunk in self.chunks():
            rows = chunk if where is None else chunk[where.mask(chunk)]
            for name in names:
                parts[name].append(rows[name].astype(self.dtype[name].newbyteorder("=")))
        return {name: np.concatenate(found) if found else self._empty(name) for name, found in parts.items()}

    def _empty(self, name: str) -> NDArray[Any]:
        return np.empty(0, self.dtype[name].newbyteorder("="))

    def column_number(self, name: str) -> int:
        """Number of a column, from 1, as in its TTYPEn card."""
        return self.column_names.index(name) + 1


def with_columns(rows: NDArray[Any], place: str, *columns: str) -> NDArray[Any]:
    """Return the rows of a table; CorruptFileError if one of the columns is absent, or does not hold one number a row."""
    names = rows.dtype.names or ()
    missing = [name for name in columns if name not in names]
    if missing:
        raise CorruptFileError(f"{place} lacks {', '.join(missing)}; it has {', '.join(names)}")
    wrong = [name for name in columns if rows.dtype[name].kind not in "iuf"]
    if wrong:
        raise CorruptFileError(f"{place}: {', '.join(wrong)} must hold one number a row")
    return rows
