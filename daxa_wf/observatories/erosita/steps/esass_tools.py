"""Run eSASS for a step: find its tasks and release, and keep its output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from daxa_wf.chain.toolkit import StepTools
from daxa_wf.observatories.erosita.esass.examine import esass_versions
from daxa_wf.observatories.erosita.esass.tasks import ESASS
from daxa_wf.observatories.erosita.esass.versions import esass_version
from daxa_wf.tools.spec import Command
from daxa_wf.tools.verdicts import ToolRun, read_log


class EsassTools(StepTools):
    """eSASS in one step of one observation."""

    label = "eSASS"

    toolkit = ESASS

    def versions_in(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Return the releases of eSASS and its CALDB."""
        return esass_versions(answers)

    def run(self, commands: Sequence[Command]) -> dict[str, Path]:
        """Run commands in one directory of the step, and return their products by kind; later commands take precedence.

        Raises the errors of run_tools, and Fault if a task is missing.
        """
        self.look_for(list(dict.fromkeys(command.task for command in commands)))
        return self.execute(commands)

    def _note_run(self, run: ToolRun) -> None:
        """Add a run to the record, with the release that the task prints."""
        super()._note_run(run)
        release = esass_version(read_log(run.stdout))
        self.workspace.tool_notes.versions |= {"esass": release} if release else {}
