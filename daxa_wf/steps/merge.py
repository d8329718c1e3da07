"""merge: the final event list of an instrument, from its cleaned exposures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.archive.records import Record
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Merge the exposures that are done, and their out-of-time lists where all of them have one."""
    del unit, options
    done = [record for record in inputs.records["evselect"] if record.done]
    left_out = [record.unit.exposure for record in inputs.records["evselect"] if not record.done]
    rows, warnings = _merge(done, "cleanevents", "finalevents", workspace)
    having = [record for record in done if any(stamp.kind == "cleanootevents" for stamp in record.products)]
    if having == done:
        warnings += _merge(done, "cleanootevents", "finalootevents", workspace)[1]
    elif having:
        text = "not every exposure has an out-of-time list, so there is no final one"
        warnings.append({"task": "merge", "name": "ootListMissing", "text": text})
    numbers = {"exposures": [record.unit.exposure for record in done], "left_out": left_out, "rows": rows}
    return Outcome(numbers, warnings, f"{len(done)} exposures, {rows} events")


def _merge(done: Sequence[Record], kind: str, final: str, workspace: Workspace) -> tuple[int, list[dict[str, str]]]:
    """Rows and warnings of a final list; one exposure alone becomes it as it is, without a second copy on disk."""
    from daxa_wf.events.event_list import EventList
    from daxa_wf.events.merge import merge

    paths = [workspace.layout.find(record.product(kind)) for record in done]
    output = workspace.stage(final)
    if len(paths) == 1:
        _link(paths[0], output)
        return EventList.open(output).row_count, []
    result = merge([EventList.open(path) for path in paths], output)
    return result.rows, result.warnings


def _link(path: os.PathLike[str], output: os.PathLike[str]) -> None:
    try:
        os.link(path, output)
    except OSError:
        shutil.copyfile(path, output)
