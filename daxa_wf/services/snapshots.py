"""Snapshots: mission tables as they were fetched, with where, when and how; selections are made from them alone."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.archive.records import sha256_of, write_atomically
from daxa_wf.errors import CorruptFileError, ServiceError
from daxa_wf.missions.spec import MissionSpec, TableSource

if TYPE_CHECKING:
    import pandas as pd
    import requests

log = logging.getLogger("daxa_wf")


@dataclass(frozen=True)
class Snapshot:
    """What the sidecar of a snapshot says."""

    mission: str
    service: str
    table: str
    url: str
    query: str
    fetched: str
    rows: int
    sha256: str

    @property
    def age(self) -> timedelta:
        """Time since it was fetched."""
        return datetime.now(UTC) - datetime.fromisoformat(self.fetched)


@dataclass(frozen=True)
class Fetched:
    """How fetching a mission's table ended: the snapshot in use, whether it is new, what went wrong."""

    snapshot: Snapshot | None
    new: bool
    problem: str = ""


class SnapshotStore:
    """A directory of snapshots: `<mission>.parquet` and `<mission>.json`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def latest(self, mission: str) -> Snapshot | None:
        """The snapshot of a mission, or None; CorruptFileError if its sidecar is not one."""
        try:
            return Snapshot(**json.loads(self._sidecar(mission).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise CorruptFileError(
                f"{self._sidecar(mission)} is no snapshot's sidecar ({error}); fetch the table again"
            ) from None

    def read(self, mission: str, verify: bool = False) -> pd.DataFrame:
        """The rows of a mission's snapshot; ServiceError if there is none, CorruptFileError if `verify` finds it changed."""
        import pandas as pd

        snapshot = self.latest(mission)
        if snapshot is None:
            raise ServiceError(
                f"{mission}: no snapshot in {self.directory}; 'daxa-wf fetch-tables --mission {mission}' makes one"
            )
        if verify and sha256_of(self._table(mission)) != snapshot.sha256:
            raise CorruptFileError(
                f"{self._table(mission)} is not what was fetched; 'daxa-wf fetch-tables' makes it anew"
            )
        return pd.read_parquet(self._table(mission))

    def write(self, spec: MissionSpec, source: TableSource, rows: pd.DataFrame, url: str, query: str) -> Snapshot:
        """Keep a table that was fetched just now; the one before it is replaced when the new one is complete."""
        self.directory.mkdir(parents=True, exist_ok=True)
        part = self.directory / f".{spec.name}.{os.getpid()}.part"
        rows.to_parquet(part, index=False)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        snapshot = Snapshot(spec.name, source.service, source.table, url, query, now, len(rows), sha256_of(part))
        part.replace(self._table(spec.name))
        write_atomically(self._sidecar(spec.name), json.dumps(asdict(snapshot), indent=1) + "\n")
        return snapshot

    def source(self, spec: MissionSpec) -> TableSource:
        """Which of a mission's tables its snapshot is of."""
        snapshot = self.latest(spec.name)
        return next(
            (
                each
                for each in spec.tables
                if snapshot and (each.service, each.table) == (snapshot.service, snapshot.table)
            ),
            spec.tables[0],
        )

    def _table(self, mission: str) -> Path:
        return self.directory / f"{mission}.parquet"

    def _sidecar(self, mission: str) -> Path:
        return self.directory / f"{mission}.json"


def fetch_tables(
    specs: Sequence[MissionSpec],
    store: SnapshotStore,
    endpoints: Mapping[str, Sequence[str]],
    session: requests.Session,
    max_age: timedelta = timedelta(0),
) -> dict[str, Fetched]:
    """Bring the snapshots of missions up to date; one that cannot be fetched stays in use, with a warning of its age."""
    return {spec.name: _fetch_one(spec, store, endpoints, session, max_age) for spec in specs}


def _fetch_one(
    spec: MissionSpec,
    store: SnapshotStore,
    endpoints: Mapping[str, Sequence[str]],
    session: requests.Session,
    max_age: timedelta,
) -> Fetched:
    from daxa_wf.selection.observation_table import observation_table, packaged_table
    from daxa_wf.services.tap import fetch_table

    old = store.latest(spec.name)
    if old is not None and old.age < max_age:
        return Fetched(old, new=False)
    said = []
    for source in spec.tables:
        try:
            if source.service == "package":
                rows, query, url = packaged_table(source), "", "package"
            else:
                rows, query, url = fetch_table(source, endpoints.get(source.service, ()), session)
            observation_table(spec, source, rows)
            return Fetched(store.write(spec, source, rows, url, query), new=True)
        except ServiceError as error:
            said.append(str(error))
    problem = f"{spec.name}: " + "; ".join(said)
    if old is not None:
        log.warning("%s; the snapshot of %s (%d days old) stays in use", problem, old.fetched, old.age.days)
    return Fetched(old, new=False, problem=problem)
