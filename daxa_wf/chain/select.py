"""Select a mission's observations from its snapshot, by the configuration."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.errors import NoObservationsError
from daxa_wf.limits import Limits
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.options import Select, filters_of, positions_of

if TYPE_CHECKING:
    from daxa_wf.selection.select import Selection

log = logging.getLogger("daxa_wf")


def find_observations(
    mission: str,
    options: Select,
    tables: Path,
    services: Mapping[str, Sequence[str]],
    instruments: Sequence[str] = (),
    mirrors: Mapping[str, Sequence[Path]] | None = None,
    limits: Limits | None = None,
) -> Selection:
    """Return the selection of a mission, and fetch its table if it was never fetched.

    ObsIDs need no table if all their files are on this machine, in `mirrors` (directories by data centre).
    """
    from daxa_wf.tables.snapshots import SnapshotStore

    if mirrors and not _fetches_nothing(mission) and SnapshotStore(tables).latest(mission) is None:
        obsids = options.listed_obsids()
        if obsids:
            return _in_mirrors(mission, obsids, mirrors, tables)
    fetch_if_missing(mission, tables, services, limits or Limits())
    return select_observations(mission, options, tables, instruments)


def _fetches_nothing(mission: str) -> bool:
    """Return True if the package holds the mission's table."""
    return MISSIONS[mission].tables[0].service == "package"


def _in_mirrors(mission: str, obsids: Sequence[str], mirrors: Mapping[str, Sequence[Path]], tables: Path) -> Selection:
    import pandas as pd

    from daxa_wf.download.paths import facts_in_tree
    from daxa_wf.selection.filters import obsids as obsids_filter
    from daxa_wf.selection.select import Selection

    spec = MISSIONS[mission]
    # The filter raises an error for text that is not an ObsID of the mission.
    obsids_filter(tuple(obsids)).keep(pd.DataFrame({"obsid": []}), spec)
    facts = {obsid: facts_in_tree(spec, mirrors, obsid) for obsid in dict.fromkeys(obsids)}
    absent = [obsid for obsid, known in facts.items() if known is None]
    places = ", ".join(sorted({str(root) for roots in mirrors.values() for root in roots}))
    notes = [f"its table was never fetched into {tables}, so the ObsIDs are not compared with it"]
    if absent:
        notes.append(f"ObsIDs that are missing below {places}: {', '.join(absent)}")
    rows = pd.DataFrame([known for known in facts.values() if known is not None])
    if len(rows) == 0:
        line = f"{mission}: {places} contains none of the {len(facts)} ObsIDs"
        raise NoObservationsError(f"{line}, and {notes[0]}", line)
    return Selection(rows, notes=notes, absent=absent)


def select_observations(mission: str, options: Select, tables: Path, instruments: Sequence[str] = ()) -> Selection:
    """Return the selection of a mission from the snapshot in `tables`, without using the network.

    A separate cut drops observations without data of any of the processed `instruments`.
    """
    import pandas as pd

    from daxa_wf.selection import filters
    from daxa_wf.selection.select import select
    from daxa_wf.tables.names import NameStore
    from daxa_wf.tables.snapshots import SnapshotStore

    spec = MISSIONS[mission]
    table = SnapshotStore(tables).observations(spec)
    now, resolve = pd.Timestamp.now("UTC").tz_localize(None), NameStore(tables).resolve
    cuts = filters_of(options, now, resolve)
    if instruments:
        having = filters.with_data(tuple(instruments))
        if not having.keep(table, spec).all():
            cuts.append(having)
    return select(table, spec, cuts, positions_of(options, spec, resolve))


def next_release(mission: str, options: Select, tables: Path, instruments: Sequence[str]) -> str:
    """Return the next date when a matching observation becomes public (UTC, ISO), or '' if no such date is known.

    A selection of public observations changes with time, even if its table does not.
    """
    import pandas as pd

    if not options.public:
        return ""
    try:
        rows = select_observations(mission, options.model_copy(update={"public": False}), tables, instruments).rows
    except NoObservationsError:
        return ""
    release = rows["proprietary_end"]
    waited_for = release[release > pd.Timestamp.now("UTC").tz_localize(None)].min()
    return "" if pd.isna(waited_for) else str(waited_for.isoformat())


def fetch_if_missing(mission: str, tables: Path, services: Mapping[str, Sequence[str]], limits: Limits) -> None:
    """Fetch a mission's tables if they were never fetched. Existing tables are kept, so that selections repeat."""
    from daxa_wf.errors import ServiceError
    from daxa_wf.tables.endpoints import ENDPOINTS
    from daxa_wf.tables.http import session
    from daxa_wf.tables.snapshots import SnapshotStore, fetch_tables

    store = SnapshotStore(tables)
    if store.latest(mission) is not None:
        return
    log.info("fetching the tables of %s, which are missing in %s", mission, tables)
    fetched = fetch_tables([MISSIONS[mission]], store, {**ENDPOINTS, **services}, session(limits=limits))[mission]
    if fetched.snapshot is None:
        raise ServiceError(fetched.problem)
