"""Run SAS for a step: find its tasks and release, keep its output, and prepare the observation for its tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_wf.chain.runner import Inputs
from daxa_wf.chain.toolkit import StepTools, reading_products
from daxa_wf.errors import Fault
from daxa_wf.mission.registry import STEPS
from daxa_wf.observatories.xmm.sas.commands import OdfData
from daxa_wf.observatories.xmm.sas.examine import QUESTIONS, sas_release, sas_versions
from daxa_wf.observatories.xmm.sas.odf_summary import with_path
from daxa_wf.observatories.xmm.sas.odf_view import make_odf_view
from daxa_wf.observatories.xmm.sas.tasks import SAS
from daxa_wf.observatories.xmm.sas.versions import SasVersion, require_sas
from daxa_wf.tools.spec import Command
from daxa_wf.tools.verdicts import read_log
from daxa_wf.units import Unit


class SasTools(StepTools):
    """SAS in one step of one unit."""

    label = "SAS"
    toolkit = SAS
    questions = QUESTIONS
    _release: SasVersion | None = None

    def versions_in(self, answers: Mapping[str, str]) -> dict[str, str]:
        """Return the releases of SAS and HEASoft."""
        return sas_versions(answers)

    @property
    def raw(self) -> Path:
        """Return the path of the observation's raw data."""
        return Path(self.workspace.context["odf"])

    def require(self) -> SasVersion:
        """Look for SAS and the step's tasks, on the first call only, and note the release for the record. Return the release.

        Raise Fault if SAS or a task is missing, ConfigError if the release is too old.
        """
        if self._release is None:
            release = sas_release(self.look_for(STEPS[self.workspace.step].tasks, beside=["sas"]))
            if release is None:
                raise Fault(f"`sas --version` prints no release {self.where}")
            require_sas(release)
            self._release = release
        return self._release

    @property
    def version(self) -> SasVersion:
        """Return the release. Raise the errors of `require`."""
        return self.require()

    def run(self, commands: Sequence[Command], name: str = "work", keep: bool = False) -> dict[str, Path]:
        """Run commands as `execute` does, after checking that SAS and the step's tasks exist."""
        self.require()
        return self.execute(commands, name, keep)

    def last_output(self) -> str:
        """Return the output of the last task."""
        *_, stdout, _ = self.workspace.tool_notes.logs
        return read_log(self.workspace.layout.root / stdout)

    def take(self, kind: str, path: Path, **place: Any) -> None:
        """Make a task's file a product of the step. `place` has the arguments of Workspace.stage."""
        path.replace(self.workspace.stage(kind, **place))

    def calibration(self, inputs: Inputs) -> Path:
        """Return the observation's calibration index, and note its version in the record."""
        record = inputs.record("cifbuild")
        self.workspace.tool_notes.versions["ccf"] = record.versions["ccf"]
        return self.workspace.layout.find(record.product("cif"))

    def whole_odf(self, inputs: Inputs) -> OdfData:
        """Prepare the observation for tasks that read raw data: links to the files, and a summary whose PATH leads to them."""
        cif, summary = self.calibration(inputs), self._summary(inputs)
        view = self.workspace.directory / "odf"
        return OdfData(view, make_odf_view(self.raw, view, summary), cif)

    def summary_only(self, inputs: Inputs) -> OdfData:
        """Prepare the observation for tasks that only read its summary, whose PATH is the directory of the raw data."""
        cif, summary = self.calibration(inputs), self._summary(inputs)
        view = self.workspace.directory / "odf"
        view.mkdir(exist_ok=True)
        copied = view / summary.name
        text = summary.read_text(encoding="utf-8", errors="surrogateescape")
        copied.write_text(with_path(text, self.raw.absolute()), encoding="utf-8", errors="surrogateescape")
        return OdfData(view, copied, cif)

    def _summary(self, inputs: Inputs) -> Path:
        return self.workspace.layout.find(inputs.record("odfingest").product("summary"))


def look_at_list(path: Path, unit: Unit) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Inspect a chain's event list: return numbers for the record, and a warning if its header names another unit.

    StepFailedError `unreadableProduct` if it is not an event list.
    """
    from daxa_wf.observatories.xmm.native.event_list import EpicEventList

    with reading_products():
        events = EpicEventList.open(path)
        identity = events.identity
    named = Unit(unit.mission, identity.obsid, identity.instrument, identity.exposure)
    text = f"{path.name} says it is {named.identifier}, made as {unit.identifier}"
    warnings = [] if named == unit else [{"task": "daxa_wf", "name": "headerDisagrees", "text": text}]
    numbers = {
        "events_in_list": events.row_count, "data_mode": identity.data_mode, "submode": identity.submode,
        "filter": identity.filter, "ccds": list(events.ccds),
    }  # fmt: skip
    return numbers, warnings


def chain_results(products: Mapping[str, Path], tools: SasTools, unit: Unit) -> tuple[dict[str, Any], list[Any], str]:
    """Make a chain's files products of the step, and return the numbers, warnings and message of its outcome."""
    numbers, warnings = look_at_list(products["events"], unit)
    for kind in ("events", "ootevents", "attitude"):
        if kind in products:
            tools.take(kind, products[kind])
    return numbers, warnings, f"{numbers['events_in_list']} events"
