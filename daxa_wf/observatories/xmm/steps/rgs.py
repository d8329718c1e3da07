"""The stages of rgsproc, shared by the three steps of RGS. Each stage uses the files of the earlier one."""

from __future__ import annotations

import shutil
from pathlib import Path

from daxa_wf.chain.runner import Inputs
from daxa_wf.errors import Fault, StepFailedError
from daxa_wf.observatories.xmm.sas.commands import rgsproc
from daxa_wf.observatories.xmm.steps.sas_tools import SasTools
from daxa_wf.units import Unit


def run_stage(unit: Unit, inputs: Inputs, tools: SasTools, before: str = "") -> tuple[dict[str, Path], Path]:
    """Run the step's stage on a copy of the files that the step `before` kept. Return its products and the directory.

    The stage before stays as it was whatever happens, so that this one can be run again. StepFailedError
    `missingProduct` if the stage changed nothing: that of the angles has no file of its own.
    """
    workspace = tools.workspace
    directory = workspace.directory / "work"
    if before:
        kept = workspace.layout.kept(before, unit)
        if not kept.is_dir():
            raise Fault(f"{kept} is gone; delete the record of {before} to make it again")
        shutil.copytree(kept, directory, symlinks=True)
    found = _content(directory)
    products = tools.run(rgsproc(workspace.step, unit, tools.whole_odf(inputs)), keep=bool(before))
    shutil.rmtree(directory / "pfiles", ignore_errors=True)
    if _content(directory) == found:
        raise StepFailedError("missingProduct", "rgsproc ended, and left everything as it was")
    return products, directory


def _content(directory: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of every file."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}
