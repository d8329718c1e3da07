"""What the rules of eROSITA ask: options of their steps, and where eSASS is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan
    from daxa_wf.options import Section


class ErositaPlan:
    """The eROSITA missions of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def options(self, step: str) -> Callable[[Any], dict[str, Any]]:
        """A function of wildcards that gives a step's section of the configuration as plain values, with its engine."""
        return lambda wildcards: self._with_engine(wildcards, step, getattr(self.plan.mission(wildcards.mission), step))

    def flares(self, wildcards: Any) -> dict[str, Any]:
        """Return the options of flaregti, with the chosen telescope modules, the lists that were left aside, and problems.

        The key `problems` is there only if no list of the observation can be opened.
        """
        mission = self.plan.mission(wildcards.mission)
        rows = self.plan.rows(wildcards.mission, wildcards.obsid)
        problems = sorted({row.problem for row in rows} - {""})
        return {
            **({"problems": problems} if problems else {}),
            **self._with_engine(wildcards, "flaregti", mission.flaregti),
            "instruments": list(mission.instruments_for(wildcards.mission)),
            "passed_over": sorted({row.passed_over for row in rows} - {""}),
        }

    def images(self, wildcards: Any) -> dict[str, Any]:
        """The options of images, with the missions' own defaults."""
        section = self.plan.mission(wildcards.mission).images_for(wildcards.mission)
        return self._with_engine(wildcards, "images", section)

    def _with_engine(self, wildcards: Any, step: str, section: Section) -> dict[str, Any]:
        engine = self.plan.mission(wildcards.mission).step_engine(wildcards.mission, step)
        return {**section.model_dump(mode="json"), "engine": engine}

    def context(self, wildcards: Any, resources: Any) -> dict[str, Any]:
        """Where eSASS is on this machine; nothing if it is not used.

        Snakemake runs nothing again when it changes, because this is said to depend on `resources` too.
        """
        del resources
        mission = self.plan.mission(wildcards.mission)
        return {"toolkit": self.plan.toolkit("esass")} if mission.engine_for(wildcards.mission) == "esass" else {}

    def tasks(self) -> list[str]:
        """The tasks of eSASS that the configuration needs."""
        from daxa_wf.observatories.erosita.esass.tasks import ESASS_TASKS

        engines = [mission.engine_for(name) for name, mission in self.plan.processed()]
        return sorted(ESASS_TASKS) if "esass" in engines else []
