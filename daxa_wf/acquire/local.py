"""Observations in a local directory that is laid out like the archive."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from daxa_wf.acquire.manifest import ManifestRow
from daxa_wf.errors import ConfigError, CorruptFileError

PPS_EVENT_LIST = re.compile(
    r"P(?P<obsid>\d{10})(?P<inst>M1|M2|PN)(?P<exposure>[SU]\d{3})(?P<type>[MP]I|TI)EVLI[0-9A-F]*"
    r"\.(FTZ|FIT|fits|fits\.gz|FIT\.gz)"
)
"""Names of the PPS event lists of EPIC (XMM-Newton Data Files Handbook, PPS file names)."""

PPS_OUT_OF_TIME = re.compile(
    r"P(?P<obsid>\d{10})PN(?P<exposure>[SU]\d{3})OOEVLI[0-9A-F]*\.(FTZ|FIT|fits|fits\.gz|FIT\.gz)"
)
"""pn's out-of-time lists, which epchain makes on request and the archive does not have."""

PPS_ATTITUDE = re.compile(r"P(?P<obsid>\d{10})OBX000ATTTSR0000\.(FTZ|FIT|fits|fits\.gz|FIT\.gz)")


def walk(root: Path) -> Iterator[Path]:
    """Every file below `root`, in order, following links but no circle of them."""
    seen: set[tuple[int, int]] = set()
    for directory, folders, files in os.walk(root, followlinks=True):
        stat = os.stat(directory)  # noqa: PTH116 - os.walk gives text
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders.sort()
        yield from (Path(directory, name) for name in sorted(files))


def listing_digest(root: Path) -> str:
    """A digest of names, sizes and times of the files below `root`: changes when the manifest may."""
    digest = hashlib.sha256()
    for path in walk(root):
        stat = path.stat()
        digest.update(f"{path.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def local_manifest(
    mission: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str]
) -> list[ManifestRow]:
    """One row for each exposure of which an EPIC event list lies below `root`, as the lists' headers say.

    A list whose header cannot be read keeps the identity its name gives, with the problem. Of an exposure with
    an imaging and a timing list (FastUncompressed), the imaging one is taken. ConfigError if nothing is there.
    """
    if not root.is_dir():
        raise ConfigError(f"missions.{mission}.source: {root} is not a directory; give one laid out like the archive")
    files = list(walk(root))
    beside = _beside(files, root)
    found: dict[str, ManifestRow] = {}
    for path in files:
        match = PPS_EVENT_LIST.fullmatch(path.name)
        if match is None:
            continue
        refuse_braces(path)
        row = _row(mission, root, path, match, beside)
        wanted = row.inst in instruments and (obsids is None or row.obsid in obsids)
        if wanted:
            found[row.unit.identifier] = _preferred(row, found.get(row.unit.identifier))
    rows, of = list(found.values()), f"of {', '.join(instruments)} below {root}"
    require_found(mission, rows, obsids, "event list", of, "names such as P0201903501M1S001MIEVLI0000.FTZ")
    return rows


def refuse_braces(path: Path) -> None:
    """ConfigError for a path that Snakemake would take for a pattern."""
    if set("{}") & set(str(path)):
        raise ConfigError(f"{path} has a brace in its path, which Snakemake takes for a wildcard; rename the folder")


def require_found(
    mission: str, rows: Sequence[ManifestRow], obsids: Sequence[str] | None, sought: str, of: str, expected: str
) -> None:
    """ConfigError if there are no rows, or none of an observation that is asked for; `of`: of what, and where."""
    missing = sorted(set(obsids or ()) - {row.obsid for row in rows})
    if missing or not rows:
        what = f"no {sought} of {', '.join(missing)}" if missing else f"no {sought}"
        raise ConfigError(f"missions.{mission}.source: {what} {of}; expected {expected}")


def _beside(files: Sequence[Path], root: Path) -> dict[str, str]:
    """Files that go with event lists: ObsID -> attitude series, ObsID and pn exposure -> out-of-time list."""
    found = {}
    for path in files:
        if match := PPS_ATTITUDE.fullmatch(path.name):
            found[match["obsid"]] = path.relative_to(root).as_posix()
        elif match := PPS_OUT_OF_TIME.fullmatch(path.name):
            found[match["obsid"] + match["exposure"]] = path.relative_to(root).as_posix()
    return found


def _row(mission: str, root: Path, path: Path, match: re.Match[str], beside: Mapping[str, str]) -> ManifestRow:
    from daxa_wf.events.event_list import EventList

    events = path.relative_to(root).as_posix()
    try:
        identity = EventList.open(path).identity
    except CorruptFileError as error:
        obsid, name = match["obsid"], (match["inst"], match["exposure"])
        said, problem = (
            ("TIMING" if match["type"] == "TI" else "IMAGING", "", ""),
            " ".join(str(error).split()),
        )
    else:
        obsid, name = identity.obsid, (identity.instrument, identity.exposure)
        said, problem = (identity.data_mode, identity.submode, identity.filter), ""
    out_of_time = beside.get(obsid + match["exposure"], "") if name[0] == "PN" else ""
    return ManifestRow(mission, obsid, *name, *said, events, out_of_time, beside.get(obsid, ""), problem)


def _preferred(row: ManifestRow, other: ManifestRow | None) -> ManifestRow:
    if other is None:
        return row
    first, second = (row, other) if _merit(row) > _merit(other) else (other, row)
    return replace(first, passed_over=" ".join(filter(None, (first.passed_over, second.events))))


def _merit(row: ManifestRow) -> tuple[bool, bool]:
    return not row.problem, row.data_mode == "IMAGING"
