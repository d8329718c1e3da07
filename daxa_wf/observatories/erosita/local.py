"""eROSITA's event lists: their names, and those in a local directory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath

from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.chain.local import file_problem, printable, require_found, walk
from daxa_wf.errors import ConfigError

EVENT_LIST = re.compile(
    r"(?P<mode>[espfl])(?P<owner>[mbico])(?P<survey>\d\d)_(?P<obsid>\d{6})_(?P<modules>[0-9])(?P<filter>[0-4])\d_EventList"
    r"(_(?P<dataset>\d{3}))?_c(?P<version>\d{3})\.fits(\.gz)?",
    re.ASCII,
)
"""Names of event lists (eROSITA EDR, 'EventFile naming'): telescope modules 0 (all), 1 to 7, or the groups 8 and 9."""

MODULES = {"0": "1234567", "8": "12346", "9": "57", **{digit: digit for digit in "1234567"}}
"""Digit of a name -> the telescope modules of the list."""

FILTERS = {"2": 2, "1": 1}
"""Digit of a name -> rank of the filter wheel's position, FILTER before OPEN; at the others the sky is not seen."""

SURVEYS = {"erosita_calpv": "00", "erosita_all_sky_de_dr1": "01"}
"""Mission -> the number that names have: 0 for CalPV, then that of the survey."""


def lists_to_join(paths: Iterable[str], instruments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of an observation's lists those that together hold most of the telescope modules (TM1 ...), each once; and the others.

    All are of one filter-wheel position (FILTER rather than OPEN, if they hold as many), of one observing mode and of one
    version of the processing, the newest: lists of other versions hold the same events. None, if none has any module.
    """
    wanted = {name.removeprefix("TM") for name in instruments}
    named = {path: match for path in sorted(paths) if (match := EVENT_LIST.fullmatch(PurePath(path).name))}
    alike: dict[tuple[str, ...], list[str]] = {}
    for path, match in named.items():
        alike.setdefault(match.group("filter", "version", "dataset", "mode", "owner"), []).append(path)
    choices = []
    for (wheel, version, dataset, *_), group in alike.items():
        chosen, covered = _covering(group, named, wanted)
        choices.append(
            ((wheel in FILTERS, len(covered), FILTERS.get(wheel, 0), version, dataset or "", chosen[:1]), chosen)
        )
    best = max(choices)[1] if choices else []
    return best, [path for path in named if path not in best]


def _covering(paths: Iterable[str], named: Mapping[str, re.Match[str]], wanted: set[str]) -> tuple[list[str], set[str]]:
    """Lists that share no telescope module, those of more modules first, and the wanted modules that they hold."""
    chosen: list[str] = []
    seen: set[str] = set()
    for path in sorted(paths, key=lambda path: -len(MODULES[named[path]["modules"]])):
        modules = set(MODULES[named[path]["modules"]])
        if modules & wanted and not modules & seen:
            chosen.append(path)
            seen |= modules
    return chosen, seen & wanted


def local_erosita_manifest(
    mission: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str]
) -> list[ManifestRow]:
    """Return one row for each event list below `root` that is to be processed, by the lists' names; see lists_to_join.

    Lists that cannot be opened are passed over; an observation that has no other gets a row without `events`, with the
    problem. ConfigError if there is none, or none of an observation that is asked for; Fault if a directory is unreadable.
    """
    if not root.is_dir():
        raise ConfigError(f"missions.{mission}.source: {root} is not a directory")
    lists: dict[str, list[str]] = {}
    unusable: dict[str, list[str]] = {}
    for path in walk(root):
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
    expected = f"names such as em{SURVEYS[mission]}_134135_020_EventList_c010.fits.gz"
    require_found(mission, rows, obsids, "event list", f"with {', '.join(instruments)} below {root}", expected)
    return rows
