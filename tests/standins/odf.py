"""Small ODFs: the files' names, their classes and the summaries of genuine ones; what is in them is next to nothing."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from daxa_wf.tools.odf_summary import OdfSummary, parse_odf_summary
from tests.standins.tinyfits import Table, read_cards, write_fits

ORDER = ("M1", "M2", "R1", "R2", "PN", "OM")
"""Instruments in the order of a summary."""

DATA_CLASSES = {
    "Imaging": "IME", "Timing": "TIE", "Burst": "BUE", "OffsetData": "ODI", "DiscardedLinesData": "DLI",
    "Spectroscopy": "SPE", "Diagnostic": "DII", "Image": "IMI",
}  # fmt: skip
"""Data mode -> the last part of a file's name."""

HOUSEKEEPING = {
    "M1": ("HBH", "HCH", "HTH", "PEH", "PTH"), "M2": ("HBH", "HCH", "HTH", "PEH", "PTH"), "PN": ("PMH", "PAH"),
    "R1": ("D1H", "D2H", "PFH"), "R2": ("D1H", "D2H", "PFH"), "OM": ("NPH", "PEH"),
}  # fmt: skip

TITLES = {"M1": "EPIC MOS", "M2": "EPIC MOS", "PN": "EPIC PN", "R1": "RGS", "R2": "RGS", "OM": "OM"}


@dataclass(frozen=True)
class OdfExposure:
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
    """The same data mode for CCDs 1 to `ccds`."""
    return [(ccd, mode) for ccd in range(1, ccds + 1)]


PN_IMAGING = tuple(every(12, "Imaging"))
M1, M2 = OdfExposure("M1", "S001"), OdfExposure("M2", "S002")
PN = OdfExposure("PN", "S003", "PrimeFullWindowExtended", modes=PN_IMAGING)
PN_TIMING = OdfExposure("PN", "S003", "FastTiming", modes=((4, "Timing"),))
PN_SMALL_WINDOW = OdfExposure("PN", "S003", "PrimeSmallWindow", modes=((4, "Imaging"),))
PN_OFFSET = OdfExposure("PN", "U601", "Offset", modes=tuple(every(12, "OffsetData")))
PN_DIAGNOSTIC = OdfExposure("PN", "U003", "Diagnostic", "", ((2, "DiscardedLinesData"),))
R1 = OdfExposure("R1", "S004", "HighEventRateWithSES", "", tuple(every(9, "Spectroscopy")))
R2 = OdfExposure("R2", "S005", "HighEventRateWithSES", "", tuple(every(9, "Spectroscopy")))


def make_odf(
    directory: Path,
    obsid: str = "0201903501",
    exposures: Sequence[OdfExposure] = (M1, M2, PN, PN_OFFSET, PN_DIAGNOSTIC, R1, R2),
    revolution: str = "0828",
    start: str = "2004-06-17T10:38:28",
    position: tuple[float, float] = (149.59, -11.09),
    read_only: bool = False,
    compressed: bool = False,
) -> Path:
    """Write an ODF: one file a CCD and exposure, housekeeping, spacecraft files, SUM.ASC; the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    begin = datetime.fromisoformat(start)
    for exposure in exposures:
        for name, cards in _exposure_files(exposure, begin):
            write_fits(directory / f"{revolution}_{obsid}_{name}.FIT", {"OBS_ID": obsid, **cards})
    for instrument in {each.instrument for each in exposures}:
        for kind in HOUSEKEEPING[instrument]:
            write_fits(directory / f"{revolution}_{obsid}_{instrument}X00000{kind}.FIT", {"OBS_ID": obsid})
    for kind in ("ATS", "TCS", "TCX", "P1S", "P9S"):
        write_fits(directory / f"{revolution}_{obsid}_SCX00000{kind}.FIT", {"OBS_ID": obsid})
    for kind in ("RAS", "ROS"):
        (directory / f"{revolution}_{obsid}_SCX00000{kind}.ASC").write_text("")
    end = max((begin + timedelta(seconds=each.start + each.duration) for each in exposures), default=begin)
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


def _exposure_files(exposure: OdfExposure, begin: datetime) -> list[tuple[str, dict[str, Any]]]:
    first = begin + timedelta(seconds=exposure.start)
    cards = {
        "INSTRUME": exposure.instrument, "EXPIDSTR": exposure.exposure, "EXPTYPE": exposure.type, "MODE": exposure.mode,
        "FILTER": exposure.filter, "DATE-OBS": first.isoformat(),
        "DATE-END": (first + timedelta(seconds=exposure.duration)).isoformat(),
    }  # fmt: skip
    stem = f"{exposure.instrument}{exposure.exposure}"
    mos = exposure.instrument in ("M1", "M2")
    files = [(f"{stem}00AUX", cards)] if exposure.instrument != "OM" else []
    for ccd, mode in exposure.modes:
        number = ccd * 10 if mos else ccd
        files.append((f"{stem}{number:02d}{DATA_CLASSES[mode]}", {**cards, "DATAMODE": mode, "CCDID": ccd}))
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


def summary_of(odf: Path, path_line: str, release: str) -> tuple[str, str]:
    """Name and text of the summary that odfingest writes of the files in a directory."""
    archive = next(odf.glob("*SUM.ASC"))
    revolution, obsid = archive.name.split("_")[:2]
    said = [line.rstrip() for line in archive.read_text().splitlines()]
    name = f"{revolution}_{obsid}_SCX00000SUM.SAS"
    names = sorted({path.name for path in odf.iterdir()} | {name})
    lines = [
        "// ----------------------------------", "// XMM-Newton Science Analysis System",
        "// ----------------------------------", "//", "// ODF Summary File",
        f"// By: odfingest(odfingest-3.32.1) [{release}] on 2026-01-01T00:00:00.000", "//", "//",
        "// Directory where the ODF constituents were found. This may have to be edited to match the local file "
        "system structure.", "//", f"PATH {path_line}", "//", "// Observation Record", "//",
        "OBSERVATION", f"{obsid} / Observation Identifier", f"{revolution} / Revolution Identifier",
        said[3].split(" /")[0] + ".000 / Observation Start Time", said[4].split(" /")[0] + ".000 / Observation End Time",
        "//", "// Number of files in the Observation Summary File, and their names", "//",
        "FILES", f"{len(names)} / Number of Files", *(f"{each} / ODF Constituent" for each in names),
        f"// The CONFIGURATION record was extracted from {archive.name}", "CONFIGURATION".ljust(80), "4".ljust(80),
        "ODF_VERSION = 003 / Qcheck reset ODF version".ljust(80), "// odfingest metadata",
        "ODFINGEST_VERSION = 3.32.1 / odfingest version", f"SAS_MANIFEST = {release} / SAS Manifest",
        "PROCESS_DATE = 2026-01-01T00:00:00.000 / Time and Date when summary file produced",
    ]  # fmt: skip
    index = 0
    for instrument in ORDER:
        exposures = _exposures_in(odf, instrument)
        lines += ["//", "// Instrument Record", "//", "INSTRUMENT", instrument]
        lines += [f"{'Y' if exposures else 'N'} / Is this instrument active?"]
        lines += [f"{len(exposures)} / Number of exposures for this instrument"]
        for number, (exposure, files) in enumerate(sorted(exposures.items()), start=1):
            index += 1
            lines += _record(obsid, instrument, exposure, files, index, number)
    lines += [f"// The PROPOSAL record was extracted from {archive.name}"]
    lines += [line.ljust(80) for line in said[said.index("PROPOSAL") :]]
    lines += ["DATA QUALITY".ljust(80), "M1 / Instrument Id".ljust(80), "S / Scheduled flag".ljust(80)]
    return name, "\n".join(lines) + "\n"


def parsed_summary(odf: Path) -> OdfSummary:
    """The summary of an ODF whose files are not compressed."""
    name, text = summary_of(odf, str(odf), "xmmsas_20211130_0941-20.0.0")
    return parse_odf_summary(text, name)


def _exposures_in(odf: Path, instrument: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(odf.glob(f"????_??????????_{instrument}[SU]*.FIT")):
        if path.name[15 + 1 : 16 + 1] and not path.name.endswith("AUX.FIT"):
            cards = read_cards(path)
            found.setdefault(str(cards["EXPIDSTR"]), []).append(cards)
    return found


def _record(
    obsid: str, instrument: str, exposure: str, files: list[dict[str, Any]], index: int, number: int
) -> list[str]:
    first = files[0]
    modes = {int(cards["CCDID"]): str(cards["DATAMODE"]) for cards in files}
    what = "window" if instrument == "OM" else "CCD"
    settings = [f"MODE = {first['MODE']} / Instrument configuration "]
    settings += [
        f"CALIBRATION_MODE_{ccd} = {first['MODE']} / Mode used to calibrate events from {what} {ccd}"
        for ccd in sorted(modes)
    ]
    settings += [f"DATA_MODE_{ccd} = {modes[ccd]} / Data mode for {what} {ccd}" for ccd in sorted(modes)]
    if first["FILTER"]:
        settings += [
            "FILTER_WHEEL = FILTER_A // Name of filter wheel position",
            f"FILTER = {first['FILTER']} // Filter",
        ]
    return [
        "//", "// Exposure Record", f"// Observation Level Exposure Index = {index}",
        f"// Instrument [{instrument}] Level Exposure Identifier = {exposure}",
        f"// Instrument [{instrument}] Level Exposure Index = {number}", "//", "EXPOSURE",
        f"{exposure[1:]} / Exposure Identifier [also {exposure}]",
        f"{'Y' if exposure.startswith('S') else 'N'} / Is this a scheduled exposure?",
        f"{first['EXPTYPE']} / Exposure Type",
        f"{obsid}{instrument}{exposure} / Commanded Exposure Identifier",
        f"{obsid}{instrument}{exposure} / Proposal Exposure Identifier",
        f"{first['DATE-OBS']}.000 / Scheduled Start Time", f"{first['DATE-END']}.000 / Scheduled End Time",
        f"{first['DATE-OBS']}.000 / Actual Start Time", f"{first['DATE-END']}.000 / Actual End Time",
        "//", f"// Configuration Record for {instrument}", "//", f"CONFIGURATION {TITLES[instrument]}",
        f"{len(settings)} / Number of configuration parameters available", *settings,
    ]  # fmt: skip


def make_erosita_list(path: Path, modules: Sequence[int] = (1, 2, 3, 4, 5, 6, 7), events: int = 70) -> Path:
    """Write a small eROSITA list: EVENTS, and GTIn, DEADCORn, BADPIXn, CORRATTn of each telescope module."""
    columns = [
        ("TIME", "D", "s"), ("RA", "D", "deg"), ("DEC", "D", "deg"), ("X", "D", "pixel"), ("Y", "D", "pixel"),
        ("PI", "E", "eV"), ("PAT_TYP", "I", ""), ("TM_NR", "B", ""), ("FLAG", "J", ""),
    ]  # fmt: skip
    start = 6.4e8
    rows = [
        (start + 10 * n, 136.0 + n / 1e4, 1.0, 100.0 * n, -50.0 * n, 200.0 + 100 * n, 1 + n % 4, modules[n % len(modules)],
         -(2**31) if n % 10 == 9 else 0)
        for n in range(events)
    ]  # fmt: skip
    cards = {"TELESCOP": "eROSITA", "MISSION": "SRG", "FILTER": "FILTER", "OBS_MODE": "SURVEY", "MJDREF": 51543.875}
    span = [(start, start + 10.0 * events)]
    tables = [Table("EVENTS", columns, rows, {"TSTART": span[0][0], "TSTOP": span[0][1]})]
    for number in modules:
        tables += [
            Table(f"GTI{number}", [("START", "D", "s"), ("STOP", "D", "s")], span),
            Table(f"DEADCOR{number}", [("TIME", "D", "s"), ("DEADC", "E", "")], [(start, 0.99)]),
            Table(f"BADPIX{number}", [("RAWX", "I", ""), ("RAWY", "I", "")], []),
            Table(f"CORRATT{number}", [("TIME", "D", "s"), ("RA", "D", "deg"), ("DEC", "D", "deg"), ("ROLL", "D", "deg")],
                  [(start, 136.0, 1.0, 0.0)]),
        ]  # fmt: skip
    write_fits(path, cards, tables)
    return path
