"""Before a run: a mission's source has event lists of the requested observations, with the columns that expressions name.

Nothing is asked of the network, and headers are only read where a name does not settle the question.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.config.model import Config, Mission
from daxa_wf.errors import ConfigError, CorruptFileError, DaxaError, ExpressionError
from daxa_wf.mission.registry import MISSIONS

if TYPE_CHECKING:
    from daxa_wf.archive.manifest import ManifestRow

EXPRESSIONS = {"pn_filt_expr": ("PN",), "mos_filt_expr": ("M1", "M2")}
"""Option of `evselect` -> the instruments whose events it selects."""


def source_problems(name: str, mission: Mission, config: Config, started_in: Path) -> Iterator[str]:
    """Yield what a mission's source lacks, each with the key that asks for it."""
    source = mission.source
    if source is None or source.local is None:
        yield from _not_in_the_table(name, mission, config.tables_for(name, started_in))
    elif not mission.uses_raw_store(name) and os.path.isdir(started_in / source.local):  # noqa: PTH112 - False where it may not be looked at: preflight names that
        yield from _not_in_the_directory(name, mission, started_in / source.local)
    if source is not None and "evselect" in mission.steps_for(name):
        yield from _expressions(name, mission, started_in, started_in / config.archive)


def _not_in_the_directory(name: str, mission: Mission, root: Path) -> Iterator[str]:
    if _names_suffice(name, mission, root):
        return
    try:
        _look(name, mission, root)
    except ConfigError as error:
        yield str(error).removeprefix(f"missions.{name}.")


def _names_suffice(name: str, mission: Mission, root: Path) -> bool:
    """Return True if the names of XMM-Newton's event lists already show all requested observations."""
    from daxa_wf.chain.local import PPS_EVENT_LIST, walk

    if mission.chain_for(name) != "native":
        return False
    instruments = mission.instruments_for(name)
    matches = (PPS_EVENT_LIST.fullmatch(path.name) for path in walk(root))
    named = {match["obsid"] for match in matches if match is not None and match["inst"] in instruments}
    return bool(named) and named.issuperset(mission.obsids or ())


def _look(name: str, mission: Mission, root: Path) -> list[ManifestRow]:
    from daxa_wf.chain.manifest import read_directory

    return read_directory(name, root, mission.obsids, mission.instruments_for(name), mission.engine_for(name))


def _not_in_the_table(name: str, mission: Mission, tables: Path) -> Iterator[str]:
    """Yield each key whose ObsIDs the mission's table does not have; nothing if it was not fetched yet."""
    spec = MISSIONS[name]
    asked = {"obsids": mission.obsids or (), "select.obsids": (mission.select and mission.select.obsids) or ()}
    if not any(asked.values()):
        return
    is_embedded = mission.source is not None and mission.source.embedded is not None
    try:
        known = _embedded_obsids(name) if is_embedded else _fetched_obsids(name, tables)
    except (DaxaError, OSError) as error:
        yield f"obsids: they cannot be looked up in the table of {spec.pretty_name}: {error}"
        return
    if known is None:
        return
    for key, obsids in asked.items():
        absent = [each for each in obsids if known.isdisjoint(spec.meant("obsid", each))]
        if absent and is_embedded:
            yield f"{key}: the embedded observatory has no {', '.join(absent)}; it has {', '.join(sorted(known))}"
        elif absent:
            yield (
                f"{key}: the table of {spec.pretty_name} in {tables} has no {', '.join(absent)}; correct or remove them, "
                f"or bring the table up to date with 'daxa-wf fetch-tables --mission {name}'"
            )


def _embedded_obsids(name: str) -> set[str]:
    from daxa_wf.tables.observation_table import observation_table
    from daxa_wf_simulator.erosita_archive import erosita_table
    from daxa_wf_simulator.table import observatory_table

    source = MISSIONS[name].tables[0]
    rows = erosita_table(name) if source.service == "package" else observatory_table()
    return set(observation_table(MISSIONS[name], source, rows).rows["obsid"])


def _fetched_obsids(name: str, tables: Path) -> set[str] | None:
    from daxa_wf.tables.snapshots import SnapshotStore

    store = SnapshotStore(tables)
    return None if store.latest(name) is None else set(store.observations(MISSIONS[name])["obsid"])


def _expressions(name: str, mission: Mission, started_in: Path, archive: Path) -> Iterator[str]:
    """Yield the expressions that name a column or a file which does not exist, once for each."""
    for key, instruments in EXPRESSIONS.items():
        for instrument in (each for each in mission.instruments_for(name) if each in instruments):
            problem = _expression_problem(
                getattr(mission.evselect, key), name, instrument, mission, started_in, archive
            )
            if problem:
                yield f"evselect.{key}: {problem}"
                break


def _expression_problem(
    text: str, name: str, instrument: str, mission: Mission, started_in: Path, archive: Path
) -> str:
    from daxa_wf.events.expression import parse
    from daxa_wf.events.gti_files import file_and_extension

    expression = parse(text)
    for file in expression.files:
        path = archive / file_and_extension(file)[0]
        if not path.exists():
            return (
                f"{path} does not exist; name a file by its full path (others are taken from the archive's directory)"
            )
    known = MISSIONS[name].event_columns.get(instrument, ())
    try:
        expression.require_columns(known)
    except ExpressionError as error:
        if known and not _some_list_has(expression.column_names - set(known), name, instrument, mission, started_in):
            return str(error)
    return ""


def _some_list_has(columns: frozenset[str], name: str, instrument: str, mission: Mission, started_in: Path) -> bool:
    """Return True if a local list of the instrument has columns beside the usual ones."""
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    if mission.source is None or mission.source.local is None or mission.engine_for(name) != "native":
        return False
    root = started_in / mission.source.local
    try:
        rows = _look(name, mission, root) if root.is_dir() else []
    except ConfigError:
        return False
    for row in rows:
        if row.inst == instrument and not row.problem:
            try:
                if columns <= {each.upper() for each in EpicEventList.open(root / row.events).column_names}:
                    return True
            except CorruptFileError:
                continue
    return False
