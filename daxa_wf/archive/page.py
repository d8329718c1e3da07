"""Compare the archive's page with the present records, by a digest at the end of the page."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import read_manifest
from daxa_wf.archive.records import read_checked_record
from daxa_wf.archive.results import ReportResults
from daxa_wf.errors import CorruptFileError, UnsafePathError
from daxa_wf.files import sha256_of
from daxa_wf.units import Unit

DIGEST = re.compile(r"<!-- records ([0-9a-f]{64}) -->\s*$")


def page_digest(layout: Layout) -> str:
    """Return a digest of the content of the page: the manifest, and the last record of every observation."""
    shown = {}
    for path in sorted((layout.root / "records").glob("*/*/report/*.json")):
        with suppress(CorruptFileError):
            record = read_checked_record(path)
            shown[layout.relative(path)] = [record.fingerprint(), record.built_on]
    manifest = sha256_of(layout.manifest) if layout.manifest.exists() else ""
    return hashlib.sha256(json.dumps([manifest, shown], sort_keys=True).encode()).hexdigest()


def with_digest(layout: Layout, text: str) -> str:
    """Return the text of the page with the digest as its last line."""
    return f"{text.rstrip()}\n<!-- records {page_digest(layout)} -->\n"


def is_page_outdated(layout: Layout) -> bool:
    """Return True if the page must be drawn again, although it exists and every record stays.

    If nothing succeeded, each run draws it and ends with the reasons. Pages of earlier versions without a digest stay.
    """
    if not layout.report.exists():
        return False
    written = DIGEST.search(layout.report.read_text(encoding="utf-8", errors="replace")[-200:])
    return nothing_succeeded(layout) or (written is not None and written[1] != page_digest(layout))


def nothing_succeeded(layout: Layout) -> bool:
    """Return True if observations of the manifest have been processed, but all lack a usable product.

    An observation without a page was not processed completely, because a fault ended the run.
    """
    try:
        units = {Unit(row.mission, row.obsid) for row in read_manifest(layout.manifest)}
    except (FileNotFoundError, CorruptFileError, UnsafePathError):
        return False
    paths = [path for unit in units if (path := layout.record("report", unit)).exists()]
    try:
        return bool(paths) and not any(ReportResults.from_record(read_checked_record(path)).usable for path in paths)
    except CorruptFileError:
        return False
