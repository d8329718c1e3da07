"""Raw data (ODFs) of XMM-Newton in a local directory: their exposures, as the names of their files tell them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from daxa_wf.acquire.local import refuse_braces, require_found, walk
from daxa_wf.acquire.manifest import ManifestRow
from daxa_wf.errors import ConfigError

ODF_FILE = re.compile(
    r"\d{4}_(?P<obsid>\d{10})_(?P<inst>M1|M2|PN|R1|R2|OM)(?P<exposure>[SU]\d{3})\d\d[A-Z0-9]{3}\.(FIT|FTZ)(\.gz)?"
)
"""Names of files of exposures (XMM-Newton Data Files Handbook, ODF file names)."""

ODF_SUMMARY = re.compile(r"\d{4}_(?P<obsid>\d{10})_SCX00000SUM\.ASC(\.gz)?")
"""The summary that every ODF has, and nothing else does."""

DIAGNOSTIC_DUMPS = re.compile("R[12][SU]9..")
"""Instrument and number of what is no exposure of RGS."""


def local_odf_manifest(
    mission: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str]
) -> list[ManifestRow]:
    """One row for each exposure that has a file in an ODF below `root`; ConfigError if nothing is there.

    Of an observation that is there twice, the first directory in order is taken, and the record says so.
    """
    if not root.is_dir():
        raise ConfigError(f"missions.{mission}.source: {root} is not a directory; give one that holds ODFs")
    directories: dict[str, list[Path]] = {}
    exposures: dict[Path, dict[tuple[str, str], None]] = {}
    for path in walk(root):
        if match := ODF_SUMMARY.fullmatch(path.name):
            directories.setdefault(match["obsid"], []).append(path.parent)
        elif (match := ODF_FILE.fullmatch(path.name)) and not DIAGNOSTIC_DUMPS.fullmatch(
            match["inst"] + match["exposure"]
        ):
            exposures.setdefault(path.parent, {})[match["inst"], match["exposure"]] = None
    rows = []
    for obsid, (directory, *others) in directories.items():
        if obsids is not None and obsid not in obsids:
            continue
        refuse_braces(directory)
        place, passed_over = _relative(directory, root), " ".join(_relative(each, root) for each in others)
        rows += [
            ManifestRow(mission, obsid, instrument, exposure, odf=place, passed_over=passed_over)
            for instrument, exposure in exposures.get(directory, {})
            if instrument in instruments
        ]
    expected = "directories with files such as 0819_0201903501_SCX00000SUM.ASC"
    require_found(mission, rows, obsids, "raw data", f"of {', '.join(instruments)} below {root}", expected)
    return rows


def _relative(directory: Path, root: Path) -> str:
    return directory.relative_to(root).as_posix()
