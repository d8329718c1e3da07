"""Keep what an archive was made from inside the archive: its configuration, and the snapshots of the missions' tables."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.files import clone_file, publish_file, sha256_of, write_atomically
from daxa_wf.text import mask_secrets

log = logging.getLogger("daxa_wf")

NAME_DIGITS = 16
"""Digits of the SHA-256 in the names of kept files."""


@dataclass(frozen=True)
class Configuration:
    """A configuration as the user gave it, YAML text, and as the models understand it, with all defaults."""

    given: str
    resolved: Mapping[str, Any]

    def as_json(self) -> str:
        """Return the resolved configuration as JSON, with passwords in URLs masked."""
        return mask_secrets(json.dumps(self.resolved, indent=1, sort_keys=True, default=str)) + "\n"


def keep_configuration(layout: Layout, configuration: Configuration) -> str:
    """Keep a configuration: `versions/configurations/<digest>.yaml` as given, `.json` as understood. Return the SHA-256.

    Passwords in URLs are masked. The digest is that of the understood one, so comments make no other configuration.
    """
    text = configuration.as_json()
    digest = hashlib.sha256(text.encode()).hexdigest()
    resolved, given = (kept_configuration(layout, digest).with_suffix(suffix) for suffix in (".json", ".yaml"))
    for path, content in ((given, mask_secrets(configuration.given)), (resolved, text)):
        if not path.exists():
            write_atomically(path, content)
    return digest


def kept_configuration(layout: Layout, digest: str) -> Path:
    """Return the path of a kept configuration as understood. The one as given has the ending `.yaml`."""
    return layout.versions / "configurations" / f"{digest[:NAME_DIGITS]}.json"


def keep_snapshot(layout: Layout, name: str, digest: str, files: Sequence[Path]) -> bool:
    """Keep a snapshot, its table and sidecar, as `versions/snapshots/<name>_<digest>.parquet` and `.json`.

    A hard link takes no space; a clone or a copy takes its place on another file system. Return False if the
    table is gone, or no longer has the digest because it was fetched again.
    """
    table, sidecar = files
    target = kept_snapshot(layout, name, digest)
    if target.exists() and target.with_suffix(sidecar.suffix).exists():
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    for source, place in ((table, target), (sidecar, target.with_suffix(sidecar.suffix))):
        part = place.with_name(f".{place.name}.{os.getpid()}.part")
        try:
            _link_or_copy(source, part)
            if source == table and sha256_of(part) != digest:
                return False
            publish_file(part, place)
        except FileNotFoundError:
            return False
        finally:
            part.unlink(missing_ok=True)
    return True


def kept_snapshot(layout: Layout, name: str, digest: str) -> Path:
    """Return the path of a kept snapshot's table. Its sidecar has the ending `.json`."""
    return layout.versions / "snapshots" / f"{name}_{digest[:NAME_DIGITS]}.parquet"


def _link_or_copy(source: Path, target: Path) -> None:
    """Make a second name of a file; tables and sidecars are replaced and never changed. Otherwise clone or copy it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        if not clone_file(source, target):
            shutil.copyfile(source, target)
