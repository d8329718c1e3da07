"""All observatories: found by looking into `daxa_wf.observatories`, imported when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.mission.step import ACQUIRE, PREPROCESSED, REPORT, Engine, Step, ToolkitSpec
from daxa_wf.near import closest

PACKAGE = "daxa_wf.observatories"
Value = TypeVar("Value")


@cache
def pipelines() -> tuple[Pipeline, ...]:
    """Return the pipelines of all observatories, in the order of their modules' names."""
    package = import_module(PACKAGE)
    names = sorted(module.name for module in iter_modules(package.__path__))
    modules = (import_module(f"{PACKAGE}.{name}") for name in names)
    return tuple(module.PIPELINE for module in modules if hasattr(module, "PIPELINE"))


class _Lazy(Mapping[str, Value]):
    """A mapping that is made when it is first looked into."""

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


MISSIONS: Mapping[str, MissionSpec] = _Lazy(_missions)
"""Every mission by name."""

STEPS: Mapping[str, Step] = _Lazy(_steps)
"""Every step by name: in the order of an observation's way through them, observatory by observatory."""


def pipeline_of(mission: str) -> Pipeline:
    """Return the pipeline that a mission belongs to."""
    return next(pipeline for pipeline in pipelines() if mission in {spec.name for spec in pipeline.missions})


def toolkits() -> list[ToolkitSpec]:
    """Return the toolkits of all observatories: the last observatory's first, as commands list them."""
    return [toolkit for pipeline in reversed(pipelines()) for toolkit in pipeline.toolkits]


def engine_of(mission: str, name: str) -> Engine:
    """Return one of the engines of a mission."""
    return pipeline_of(mission).engines_of(MISSIONS[mission])[name]


@cache
def earlier_steps(step: str) -> frozenset[str]:
    """Return the steps that a step needs, and the steps that those need."""
    direct = frozenset((*STEPS[step].needs, *STEPS[step].needs_one_of))
    return direct.union(*(earlier_steps(name) for name in direct))


NOT_OFFERED: Mapping[str, str] = {
    "einstein": "HEASARC has no table of the observations of its HRI and IPC together, and its event lists are named after "
    "the direction of the telescope (i2030n40.xpb.Z), not after the observation, so that none can be found by its ObsID",
}
"""Names of missions that users may expect -> why there is no file for them here."""


def why_unknown(name: str) -> str:
    """Return what is wrong with a name that is not a mission's: why it is not offered, or which missions there are."""
    if name in NOT_OFFERED:
        return f"{name} is not offered: {NOT_OFFERED[name]}"
    return f"there is no such mission; there are {', '.join(sorted(MISSIONS))}{closest(name, MISSIONS)}"
