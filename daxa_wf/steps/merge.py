"""merge: the final event list of an instrument, from its cleaned exposures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.steps.runner import Inputs, Outcome, Workspace


def run(unit: Unit, inputs: Inputs, options: Mapping[str, Any], workspace: Workspace) -> Outcome:
    """Merge the exposures that are done; one alone becomes the final list as it is, without a second copy on disk."""
    from daxa_wf.events.event_list import EventList
    from daxa_wf.events.merge import merge

    del unit, options
    done = [record for record in inputs.records["evselect"] if record.done]
    paths = [workspace.layout.find(record.product("cleanevents")) for record in done]
    left_out = [record.unit.exposure for record in inputs.records["evselect"] if not record.done]
    output = workspace.stage("finalevents")
    numbers: dict[str, Any] = {"exposures": [record.unit.exposure for record in done], "left_out": left_out}
    if len(paths) == 1:
        _link(paths[0], output)
        return Outcome(numbers | {"rows": done[0].results["selected"]}, [], f"{numbers['exposures'][0]} alone")
    result = merge([EventList.open(path) for path in paths], output)
    return Outcome(numbers | {"rows": result.rows}, result.warnings, f"{len(paths)} exposures, {result.rows} events")


def _link(path: os.PathLike[str], output: os.PathLike[str]) -> None:
    try:
        os.link(path, output)
    except OSError:
        shutil.copyfile(path, output)
