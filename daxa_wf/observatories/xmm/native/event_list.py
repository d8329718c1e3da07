"""Event lists of the EPIC cameras, as the science archive delivers them (PPS) and as SAS and daxa_wf write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import CorruptFileError, IdentityError
from daxa_wf.events.data_subspace import gti_references, kept_restrictions
from daxa_wf.events.event_list import EventList, Identity
from daxa_wf.events.expression.restrictions import Restriction
from daxa_wf.events.gti import NONE, Intervals
from daxa_wf.events.time_system import TimeSystem
from daxa_wf.fits.table_types import with_columns
from daxa_wf.observatories.xmm.native.expressions import EPIC_ATTRIBUTES

INSTRUMENTS = {"EPN": "PN", "EMOS1": "M1", "EMOS2": "M2"}
"""INSTRUME cards -> names of instruments."""

PN_FRAME_TIMES = {
    "PrimeFullWindow": 0.0733649,
    "PrimeFullWindowExtended": 0.1991936,
    "PrimeLargeWindow": 0.0476649,
    "PrimeSmallWindow": 0.0056718,
}
"""Frame times of pn in seconds by SUBMODE (XMM-Newton Users Handbook, table of EPIC modes), where FRMTIME is not given."""

XMM_TIMES = TimeSystem(50814.0, "1998-01-01T00:00:00 (TT)", "TT", "XMM time is TT (Terrestrial Time)")
"""The time system of XMM-Newton: seconds since 1998-01-01T00:00:00 TT."""


@dataclass(frozen=True)
class ExposureIdentity(Identity):
    """The exposure that a list's header identifies."""

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


def ccd_number(value: int) -> int:
    """Return the number of the CCD for a value of CCDNR, which MOS lists may give as 10 times the node and the CCD."""
    return value % 10 if value > 12 else value


class EpicEventList(EventList):
    """An event list of one exposure of PN, M1 or M2. Its CCDs have tables of good times, frames and bad pixels."""

    EXPECTED = "a PPS list such as *MIEVLI*"
    LONGEST = 1e6
    """XMM-Newton's orbit takes 1.7e5 s."""
    NEEDED_COLUMNS = ("TIME", "PI")
    UNSCALED_COLUMNS = None
    DETECTOR_COLUMN = "CCDNR"
    DETECTOR_TABLES: Mapping[str, tuple[str, str]] = {
        "STDGTI{:02d}": ("missingGoodTimes", "its good times are not known, and taken to be the whole exposure"),
        "EXPOSU{:02d}": ("missingFrames", "its frames are not known, so it has no live time"),
        "BADPIX{:02d}": ("missingBadPixels", "its bad pixels are not known, and taken to be none"),
    }
    GTI_TABLE = re.compile(r"STDGTI(?P<detector>\d\d)")
    IDENTITY_CARDS = (
        "TELESCOP", "INSTRUME", "OBS_ID", "EXP_ID", "EXPIDSTR", "DATAMODE", "SUBMODE", "FILTER", "OBS_MODE", "REVOLUT",
        "OBJECT", "OBSERVER", "RA_OBJ", "DEC_OBJ", "RA_NOM", "DEC_NOM", "RA_PNT", "DEC_PNT", "PA_PNT", "EQUINOX", "RADESYS",
        "DATE-OBS", "DATE-END",
    )  # fmt: skip
    ATTRIBUTES = EPIC_ATTRIBUTES

    @cached_property
    def identity(self) -> ExposureIdentity:
        """Return instrument, exposure, mode and filter; IdentityError if the header does not identify an exposure."""
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
    def time_system(self) -> TimeSystem:
        """Return the time system of XMM-Newton, which all lists share."""
        return XMM_TIMES

    @property
    def ccds(self) -> tuple[int, ...]:
        """Return the CCDs that have frames in the list."""
        return tuple(sorted(int(name[6:]) for name in self.extension_names if re.fullmatch(r"EXPOSU\d\d", name)))

    @cached_property
    def gtis(self) -> dict[int, Intervals]:
        """Return good time intervals by CCD: those of the data subspace (empty for a CCD that it leaves out), else STDGTInn."""
        selected = self._data_subspace_gtis()
        names = {int(name[6:]): name for name in self.extension_names if self.GTI_TABLE.fullmatch(name)}
        if selected:
            return {ccd: selected.get(ccd, NONE) for ccd in sorted(names)}
        return {ccd: self.gti_in(name) for ccd, name in sorted(names.items())}

    @property
    def gti_references(self) -> dict[int, str]:
        """Return CCD -> name of its GTI table in the data subspace."""
        return gti_references(self.header, self.DETECTOR_COLUMN, ccd_number)

    @property
    def kept_restrictions(self) -> list[Restriction]:
        """Return the restrictions of the list in other columns than CCDNR and TIME, from its data subspace."""
        return kept_restrictions(self.header, self.DETECTOR_COLUMN)

    def _data_subspace_gtis(self) -> dict[int, Intervals]:
        return {ccd: self.gti_in(name) for ccd, name in self.gti_references.items() if name in self.extension_names}

    @property
    def gti_table_names(self) -> list[str]:
        """Return the names of STDGTInn, and of the tables that the data subspace refers to."""
        named = {*self.gti_references.values()}
        return [name for name in self.extension_names if name in named or self.GTI_TABLE.fullmatch(name)]

    def frames(self, ccd: int) -> Frames:
        """Return the frames of a CCD, from EXPOSUnn; pn's frame length is a header card or follows from the mode."""
        return self.frames_from(*self.extension(f"EXPOSU{ccd:02d}"))

    def frames_from(self, header: Any, rows: NDArray[Any]) -> Frames:
        """Return frames from the header and rows of an EXPOSUnn table of this list."""
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
        """Return the bad pixels of a CCD: records with RAWX, RAWY, TYPE, YEXTENT; empty if the CCD has no table."""
        name = f"BADPIX{ccd:02d}"
        if name in self.extension_names:
            return with_columns(self.extension(name)[1], f"{self.path}[{name}]", "RAWX", "RAWY", "TYPE", "YEXTENT")
        return np.empty(0, [("RAWX", "i2"), ("RAWY", "i2"), ("TYPE", "i2"), ("YEXTENT", "i2")])
