"""An archive made step by step in this process, without Snakemake: every step with the inputs that its rule gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, read_record
from daxa_wf.chain import manifest
from daxa_wf.chain.observation import call_of
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.runner import staging_area
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import DaxaError
from daxa_wf.mission.registry import STEPS
from daxa_wf.units import Unit

MISSION = "xmm_pointed"


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
            for mission, obsid in self.plan.observed():
                for unit in self.plan.units(STEPS[step], self.plan.rows(mission, obsid)):
                    self._step(step, unit)
        assert not list(staging_area(self.layout).glob("*")), "something was left in the staging area"
        return self

    def _step(self, step: str, unit: Unit) -> None:
        call = call_of(self.plan, STEPS[step], unit)
        if self.layout.record(step, unit).exists() or call.missing():
            return
        try:
            call.run(self.layout)
        except DaxaError as fault:
            self.faults[step, unit.identifier] = fault

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
        return sorted(
            path.name for path in root.rglob("*") if path.suffix not in (".html", ".png", ".svg") and path.is_file()
        )
