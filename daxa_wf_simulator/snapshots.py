"""Makes the snapshots of the simulated missions' tables with the product's own client of TAP services."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from daxa_wf.errors import ServiceError
from daxa_wf.files import write_atomically
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.tables.http import session
from daxa_wf.tables.snapshots import Snapshot, SnapshotStore, fetch_tables
from daxa_wf_simulator.erosita_mirror import MISSIONS_OF_TARGETS, erosita_table
from daxa_wf_simulator.tap_service import serve_tables
from daxa_wf_simulator.xmm_tables import exposure_rows, observation_rows

ORIGIN = "daxa_wf_simulator"
FETCHED = "2026-01-01T00:00:00+00:00"
"""Stands for the service and the time in the sidecars: port and clock differ from run to run."""


def make_snapshots(directory: Path) -> None:
    """Write the snapshots of XMM-Newton's and eROSITA's simulated tables. ServiceError if the TAP client refuses a table."""
    store = SnapshotStore(directory)
    for name, snapshot in [*_fetched_from_xsa(store), *_packaged(store)]:
        fixed = replace(snapshot, url=ORIGIN, fetched=FETCHED)
        write_atomically(directory / f"{name}.json", json.dumps(asdict(fixed), indent=1) + "\n")


def _fetched_from_xsa(store: SnapshotStore) -> list[tuple[str, Snapshot]]:
    """Fetch XMM-Newton's tables from a service on loopback, as the product fetches them from XSA."""
    spec = MISSIONS["xmm_pointed"]
    served = {spec.tables[0].table: observation_rows(), spec.exposures[0].table: exposure_rows()}
    with serve_tables(served) as url:
        fetched = fetch_tables([spec], store, {spec.tables[0].service: [url]}, session())
    problems = [update.problem for update in fetched.values() if update.problem]
    if problems:
        raise ServiceError("; ".join(problems))
    return [(name, update.snapshot) for name, update in fetched.items() if update.snapshot is not None]


def _packaged(store: SnapshotStore) -> list[tuple[str, Snapshot]]:
    """Write eROSITA's tables, which no service has: the product reads the genuine ones from its own package."""
    return [
        (name, store.write(name, MISSIONS[name].tables[0], erosita_table(name), ORIGIN, ""))
        for name in MISSIONS_OF_TARGETS
    ]
