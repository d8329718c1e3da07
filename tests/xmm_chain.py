"""An archive made step by step in this process, without Snakemake: every step with the inputs that its rule gives it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, read_record
from daxa_wf.chain import manifest
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.runner import Inputs, run_step, staging_area
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import DaxaError
from daxa_wf.mission.registry import STEPS
from daxa_wf.mission.step import load
from daxa_wf.units import Unit

MISSION = "xmm_pointed"


class Wildcards(SimpleNamespace):
    """As Snakemake hands them to functions."""

    def items(self) -> Any:
        return vars(self).items()


class Chain:
    """A configuration's archive; `faults` are the units whose step met one."""

    def __init__(self, folder: Path, source: Path, top: dict[str, Any] | None = None, **mission: Any) -> None:
        section = {"engine": "sas", "source": {"local": str(source)}, **mission}
        config = {"archive": "archive", "missions": {MISSION: section}, **(top or {})}
        self.plan = Plan(parse_config(config), folder)
        self.layout: Layout = self.plan.layout
        self.faults: dict[tuple[str, str], DaxaError] = {}

    def make(self, *steps: str) -> Chain:
        """Do the steps (all of the chain, if none is named) that have no record yet, of every unit of the manifest."""
        if not self.layout.manifest.exists():
            manifest.run(self.plan.selection_options(), self.layout.manifest)
        for step in steps or self.plan.mission(MISSION).steps:
            for path in self.plan.all_records(step):
                self._step(step, self.plan.started_in / path)
        assert not list(staging_area(self.layout).glob("*")), "something was left in the staging area"
        return self

    def _step(self, step: str, path: Path) -> None:
        unit = self._unit(step, path)
        wildcards = Wildcards(**{key: value for key, value in _named(unit).items() if value})
        needed = [name for name in STEPS if name != step]
        paths = {
            name: [self.plan.started_in / each for each in self.plan.records_of(name)(wildcards)] for name in needed
        }
        mine = {name: found for name, found in paths.items() if name in self._before(step)}
        if path.exists() or not all(each.exists() for found in mine.values() for each in found):
            return
        records = {name: [read_record(each) for each in found] for name, found in mine.items()}
        files = {"manifest": [self.layout.manifest]}
        for role, names in self.plan.raw("events", "ootevents", "attitude")(wildcards).items():
            files[role] = [self.layout.root / name for name in names]
        options = self.plan.options(step)(wildcards)
        function = load(STEPS[step].run)
        records |= {name: [] for name in STEPS if name not in records}
        context = self.plan.context(step)(wildcards, None) if STEPS[step].tasks else {}
        try:
            run_step(STEPS[step], unit, Inputs(records, files), options, self.layout, function, context)
        except DaxaError as fault:
            self.faults[step, unit.identifier] = fault

    def _before(self, step: str) -> list[str]:
        chain = list(self.plan.mission(MISSION).steps)
        return chain[: chain.index(step)]

    def _unit(self, step: str, path: Path) -> Unit:
        for row in self.plan._manifest().values():
            for each in row:
                for unit in (each.unit, Unit(MISSION, each.obsid, each.inst), Unit(MISSION, each.obsid)):
                    if self.layout.record(step, unit) == path:
                        return unit
        raise AssertionError(path)

    def record(self, step: str, unit: str) -> Record:
        """A record."""
        return read_record(self.layout.root / "records" / MISSION / unit[:10] / step / f"{unit}.json")

    def statuses(self, step: str) -> dict[str, str]:
        """Unit -> status and reason, of every record of a step."""
        paths = (self.layout.root / "records" / MISSION).glob(f"*/{step}/*.json")
        said = [json.loads(path.read_text()) | {"name": path.stem} for path in sorted(paths)]
        return {each["name"]: f"{each['status']} {each['reason']}".strip() for each in said}

    def products(self, unit: str) -> list[str]:
        """Names of the products of an observation, without plots and pages."""
        root = self.layout.observation(Unit(MISSION, unit))
        return sorted(path.name for path in root.rglob("*") if path.suffix not in (".png", ".html") and path.is_file())


def _named(unit: Unit) -> dict[str, str]:
    return {"mission": unit.mission, "obsid": unit.obsid, "inst": unit.instrument, "exposure": unit.exposure}
