"""Write the RO-Crate of an archive or of a lock: its metadata, and the workflow that the metadata describe."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daxa_wf.archive.history import read_history
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.lock import Lock, make_lock, read_lock
from daxa_wf.archive.made_from import kept_configuration
from daxa_wf.archive.records import read_sound_record, record_paths
from daxa_wf.errors import ConfigError
from daxa_wf.files import write_atomically
from daxa_wf.handover.ro_crate import METADATA, WORKFLOW, crate_text


def archive_to_crate(
    layout: Layout, output: Path | None, snakefile: Path, name: str | None = None, date: str | None = None
) -> Path:
    """Write the crate of an archive, by default into the archive, and return the path of its metadata.

    The date is that of the last version, or of the last record. Raise ConfigError if the archive has no records or
    manifest, or if the date is not ISO.
    """
    if not layout.manifest.is_file():
        raise ConfigError(f"{layout.root} has no manifest, which lists its observations; 'daxa-wf run' makes it")
    lock = make_lock(layout, _configuration(layout))
    return _write(lock, output or layout.root, snakefile, name or layout.root.name, date or _last_change(layout))


def lock_to_crate(
    path: Path, output: Path | None, snakefile: Path, name: str | None = None, date: str | None = None
) -> Path:
    """Write the crate of a lock, and return the path of its metadata. Its products are described, and not beside it.

    The date is that of the lock's file. Raise ConfigError without output, or if the date is not ISO.
    """
    if output is None:
        raise ConfigError(f"{path} is a lock: name the directory of the crate with --output")
    lock = read_lock(path)
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    return _write(lock, output, snakefile, name or path.name.removesuffix(".lock.json"), date or changed)


def _write(lock: Lock, output: Path, snakefile: Path, name: str, date: str) -> Path:
    try:
        datetime.fromisoformat(date)
    except ValueError:
        raise ConfigError(f"--date {date}: expected a date such as 2026-11-22 or 2026-11-22T05:00:00+00:00") from None
    write_atomically(output / WORKFLOW, snakefile.read_text(encoding="utf-8"))
    write_atomically(output / METADATA, crate_text(lock, name, date))
    return output / METADATA


def _configuration(layout: Layout) -> dict[str, Any]:
    """Return the configuration of the last version as it was understood, {} if the archive did not keep it."""
    for version in reversed(read_history(layout).versions):
        kept = kept_configuration(layout, version.configuration)
        if version.configuration and kept.is_file():
            configuration: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
            return configuration
    return {}


def _last_change(layout: Layout) -> str:
    """Return the time of the last version, or else of the last record that ended."""
    versions = read_history(layout).versions
    if versions:
        return versions[-1].time
    return max((read_sound_record(path).ended for path in record_paths(layout)), default="") or "1970-01-01"
