"""What the rules of eROSITA ask: options of their steps, and where eSASS is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from daxa_wf.workflow import Plan


class ErositaPlan:
    """The eROSITA missions of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def options(self, section: str) -> Callable[[Any], dict[str, Any]]:
        """A function of wildcards that gives a section of the mission's configuration as plain values, with the engine."""

        def values(wildcards: Any) -> dict[str, Any]:
            mission = self.plan.mission(wildcards.mission)
            return {
                **getattr(mission, section).model_dump(mode="json"),
                "engine": mission.engine_for(wildcards.mission),
            }

        return values

    def flares(self, wildcards: Any) -> dict[str, Any]:
        """The options of flaregti, with the telescope modules that are chosen."""
        chosen = self.plan.mission(wildcards.mission).instruments_for(wildcards.mission)
        return {**self.options("flaregti")(wildcards), "instruments": list(chosen)}

    def images(self, wildcards: Any) -> dict[str, Any]:
        """The options of images, with the missions' own defaults."""
        mission = self.plan.mission(wildcards.mission)
        section = mission.images_for(wildcards.mission)
        return {**section.model_dump(mode="json"), "engine": mission.engine_for(wildcards.mission)}

    def tasks(self) -> list[str]:
        """The tasks of eSASS that the configuration needs."""
        from daxa_wf.tools.tasks import ESASS_TASKS

        needed = any(mission.engine_for(name) == "esass" for name, mission in self.plan.processed())
        return sorted(ESASS_TASKS) if needed else []

    def context(self, wildcards: Any, resources: Any) -> dict[str, Any]:
        """Where eSASS is on this machine; nothing if it is not used.

        Snakemake runs nothing again when it changes, because this is said to depend on `resources` too.
        """
        del resources
        mission = self.plan.mission(wildcards.mission)
        return {"toolkit": self.plan.toolkit("esass")} if mission.engine_for(wildcards.mission) == "esass" else {}
