"""Find EPIC event lists in a local directory, and identify them by their headers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.chain.local import file_problem, ignored_fits_files, printable, require_found, walk
from daxa_wf.errors import ConfigError, CorruptFileError, IdentityError
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
"""pn's out-of-time lists, which epchain makes on request, and which data centres lack."""

PPS_ATTITUDE = re.compile(r"P(?P<obsid>\d{10})OBX000ATTTSR0000\.(FTZ|FIT|fits|fits\.gz|FIT\.gz)", re.ASCII)

PPS_OTHER = re.compile(r"P\d{10}[A-Z0-9]{2}[A-Z]\d{3}(?!.*EVLI).{6}.*", re.ASCII)
"""Names of PPS files that are not event lists of EPIC."""

ODF_OR_SUMMARY = re.compile(r"\d{4}_\d{10}_[A-Z0-9]{2}[A-Z]\d{5}.*", re.ASCII)
"""Names of all files of ODFs (XMM-Newton Data Files Handbook, ODF file names)."""

KNOWN = (PPS_EVENT_LIST, PPS_OUT_OF_TIME, PPS_OTHER, ODF_OR_SUMMARY)
EXAMPLE = "P0201903501M1S001MIEVLI0000.FTZ"

EXPOSURE = re.compile(r"[SU]\d{3}", re.ASCII)
"""Identifiers of exposures in EXPIDSTR."""


def local_manifest(
    mission: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str]
) -> list[ManifestRow]:
    """Return one row for each exposure with an EPIC event list below `root`. The lists' headers identify the exposures.

    A list with an unreadable header keeps the identity in its name, with the problem. A list that cannot be opened, or
    whose header has no valid identity, has a row without `events`. If an exposure has an imaging and a timing list
    (FastUncompressed), the imaging list is used. ConfigError if no list is found, Fault if a directory is unreadable.
    """
    if not root.is_dir():
        raise ConfigError(f"missions.{mission}.source: {root} is not a directory; give one laid out like the archive")
    files = list(walk(root))
    companions = _companion_files(files, root)
    chosen: dict[str, ManifestRow] = {}
    for path in files:
        match = PPS_EVENT_LIST.fullmatch(path.name)
        if match is None:
            continue
        row = _row(mission, root, path, match, companions)
        is_chosen = row.inst in instruments and (obsids is None or row.obsid in obsids)
        if is_chosen:
            chosen[row.unit.identifier] = _preferred(root, row, chosen.get(row.unit.identifier))
    rows, of = list(chosen.values()), f"of {', '.join(instruments)} below {root}"
    require_found(mission, rows, obsids, "event list", of, f"names such as {EXAMPLE}", _ignored(files, root))
    return rows


def ignored_in(root: Path) -> list[str]:
    """Return a sentence on the FITS files below `root` that are ignored because of their names; empty without such files."""
    return _ignored(list(walk(root)), root)


def _ignored(files: Sequence[Path], root: Path) -> list[str]:
    return ignored_fits_files(files, root, KNOWN, EXAMPLE)


@dataclass(frozen=True)
class _CompanionFiles:
    """Files that belong to event lists: ObsID -> attitude series, ObsID and pn exposure -> out-of-time list.

    `problems` has the same keys, for unusable files.
    """

    files: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def _companion_files(files: Sequence[Path], root: Path) -> _CompanionFiles:
    companions = _CompanionFiles()
    for path in files:
        match = PPS_ATTITUDE.fullmatch(path.name) or PPS_OUT_OF_TIME.fullmatch(path.name)
        if match is None:
            continue
        key = match["obsid"] + match.groupdict().get("exposure", "")
        if problem := file_problem(path, root):
            companions.problems[key] = f"{printable(path)} ({problem})"
        else:
            companions.files[key] = path.relative_to(root).as_posix()
    return companions


def _row(mission: str, root: Path, path: Path, match: re.Match[str], companions: _CompanionFiles) -> ManifestRow:
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
    unusable = " ".join(
        companions.problems[key] for key in keys if key in companions.problems and key not in companions.files
    )
    out_of_time = companions.files.get(keys[-1], "") if len(keys) > 1 else ""
    mode, submode, filter_name = (make_printable(" ".join(text.split())) for text in modes)
    attitude = companions.files.get(obsid, "")
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
    """Return the identity in a list's header. IdentityError if it is not an exposure of the mission."""
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
    """Return one of two rows of an exposure: imaging is preferred to timing, and a whole list to a damaged one."""
    if other is None:
        return row
    first, second = (row, other) if _merit(row) > _merit(other) else (other, row)
    if _merit(row) == _merit(other) and first.events and second.events and not _is_whole(root / first.events):
        first, second = (second, first) if _is_whole(root / second.events) else (first, second)
    left_aside = second.events or second.problem
    return replace(first, passed_over=" ".join(filter(None, (first.passed_over, left_aside))))


def _is_whole(path: Path) -> bool:
    """Return True if a list can be read to its end."""
    from daxa_wf.fits.stream import check_structure

    try:
        check_structure(path)
    except (CorruptFileError, OSError):
        return False
    return True


def _merit(row: ManifestRow) -> tuple[bool, bool]:
    return not row.problem, row.data_mode == "IMAGING"


def named_observations(root: Path, instruments: Sequence[str]) -> set[str]:
    """Return the ObsIDs in the names of the event lists below `root`, without opening the files."""
    matches = (PPS_EVENT_LIST.fullmatch(path.name) for path in walk(root))
    return {match["obsid"] for match in matches if match is not None and match["inst"] in instruments}
