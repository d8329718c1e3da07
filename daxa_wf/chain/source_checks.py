"""Check before a run that a mission's source has event lists of the requested observations, with the named columns.

The checks use no network, and read headers only if a file's name is not sufficient.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.config.mission import Mission
from daxa_wf.config.model import Config
from daxa_wf.errors import ConfigError, DaxaError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.step import load

if TYPE_CHECKING:
    from daxa_wf.archive.manifest import ManifestRow


def source_problems(mission: Mission, config: Config, started_in: Path) -> Iterator[str]:
    """Yield the parts that a mission's source lacks, each with the key that requests it."""
    source = mission.section.source
    if source is None or source.local is None:
        yield from _not_in_the_table(mission, started_in / config.tables)
    elif not mission.uses_raw_store and os.path.isdir(started_in / source.local):  # noqa: PTH112 - False where it may not be looked at: preflight names that
        yield from _not_in_the_directory(mission, started_in / source.local)
    if source is not None and mission.pipeline.source_checks:
        yield from load(mission.pipeline.source_checks)(mission, started_in, started_in / config.archive)


def _not_in_the_directory(mission: Mission, root: Path) -> Iterator[str]:
    if _names_suffice(mission, root):
        return
    try:
        local_rows(mission, root)
    except ConfigError as error:
        yield str(error).removeprefix(f"missions.{mission.name}.")


def _names_suffice(mission: Mission, root: Path) -> bool:
    """Return True if the names of the files below `root` already show all requested observations."""
    if not mission.engine.named_in:
        return False
    named: set[str] = load(mission.engine.named_in)(root, mission.instruments)
    return bool(named) and named.issuperset(mission.section.obsids or ())


def local_rows(mission: Mission, root: Path) -> list[ManifestRow]:
    """Return the manifest's rows of a mission's local directory; ConfigError if a requested observation is absent."""
    from daxa_wf.chain.manifest import read_directory

    return read_directory(mission.name, root, mission.section.obsids, mission.instruments, mission.engine)


def _not_in_the_table(mission: Mission, tables: Path) -> Iterator[str]:
    """Yield each key with ObsIDs that the mission's table lacks, if the table has been fetched."""
    name, spec, section = mission.name, mission.spec, mission.section
    asked = {"obsids": section.obsids or (), "select.obsids": (section.select and section.select.obsids) or ()}
    if not any(asked.values()):
        return
    try:
        known = _fetched_obsids(name, tables)
    except (DaxaError, OSError) as error:
        yield f"obsids: they cannot be looked up in the table of {spec.pretty_name}: {error}"
        return
    if known is None:
        return
    for key, obsids in asked.items():
        absent = [each for each in obsids if known.isdisjoint(spec.values_for("obsid", each))]
        if absent:
            yield (
                f"{key}: the table of {spec.pretty_name} in {tables} has no {', '.join(absent)}; correct or remove them, "
                f"or bring the table up to date with 'daxa-wf fetch-tables --mission {name}'"
            )


def _fetched_obsids(name: str, tables: Path) -> set[str] | None:
    from daxa_wf.tables.snapshots import SnapshotStore

    store = SnapshotStore(tables)
    return None if store.latest(name) is None else set(store.observations(MISSIONS[name])["obsid"])
