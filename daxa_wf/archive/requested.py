"""The units that an archive's configuration still requests, from its manifest and the steps of its missions."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest
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
    `instruments` maps a mission to the configuration's instruments, if they are known.
    """

    exposures: Mapping[tuple[str, str], Collection[tuple[str, str]]]
    steps: Mapping[str, Collection[str]]
    unasked: Collection[str] = ()
    instruments: Mapping[str, Collection[str]] = field(default_factory=dict)

    def asks_for(self, step: str, unit: Unit) -> bool:
        """Return True if the configuration requests a step of a unit. If a mission's steps are not known, all are requested."""
        return not self.why_not(step, unit)

    def why_not(self, step: str, unit: Unit) -> str:
        """Return why the configuration no longer requests a step of a unit, or '' if it does."""
        if self.steps and unit.mission not in self.steps:
            return f"the configuration no longer processes {unit.mission}"
        exposures = self.exposures.get((unit.mission, unit.obsid))
        if exposures is None and unit.mission not in self.unasked:
            return "the observation is no longer selected, or no longer in the source"
        if step not in self.steps.get(unit.mission, (step,)):
            return "the configuration no longer runs this step"
        if exposures is None or not unit.instrument:
            return ""
        if unit.instrument not in self.instruments.get(unit.mission, (unit.instrument,)):
            return f"the configuration's instruments no longer include {unit.instrument}"
        if any(inst == unit.instrument and unit.exposure in ("", exposure) for inst, exposure in exposures):
            return ""
        return "the source no longer has such an exposure, or the configuration leaves it out"

    def all_units(self) -> Iterator[tuple[str, Unit]]:
        """Yield every requested step with each of its units."""
        from daxa_wf.mission.registry import STEPS

        for (mission, obsid), exposures in self.exposures.items():
            for step in (STEPS[name] for name in self.steps.get(mission, ()) if name in STEPS):
                rows = [row for row in sorted(exposures) if step.applies_to(row[0])]
                yield from (
                    (step.name, unit) for unit in dict.fromkeys(step.unit_of(mission, obsid, *row) for row in rows)
                )

    def unit_named(self, observation: Unit, step: str, identifier: str) -> Unit | None:
        """Return the unit of a step with an identifier, among the exposures of an observation; None if it has none."""
        from daxa_wf.mission.registry import STEPS

        mission, obsid = observation.mission, observation.obsid
        rows = self.exposures.get((mission, obsid), ()) if step in STEPS else ()
        units = (STEPS[step].unit_of(mission, obsid, *row) for row in rows)
        return next((unit for unit in units if unit.identifier == identifier), None)

    def has(self, unit: Unit) -> bool:
        """Return True if the observation of a unit is still requested."""
        return (unit.mission, unit.obsid) in self.exposures or unit.mission in self.unasked


class AllUnits(RequestedUnits):
    """Requests every unit: stands for a manifest that is missing or damaged."""

    def __init__(self) -> None:
        super().__init__({}, {})

    def why_not(self, step: str, unit: Unit) -> str:
        """Return '' for every step and unit."""
        del step, unit
        return ""

    def has(self, unit: Unit) -> bool:
        """Return True for every unit."""
        del unit
        return True


def read_requested(layout: Layout) -> RequestedUnits:
    """Return the units that an archive's manifest requests, or AllUnits if the manifest is missing or damaged."""
    try:
        return requested_by(layout, read_manifest(layout.manifest))
    except FileNotFoundError:
        return AllUnits()
    except (CorruptFileError, UnsafePathError) as error:
        log.warning("%s; the next run makes it again, and until then nothing is marked as no longer requested", error)
        return AllUnits()


def requested_by(layout: Layout, rows: Iterable[ManifestRow]) -> RequestedUnits:
    """Return the units that the rows of an archive's manifest request."""
    exposures: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in rows:
        exposures.setdefault((row.mission, row.obsid), set()).add((row.inst, row.exposure))
    origin = read_origin(layout) or Origin()
    return RequestedUnits(exposures, origin.steps, frozenset(origin.unasked), origin.instruments())
