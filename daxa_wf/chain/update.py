"""Find what has changed upstream since the last run: observations that are new, gone, changed, public or reprocessed.

The tables are fetched into a directory of their own, and the recorded selection is repeated with them. Nothing in the
archive and in the tables in use changes until the update is applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.archive.origin import OF_TABLES
from daxa_wf.archive.records import Record, Status, read_record
from daxa_wf.chain.acquire import release_date, request_of
from daxa_wf.chain.manifest import MissionPart, present_parts
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.reprocessed import find_reprocessed
from daxa_wf.chain.staleness import SOURCES_OF_THE_MANIFEST, manifest_changes
from daxa_wf.download.release import NOT_PUBLIC, may_be_had
from daxa_wf.download.store import Ledger, locked
from daxa_wf.download.upstream import UpstreamChange
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.step import ACQUIRE
from daxa_wf.tables.endpoints import ENDPOINTS
from daxa_wf.tables.http import session
from daxa_wf.tables.snapshots import SnapshotStore, exposures_name, fetch_tables
from daxa_wf.text import some_of
from daxa_wf.units import Unit

LOCAL_FILES = f": {SOURCES_OF_THE_MANIFEST['listing']}"
"""End of a reason to make the manifest again that is not a change of the configuration."""

ObservationChangeKind = Literal["new", "gone", "changed", "public", "reprocessed"]


@dataclass(frozen=True)
class ObservationChange:
    """An observation that the next run would add, drop, or process again after the update."""

    change: ObservationChangeKind
    mission: str
    obsid: str
    detail: str = ""
    files: tuple[UpstreamChange, ...] = ()
    """The files that changed at the data centre."""

    @property
    def unit(self) -> Unit:
        """Return the observation."""
        return Unit(self.mission, self.obsid)

    def __str__(self) -> str:
        return f"{self.change}: {self.mission} {self.obsid}" + (f": {self.detail}" if self.detail else "")


@dataclass
class Update:
    """The changes since the last run, new tables, and what could not be compared."""

    changes: list[ObservationChange] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    """Names of the snapshots with another content."""
    problems: list[str] = field(default_factory=list)
    """Sentences on services that did not answer, and on observations that were not compared."""

    def values(self) -> dict[str, Any]:
        """Return the update as values for JSON."""
        return asdict(self)


def find_update(plan: Plan, directory: Path) -> Update:
    """Return what has changed, with the new tables and selections in `directory`.

    A service that does not answer leaves its mission as it is, with a problem. Raise ConfigError if the archive has no
    manifest, or if its configuration changed since the manifest was made.
    """
    _require_same_configuration(plan)
    update = Update()
    tables = directory / "tables"
    _fetch(plan, SnapshotStore(tables), update)
    options, centres = plan.selection_options(), plan.data_centres(None, None)
    parts = present_parts(options, plan.layout.root, tables, directory / "selection", centres)
    before = _by_observation(read_manifest(plan.layout.manifest))
    for name, part in parts.items():
        known = {key: rows for key, rows in before.items() if key[0] == name}
        update.changes += _compared(known, part, _known_obsids(plan, name))
        if part.is_unfinished:
            update.problems += part.notes
    kept = [unit for unit in (Unit(*key) for key in before) if not _is(unit, "gone", update.changes)]
    records = _acquired(plan, kept)
    update.changes += _public(plan, records, tables)
    done = [record for record in records if record.done]
    requests = {record.unit: (request_of(record.unit, record.parameters), record) for record in done}
    for unit, files in find_reprocessed(plan, requests, update.problems).items():
        detail = some_of(f"{file.path} {file.detail or file.change}" for file in files)
        update.changes.append(ObservationChange("reprocessed", unit.mission, unit.obsid, detail, tuple(files)))
    return update


def _require_same_configuration(plan: Plan) -> None:
    if not plan.layout.manifest.exists():
        raise ConfigError(f"{plan.layout.root} has no list of observations yet; 'daxa-wf run' makes it")
    changes = [
        change for change in manifest_changes(plan) if change not in OF_TABLES and not change.endswith(LOCAL_FILES)
    ]
    if changes:
        raise ConfigError(f"the configuration has changed ({'; '.join(changes)}); run it first, then update")


def _fetch(plan: Plan, store: SnapshotStore, update: Update) -> None:
    """Fetch the tables of the missions that select from tables, over copies of those in use."""
    present = SnapshotStore(plan.started_in / plan.config.tables)
    specs = [
        mission.spec
        for mission in plan.processed()
        if (mission.uses_raw_store or mission.section.select is not None) and present.latest(mission.name) is not None
    ]
    names = [name for spec in specs for name in (spec.name, exposures_name(spec))]
    for name in names:
        try:
            store.copy_from(present, [name])
        except CorruptFileError as error:
            update.problems.append(str(error))
    endpoints: dict[str, tuple[str, ...]] = dict(ENDPOINTS)
    endpoints |= dict(plan.config.services.items())
    patient = session(limits=plan.config.limits.limits())
    for name, fetched in fetch_tables(specs, store, endpoints, patient).items():
        if fetched.problem:
            update.problems.append(f"{fetched.problem}; the table in use is compared")
        elif fetched.snapshot is not None and fetched.snapshot.sha256 != _sha256(present, name):
            update.tables.append(name)


def _sha256(store: SnapshotStore, name: str) -> str:
    snapshot = store.latest(name)
    return snapshot.sha256 if snapshot is not None else ""


def _known_obsids(plan: Plan, name: str) -> set[str]:
    """Return the ObsIDs in the table in use, or an empty set without a readable table."""
    store = SnapshotStore(plan.started_in / plan.config.tables)
    try:
        return set(store.observations(MISSIONS[name])["obsid"]) if store.latest(name) is not None else set()
    except CorruptFileError:
        return set()


def _by_observation(rows: Iterable[ManifestRow]) -> dict[tuple[str, str], list[ManifestRow]]:
    observations: dict[tuple[str, str], list[ManifestRow]] = {}
    for row in rows:
        observations.setdefault((row.mission, row.obsid), []).append(row)
    return observations


def _compared(
    before: Mapping[tuple[str, str], Sequence[ManifestRow]], part: MissionPart, known: set[str]
) -> list[ObservationChange]:
    """Return the observations of a mission that are new, gone or changed. An unfinished part lacks some without meaning it."""
    present = _by_observation(part.rows)
    changes = []
    for key in present.keys() - before.keys():
        reason = "in the table before, and meets the conditions now" if key[1] in known else "newly in the table"
        changes.append(ObservationChange("new", *key, reason))
    if not part.is_unfinished:
        changes += [ObservationChange("gone", *key, "no longer selected") for key in before.keys() - present.keys()]
    for key in before.keys() & present.keys():
        if detail := _difference(before[key], present[key]):
            changes.append(ObservationChange("changed", *key, detail))
    return sorted(changes, key=lambda change: (change.change, change.obsid))


def _difference(before: Sequence[ManifestRow], present: Sequence[ManifestRow]) -> str:
    """Return how the rows of an observation differ: added and removed exposures, else the columns that changed."""
    old, new = ({row.inst + row.exposure: row for row in rows} for rows in (before, present))
    parts = [
        f"{word} {some_of(sorted(names))}"
        for word, names in (("exposures added:", new.keys() - old.keys()), ("exposures gone:", old.keys() - new.keys()))
        if names
    ]
    columns = {
        name
        for unit in old.keys() & new.keys()
        for name, value in asdict(new[unit]).items()
        if value != getattr(old[unit], name)
    }
    return "; ".join([*parts, *([f"{', '.join(sorted(columns))} in its table"] if columns else [])])


def _is(unit: Unit, change: ObservationChangeKind, changes: Iterable[ObservationChange]) -> bool:
    return any((item.change, item.unit) == (change, unit) for item in changes)


def _acquired(plan: Plan, units: Iterable[Unit]) -> list[Record]:
    """Return the readable records of acquire of observations."""
    records = []
    for unit in units:
        try:
            records.append(read_record(plan.layout.record(ACQUIRE.name, unit)))
        except (FileNotFoundError, CorruptFileError):
            continue
    return records


def _public(plan: Plan, records: Iterable[Record], tables: Path) -> list[ObservationChange]:
    """Return the observations that were not public when they were requested, and are now by the new table."""
    now, marks, changes = datetime.now(UTC), plan.login_marks(), []
    for record in records:
        if record.status is not Status.REJECTED or record.reason != NOT_PUBLIC:
            continue
        release = release_date(tables, request_of(record.unit, record.parameters))
        if may_be_had(record, marks, now) or (release is not None and release <= now):
            since = f"public since {release:%Y-%m-%d}" if release else "the credentials have changed"
            changes.append(ObservationChange("public", record.unit.mission, record.unit.obsid, since))
    return changes


def apply_update(plan: Plan, update: Update, directory: Path) -> None:
    """Take over the new tables, and let the next run fetch what changed at the data centres. Hold the archive meanwhile.

    The ledger forgets changed files, so that every archive that shares the raw store fetches them again when it needs them.
    """
    SnapshotStore(plan.started_in / plan.config.tables).copy_from(SnapshotStore(directory / "tables"), update.tables)
    for change in update.changes:
        if change.change not in ("reprocessed", "public"):
            continue
        place = plan.layout.raw(change.unit)
        if change.files and place.exists():
            folder = place.resolve()
            with locked(folder):
                Ledger(folder).forget(file.path for file in change.files)
        plan.layout.record(ACQUIRE.name, change.unit).unlink(missing_ok=True)
