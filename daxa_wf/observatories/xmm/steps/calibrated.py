"""Find the event lists that SAS's chains (epchain, emchain) made from raw data, for the steps that start from them."""

from __future__ import annotations

from pathlib import Path

from daxa_wf.archive.records import Record
from daxa_wf.chain.runner import Inputs, Workspace

CHAINS = ("epchain", "emchain")
"""Steps that make calibrated event lists from raw data."""


def calibrated_list(inputs: Inputs, workspace: Workspace, kind: str = "events") -> Path | None:
    """Return the file of a kind (`events`, `ootevents`, `attitude`) that SAS's chains made for the step's unit, or None."""
    for record in (record for step in CHAINS for record in inputs.records.get(step, [])):
        path = product_of(record, kind, workspace)
        if path is not None:
            return path
    return None


def product_of(record: Record, kind: str, workspace: Workspace) -> Path | None:
    """Return the path of a record's product of a kind, or None if it has none."""
    made = any(stamp.kind == kind for stamp in record.products)
    return workspace.layout.find(record.product(kind)) if made else None
