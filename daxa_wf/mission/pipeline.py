"""An observatory as data: its missions, and the steps and engines that process them."""

from __future__ import annotations

from dataclasses import dataclass, field

from daxa_wf.mission.spec import MissionSpec
from daxa_wf.mission.step import COMMON_ENGINES, Engine, Panels, Step, ToolkitSpec


@dataclass(frozen=True)
class Pipeline:
    """An observatory. The registry finds it as `PIPELINE` in a module or package of `daxa_wf.observatories`.

    A mission that is only fetched and organised needs just `Pipeline(missions=(MissionSpec(...),))`.
    """

    missions: tuple[MissionSpec, ...]
    engines: tuple[Engine, ...] = ()
    """Its own engines, the default first; every mission has COMMON_ENGINES too."""
    steps: tuple[Step, ...] = ()
    """The steps of its engines, in the order in which an observation goes through them."""
    section: str = "daxa_wf.config.mission_section:MissionSection"
    """Reference to the model of `missions.<name>` in the configuration, for missions that one of its own engines processes."""
    toolkits: tuple[ToolkitSpec, ...] = ()
    source_checks: str = ""
    """Reference to `function(mission, started_in, archive)`: problems of a mission's options with its source, before a run."""
    exposure_pattern: str = "[A-Za-z0-9]+"
    """Regular expression of its exposures' identifiers."""
    subset: str = ""
    """Reference to `function(event_list, instruments, output)`, which writes the events of some of the instruments of a list.

    Needed where one event list holds several instruments that users may choose one by one.
    """
    panels: Panels = field(default_factory=Panels)

    def engines_of(self, spec: MissionSpec) -> dict[str, Engine]:
        """Return the engines of one of its missions by name, the default first."""
        own = [engine for engine in self.engines if engine.name in spec.engines]
        organise, fetch = COMMON_ENGINES
        return {engine.name: engine for engine in (*own, *((organise, fetch) if spec.products else (fetch, organise)))}
