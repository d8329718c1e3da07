"""Read an archive made by the package DAXA: its files, and what it saved about its processes.

Source: DAXA 0.3, `daxa.archive.base`. An archive is a directory with `.save_info/process_info.json` and
`processed_data/<mission>/<ObsID>/`, or `failed_data` for observations that DAXA judged useless. Names of products are those of
`archive.layout`. Logs are `<observation>/logs/<process>_<unit>_stdout.log`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Layout, unit_of
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.files import checked_relative
from daxa_wf.json_files import parse_json, read_json
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.units import Unit

SAVED = ".save_info/process_info.json"
TREES = ("processed_data", "failed_data")
PRODUCT = re.compile(r"obsid[^/]*-([A-Za-z]+)\.(fits|fits\.gz|qdp|cif)")
"""File name of a product; the group is its kind."""
PLAIN_PROCESS = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
PLAIN_UNIT = re.compile(r"[A-Za-z0-9_.+-]{1,200}")
"""Names of processes and units, which become parts of paths."""


@dataclass(frozen=True)
class DaxaInfo:
    """The parts of `process_info.json` that are read. DAXA writes more, and earlier releases may write less."""

    mission_names: list[str]
    process_success: dict[str, dict[str, dict[str, bool]]] = field(default_factory=dict)
    final_process_success: dict[str, dict[str, bool]] = field(default_factory=dict)
    process_errors: dict[str, dict[str, Any]] = field(default_factory=dict)
    process_warnings: dict[str, dict[str, Any]] = field(default_factory=dict)
    obs_summaries: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True)
class DaxaProduct:
    """A product: its file, its place relative to the archive, and its kind."""

    file: Path
    relative: str
    kind: str


@dataclass(frozen=True)
class DaxaObservation:
    """An observation in an archive of DAXA: its unit, products, and whether DAXA judged it usable (None: not judged)."""

    unit: Unit
    products: list[DaxaProduct]
    usable: bool | None


@dataclass
class DaxaArchive:
    """An archive of DAXA, as far as it could be understood. `notes` name what was left out, with numbers."""

    root: Path
    info: DaxaInfo
    observations: list[DaxaObservation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_daxa_archive(root: Path) -> DaxaArchive:
    """Read an archive of DAXA. Raise ConfigError if the directory is not one, CorruptFileError if its saved state is damaged."""
    own = Layout(root)
    if (root / "records").is_dir() or own.manifest.exists():
        raise ConfigError(
            f"{root} is an archive of daxa_wf, not of DAXA, so there is nothing to adopt; 'daxa-wf status {root}' and all "
            "other commands read it as it is, and a copy of its directory is an archive too"
        )
    trees = [root / tree for tree in TREES if (root / tree).is_dir()]
    if not trees:
        raise ConfigError(f"{root} is not an archive of DAXA: it has neither {' nor '.join(TREES)}")
    archive = DaxaArchive(root, _saved(root))
    if not (root / SAVED).is_file():
        archive.notes.append(
            f"{SAVED} does not exist, so verdicts, warnings and errors of DAXA's processes are unknown"
        )
    folders = [folder for tree in trees for mission in _folders(tree) for folder in _folders(mission)]
    ignored: dict[str, int] = {}
    for folder in folders:
        spec = MISSIONS.get(folder.parent.name)
        if spec is None or not spec.is_obsid(folder.name):
            reason = f"of {folder.parent.name}" if spec is None else f"that are not ObsIDs of {spec.name}"
            ignored[reason] = ignored.get(reason, 0) + 1
            continue
        archive.observations.append(_observation(archive, spec, folder))
    archive.notes += [f"{number} directories {reason} were left out" for reason, number in sorted(ignored.items())]
    if not archive.observations:
        raise ConfigError(f"{root} has no observation of a known mission; {'; '.join(archive.notes) or 'it is empty'}")
    return archive


def _saved(root: Path) -> DaxaInfo:
    """Return what DAXA saved about its processes, nothing if the file does not exist."""
    path = root / SAVED
    try:
        values = read_json(path, dict[str, Any], "DAXA's saved state", "load and save the archive with DAXA")
    except FileNotFoundError:
        return DaxaInfo([])
    known = {name: values[name] for name in DaxaInfo.__dataclass_fields__ if name in values}
    try:
        info: DaxaInfo = parse_json(json.dumps(known), DaxaInfo)
    except ValueError as error:
        raise CorruptFileError(
            f"{path} is not DAXA's saved state ({error}); load and save the archive with DAXA"
        ) from None
    for process, units in (
        (name, units) for by_process in info.process_success.values() for name, units in by_process.items()
    ):
        if not PLAIN_PROCESS.fullmatch(process) or not all(map(PLAIN_UNIT.fullmatch, units)):
            raise CorruptFileError(
                f"{path}: the process {process[:80]!r} or a unit of it has a name that is not plain: refused"
            )
    return info


def _folders(place: Path) -> list[Path]:
    """Return the directories in a directory, sorted; links are left out, since they may lead anywhere."""
    with os.scandir(place) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _observation(archive: DaxaArchive, spec: MissionSpec, folder: Path) -> DaxaObservation:
    products, others = [], 0
    for file in _files(folder):
        relative = checked_relative(file.relative_to(archive.root).as_posix(), f"the archive {archive.root}")
        match = PRODUCT.fullmatch(file.name)
        if match and "logs" not in file.relative_to(folder).parts:
            products.append(DaxaProduct(file, relative, match[1]))
        elif "logs" not in file.relative_to(folder).parts:
            others += 1
    if others:
        archive.notes.append(f"{spec.name} {folder.name}: {others} files without the name of a product were left out")
    judged = archive.info.final_process_success.get(spec.name, {}).get(folder.name)
    usable = judged if judged is not None else (None if folder.parts[-3] == "processed_data" else False)
    return DaxaObservation(Unit(spec.name, folder.name), products, usable)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a directory, sorted, without following links to directories."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (path for name in sorted(names) if (path := Path(place, name)).is_file())


def process_unit(spec: MissionSpec, obsid: str, identifier: str) -> Unit:
    """Return the unit that DAXA names by ObsID, instrument and exposure in one word.

    >>> from daxa_wf.mission.registry import MISSIONS
    >>> process_unit(MISSIONS["xmm_pointed"], "0201903501", "0201903501PNS003")
    Unit(mission='xmm_pointed', obsid='0201903501', instrument='PN', exposure='S003')
    """
    rest = identifier.removeprefix(obsid)
    names = sorted((item.name for item in spec.instruments), key=len, reverse=True)
    instrument = next((name for name in names if rest.startswith(name) and "_" not in rest), rest)
    return Unit(spec.name, obsid, instrument, rest.removeprefix(instrument))


def units_in(observation: DaxaObservation) -> set[tuple[str, str]]:
    """Return the instruments and exposures in the names of an observation's products; '' for all exposures."""
    parts = [unit_of(product.file.name) for product in observation.products]
    return {
        (instrument, "" if exposure in ("ALL", "None") else exposure) for instrument, exposure in parts if instrument
    }
