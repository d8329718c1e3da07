"""Observations in a local directory that is laid out like the archive."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.errors import ConfigError, CorruptFileError, Fault, IdentityError, UnsafePathError
from daxa_wf.files import checked_relative
from daxa_wf.text import make_printable

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.native.event_list import ExposureIdentity

PPS_EVENT_LIST = re.compile(
    r"P(?P<obsid>\d{10})(?P<inst>M1|M2|PN)(?P<exposure>[SU]\d{3})(?P<type>[MP]I|TI)EVLI[0-9A-F]*"
    r"\.(FTZ|FIT|fits|fits\.gz|FIT\.gz)",
    re.ASCII,
)
"""Names of the PPS event lists of EPIC (XMM-Newton Data Files Handbook, PPS file names)."""

PPS_OUT_OF_TIME = re.compile(
    r"P(?P<obsid>\d{10})PN(?P<exposure>[SU]\d{3})OOEVLI[0-9A-F]*\.(FTZ|FIT|fits|fits\.gz|FIT\.gz)", re.ASCII
)
"""pn's out-of-time lists, which epchain makes on request and the archive does not have."""

PPS_ATTITUDE = re.compile(r"P(?P<obsid>\d{10})OBX000ATTTSR0000\.(FTZ|FIT|fits|fits\.gz|FIT\.gz)", re.ASCII)

EXPOSURE = re.compile(r"[SU]\d{3}", re.ASCII)
"""Identifiers of exposures, as EXPIDSTR has them."""


def walk(root: Path) -> Iterator[Path]:
    """Yield every file below `root`, in order, following links but no circle of them.

    Fault if a directory cannot be read: its observations must not disappear in silence.
    """
    seen: set[tuple[int, int]] = set()
    for directory, folders, files in os.walk(root, onerror=_refuse_unreadable, followlinks=True):
        try:
            stat = os.stat(directory)  # noqa: PTH116 - os.walk gives text
        except OSError as error:
            _refuse_unreadable(error)
            continue
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders.sort()
        yield from (Path(directory, name) for name in sorted(files))


def _refuse_unreadable(error: OSError) -> None:
    """Raise Fault for a directory that cannot be read; one that was deleted meanwhile is passed over."""
    if isinstance(error, FileNotFoundError):
        return
    place = printable(error.filename) if error.filename else "below the source"
    raise Fault(
        f"{place}: the directory cannot be read ({error.strerror}), so the observations in it are not known; make it "
        "readable, or move it elsewhere"
    ) from error


def printable(path: str | Path) -> str:
    """Return a path for messages, with escapes for bytes that are not UTF-8 and for characters that cannot be printed."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def listing_digest(root: Path) -> str:
    """Return a digest of names, sizes, times and permissions of the files below `root`: changes when the manifest may.

    A link that leads nowhere counts with its own. Fault if a directory cannot be read.
    """
    digest = hashlib.sha256()
    for path in walk(root):
        try:
            stat = path.stat()
        except OSError:
            stat = _own_stat(path)
        name = os.fsencode(path.relative_to(root))
        digest.update(name + f"\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_mode}\n".encode())
    return digest.hexdigest()


def _own_stat(path: Path) -> os.stat_result:
    """Return the stat of a file or link itself. Fault if its directory does not allow it."""
    try:
        return path.lstat()
    except OSError as error:
        raise Fault(f"{printable(path)} cannot be looked at ({error.strerror}); see to its directory") from error


def file_problem(path: Path, root: Path) -> str:
    """Return why a file below `root` cannot be read, or its path not be used; '' if it can. No content is looked at."""
    try:
        checked_relative(str(path.relative_to(root)), "")
        mode = path.stat().st_mode
    except UnsafePathError:
        return (
            "the path holds control characters, a backslash or bytes that are not UTF-8; rename the file or its folder"
        )
    except FileNotFoundError:
        return (
            f"the link leads to {printable(path.readlink())}, which does not exist"
            if path.is_symlink()
            else "it is gone"
        )
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    if set("{}") & set(str(path)):
        return "the path has a brace, which Snakemake takes for a wildcard; rename the file or its folder"
    if not S_ISREG(mode):
        return "it is not a file"
    return "" if os.access(path, os.R_OK) else "it cannot be read (Permission denied)"


def local_manifest(
    mission: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str]
) -> list[ManifestRow]:
    """Return one row for each exposure of which an EPIC event list lies below `root`, as the lists' headers identify it.

    A list whose header cannot be read keeps the identity that its name gives, with the problem. A list that cannot be
    opened, or whose header has no valid identity, has a row without `events`. Of an exposure with an imaging and a timing
    list (FastUncompressed), the imaging one is taken. ConfigError if there is no list, Fault if a directory is unreadable.
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
        row = _row(mission, root, path, match, beside)
        wanted = row.inst in instruments and (obsids is None or row.obsid in obsids)
        if wanted:
            found[row.unit.identifier] = _preferred(root, row, found.get(row.unit.identifier))
    rows, of = list(found.values()), f"of {', '.join(instruments)} below {root}"
    require_found(mission, rows, obsids, "event list", of, "names such as P0201903501M1S001MIEVLI0000.FTZ")
    return rows


def require_found(
    mission: str, rows: Sequence[ManifestRow], obsids: Sequence[str] | None, sought: str, of: str, expected: str
) -> None:
    """ConfigError if there are no rows, or none of an observation that is asked for; `of`: of what, and where."""
    missing = sorted(set(obsids or ()) - {row.obsid for row in rows})
    if missing or not rows:
        what = f"no {sought} of {', '.join(missing)}" if missing else f"no {sought}"
        raise ConfigError(f"missions.{mission}.source: {what} {of}; expected {expected}")


@dataclass(frozen=True)
class _Beside:
    """Files that go with event lists: ObsID -> attitude series, ObsID and pn exposure -> out-of-time list.

    `problems` has the same keys, for files that cannot be used.
    """

    files: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def _beside(files: Sequence[Path], root: Path) -> _Beside:
    found = _Beside()
    for path in files:
        match = PPS_ATTITUDE.fullmatch(path.name) or PPS_OUT_OF_TIME.fullmatch(path.name)
        if match is None:
            continue
        key = match["obsid"] + match.groupdict().get("exposure", "")
        if problem := file_problem(path, root):
            found.problems[key] = f"{printable(path)} ({problem})"
        else:
            found.files[key] = path.relative_to(root).as_posix()
    return found


def _row(mission: str, root: Path, path: Path, match: re.Match[str], beside: _Beside) -> ManifestRow:
    obsid, name = match["obsid"], (match["inst"], match["exposure"])
    modes = ("TIMING" if match["type"] == "TI" else "IMAGING", "", "")
    events, problem = "", file_problem(path, root)
    if problem:
        problem = f"{printable(path)}: {problem}"
    else:
        events = path.relative_to(root).as_posix()
        try:
            identity = _identity(mission, path)
        except IdentityError as error:
            events, problem = "", " ".join(str(error).split())
        except CorruptFileError as error:
            problem = " ".join(str(error).split())
        except OSError as error:
            events, problem = "", f"{printable(path)}: it cannot be read ({error.strerror})"
        else:
            obsid, name = identity.obsid, (identity.instrument, identity.exposure)
            modes = (identity.data_mode, identity.submode, identity.filter)
    keys = [obsid, *([obsid + match["exposure"]] if name[0] == "PN" else [])]
    unusable = " ".join(beside.problems[key] for key in keys if key in beside.problems and key not in beside.files)
    out_of_time = beside.files.get(keys[-1], "") if len(keys) > 1 else ""
    mode, submode, filter_name = (make_printable(" ".join(each.split())) for each in modes)
    attitude = beside.files.get(obsid, "")
    return ManifestRow(
        mission,
        obsid,
        *name,
        mode,
        submode,
        filter_name,
        events,
        out_of_time,
        attitude,
        make_printable(problem),
        unusable,
    )


def _identity(mission: str, path: Path) -> ExposureIdentity:
    """Return what a list's header says it is. IdentityError if that is not an exposure of the mission."""
    from daxa_wf.mission.registry import MISSIONS
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    spec, identity = MISSIONS[mission], EpicEventList.open(path).identity
    checks = (
        (
            "OBS_ID",
            identity.obsid,
            spec.is_obsid(identity.obsid),
            f"an ObsID of {spec.pretty_name} ({spec.obsid_pattern})",
        ),
        ("EXPIDSTR", identity.exposure, EXPOSURE.fullmatch(identity.exposure) is not None, "one such as S001 or U002"),
    )
    for card, value, is_valid, expected in checks:
        if not is_valid:
            raise IdentityError(f"{path}[EVENTS]: {card} is {value[:40]!r}; expected {expected}")
    return identity


def _preferred(root: Path, row: ManifestRow, other: ManifestRow | None) -> ManifestRow:
    """Return which of two rows of an exposure to process: imaging before timing, and a whole list before a damaged one."""
    if other is None:
        return row
    first, second = (row, other) if _merit(row) > _merit(other) else (other, row)
    if _merit(row) == _merit(other) and first.events and second.events and not _is_whole(root / first.events):
        first, second = (second, first) if _is_whole(root / second.events) else (first, second)
    left_aside = second.events or second.problem
    return replace(first, passed_over=" ".join(filter(None, (first.passed_over, left_aside))))


def _is_whole(path: Path) -> bool:
    """Return whether a list can be read to its end."""
    from daxa_wf.fits.stream import check_structure

    try:
        check_structure(path)
    except (CorruptFileError, OSError):
        return False
    return True


def _merit(row: ManifestRow) -> tuple[bool, bool]:
    return not row.problem, row.data_mode == "IMAGING"
