"""All observatories, found in the package `daxa_wf.observatories`, and imported on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

from daxa_wf.errors import ConfigError
from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.mission.step import ACQUIRE, PREPROCESSED, REPORT, Engine, Step, ToolkitSpec
from daxa_wf.near import closest

PACKAGE = "daxa_wf.observatories"
Value = TypeVar("Value")


@cache
def pipelines() -> tuple[Pipeline, ...]:
    """Return the pipelines of all observatories, in the order of their modules' names."""
    return tuple(module.PIPELINE for module in _modules() if hasattr(module, "PIPELINE"))


@cache
def _modules() -> tuple[ModuleType, ...]:
    package = import_module(PACKAGE)
    names = sorted(module.name for module in iter_modules(package.__path__))
    return tuple(import_module(f"{PACKAGE}.{name}") for name in names)


class _LazyMapping(Mapping[str, Value]):
    """A mapping that is made on first use."""

    def __init__(self, make: Callable[[], dict[str, Value]]) -> None:
        self._make = cache(make)

    def __getitem__(self, name: str) -> Value:
        return self._make()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())


def _missions() -> dict[str, MissionSpec]:
    specs = [spec for pipeline in pipelines() for spec in pipeline.missions]
    return {spec.name: spec for spec in sorted(specs, key=lambda spec: spec.name)}


def _steps() -> dict[str, Step]:
    own = [step for pipeline in pipelines() for step in pipeline.steps]
    return {step.name: step for step in (ACQUIRE, PREPROCESSED, *own, REPORT)}


MISSIONS: Mapping[str, MissionSpec] = _LazyMapping(_missions)
"""Every mission by name."""

STEPS: Mapping[str, Step] = _LazyMapping(_steps)
"""Every step by name, in processing order, observatory by observatory."""


def pipeline_of(mission: str) -> Pipeline:
    """Return the pipeline of a mission."""
    return next(pipeline for pipeline in pipelines() if mission in {spec.name for spec in pipeline.missions})


def toolkits() -> list[ToolkitSpec]:
    """Return the toolkits of all observatories: the last observatory's first, as commands list them."""
    return [toolkit for pipeline in reversed(pipelines()) for toolkit in pipeline.toolkits]


def engine_of(mission: str, name: str) -> Engine:
    """Return one of the engines of a mission."""
    return pipeline_of(mission).engines_of(MISSIONS[mission])[name]


def check_step(step: str, where: str = "step") -> None:
    """Raise ConfigError if no step has the name, which was given as `where`."""
    if step not in STEPS:
        raise ConfigError(f"{where} {step}: no such step; there are {', '.join(STEPS)}{closest(step, STEPS)}")


@cache
def earlier_steps(step: str) -> frozenset[str]:
    """Return the steps that a step needs, and the steps that those need."""
    direct = frozenset((*STEPS[step].needs, *STEPS[step].needs_one_of))
    return direct.union(*(earlier_steps(name) for name in direct))


def _not_offered() -> dict[str, str]:
    return {name: reason for module in _modules() for name, reason in getattr(module, "NOT_OFFERED", {}).items()}


NOT_OFFERED: Mapping[str, str] = _LazyMapping(_not_offered)
"""Mission that users may expect -> the reason why it is not offered, from NOT_OFFERED in a module of an observatory."""


def why_unknown(name: str) -> str:
    """Explain an unknown name of a mission: the reason why it is not offered, or the list of missions."""
    if name in NOT_OFFERED:
        return f"{name} is not offered: {NOT_OFFERED[name]}"
    return f"unknown mission; choose from {', '.join(sorted(MISSIONS))}{closest(name, MISSIONS)}"
