"""Compare fetched files with the present listing of their data centre: added, gone and changed files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from daxa_wf.download.data_centres import RemoteFile
from daxa_wf.files import sha256_of

MD5 = re.compile(r"[0-9a-f]{32}")
ZONES = timedelta(hours=14)
"""Largest difference of a local time to UTC: listings do not state the zone of their dates."""
ROUNDING, ROUNDED_BYTES = 0.1, 1024
"""Largest relative and absolute error of sizes that a listing rounds."""


@dataclass(frozen=True)
class UpstreamChange:
    """A fetched file that a data centre has added, dropped or changed since."""

    path: str
    change: Literal["added", "gone", "changed"]
    detail: str = ""


def upstream_changes(
    fetched: Sequence[Mapping[str, Any]], listing: Sequence[RemoteFile], local_name: Callable[[str], str]
) -> list[UpstreamChange]:
    """Return the differences between the files in a record of acquire and a listing, sorted by path.

    `local_name` returns the name under which a listed file is kept.
    """
    before = {str(file["path"]): file for file in fetched}
    present = {local_name(file.path): file for file in listing}
    changes = [UpstreamChange(path, "added") for path in present.keys() - before.keys()]
    changes += [UpstreamChange(path, "gone") for path in before.keys() - present.keys()]
    for path in before.keys() & present.keys():
        if detail := _difference(before[path], present[path]):
            changes.append(UpstreamChange(path, "changed", detail))
    return sorted(changes, key=lambda change: change.path)


def _difference(old: Mapping[str, Any], remote: RemoteFile) -> str:
    """Return how a listed file differs from the fetched one, or ''."""
    size, etag = int(old.get("remote_size") or old["size"]), str(old.get("etag", "")).strip('"')
    if remote.size is not None:
        allowed = 0 if remote.exact else ROUNDING * remote.size + ROUNDED_BYTES
        if abs(remote.size - size) > allowed:
            return f"{remote.size} bytes, and {size} when it was fetched"
    if remote.md5 and MD5.fullmatch(etag):
        return "" if remote.md5 == etag else "another MD5 than when it was fetched"
    return _later(old, remote)


def _later(old: Mapping[str, Any], remote: RemoteFile) -> str:
    """Return that a file was modified after it was fetched, or ''. A local file is then compared by its content."""
    try:
        modified = datetime.fromisoformat(remote.modified)
        fetched = datetime.fromisoformat(str(old["fetched"]))
    except (ValueError, KeyError):
        return ""
    if modified.tzinfo is None:
        modified = modified.replace(tzinfo=UTC) - ZONES
    if modified <= fetched:
        return ""
    place = urlsplit(remote.url)
    is_as_sent = int(old.get("remote_size") or old["size"]) == int(old["size"])
    if place.scheme == "file" and is_as_sent and sha256_of(Path(unquote(place.path))) == old["sha256"]:
        return ""
    return f"modified on {remote.modified[:10]}, and fetched on {str(old['fetched'])[:10]}"
