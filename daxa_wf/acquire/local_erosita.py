"""eROSITA's event lists: their names, and those in a local directory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from daxa_wf.acquire.local import walk
from daxa_wf.acquire.manifest import ManifestRow
from daxa_wf.errors import ConfigError

EVENT_LIST = re.compile(
    r"[espfl][mbic](?P<survey>\d\d)_(?P<obsid>\d{6})_(?P<modules>[0-9])[0-4]\d_EventList_c(?P<version>\d{3})\.fits(\.gz)?"
)
"""Names of event lists (eROSITA EDR, 'EventFile naming'): telescope modules 0 (all), 1 to 7, or the groups 8 and 9."""

MODULES = {"0": "1234567", "8": "12346", "9": "57", **{digit: digit for digit in "1234567"}}
"""Digit of a name -> the telescope modules of the list."""

SURVEYS = {"erosita_calpv": "00", "erosita_all_sky_de_dr1": "01"}
"""Mission -> the number that names have: 0 for CalPV, then that of the survey."""


def best_list(paths: Iterable[str], instruments: Sequence[str]) -> tuple[str, list[str]]:
    """Of an observation's lists the one with most of the telescope modules (TM1 ...), the newest of them; and the others.

    '' if none has any of the modules.
    """
    wanted = {name.removeprefix("TM") for name in instruments}
    ranked = []
    for path in paths:
        match = EVENT_LIST.fullmatch(PurePath(path).name)
        if match is not None:
            ranked.append((len(wanted & set(MODULES[match["modules"]])), match["version"], path))
    ranked.sort(reverse=True)
    if not ranked or not ranked[0][0]:
        return "", [path for _, _, path in ranked]
    return ranked[0][2], [path for _, _, path in ranked[1:]]


def local_erosita_manifest(
    mission: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str]
) -> list[ManifestRow]:
    """One row for each observation of which an event list lies below `root`, by the lists' names.

    ConfigError if nothing is there, or nothing of an observation that is asked for.
    """
    if not root.is_dir():
        raise ConfigError(f"missions.{mission}.source: {root} is not a directory")
    lists: dict[str, list[str]] = {}
    for path in walk(root):
        match = EVENT_LIST.fullmatch(path.name)
        if match is None or match["survey"] != SURVEYS[mission] or (obsids and match["obsid"] not in obsids):
            continue
        if set("{}") & set(str(path)):
            raise ConfigError(
                f"{path} has a brace in its path, which Snakemake takes for a wildcard; rename the folder"
            )
        lists.setdefault(match["obsid"], []).append(path.relative_to(root).as_posix())
    chosen = {obsid: best_list(paths, instruments) for obsid, paths in lists.items()}
    rows = [
        ManifestRow(mission, obsid, "", "", events=best, passed_over=" ".join(others))
        for obsid, (best, others) in chosen.items()
        if best
    ]
    missing = sorted(set(obsids or ()) - {row.obsid for row in rows})
    if missing or not rows:
        what = f"no event list of {', '.join(missing)}" if missing else "no event list"
        raise ConfigError(
            f"missions.{mission}.source: {what} with {', '.join(instruments)} below {root}; expected names such as "
            f"em{SURVEYS[mission]}_134135_020_EventList_c010.fits.gz"
        )
    return rows
