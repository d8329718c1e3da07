"""Small ODFs with the file names, classes and summaries of genuine ones, and next to no data."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from daxa_wf_simulator.tiny_fits import write_fits

DATA_CLASSES = {
    "Imaging": "IME", "Timing": "TIE", "Burst": "BUE", "OffsetData": "ODI", "DiscardedLinesData": "DLI",
    "Spectroscopy": "SPE", "Diagnostic": "DII", "Image": "IMI",
}  # fmt: skip
"""Data mode -> the last part of a file's name."""

HOUSEKEEPING = {
    "M1": ("HBH", "HCH", "HTH", "PEH", "PTH"), "M2": ("HBH", "HCH", "HTH", "PEH", "PTH"), "PN": ("PMH", "PAH"),
    "R1": ("D1H", "D2H", "PFH"), "R2": ("D1H", "D2H", "PFH"), "OM": ("NPH", "PEH"),
}  # fmt: skip


@dataclass(frozen=True)
class RawExposure:
    """One exposure to make: seconds from the observation's start, data mode by CCD."""

    instrument: str
    exposure: str
    mode: str = "PrimeFullWindow"
    filter: str = "Thin1"
    modes: Sequence[tuple[int, str]] = tuple((ccd, "Imaging") for ccd in range(1, 8))
    start: int = 0
    duration: int = 600
    type: str = "SCIENCE"


def every(ccds: int, mode: str) -> list[tuple[int, str]]:
    """Return the same data mode for CCDs 1 to `ccds`."""
    return [(ccd, mode) for ccd in range(1, ccds + 1)]


PN_IMAGING = tuple(every(12, "Imaging"))
M1, M2 = RawExposure("M1", "S001"), RawExposure("M2", "S002")
PN = RawExposure("PN", "S003", "PrimeFullWindowExtended", modes=PN_IMAGING)
PN_TIMING = RawExposure("PN", "S003", "FastTiming", modes=((4, "Timing"),))
PN_SMALL_WINDOW = RawExposure("PN", "S003", "PrimeSmallWindow", modes=((4, "Imaging"),))
PN_OFFSET = RawExposure("PN", "U601", "Offset", modes=tuple(every(12, "OffsetData")))
PN_DIAGNOSTIC = RawExposure("PN", "U003", "Diagnostic", "", ((2, "DiscardedLinesData"),))
R1 = RawExposure("R1", "S004", "HighEventRateWithSES", "", tuple(every(9, "Spectroscopy")))
R2 = RawExposure("R2", "S005", "HighEventRateWithSES", "", tuple(every(9, "Spectroscopy")))


def make_odf(
    directory: Path,
    obsid: str = "0201903501",
    exposures: Sequence[RawExposure] = (M1, M2, PN, PN_OFFSET, PN_DIAGNOSTIC, R1, R2),
    revolution: str = "0828",
    start: str = "2004-06-17T10:38:28",
    position: tuple[float, float] = (149.59, -11.09),
    read_only: bool = False,
    compressed: bool = False,
) -> Path:
    """Write an ODF and return its directory: a file for each CCD and exposure, housekeeping, spacecraft files, SUM.ASC."""
    directory.mkdir(parents=True, exist_ok=True)
    begin = datetime.fromisoformat(start)
    for exposure in exposures:
        for name, cards in _exposure_files(exposure, begin):
            write_fits(directory / f"{revolution}_{obsid}_{name}.FIT", {"OBS_ID": obsid, **cards})
    for instrument in {exposure.instrument for exposure in exposures}:
        for kind in HOUSEKEEPING[instrument]:
            write_fits(directory / f"{revolution}_{obsid}_{instrument}X00000{kind}.FIT", {"OBS_ID": obsid})
    for kind in ("ATS", "TCS", "TCX", "P1S", "P9S"):
        write_fits(directory / f"{revolution}_{obsid}_SCX00000{kind}.FIT", {"OBS_ID": obsid})
    for kind in ("RAS", "ROS"):
        (directory / f"{revolution}_{obsid}_SCX00000{kind}.ASC").write_text("")
    end = max((begin + timedelta(seconds=exposure.start + exposure.duration) for exposure in exposures), default=begin)
    text = _archive_summary(obsid, revolution, begin, end, position, sorted(path.name for path in directory.iterdir()))
    (directory / f"{revolution}_{obsid}_SCX00000SUM.ASC").write_text(text)
    if compressed:
        for path in directory.glob("*.FIT"):
            (directory / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
            path.unlink()
    if read_only:
        for path in directory.iterdir():
            path.chmod(0o444)
        directory.chmod(0o555)
    return directory


def _exposure_files(exposure: RawExposure, begin: datetime) -> list[tuple[str, dict[str, Any]]]:
    first = begin + timedelta(seconds=exposure.start)
    cards: dict[str, Any] = {
        "INSTRUME": exposure.instrument, "EXPIDSTR": exposure.exposure, "EXPTYPE": exposure.type, "MODE": exposure.mode,
        "FILTER": exposure.filter, "DATE-OBS": first.isoformat(),
        "DATE-END": (first + timedelta(seconds=exposure.duration)).isoformat(),
    }  # fmt: skip
    stem = f"{exposure.instrument}{exposure.exposure}"
    mos = exposure.instrument in ("M1", "M2")
    files = [(f"{stem}00AUX", cards)] if exposure.instrument != "OM" else []
    for ccd, mode in exposure.modes:
        number = ccd * 10 if mos else ccd
        files.append((f"{stem}{number:02d}{DATA_CLASSES[mode]}", cards | {"DATAMODE": mode, "CCDID": ccd}))
    return files


def _archive_summary(
    obsid: str, revolution: str, begin: datetime, end: datetime, position: tuple[float, float], names: list[str]
) -> str:
    lines = [
        "OBSERVATION", f"{obsid} / Observation/Slew Identifier", f"{revolution} / Revolution number",
        f"{begin.isoformat()} / Scheduled Start Time", f"{end.isoformat()} / Scheduled Stop Time",
        "FILES", f"{len(names) + 1} /  Number of files into this ODF/SDF",
        *(f"{name} / Generic ODF file" for name in [*names, f"{revolution}_{obsid}_SCX00000SUM.ASC"]),
        "CONFIGURATION", "1 / Number of Configuration Parameters", "ODF_VERSION = 003 / Qcheck reset ODF version",
        "PROPOSAL", "Dr    Nobody", " 1 / Announcement of Opportunity", " A / Observation type",
        "SIMULATED            / Target Name", f"{position[0] / 15:.7f} / Target Right Ascension",
        f"{position[1]:.7f} / Target Declination",
    ]  # fmt: skip
    return "".join(f"{line:<80}\n" for line in lines)
