"""Good time intervals of telescope modules in files: GTIn and FLAREGTIn as evtool and flaregti write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from daxa_wf.errors import ConfigError
from daxa_wf.events.gti import Intervals, total
from daxa_wf.events.gti_files import intervals_of
from daxa_wf.fits.headers import Card, describe, repeated_cards
from daxa_wf.fits.stream import open_bytes, walk_hdus
from daxa_wf.fits.writer import write_hdu

IDENTITY_CARDS = (
    "ORIGIN", "OWNER", "MISSION", "TELESCOP", "INSTRUME", "NINST", *(f"INSTRUM{n}" for n in range(1, 8)), "OBS_MODE",
    "DATAMODE", "FRAMETIM", "FILTER", "SKYFIELD", "OBS_ID", "EXP_ID", "OBSERVER", "OBJECT", "RA_OBJ", "DEC_OBJ",
    "RA_CEN", "DEC_CEN", "DATE-OBS", "DATE-END", "TSTART", "TSTOP", "MJDREF", "TIMEZERO", "TIMEUNIT", "TIMESYS",
    "RA_PNT", "DEC_PNT", "PA_PNT", "RADESYS", "EQUINOX",
)  # fmt: skip
"""Cards that every product repeats from the event file (as a genuine evtool image does)."""

GTI_NAME = re.compile(r"(?:FLARE)?GTI([1-7])")


def identity_cards(header: Any) -> list[Card]:
    """What a product repeats of an event file's header: card, value, comment."""
    return repeated_cards(header, IDENTITY_CARDS)


def gti_table(name: str, intervals: Intervals, of: Any) -> tuple[Any, bytes]:
    """Header and data of a table of good times (START, STOP in s), with the identity that the header `of` has."""
    from astropy.io import fits

    rows = np.zeros(len(intervals), [("START", ">f8"), ("STOP", ">f8")])
    rows["START"], rows["STOP"] = intervals[:, 0], intervals[:, 1]
    header = fits.BinTableHDU(rows[:0], name=name).header
    header["NAXIS2"] = len(rows)
    header["TUNIT1"], header["TUNIT2"] = "s", "s"
    header.extend(identity_cards(of))
    header.extend([
        ("HDUCLASS", "OGIP", "format conforms to OGIP standard"),
        ("HDUCLAS1", "GTI", "table contains Good Time Intervals"),
        ("HDUCLAS2", "STANDARD", "standard Good Time Interval table"),
        ("ONTIME", total(intervals), "[s] sum of all Good Time Intervals"),
    ])  # fmt: skip
    return header, rows.tobytes()


def write_gti_file(path: Path, kind: str, intervals: Mapping[int, Intervals], of: Any, history: str) -> None:
    """Write a file with one table `kind`n (GTI or FLAREGTI) for each telescope module; `of`: a header for its identity."""
    from astropy.io import fits

    primary = fits.PrimaryHDU().header
    primary.extend(identity_cards(of))
    describe(primary, history)
    with path.open("wb") as out:
        write_hdu(out, primary, b"")
        for module, good in intervals.items():
            write_hdu(out, *gti_table(f"{kind}{module}", good, of))


def read_gti_file(path: Path, modules: Iterable[int]) -> dict[int, Intervals]:
    """Good times by telescope module of a file with tables GTIn or FLAREGTIn, or with one table that is for all modules.

    Where a file has GTIn and FLAREGTIn of a module, FLAREGTIn counts. ConfigError if it is not there or has neither.
    """
    wanted, of_module, for_all = tuple(modules), {}, None
    try:
        with open_bytes(path) as stream:
            for hdu in walk_hdus(stream, path):
                match = GTI_NAME.fullmatch(hdu.name)
                if "TFIELDS" not in hdu.header or not (match or _has_intervals(hdu.header)):
                    continue
                if match is None:
                    for_all = intervals_of(hdu.table(), f"{path}[{hdu.name}]") if for_all is None else for_all
                elif hdu.name.startswith("FLARE") or int(match[1]) not in of_module:
                    of_module[int(match[1])] = intervals_of(hdu.table(), f"{path}[{hdu.name}]")
    except FileNotFoundError:
        raise ConfigError(f"gti: {path} is not there") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise ConfigError(f"gti: {path} cannot be read: {error.strerror}") from None
    if of_module:
        return {module: of_module[module] for module in wanted if module in of_module}
    if for_all is None:
        raise ConfigError(f"gti: {path} has no table with START and STOP")
    return dict.fromkeys(wanted, for_all)


def _has_intervals(header: Any) -> bool:
    names = {str(header.get(card)).strip().upper() for card in header if card.startswith("TTYPE")}
    return {"START", "STOP"} <= names
