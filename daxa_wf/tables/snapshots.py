"""Snapshots: the fetched tables of missions, each with its service, query and time. Selections read only snapshots."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.errors import CorruptFileError, ServiceError
from daxa_wf.files import publish_file, sha256_of, write_atomically
from daxa_wf.json_files import read_json
from daxa_wf.mission.spec import MissionSpec, TableSource
from daxa_wf.tables.names import NAMES
from daxa_wf.tables.urls import shown
from daxa_wf.text import make_printable, mask_secrets

if TYPE_CHECKING:
    import pandas as pd

    from daxa_wf.tables.exposures import ExposureTable
    from daxa_wf.tables.http import PatientSession
    from daxa_wf.tables.observation_table import ObservationTable

log = logging.getLogger("daxa_wf")
BAD_ANSWER_BYTES = 100_000
"""Bytes of a wrong answer that are kept."""


@dataclass(frozen=True)
class Snapshot:
    """The content of a snapshot's sidecar."""

    mission: str
    service: str
    table: str
    url: str
    query: str
    fetched: str
    rows: int
    sha256: str
    file_sha256: str = ""
    """SHA-256 of the user's file, if the table was imported from the file that `url` names."""

    @property
    def age(self) -> timedelta:
        """Return the time since the table was fetched."""
        return datetime.now(UTC) - datetime.fromisoformat(self.fetched)


@dataclass(frozen=True)
class TableUpdate:
    """Outcome of fetching a table: the snapshot in use, whether it is new, the problem, and notes on dropped rows."""

    snapshot: Snapshot | None
    new: bool
    problem: str = ""
    notes: Sequence[str] = ()


class SnapshotStore:
    """A directory of snapshots: `<mission>.parquet` and its sidecar `<mission>.json`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def latest(self, mission: str) -> Snapshot | None:
        """Return the snapshot of a mission, or None if it does not exist or its sidecar is damaged."""
        path = self._sidecar(mission)
        try:
            snapshot: Snapshot = read_json(path, Snapshot, "a snapshot's sidecar", "the table counts as absent")
            _ = snapshot.age
        except FileNotFoundError:
            return None
        except (CorruptFileError, ValueError, TypeError, OverflowError) as error:
            log.warning("%s", error if isinstance(error, CorruptFileError) else f"{path}: a wrong date: {error}")
            return None
        return snapshot

    def identities(self, spec: MissionSpec) -> dict[str, str]:
        """Map the names of a mission's snapshots to their SHA-256, or to '' if a snapshot does not exist.

        Only the sidecars are read, so the Snakefile can afford it.
        """
        names = [spec.name, *([exposures_name(spec)] if spec.exposures else [])]
        snapshots = {name: self.latest(name) for name in names}
        return {name: snapshot.sha256 if snapshot is not None else "" for name, snapshot in snapshots.items()}

    def read(self, mission: str) -> pd.DataFrame:
        """Return the rows of a mission's snapshot. ServiceError if it does not exist, CorruptFileError if it has changed.

        The file is read once: the same bytes are compared with the sidecar's SHA-256 and parsed.
        """
        import pandas as pd

        content = self._verified(mission)
        try:
            return pd.read_parquet(io.BytesIO(content))
        except Exception as error:  # noqa: BLE001 - pyarrow raises what its many layers raise for a damaged file
            raise CorruptFileError(
                f"{self._table(mission)} cannot be read as a table ({error}); 'daxa-wf fetch-tables' replaces it"
            ) from None

    def _verified(self, mission: str) -> bytes:
        """Return the bytes of a mission's table, trying twice, because another process may be replacing table and sidecar."""
        for wait in (0.5, 0.0):
            snapshot = self.latest(mission)
            if snapshot is None:
                raise ServiceError(
                    f"{mission}: no snapshot in {self.directory}; 'daxa-wf fetch-tables --mission {mission}' makes one"
                )
            try:
                content = self._table(mission).read_bytes()
            except OSError as error:
                raise CorruptFileError(
                    f"{self._table(mission)} cannot be read ({error.strerror}); 'daxa-wf fetch-tables' replaces it"
                ) from None
            if hashlib.sha256(content).hexdigest() == snapshot.sha256:
                return content
            time.sleep(wait)
        raise CorruptFileError(
            f"{self._table(mission)} has changed since it was fetched: its SHA-256 is not that of "
            f"{self._sidecar(mission).name}; 'daxa-wf fetch-tables --mission {mission}' replaces it"
        )

    def write(
        self, mission: str, source: TableSource, rows: pd.DataFrame, url: str, query: str, file_sha256: str = ""
    ) -> Snapshot:
        """Keep a table that was fetched or imported just now. It replaces the earlier snapshot once it is complete."""
        self.directory.mkdir(parents=True, exist_ok=True)
        part = self.directory / f".{mission}.{os.getpid()}.part"
        rows.to_parquet(part, index=False)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        snapshot = Snapshot(
            mission, source.service, source.table, shown(url), query, now, len(rows), sha256_of(part), file_sha256
        )  # fmt: skip
        publish_file(part, self._table(mission))
        write_atomically(self._sidecar(mission), json.dumps(asdict(snapshot), indent=1) + "\n")
        return snapshot

    def copy_from(self, other: SnapshotStore, names: Iterable[str]) -> None:
        """Take over snapshots of another store, and its resolved names, each once it is complete.

        Raise CorruptFileError if a table is not the one of its sidecar.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            snapshot = other.latest(name)
            if snapshot is None:
                continue
            part = self.directory / f".{name}.{os.getpid()}.part"
            part.write_bytes(other._verified(name))
            publish_file(part, self._table(name))
            write_atomically(self._sidecar(name), json.dumps(asdict(snapshot), indent=1) + "\n")
        resolved = other.directory / NAMES
        if resolved.exists():
            write_atomically(self.directory / NAMES, resolved.read_text(encoding="utf-8"))

    def keep_bad_answer(self, mission: str, body: bytes) -> Path | None:
        """Keep the beginning of a wrong answer for inspection, and return its path, or None if the answer is empty."""
        if not body:
            return None
        path = self.directory / f"{mission}.bad_answer"
        self.directory.mkdir(parents=True, exist_ok=True)
        text = body[:BAD_ANSWER_BYTES].decode("utf-8", "replace")
        path.write_text(mask_secrets(make_printable(text, BAD_ANSWER_BYTES)), encoding="utf-8")
        return path

    def observations(self, spec: MissionSpec) -> pd.DataFrame:
        """Return the observation table of a mission's snapshots, with the exposures of its instruments if they are known."""
        from daxa_wf.tables.exposures import with_exposures
        from daxa_wf.tables.observation_table import USER, observation_table
        from daxa_wf.tables.user_tables import users_source

        snapshot = self.latest(spec.name)
        is_users = snapshot is not None and snapshot.service == USER
        source = users_source(spec) if is_users else _source_of(spec.tables, snapshot)
        table = observation_table(spec, source, self.read(spec.name)).rows
        exposures = self.exposures(spec)
        return table if exposures is None else with_exposures(table, spec, exposures)

    def exposures(self, spec: MissionSpec) -> pd.DataFrame | None:
        """Return the exposures of a mission's snapshot, or None if it does not exist."""
        from daxa_wf.tables.exposures import exposure_table

        snapshot = self.latest(exposures_name(spec))
        if snapshot is None or not spec.exposures:
            return None
        source = _source_of(spec.exposures, snapshot)
        return exposure_table(spec, source, self.read(exposures_name(spec))).rows

    def files(self, mission: str) -> tuple[Path, Path]:
        """Return the paths of a mission's table and of its sidecar, which may not exist."""
        return self._table(mission), self._sidecar(mission)

    def _table(self, mission: str) -> Path:
        return self.directory / f"{mission}.parquet"

    def _sidecar(self, mission: str) -> Path:
        return self.directory / f"{mission}.json"


def exposures_name(spec: MissionSpec) -> str:
    """Return the name of the snapshot of a mission's exposures."""
    return f"{spec.name}_exposures"


def _source_of(sources: Sequence[TableSource], snapshot: Snapshot | None) -> TableSource:
    """Return the one of a mission's tables that a snapshot was made from."""
    for source in sources:
        if snapshot and (source.service, source.table) == (snapshot.service, snapshot.table):
            return source
    return sources[0]


def fetch_tables(
    specs: Sequence[MissionSpec],
    store: SnapshotStore,
    endpoints: Mapping[str, Sequence[str]],
    session: PatientSession,
    max_age: timedelta = timedelta(0),
) -> dict[str, TableUpdate]:
    """Update the snapshots of missions that are older than `max_age`, and return the outcomes by snapshot.

    If a table cannot be fetched, its last snapshot stays in use, with a warning that states its age. The beginning of a
    wrong answer is kept beside it.
    """
    from daxa_wf.tables.exposures import exposure_table
    from daxa_wf.tables.observation_table import observation_table

    updates = {}
    for spec in specs:
        tables: list[tuple[str, Sequence[TableSource], Callable[..., ObservationTable | ExposureTable]]]
        tables = [(spec.name, spec.tables, observation_table), (exposures_name(spec), spec.exposures, exposure_table)]
        for name, sources, checked in tables:
            if sources:
                check = partial(checked, spec)
                updates[name] = _fetch_one(name, sources, check, store, endpoints, session, max_age)
    return updates


def _fetch_one(
    name: str,
    sources: Sequence[TableSource],
    check: Callable[[TableSource, pd.DataFrame], ObservationTable | ExposureTable],
    store: SnapshotStore,
    endpoints: Mapping[str, Sequence[str]],
    session: PatientSession,
    max_age: timedelta,
) -> TableUpdate:
    from daxa_wf.tables.observation_table import packaged_table
    from daxa_wf.tables.tap import fetch_table

    old = store.latest(name)
    if old is not None and old.age < max_age:
        return TableUpdate(old, new=False)
    problems = []
    for source in sources:
        try:
            if source.service == "package":
                rows, query, url = packaged_table(source), "", "package"
            else:
                rows, query, url = fetch_table(source, endpoints.get(source.service, ()), session)
            notes = check(source, rows).notes
            return TableUpdate(store.write(name, source, rows, url, query), new=True, notes=notes)
        except ServiceError as error:
            kept = store.keep_bad_answer(name, error.body)
            problems.append(f"{error}{f' (kept in {kept})' if kept else ''}")
    problem = f"{name}: " + "; ".join(problems)
    if old is not None:
        log.warning("%s; the snapshot of %s (%d days old) stays in use", problem, old.fetched, old.age.days)
    return TableUpdate(old, new=False, problem=problem)
