"""Mission facts: one file per mission, each a MissionSpec. A file here with a `MISSION` is a mission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules

from daxa_wf.mission.spec import MissionSpec
from daxa_wf.near import closest


class _Registry(Mapping[str, MissionSpec]):
    """Missions by name, imported when they are first asked for."""

    @cached_property
    def _specs(self) -> dict[str, MissionSpec]:
        from daxa_wf import observatories

        modules = [
            import_module(f"{observatories.__name__}.{each.name}") for each in iter_modules(observatories.__path__)
        ]
        specs = [spec for module in modules for spec in getattr(module, "MISSIONS", ())]
        return {spec.name: spec for spec in sorted(specs, key=lambda spec: spec.name)}

    def __getitem__(self, name: str) -> MissionSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


MISSIONS: Mapping[str, MissionSpec] = _Registry()

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
