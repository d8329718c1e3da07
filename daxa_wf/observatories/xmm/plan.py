"""What the Snakefile asks about the steps that SAS does, or that go with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daxa_wf.chain.plan import Plan
from daxa_wf.chain.planned import facts_from
from daxa_wf.mission.catalogue import STEPS
from daxa_wf.units import Unit


class SasPlan:
    """The SAS side of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def calibration(self, wildcards: Any) -> dict[str, Any]:
        """The options of cifbuild, with the day of the observation as the mission's table has it; '' if that is not known."""
        facts = next((row.facts for row in self.plan.rows(wildcards.mission, wildcards.obsid) if row.facts), "")
        start = facts_from(facts).get("start") if facts else None
        day = start.date().isoformat() if start is not None else ""
        return {**self.plan.options("cifbuild")(wildcards), "observation_date": day}

    def planning(self, wildcards: Any) -> dict[str, Any]:
        """Return what the inventory compares with the contents of the raw data, and the problems of unusable lists.

        Without SAS and without such problems there is nothing of this. A new problem makes the inventory again.
        """
        section = self.plan.mission(wildcards.mission)
        rows = self.plan.rows(wildcards.mission, wildcards.obsid)
        found = sorted({row.problem for row in rows if not row.events and row.problem})
        problems = {"problems": found} if found else {}
        if "odfingest" not in self.plan.chain(wildcards.mission):
            return problems
        return {
            **problems,
            "instruments": section.instruments_for(wildcards.mission),
            "process_unscheduled": section.process_unscheduled,
        }

    def cleaning(self, wildcards: Any) -> dict[str, Any]:
        """The options of evselect, with the states of CCDs that it accepts where emanom judges them."""
        judged = "emanom" in self.plan.chain(wildcards.mission)
        states = self.plan.mission(wildcards.mission).emanom.model_dump(mode="json")["acceptable_states"]
        return {**self.plan.options("evselect")(wildcards), **({"acceptable_states": states} if judged else {})}

    def context(self, wildcards: Any, resources: Any) -> dict[str, Any]:
        """Where SAS and an observation's raw data are on this machine; nothing if they are not used.

        Snakemake runs nothing again when these change, because this is said to depend on `resources` too.
        """
        del resources
        if self.plan.mission(wildcards.mission).engine_for(wildcards.mission) != "sas":
            return {}
        problems = {row.problem for row in self.plan.rows(wildcards.mission, wildcards.obsid) if not row.odf}
        return {
            "toolkit": self.plan.toolkit("sas"),
            "odf": str(self._odf(wildcards)),
            "problem": "; ".join(sorted(problems - {""})),
        }

    def tasks(self) -> list[str]:
        """The tasks of SAS that the configuration needs."""
        steps = [(name, step) for name, _ in self.plan.processed() for step in self.plan.chain(name)]
        mine = [step for name, step in steps if self.plan.mission(name).step_engine(name, step) == "sas"]
        return sorted({task for step in mine for task in STEPS[step].sas_tasks})

    def _odf(self, wildcards: Any) -> Path:
        unit = Unit(wildcards.mission, wildcards.obsid)
        downloaded = self.plan.mission(unit.mission).uses_raw_store(unit.mission)
        root = self.plan.layout.raw(unit) if downloaded else self.plan.source(unit.mission)
        return root / next(row.odf for row in self.plan.rows(unit.mission, unit.obsid))
