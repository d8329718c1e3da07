"""acquire: fetch an observation's files from data centres into the raw store, and verify them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import FileStamp
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.limits import Limits
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.download.file_request import FileRequest


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Fetch the files that the data levels and instruments need, and link them into the archive."""
    from daxa_wf.download.credentials import read_secrets
    from daxa_wf.download.observation import Fetcher
    from daxa_wf.download.progress import Progress
    from daxa_wf.download.users import register
    from daxa_wf.tables.http import session

    del inputs
    context = workspace.context
    request = request_of(unit, options)
    store, layout = Path(context["store"]), workspace.layout
    progress = Progress(request.name, layout.root / ".progress" / f"{unit.mission}-{unit.obsid}.json")
    fetcher = Fetcher(
        store, session(limits=Limits(**context["limits"])), context["archives"], dict(context["transfers"]),
        read_secrets(context["credentials"]), bool(options["decompress"]),
        released=partial(release_date, Path(context["tables"])),
    )  # fmt: skip
    try:
        acquired = fetcher.acquire(request, progress)
    finally:
        progress.finish()
    register(store, layout.root)
    _link(layout, unit, store / acquired.directory)
    files = [
        {key: value for key, value in asdict(stamp).items() if key != "mtime_ns"}
        for stamp in sorted(acquired.files, key=lambda stamp: stamp.path)
    ]
    size = sum(stamp.size for stamp in acquired.files)
    results = {"directory": acquired.directory, "files": files, "transferred": acquired.transferred}
    warnings = [{"task": "acquire", "name": "noted", "text": note} for note in acquired.notes]
    sources = ", ".join(sorted({stamp.archive for stamp in acquired.files}))
    folder = layout.relative(layout.raw(unit))
    raw = [
        FileStamp(f"{folder}/{stamp.path}", stamp.size, stamp.mtime_ns, stamp.sha256, "raw") for stamp in acquired.files
    ]
    return Outcome(results, warnings, f"{len(files)} files, {size / 1e6:.1f} MB from {sources}", raw)


def request_of(unit: Unit, options: Mapping[str, Any]) -> FileRequest:
    """Return the files to fetch. Some options of acquire are absent unless the configuration has them."""
    from daxa_wf.chain.planned import facts_from
    from daxa_wf.download.file_request import FileRequest
    from daxa_wf.mission.registry import MISSIONS

    routes, instruments = tuple(options["routes"]), tuple(options["instruments"])
    facts, version = facts_from(options["facts"]), options.get("version", "")
    return FileRequest(MISSIONS[unit.mission], facts, routes, instruments, version, bool(options.get("further")))


def release_date(tables: Path, request: FileRequest) -> datetime | None:
    """Return the date when an observation becomes public, from its mission's table, or None without table or date."""
    import pandas as pd

    from daxa_wf.tables.snapshots import SnapshotStore

    store = SnapshotStore(tables)
    if store.latest(request.spec.name) is None:
        return None
    rows = store.observations(request.spec)
    dates = rows.loc[rows["obsid"] == str(request.facts["obsid"]), "proprietary_end"].dropna()
    return None if dates.empty else pd.Timestamp(dates.max()).to_pydatetime().replace(tzinfo=UTC)


def _link(layout: Layout, unit: Unit, directory: Path) -> None:
    """Point the archive's link at the observation in the store."""
    link = layout.raw(unit)
    link.parent.mkdir(parents=True, exist_ok=True)
    part = link.with_name(f".{link.name}.part")
    part.unlink(missing_ok=True)
    real, home = directory.resolve(), link.parent.resolve()
    # The link is relative if the archive and the store move together, and absolute otherwise.
    together = real.is_relative_to(layout.root.resolve().parent)
    part.symlink_to(os.path.relpath(real, home) if together else real, target_is_directory=True)
    part.replace(link)
