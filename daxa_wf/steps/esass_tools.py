"""eSASS for a step: where it is, which release, what it ran and said."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from daxa_wf.errors import ConfigError, CorruptFileError, Fault, StepFailedError
from daxa_wf.steps.runner import Workspace
from daxa_wf.tools.doctor import Finding, probe, toolkit_versions
from daxa_wf.tools.environment import environment_from
from daxa_wf.tools.runner import run_tools
from daxa_wf.tools.tasks import Command
from daxa_wf.tools.verdicts import ToolRun, read_log
from daxa_wf.tools.versions import esass_version


class EsassTools:
    """eSASS as one step of one observation uses it; everything that runs is told to the step's record."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        toolkit = workspace.context["toolkit"]
        self.environment = environment_from(toolkit)
        self.time_limit: float | None = toolkit["time_limit"]
        workspace.told.engine = "esass"

    def run(self, commands: Sequence[Command]) -> dict[str, Path]:
        """Run commands in one directory of the step's own; their products by kind, the last command's before others.

        Raises as run_tools does; Fault if a task is not there.
        """
        self._look_for(dict.fromkeys(command.task for command in commands))
        workspace, runs = self.workspace, list[ToolRun]()
        logs = workspace.layout.log(workspace.step, workspace.unit).with_suffix("")
        try:
            run_tools(commands, workspace.directory / "work", logs, self.environment, self.time_limit, runs=runs)
        finally:
            for run in runs:
                self._tell(run)
        return {kind: path for run in runs for kind, path in run.products.items()}

    def _look_for(self, tasks: dict[str, None]) -> None:
        said = probe(self.environment, list(tasks))
        where = f"with {self.environment.describe()}: 'daxa-wf doctor' tells what is found"
        if isinstance(said, Finding):
            raise Fault(f"eSASS cannot be set up ({said.found}) {where}")
        missing = [task for task in tasks if not said.get(f"task {task}")]
        if missing:
            raise Fault(f"{', '.join(missing)} of eSASS cannot be found {where}")
        found = toolkit_versions(said)
        self.workspace.told.versions |= {name: found[name] for name in ("esass", "caldb") if name in found}

    def _tell(self, run: ToolRun) -> None:
        told, layout = self.workspace.told, self.workspace.layout
        release = esass_version(read_log(run.stdout))
        told.versions |= {"esass": release} if release else {}
        told.runs.append({
            "command": shlex.join(run.command.argv), "variables": dict(run.command.environment), "exit_code": run.exit_code,
            "started": run.started, "wall_seconds": run.wall_seconds, "cpu_seconds": run.cpu_seconds,
            "peak_memory_mb": run.peak_memory_mb,
        })  # fmt: skip
        told.warnings += run.warnings
        told.errors += run.errors
        told.logs += [layout.relative(path) for path in (run.stdout, run.stderr)]


@contextmanager
def reading_products() -> Iterator[None]:
    """A product of a task that cannot be read is the task's failure: StepFailedError `unreadableProduct`, no fault."""
    try:
        yield
    except (CorruptFileError, ConfigError) as error:
        raise StepFailedError("unreadableProduct", str(error)) from None
