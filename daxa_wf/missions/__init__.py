"""Mission facts: one file per mission, each a MissionSpec. A file here with a `MISSION` is a mission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules

from daxa_wf.missions.spec import MissionSpec


class _Registry(Mapping[str, MissionSpec]):
    """Missions by name, imported when they are first asked for."""

    @cached_property
    def _specs(self) -> dict[str, MissionSpec]:
        modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
        return {module.MISSION.name: module.MISSION for module in modules if hasattr(module, "MISSION")}

    def __getitem__(self, name: str) -> MissionSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


MISSIONS: Mapping[str, MissionSpec] = _Registry()
