"""SAS for a step: where it is, which release, what it ran and said, and the observation as its tasks want it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Unit
from daxa_wf.errors import ConfigError, CorruptFileError, Fault, StepFailedError
from daxa_wf.steps.catalogue import STEPS
from daxa_wf.steps.runner import Inputs, Workspace
from daxa_wf.tools.doctor import Finding, probe, release_of, toolkit_versions
from daxa_wf.tools.environment import environment_from
from daxa_wf.tools.odf_summary import with_path
from daxa_wf.tools.odf_view import make_odf_view
from daxa_wf.tools.runner import run_tools
from daxa_wf.tools.tasks import Command
from daxa_wf.tools.verdicts import ToolRun, read_log
from daxa_wf.tools.versions import SasVersion, require_sas
from daxa_wf.tools.xmm_commands import OdfData


class SasTools:
    """SAS as one step of one unit uses it; everything that runs is told to the step's record."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.environment = environment_from(workspace.context["toolkit"])
        self.time_limit: float | None = workspace.context["toolkit"]["time_limit"]
        workspace.told.engine = "sas"
        for path in self._log.parent.glob(f"{self._log.name}-*.std*"):
            path.unlink()

    @property
    def _log(self) -> Path:
        """The step's log without its suffix: how the logs of its tasks begin."""
        return self.workspace.layout.log(self.workspace.step, self.workspace.unit).with_suffix("")

    @property
    def raw(self) -> Path:
        """Where the observation's raw data are now."""
        return Path(self.workspace.context["odf"])

    @cached_property
    def version(self) -> SasVersion:
        """The release; Fault if SAS, or a task that the step needs, is not there, ConfigError if it is too old."""
        tasks = STEPS[self.workspace.step].sas_tasks
        said = probe(self.environment, ["sas", *tasks])
        where = f"with {self.environment.describe()}: 'daxa-wf doctor CONFIG' tells what is found"
        if isinstance(said, Finding):
            raise Fault(f"SAS cannot be set up ({said.found}) {where}")
        missing = [task for task in tasks if not said.get(f"task {task}")]
        if missing:
            raise Fault(f"{', '.join(missing)} of SAS cannot be found {where}")
        release = release_of(said)
        if release is None:
            raise Fault(f"`sas --version` tells no release {where}")
        require_sas(release)
        self.workspace.told.versions |= {
            name: found for name, found in toolkit_versions(said).items() if name in ("sas", "heasoft")
        }
        return release

    def run(self, commands: Sequence[Command], name: str = "work", keep: bool = False) -> dict[str, Path]:
        """Run commands in one directory, `name`, of the step's own; their products by kind. Raises as run_tools does.

        `keep`: what is in the directory already stays.
        """
        assert self.version  # noqa: S101 - looks for the tasks, and tells the record of the release
        workspace, runs = self.workspace, list[ToolRun]()
        logs = self._log if name == "work" else self._log.with_name(f"{self._log.name}-{name}")
        try:
            run_tools(commands, workspace.directory / name, logs, self.environment, self.time_limit, keep, runs)
        finally:
            for run in runs:
                self._tell(run)
        return {kind: path for run in runs for kind, path in run.products.items()}

    def said(self) -> str:
        """What the last task printed."""
        *_, stdout, _ = self.workspace.told.logs
        return read_log(self.workspace.layout.root / stdout)

    def _tell(self, run: ToolRun) -> None:
        told, layout = self.workspace.told, self.workspace.layout
        told.runs.append({
            "command": shlex.join(run.command.argv), "variables": dict(run.command.environment), "exit_code": run.exit_code,
            "started": run.started, "wall_seconds": run.wall_seconds, "cpu_seconds": run.cpu_seconds,
            "peak_memory_mb": run.peak_memory_mb,
        })  # fmt: skip
        told.warnings += run.warnings
        told.errors += run.errors
        told.logs += [layout.relative(path) for path in (run.stdout, run.stderr)]

    def take(self, kind: str, path: Path, **place: Any) -> None:
        """Make a file that a task left a product of the step; `place` as Workspace.stage has it."""
        path.replace(self.workspace.stage(kind, **place))

    def calibration(self, inputs: Inputs) -> Path:
        """The observation's calibration index; told to the record."""
        record = inputs.record("cifbuild")
        self.workspace.told.versions["ccf"] = record.versions["ccf"]
        return self.workspace.layout.find(record.product("cif"))

    def whole_odf(self, inputs: Inputs) -> OdfData:
        """The observation for tasks that read its raw data: links to them, and a summary whose PATH leads there."""
        cif, summary = self.calibration(inputs), self._summary(inputs)
        view = self.workspace.directory / "odf"
        return OdfData(view, make_odf_view(self.raw, view, summary), cif)

    def summary_only(self, inputs: Inputs) -> OdfData:
        """The observation for tasks that only look into its summary; PATH leads to where the raw data are."""
        cif, summary = self.calibration(inputs), self._summary(inputs)
        view = self.workspace.directory / "odf"
        view.mkdir(exist_ok=True)
        copied = view / summary.name
        text = summary.read_text(encoding="utf-8", errors="surrogateescape")
        copied.write_text(with_path(text, self.raw.absolute()), encoding="utf-8", errors="surrogateescape")
        return OdfData(view, copied, cif)

    def _summary(self, inputs: Inputs) -> Path:
        return self.workspace.layout.find(inputs.record("odfingest").product("summary"))


@contextmanager
def reading_products() -> Iterator[None]:
    """A product of a task that cannot be read is the task's failure: StepFailedError `unreadableProduct`, no fault."""
    try:
        yield
    except (CorruptFileError, ConfigError) as error:
        raise StepFailedError("unreadableProduct", str(error)) from None


def look_at_list(path: Path, unit: Unit) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What a chain made: numbers for the record, and a warning if the list says that it is another unit's.

    StepFailedError `unreadableProduct` if it is no event list.
    """
    from daxa_wf.events.event_list import EventList

    with reading_products():
        events = EventList.open(path)
        identity = events.identity
    said = Unit(unit.mission, identity.obsid, identity.instrument, identity.exposure)
    text = f"{path.name} says it is {said.identifier}, made as {unit.identifier}"
    warnings = [] if said == unit else [{"task": "daxa_wf", "name": "headerDisagrees", "text": text}]
    numbers = {
        "events_in_list": events.row_count, "data_mode": identity.data_mode, "submode": identity.submode,
        "filter": identity.filter, "ccds": list(events.ccds),
    }  # fmt: skip
    return numbers, warnings


def chain_results(products: Mapping[str, Path], tools: SasTools, unit: Unit) -> tuple[dict[str, Any], list[Any], str]:
    """Take what a chain made: numbers, warnings and message of the step's outcome."""
    numbers, warnings = look_at_list(products["events"], unit)
    for kind in ("events", "ootevents", "attitude"):
        if kind in products:
            tools.take(kind, products[kind])
    return numbers, warnings, f"{numbers['events_in_list']} events"
