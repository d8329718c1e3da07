"""Run the stages of rgsproc, each on the files of the one before, for the three steps of RGS."""

from __future__ import annotations

import shutil
from pathlib import Path

from daxa_wf.chain.runner import Inputs
from daxa_wf.errors import Fault, StepFailedError
from daxa_wf.observatories.xmm.sas.commands import rgsproc
from daxa_wf.observatories.xmm.steps.sas_tools import SasTools
from daxa_wf.units import Unit


def run_stage(unit: Unit, inputs: Inputs, tools: SasTools, before: str = "") -> tuple[dict[str, Path], Path]:
    """Run the stage of the tools' step on a copy of the files of step `before`. Return its products and its directory.

    The files of the earlier stage never change, so this stage can be repeated. StepFailedError `missingProduct` if the
    stage changed no file: the stage of the angles makes no new file.
    """
    workspace = tools.workspace
    directory = workspace.directory / "work"
    if before:
        kept = workspace.layout.kept(before, unit)
        if not kept.is_dir():
            raise Fault(f"{kept} is gone; make it again with 'daxa-wf reprocess CONFIG --step {before}'")
        shutil.copytree(kept, directory, symlinks=True)
    before_run = _content(directory)
    products = tools.run(rgsproc(workspace.step, unit, tools.whole_odf(inputs)), keep=bool(before))
    shutil.rmtree(directory / "pfiles", ignore_errors=True)
    if _content(directory) == before_run:
        raise StepFailedError("missingProduct", "rgsproc ended, and left everything as it was")
    return products, directory


def _content(directory: Path) -> dict[Path, tuple[int, int]]:
    """Return the size and time of every file."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}
