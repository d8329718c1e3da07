"""Parse the names of eROSITA's event lists, choose lists to join, and find lists in a local directory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.chain.local import file_problem, ignored_fits_files, printable, require_found, walk
from daxa_wf.errors import ConfigError

EVENT_LIST = re.compile(
    r"(?P<mode>[espfl])(?P<owner>[mbico])(?P<survey>\d\d)_(?P<obsid>\d{6})_(?P<modules>[0-9])(?P<filter>[0-4])\d_EventList"
    r"(_(?P<dataset>\d{3}))?_c(?P<version>\d{3})\.fits(\.gz)?",
    re.ASCII,
)
"""Names of event lists (eROSITA EDR, 'EventFile naming'): telescope modules 0 (all), 1 to 7, or the groups 8 and 9."""

OTHER_PRODUCT = re.compile(r"[espfl][mbico]\d\d_\d{6}_\d{3}_(?!EventList)\w+_c\d{3}\..*", re.ASCII)
"""Names of the data centre's other products of an observation."""

MODULES = {"0": "1234567", "8": "12346", "9": "57", **{digit: digit for digit in "1234567"}}
"""Digit in a list's name -> its telescope modules."""

FILTERS = {"2": 2, "1": 1}
"""Digit in a list's name -> rank of the filter wheel's position, FILTER before OPEN. Other positions hide the sky."""

EXAMPLE = "_134135_020_EventList_c010.fits.gz"
"""Name of an event list, without its mode, owner and survey."""

SURVEYS = {"erosita_calpv": "00", "erosita_all_sky_de_dr1": "01"}
"""Mission -> number in the names of its lists: 0 for CalPV, else the number of the survey."""


def lists_to_join(paths: Iterable[str], instruments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split an observation's lists: lists that together hold most of the telescope modules (TM1 ...), and all other lists.

    A chosen list shares its filter-wheel position, observing mode and processing version with the others, and no telescope
    module is in two lists. FILTER is preferred to OPEN if both hold equally many modules. The newest version is chosen,
    because lists of other versions hold the same events. The first part is empty if no list has a requested module.
    """
    requested = {name.removeprefix("TM") for name in instruments}
    named = {path: match for path in sorted(paths) if (match := EVENT_LIST.fullmatch(PurePath(path).name))}
    alike: dict[tuple[str, ...], list[str]] = {}
    for path, match in named.items():
        alike.setdefault(match.group("filter", "version", "dataset", "mode", "owner"), []).append(path)
    choices = []
    for (wheel, version, dataset, *_), group in alike.items():
        chosen, covered = _covering(group, named, requested)
        choices.append(
            ((wheel in FILTERS, len(covered), FILTERS.get(wheel, 0), version, dataset or "", chosen[:1]), chosen)
        )
    best = max(choices)[1] if choices else []
    return best, [path for path in named if path not in best]


def _covering(
    paths: Iterable[str], named: Mapping[str, re.Match[str]], requested: set[str]
) -> tuple[list[str], set[str]]:
    """Return lists that share no telescope module, larger lists first, and the requested modules that they hold."""
    chosen: list[str] = []
    seen: set[str] = set()
    for path in sorted(paths, key=lambda path: -len(MODULES[named[path]["modules"]])):
        modules = set(MODULES[named[path]["modules"]])
        if modules & requested and not modules & seen:
            chosen.append(path)
            seen |= modules
    return chosen, seen & requested


def local_erosita_manifest(
    mission: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str]
) -> list[ManifestRow]:
    """Return one row for each event list below `root` to be processed, chosen by its name (see lists_to_join).

    Unreadable lists are skipped. An observation with unreadable lists only gets a row without `events`, with the problem.
    ConfigError if no list is found, or none of a requested observation. Fault if a directory is unreadable.
    """
    if not root.is_dir():
        raise ConfigError(f"missions.{mission}.source: {root} is not a directory")
    lists: dict[str, list[str]] = {}
    unusable: dict[str, list[str]] = {}
    files = list(walk(root))
    for path in files:
        match = EVENT_LIST.fullmatch(path.name)
        if match is None or match["survey"] != SURVEYS[mission] or (obsids and match["obsid"] not in obsids):
            continue
        if problem := file_problem(path, root):
            unusable.setdefault(match["obsid"], []).append(f"{printable(path)}: {problem}")
        else:
            lists.setdefault(match["obsid"], []).append(path.relative_to(root).as_posix())
    rows = []
    for obsid in dict.fromkeys([*lists, *unusable]):
        joined, others = lists_to_join(lists.get(obsid, []), instruments)
        problems = unusable.get(obsid, [])
        passed_over = " ".join([*others, *problems])
        rows += [ManifestRow(mission, obsid, "", "", events=path, passed_over=passed_over) for path in joined]
        if not joined and problems:
            rows.append(ManifestRow(mission, obsid, "", "", problem="; ".join(problems)))
    of, expected = f"with {', '.join(instruments)} below {root}", f"names such as em{SURVEYS[mission]}{EXAMPLE}"
    require_found(mission, rows, obsids, "event list", of, expected, _ignored(files, root))
    return rows


def ignored_in(root: Path) -> list[str]:
    """Return a sentence on the FITS files below `root` that are ignored because of their names; empty without such files."""
    return _ignored(list(walk(root)), root)


def _ignored(files: Sequence[Path], root: Path) -> list[str]:
    return ignored_fits_files(files, root, (EVENT_LIST, OTHER_PRODUCT), f"em01{EXAMPLE}")
