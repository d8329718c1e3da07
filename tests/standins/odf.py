"""The summaries that odfingest writes of small ODFs, and small eROSITA lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daxa_wf.observatories.xmm.sas.odf_summary import OdfSummary, parse_odf_summary
from daxa_wf_simulator.tiny_fits import TinyTable, read_cards, write_fits

ORDER = ("M1", "M2", "R1", "R2", "PN", "OM")
"""Instruments in the order of a summary."""

TITLES = {"M1": "EPIC MOS", "M2": "EPIC MOS", "PN": "EPIC PN", "R1": "RGS", "R2": "RGS", "OM": "OM"}


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
    tables = [TinyTable("EVENTS", columns, rows, {"TSTART": span[0][0], "TSTOP": span[0][1]})]
    for number in modules:
        tables += [
            TinyTable(f"GTI{number}", [("START", "D", "s"), ("STOP", "D", "s")], span),
            TinyTable(f"DEADCOR{number}", [("TIME", "D", "s"), ("DEADC", "E", "")], [(start, 0.99)]),
            TinyTable(f"BADPIX{number}", [("RAWX", "I", ""), ("RAWY", "I", "")], []),
            TinyTable(f"CORRATT{number}", [("TIME", "D", "s"), ("RA", "D", "deg"), ("DEC", "D", "deg"), ("ROLL", "D", "deg")],
                  [(start, 136.0, 1.0, 0.0)]),
        ]  # fmt: skip
    write_fits(path, cards, tables)
    return path
