"""Which units an archive's configuration still requests, by its manifest and the steps that its missions go through."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from daxa_wf.acquire.manifest import read_manifest
from daxa_wf.archive.layout import Layout, Unit
from daxa_wf.files import write_atomically

log = logging.getLogger("daxa_wf")

NOT_REQUESTED = "no longer requested"
"""In the place of a status: the unit was processed for an earlier configuration, and its products stay as they were."""


@dataclass(frozen=True)
class Requested:
    """The units of a manifest: by mission and ObsID, the instruments and exposures; by mission, the steps."""

    exposures: Mapping[tuple[str, str], Collection[tuple[str, str]]]
    steps: Mapping[str, Collection[str]]

    def asks_for(self, step: str, unit: Unit) -> bool:
        """True if a step is still to be done for a unit; of a mission whose steps are not known, every step is."""
        exposures = self.exposures.get((unit.mission, unit.obsid))
        if exposures is None or step not in self.steps.get(unit.mission, (step,)):
            return False
        return not unit.instrument or any(
            inst == unit.instrument and unit.exposure in ("", exposure) for inst, exposure in exposures
        )

    def has(self, unit: Unit) -> bool:
        """True if the observation of a unit is still requested."""
        return (unit.mission, unit.obsid) in self.exposures


class Everything(Requested):
    """An archive without a manifest: nothing is known to be superfluous."""

    def __init__(self) -> None:
        super().__init__({}, {})

    def asks_for(self, step: str, unit: Unit) -> bool:
        """True."""
        del step, unit
        return True

    def has(self, unit: Unit) -> bool:
        """True."""
        del unit
        return True


def steps_file(layout: Layout) -> Path:
    """Return the path of the file that lists the steps of each mission, beside the manifest."""
    return layout.manifest.with_name("steps.json")


def write_steps(layout: Layout, steps: Mapping[str, Collection[str]]) -> None:
    """Write which steps the observations of each mission go through; the manifest is written after it."""
    text = json.dumps({name: list(each) for name, each in steps.items()}, indent=1)
    write_atomically(steps_file(layout), text + "\n")


def read_requested(layout: Layout) -> Requested:
    """Return what the manifest of an archive requests; everything if it has no manifest."""
    if not layout.manifest.exists():
        return Everything()
    exposures: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in read_manifest(layout.manifest):
        exposures.setdefault((row.mission, row.obsid), set()).add((row.inst, row.exposure))
    return Requested(exposures, _read_steps(steps_file(layout)))


def _read_steps(path: Path) -> dict[str, list[str]]:
    """Return the steps by mission; {} if the file is absent or damaged, since it only marks and nothing depends on it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): [str(step) for step in steps] for name, steps in found.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, TypeError):
        log.warning("%s is damaged, so steps that are no longer requested are not marked; delete manifest.tsv, and the "
                    "next run writes both again", path)  # fmt: skip
        return {}
