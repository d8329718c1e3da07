"""merge: the final event list of an instrument, from its cleaned exposures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.archive.layout import band_of
from daxa_wf.archive.records import Record
from daxa_wf.chain.runner import Inputs, Outcome, Workspace
from daxa_wf.files import copy_file
from daxa_wf.units import Band, Unit

if TYPE_CHECKING:
    from daxa_wf.observatories.xmm.options import MergeOptions


def run(unit: Unit, inputs: Inputs, options: MergeOptions, workspace: Workspace) -> Outcome:
    """Merge the exposures that are done, and their out-of-time lists if all of them have one."""
    del unit
    merger = _with_sas if options.engine == "sas" else _natively
    done = [record for record in inputs.records["evselect"] if record.done]
    if index := done[0].versions.get("ccf"):
        workspace.tool_notes.versions["ccf"] = index
    left_out = [record.unit.exposure for record in inputs.records["evselect"] if not record.done]
    rows, warnings = _merge(done, "cleanevents", "finalevents", workspace, merger)
    having = [record for record in done if any(stamp.kind == "cleanootevents" for stamp in record.products)]
    if having == done:
        warnings += _merge(done, "cleanootevents", "finalootevents", workspace, merger)[1]
    elif having:
        text = "not every exposure has an out-of-time list, so there is no final one"
        warnings.append({"task": "merge", "name": "ootListMissing", "text": text})
    numbers = {"exposures": [record.unit.exposure for record in done], "left_out": left_out, "rows": rows}
    return Outcome(numbers, warnings, f"{len(done)} exposures, {rows} events")


FinalList = tuple[int, list[dict[str, str]]]
"""Number of rows of a final list, and warnings."""


def _merge(
    done: Sequence[Record], kind: str, final: str, workspace: Workspace, merger: Callable[..., FinalList]
) -> FinalList:
    """Write a final event list. The list of a single exposure is copied unchanged (cloned if the file system supports it)."""
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    paths = [workspace.layout.find(record.product(kind)) for record in done]
    band = band_of(paths[0].name)
    if len(paths) == 1:
        output = workspace.stage(final, band)
        copy_file(paths[0], output)
        return EpicEventList.open(output).row_count, []
    return merger(paths, final, band, workspace)


def _natively(paths: Sequence[Path], final: str, band: Band | None, workspace: Workspace) -> FinalList:
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.native.merge import merge

    result = merge([EpicEventList.open(path) for path in paths], workspace.stage(final, band))
    return result.rows, [finding.warning("merge") for finding in result.findings]


def _with_sas(paths: Sequence[Path], final: str, band: Band | None, workspace: Workspace) -> FinalList:
    """Merge lists with SAS, two at a time, the earliest first, because SAS's merge takes two."""
    from daxa_wf.chain.toolkit import reading_products
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList
    from daxa_wf.observatories.xmm.sas.list_commands import merge
    from daxa_wf.observatories.xmm.steps.sas_tools import SasTools

    tools = SasTools(workspace)
    in_time = sorted(paths, key=lambda path: EpicEventList.open(path).time_range[0])
    made = tools.run(merge(in_time, final), name=final)[final]
    with reading_products():
        rows = EpicEventList.open(made).row_count
    tools.take(final, made, band=band)
    return rows, []
