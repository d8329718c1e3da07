"""The parts of an archive that were read, each on first use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TypeVar

import daxa_wf
from daxa_wf.archive.contents import Contents, StepOutcome, read_contents
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow
from daxa_wf.archive.observations import ObservationState, manifest_rows, observation_states, recorded_observations
from daxa_wf.archive.requested import RequestedUnits, read_requested
from daxa_wf.archive.status import Verdict, complete_verdicts
from daxa_wf.units import Unit

Item = TypeVar("Item")
ObservationKey = tuple[str, str]
"""Mission and ObsID."""


class ArchiveState:
    """The state of an archive. Each part is read once, when it is first used."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @cached_property
    def requested(self) -> RequestedUnits:
        """Return the units that the configuration requests."""
        return read_requested(self.layout)

    @cached_property
    def recorded(self) -> list[ObservationKey]:
        """Return mission and ObsID of every observation with records."""
        return recorded_observations(self.layout)

    @cached_property
    def rows(self) -> list[ManifestRow]:
        """Return the rows of the manifest."""
        return manifest_rows(self.layout)

    @cached_property
    def states(self) -> list[ObservationState]:
        """Return the state of every requested observation."""
        return observation_states(self.layout, self.rows, self.recorded, self.requested)

    @cached_property
    def contents(self) -> Contents:
        """Return the outcomes in all records."""
        return read_contents(self.layout)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """Return the verdicts of all units, in the order of observations and of processing."""
        contents = self.contents
        recorded = [outcome.verdict for outcome in contents.outcomes]
        return in_order(complete_verdicts(self.layout, recorded, contents.damaged))

    @cached_property
    def outcomes(self) -> dict[tuple[str, Unit], StepOutcome]:
        """Return the outcomes by step and unit."""
        return {(outcome.verdict.step, outcome.verdict.unit): outcome for outcome in self.contents.outcomes}

    @cached_property
    def outcomes_by_observation(self) -> dict[ObservationKey, list[StepOutcome]]:
        """Return the outcomes of each observation."""
        return grouped(
            ((outcome.verdict.mission, outcome.verdict.obsid), outcome) for outcome in self.contents.outcomes
        )

    @cached_property
    def rows_by_observation(self) -> dict[ObservationKey, list[ManifestRow]]:
        """Return the manifest's rows of each observation."""
        return grouped(((row.mission, row.obsid), row) for row in self.rows)

    def missing_products(self) -> list[str]:
        """Return the recorded paths of products that no longer exist, of units that are still requested."""
        stamps = (stamp for outcome in self._current_outcomes() for stamp in outcome.products)
        return [stamp.path for stamp in stamps if not self.layout.find(stamp.path).exists()]

    def outdated_by_version(self) -> Counter[str]:
        """Return the number of records that other versions of daxa_wf made, by version, of units that are still requested."""
        versions = (outcome.made_by for outcome in self._current_outcomes())
        return Counter(version for version in versions if version not in ("", daxa_wf.__version__))

    def _current_outcomes(self) -> Iterator[StepOutcome]:
        for outcome in self.contents.outcomes:
            if self.requested.asks_for(outcome.verdict.step, outcome.verdict.unit):
                yield outcome


def grouped(pairs: Iterable[tuple[ObservationKey, Item]]) -> dict[ObservationKey, list[Item]]:
    """Return the second members of pairs by the first."""
    groups: dict[ObservationKey, list[Item]] = {}
    for key, item in pairs:
        groups.setdefault(key, []).append(item)
    return groups


def in_order(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return verdicts sorted by mission, ObsID, step in the order of processing, instrument and exposure."""
    from daxa_wf.mission.registry import STEPS

    place = {step: number for number, step in enumerate(STEPS)}

    def key(verdict: Verdict) -> tuple[str, str, int, str, str]:
        number = place.get(verdict.step, len(place))
        return verdict.mission, verdict.obsid, number, verdict.inst, verdict.exposure

    return sorted(verdicts, key=key)
