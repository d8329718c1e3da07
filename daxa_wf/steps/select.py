"""Selecting a mission's observations as the configuration says, from its snapshot."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_wf.limits import Limits
from daxa_wf.missions import MISSIONS
from daxa_wf.selection.options import Select, filters_of, positions_of
from daxa_wf.selection.select import Selection

log = logging.getLogger("daxa_wf")


def select_observations(mission: str, options: Select, tables: Path) -> Selection:
    """The selection of a mission from the snapshot in `tables`; nothing is asked of the network."""
    import pandas as pd

    from daxa_wf.selection.select import select
    from daxa_wf.services.names import NameStore
    from daxa_wf.services.snapshots import SnapshotStore

    spec = MISSIONS[mission]
    table = SnapshotStore(tables).observations(spec)
    now, resolve = pd.Timestamp.now("UTC").tz_localize(None), NameStore(tables).resolve
    return select(table, spec, filters_of(options, now, resolve), positions_of(options, spec, resolve))


def bring_tables(
    mission: str, tables: Path, services: Mapping[str, Sequence[str]], embedded: bool, limits: Limits
) -> None:
    """See to it that a mission's tables are there: the embedded observatory's, or its own if there never were any."""
    if embedded:
        fetch_embedded_table(mission, tables)
    else:
        fetch_if_missing(mission, tables, services, limits)


def fetch_if_missing(mission: str, tables: Path, services: Mapping[str, Sequence[str]], limits: Limits) -> None:
    """Fetch a mission's tables if there never were any; what is there stays as it is, so that selections repeat."""
    from daxa_wf.errors import ServiceError
    from daxa_wf.services.endpoints import ENDPOINTS
    from daxa_wf.services.http import session
    from daxa_wf.services.snapshots import SnapshotStore, fetch_tables

    store = SnapshotStore(tables)
    if store.latest(mission) is not None:
        return
    log.info("fetching the tables of %s, of which there are none in %s", mission, tables)
    fetched = fetch_tables([MISSIONS[mission]], store, {**ENDPOINTS, **services}, session(limits=limits))[mission]
    if fetched.snapshot is None:
        raise ServiceError(fetched.problem)


def fetch_embedded_table(mission: str, tables: Path) -> None:
    """The embedded observatory's table: fetched from its own TAP service as any other, or in place of the package's."""
    from daxa_wf.demo.table import observatory_exposures, observatory_table
    from daxa_wf.demo.tap_service import serve_tables
    from daxa_wf.errors import ServiceError
    from daxa_wf.services.http import session
    from daxa_wf.services.snapshots import SnapshotStore, fetch_tables

    spec = MISSIONS[mission]
    if spec.tables[0].service == "package":
        from daxa_wf.demo.erosita_archive import erosita_table

        SnapshotStore(tables).write(mission, spec.tables[0], erosita_table(mission), "embedded", "")
        return
    served = {spec.tables[0].table: observatory_table(), spec.exposures[0].table: observatory_exposures()}
    with serve_tables(served) as url:
        endpoints: Mapping[str, Any] = {spec.tables[0].service: [url]}
        fetched = fetch_tables([spec], SnapshotStore(tables), endpoints, session())
    problems = [each.problem for each in fetched.values() if each.problem]
    if problems:
        raise ServiceError("; ".join(problems))
