"""Find raw data (ODFs) of XMM-Newton in a local directory, and their exposures by the names of files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.chain.local import MOST_NAMED, file_problem, ignored_fits_files, printable, require_found, walk
from daxa_wf.errors import ConfigError
from daxa_wf.observatories.xmm.local import ODF_OR_SUMMARY, PPS_EVENT_LIST, PPS_OTHER
from daxa_wf.text import some_of

ODF_FILE = re.compile(
    r"\d{4}_(?P<obsid>\d{10})_(?P<inst>M1|M2|PN|R1|R2|OM)(?P<exposure>[SU]\d{3})\d\d[A-Z0-9]{3}\.(FIT|FTZ)(\.gz)?",
    re.ASCII,
)
"""Names of files of exposures (XMM-Newton Data Files Handbook, ODF file names)."""

ODF_SUMMARY = re.compile(r"\d{4}_(?P<obsid>\d{10})_SCX00000SUM\.ASC(\.gz)?", re.ASCII)
"""The summary file, which identifies a directory as an ODF."""

EXAMPLE = "0819_0201903501_SCX00000SUM.ASC"

DIAGNOSTIC_DUMPS = re.compile("R[12][SU]9..")
"""Instrument and number of RGS's diagnostic files, which are not exposures."""


def local_odf_manifest(
    mission: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str]
) -> list[ManifestRow]:
    """Return one row for each exposure with a file in an ODF below `root`. ConfigError without such exposures.

    If two directories hold the same observation, the first in order is used, and the record lists the other. Exposures of
    a directory with an unusable path or summary have rows without `odf`, with the problem.
    """
    if not root.is_dir():
        raise ConfigError(f"missions.{mission}.source: {root} is not a directory; give one that holds ODFs")
    directories: dict[str, list[Path]] = {}
    exposures: dict[Path, dict[tuple[str, str], None]] = {}
    files = list(walk(root))
    for path in files:
        if match := ODF_SUMMARY.fullmatch(path.name):
            directories.setdefault(match["obsid"], []).append(path.parent)
        elif (match := ODF_FILE.fullmatch(path.name)) and not DIAGNOSTIC_DUMPS.fullmatch(
            match["inst"] + match["exposure"]
        ):
            exposures.setdefault(path.parent, {})[match["inst"], match["exposure"]] = None
    rows: list[ManifestRow] = []
    for obsid, (directory, *others) in directories.items():
        if obsids is not None and obsid not in obsids:
            continue
        odf, problem = _usable(directory, root, obsid)
        passed_over = " ".join(printable(_relative(other, root)) for other in others)
        rows += [
            ManifestRow(mission, obsid, instrument, exposure, odf=odf, passed_over=passed_over, problem=problem)
            for instrument, exposure in exposures.get(directory, {})
            if instrument in instruments
        ]
    of, expected = f"of {', '.join(instruments)} below {root}", f"directories with files such as {EXAMPLE}"
    require_found(mission, rows, obsids, "raw data", of, expected, _ignored(files, root))
    return rows


def ignored_in(root: Path) -> list[str]:
    """Return sentences on the FITS files and directories below `root` that are ignored because of the names of files."""
    return _ignored(list(walk(root)), root)


def _ignored(files: Sequence[Path], root: Path) -> list[str]:
    """Return a sentence on files with other names, and one on directories of raw data without a summary."""
    complete = {path.parent for path in files if ODF_SUMMARY.fullmatch(path.name)}
    incomplete = dict.fromkeys(
        path.parent for path in files if ODF_FILE.fullmatch(path.name) and path.parent not in complete
    )
    sentences = ignored_fits_files(files, root, (ODF_OR_SUMMARY, PPS_EVENT_LIST, PPS_OTHER), EXAMPLE)
    if incomplete:
        directories = "1 directory" if len(incomplete) == 1 else f"{len(incomplete)} directories"
        names = some_of((printable(_relative(directory, root)) for directory in incomplete), MOST_NAMED)
        sentences.append(
            f"ignored {directories} of raw data below {root} without a summary (such as {EXAMPLE}): {names}"
        )
    return sentences


def _usable(directory: Path, root: Path, obsid: str) -> tuple[str, str]:
    """Return an ODF's path below `root` and '', or '' and the reason why it cannot be used."""
    (summary, *_) = sorted(
        path for path in directory.iterdir() if (match := ODF_SUMMARY.fullmatch(path.name)) and match["obsid"] == obsid
    )
    problem = file_problem(summary, root)
    return ("", f"{printable(summary)}: {problem}") if problem else (_relative(directory, root), "")


def _relative(directory: Path, root: Path) -> str:
    return directory.relative_to(root).as_posix()
