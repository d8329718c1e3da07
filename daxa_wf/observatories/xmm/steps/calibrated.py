"""Where the lists are that a step starts from: those that SAS's chains made of raw data, if they did."""

from __future__ import annotations

from pathlib import Path

from daxa_wf.archive.records import Record
from daxa_wf.chain.runner import Inputs, Workspace

CHAINS = ("epchain", "emchain")
"""Steps that make calibrated lists of raw data."""


def calibrated_list(inputs: Inputs, workspace: Workspace, kind: str = "events") -> Path | None:
    """What the step's unit has of a kind of list (`events`, `ootevents`) or `attitude` from SAS's chains, or None."""
    for record in (record for step in CHAINS for record in inputs.records.get(step, [])):
        path = product_of(record, kind, workspace)
        if path is not None:
            return path
    return None


def product_of(record: Record, kind: str, workspace: Workspace) -> Path | None:
    """Where a record's product of a kind is, or None if it has none."""
    made = any(stamp.kind == kind for stamp in record.products)
    return workspace.layout.find(record.product(kind)) if made else None
