"""Run external tasks for a step: find them, and keep their calls, output and releases in the step's record."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from daxa_wf.chain.runner import Workspace
from daxa_wf.errors import ConfigError, CorruptFileError, Fault, StepFailedError
from daxa_wf.tools.doctor import Diagnosis, probe
from daxa_wf.tools.environment import ToolkitVariables, environment_from
from daxa_wf.tools.runner import run_tools
from daxa_wf.tools.spec import Command
from daxa_wf.tools.verdicts import ToolRun


class StepTools:
    """A toolkit in one step of one unit. All runs are added to the step's record."""

    label: ClassVar[str]
    """Its name for people; in lower case it is the engine's name."""
    toolkit: ClassVar[ToolkitVariables]
    questions: ClassVar[Mapping[str, str]] = {}
    """Questions to `tools.doctor.probe` that find the toolkit's releases."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        toolkit = workspace.context["toolkit"]
        self.environment = environment_from(toolkit)
        self.time_limit: float | None = toolkit["time_limit"]
        workspace.tool_notes.engine = self.label.lower()
        for path in self._log.parent.glob(f"{self._log.name}-*.std*"):
            path.unlink()

    @property
    def _log(self) -> Path:
        """Return the path of the step's log without its suffix: the prefix of its tasks' logs."""
        return self.workspace.layout.log(self.workspace.step, self.workspace.unit).with_suffix("")

    @property
    def where(self) -> str:
        """Describe the searched environment, and the remedy if the toolkit is missing."""
        return f"with {self.environment.describe()}: 'daxa-wf doctor CONFIG' lists the tasks that can be found"

    def look_for(self, tasks: Sequence[str], beside: Sequence[str] = ()) -> Mapping[str, str]:
        """Probe the environment for tasks, and for optional programs `beside` them. Fault if a task is missing."""
        answers = probe(self.environment, [*beside, *tasks], self.questions, toolkit=self.toolkit)
        if isinstance(answers, Diagnosis):
            raise Fault(f"{self.label} cannot be set up ({answers.detail}) {self.where}")
        missing = [task for task in tasks if not answers.get(f"task {task}")]
        if missing:
            raise Fault(f"{', '.join(missing)} of {self.label} cannot be found {self.where}")
        self.workspace.tool_notes.versions |= self.versions_in(answers)
        return answers

    def versions_in(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Return the releases among a probe's answers, by their names in records."""
        raise NotImplementedError

    def execute(self, commands: Sequence[Command], name: str = "work", keep: bool = False) -> dict[str, Path]:
        """Run commands in the step's directory `name`, and return their products by kind. Raises the errors of run_tools.

        With `keep`, files in the directory are kept.
        """
        workspace = self.workspace
        logs = self._log if name == "work" else self._log.with_name(f"{self._log.name}-{name}")
        runs = run_tools(
            commands, workspace.directory / name, logs, self.environment, self.time_limit, keep, self._note_run
        )
        return {kind: path for run in runs for kind, path in run.products.items()}

    def _note_run(self, run: ToolRun) -> None:
        notes, layout = self.workspace.tool_notes, self.workspace.layout
        notes.runs.append({
            "command": shlex.join(run.command.argv), "variables": dict(run.command.environment), "exit_code": run.exit_code,
            "started": run.started, "wall_seconds": run.wall_seconds, "cpu_seconds": run.cpu_seconds,
            "peak_memory_mb": run.peak_memory_mb,
        })  # fmt: skip
        notes.warnings += run.warnings
        notes.errors += run.errors
        notes.logs += [layout.relative(path) for path in (run.stdout, run.stderr)]


@contextmanager
def reading_products() -> Iterator[None]:
    """Turn an unreadable product into the task's failure, StepFailedError `unreadableProduct`, in place of a fault."""
    try:
        yield
    except (CorruptFileError, ConfigError) as error:
        raise StepFailedError("unreadableProduct", str(error)) from None


def pixels_of(path: Path) -> Any:
    """Return the pixels of a task's image. StepFailedError `unreadableProduct` if it is not an image."""
    from astropy.io import fits

    try:
        pixels = fits.getdata(path)
        pixels.max()
    except (OSError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise StepFailedError("unreadableProduct", f"{path.name} is not an image: {error}") from None
    return pixels
