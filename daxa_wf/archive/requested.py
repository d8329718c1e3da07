"""The units that an archive's configuration still requests, from its manifest and the steps of its missions."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import read_manifest
from daxa_wf.archive.origin import Origin, read_origin
from daxa_wf.errors import CorruptFileError, UnsafePathError
from daxa_wf.units import Unit

log = logging.getLogger("daxa_wf")

NOT_REQUESTED = "no longer requested"
"""Takes the place of a status: the unit was processed for an earlier configuration, and its products stay."""


@dataclass(frozen=True)
class RequestedUnits:
    """The units of a manifest.

    `exposures` maps mission and ObsID to pairs of instrument and exposure, `steps` maps a mission to its steps. `unasked`
    are missions with a part that no service answered for: observations that the manifest lacks count as requested.
    """

    exposures: Mapping[tuple[str, str], Collection[tuple[str, str]]]
    steps: Mapping[str, Collection[str]]
    unasked: Collection[str] = ()

    def asks_for(self, step: str, unit: Unit) -> bool:
        """Return True if the configuration requests a step of a unit. If a mission's steps are not known, all are requested."""
        if step not in self.steps.get(unit.mission, (step,)):
            return False
        exposures = self.exposures.get((unit.mission, unit.obsid))
        if exposures is None:
            return unit.mission in self.unasked
        return not unit.instrument or any(
            inst == unit.instrument and unit.exposure in ("", exposure) for inst, exposure in exposures
        )

    def all_units(self) -> Iterator[tuple[str, Unit]]:
        """Yield every requested step with each of its units."""
        from daxa_wf.mission.registry import STEPS

        for (mission, obsid), exposures in self.exposures.items():
            for step in (STEPS[name] for name in self.steps.get(mission, ()) if name in STEPS):
                rows = [row for row in sorted(exposures) if step.applies_to(row[0])]
                yield from (
                    (step.name, unit) for unit in dict.fromkeys(step.unit_of(mission, obsid, *row) for row in rows)
                )

    def has(self, unit: Unit) -> bool:
        """Return True if the observation of a unit is still requested."""
        return (unit.mission, unit.obsid) in self.exposures or unit.mission in self.unasked


class AllUnits(RequestedUnits):
    """Requests every unit: stands for a manifest that is missing or damaged."""

    def __init__(self) -> None:
        super().__init__({}, {})

    def asks_for(self, step: str, unit: Unit) -> bool:
        """Return True for every step and unit."""
        del step, unit
        return True

    def has(self, unit: Unit) -> bool:
        """Return True for every unit."""
        del unit
        return True


def read_requested(layout: Layout) -> RequestedUnits:
    """Return the units that an archive's manifest requests, or AllUnits if the manifest is missing or damaged."""
    exposures: dict[tuple[str, str], set[tuple[str, str]]] = {}
    try:
        rows = read_manifest(layout.manifest)
    except FileNotFoundError:
        return AllUnits()
    except (CorruptFileError, UnsafePathError) as error:
        log.warning("%s; the next run makes it again, and until then nothing is marked as no longer requested", error)
        return AllUnits()
    for row in rows:
        exposures.setdefault((row.mission, row.obsid), set()).add((row.inst, row.exposure))
    origin = read_origin(layout) or Origin()
    return RequestedUnits(exposures, origin.steps, frozenset(origin.unasked))
