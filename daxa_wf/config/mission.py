"""A mission of a configuration: its facts, its pipeline and its section, resolved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from daxa_wf.config.mission_section import MissionSection
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.registry import MISSIONS, STEPS, pipeline_of
from daxa_wf.mission.spec import MissionSpec, Route
from daxa_wf.mission.step import ACQUIRE, Engine, Step

ROUTES: tuple[Route, ...] = get_args(Route)


@dataclass(frozen=True)
class Mission:
    """One mission of a configuration. Facts that every job of a large archive asks for are worked out once."""

    spec: MissionSpec
    pipeline: Pipeline
    section: MissionSection

    @property
    def name(self) -> str:
        """Return the mission's name."""
        return self.spec.name

    @property
    def engines(self) -> dict[str, Engine]:
        """Return the engines that can process the mission, the default first."""
        return self.pipeline.engines_of(self.spec)

    @cached_property
    def engine(self) -> Engine:
        """Return the engine of the mission: the configured one, or the default."""
        engines = self.engines
        default = next(iter(engines))
        return engines[self.section.engine or default]

    @property
    def uses_raw_store(self) -> bool:
        """Return True if its files go through the raw store: files of data centres, and of directories with their layout."""
        source = self.section.source
        if source is None:
            return False
        return source.local is None or self.engine.takes_whole_observations

    @property
    def reads_whole_directory(self) -> bool:
        """Return True if all observations in a local directory are taken: raw files, or products without a selection."""
        source = self.section.source
        if source is None or source.local is None:
            return False
        is_chosen = self.section.select is not None or self.section.obsids is not None
        return not self.uses_raw_store or ("preprocessed" in self.engine.steps and not is_chosen)

    @cached_property
    def instruments(self) -> tuple[str, ...]:
        """Return the names of the chosen instruments, by default the mission's usual ones."""
        if self.section.instruments is None:
            return tuple(instrument.name for instrument in self.spec.instruments if instrument.default)
        named = (name for alias in self.section.instruments for name in self.spec.instruments_named(alias))
        return tuple(dict.fromkeys(named))

    @property
    def instruments_with_data(self) -> tuple[str, ...]:
        """Return instruments; a selected observation must have data of one. Return () if `select` names instruments.

        A mission without a source uses only the instruments of `select`, and not the default ones.
        """
        select = self.section.select
        names_its_own = select and (select.instruments or select.exposure or isinstance(select.radius, dict))
        if self.section.source is None and self.section.instruments is None and names_its_own:
            return ()
        return self.instruments

    @property
    def routes(self) -> tuple[Route, ...]:
        """Return the data levels to download: the configured ones, or the engine's."""
        if self.section.fetch is not None:
            return ("raw", "preprocessed") if self.section.fetch == "both" else (self.section.fetch,)
        return (self.engine.route,)

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """Return the steps that process the mission's observations."""
        first = (ACQUIRE.name,) if self.uses_raw_store else ()
        return (*first, *(step for step in self.engine.steps if self._is_taken(STEPS[step])), "report")

    @property
    def steps_with_raw_data(self) -> frozenset[str]:
        """Return the steps that read files of the raw store. Tasks of a toolkit may read any of them."""
        if not self.uses_raw_store:
            return frozenset()
        steps, by_tool = (STEPS[name] for name in self.steps), bool(self.engine.raw_data)
        return frozenset(
            step.name for step in steps if step.raw or ACQUIRE.name in step.needs or (by_tool and step.tasks)
        )

    def _is_taken(self, step: Step) -> bool:
        is_requested = not step.is_optional or self.section.runs(step.section)
        return is_requested and any(step.applies_to(name) for name in (*self.instruments, ""))

    def step_engine(self, step: str) -> str:
        """Return the engine of a step: its section's engine, or else the mission's engine if it is a toolkit."""
        usual = self.engine.name if self.engine.toolkit else "native"
        return self.section.step_engine(STEPS[step].section, usual)

    def toolkit_tasks(self, toolkit: str) -> list[str]:
        """Return the tasks of a toolkit that the mission's steps call."""
        if self.engine.toolkit != toolkit:
            return []
        native = [step for step in self.steps if self.step_engine(step) != self.engine.name]
        return sorted({task for step in self.steps if step not in native for task in STEPS[step].tasks})


def resolve(name: str, section: MissionSection) -> Mission:
    """Return a mission of the configuration with its facts and its pipeline."""
    return Mission(MISSIONS[name], pipeline_of(name), section)
