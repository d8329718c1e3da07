"""Find the records that a run makes again, and the reasons, without a change of any file, so that dry runs show them.

Snakemake compares times, which copies, restores and wrong clocks change, and the form of parameters, which versions change.
This module compares contents and meanings instead. Snakemake gets the result as files to force.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.archive.origin import as_json, read_origin, why_outdated
from daxa_wf.archive.record_facts import RecordFacts, canonical_text
from daxa_wf.archive.records import Status
from daxa_wf.archive.vouching import ExaminedRecords, Staleness, examiner
from daxa_wf.chain.runner import validated
from daxa_wf.download.release import may_be_had
from daxa_wf.errors import CorruptFileError, UnsafePathError
from daxa_wf.mission.registry import STEPS
from daxa_wf.mission.step import Step
from daxa_wf.units import Unit

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan

FOLLOWS = "an earlier step is made again"
OUTDATED = "made by an older version of daxa_wf"


class Wildcards(SimpleNamespace):
    """The wildcards of a unit, as Snakemake passes them to functions."""

    @classmethod
    def of(cls, unit: Unit) -> Wildcards:
        """Return the wildcards of a unit."""
        parts = {"mission": unit.mission, "obsid": unit.obsid, "inst": unit.instrument, "exposure": unit.exposure}
        return cls(**{name: value for name, value in parts.items() if value})

    def items(self) -> Any:
        """Return the names with their values."""
        return vars(self).items()


@dataclass(frozen=True, slots=True)
class Work:
    """A record that the manifest requests, with the options and inputs that its step would get now."""

    path: Path
    step: Step
    earlier: tuple[Path, ...]
    """Records that its step takes as input."""
    options: Mapping[str, Any]
    raw: tuple[Path, ...] = ()
    """Raw files that its step reads, absolute."""
    needs_raw: bool = False
    """True if its step reads downloaded files."""


@dataclass(frozen=True)
class Conditions:
    """Conditions of a run beside the contents of the archive: the time, the user's credentials and requests."""

    marks: Mapping[str, str] = field(default_factory=dict)
    """Mark of the credentials by mission (`mark_of_logins`)."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    forced: Callable[[Path], bool] = lambda _: False
    """True for the records that the user forces, with Snakemake's own options."""
    remake_outdated: bool = False


SOURCES_OF_THE_MANIFEST = {
    "source": "source.local", "routes": "fetch", "decompress": "source.decompress", "listing": "files in source.local",
    "select_files": "files that 'select' names",
}  # fmt: skip
"""Name among the options of a manifest -> its name for users, where that is another one."""


def manifest_changes(plan: Plan) -> list[str]:
    """Return why an existing manifest must be made again; empty if it is up to date or does not exist."""
    if not plan.layout.manifest.exists():
        return []
    try:
        read_manifest(plan.layout.manifest)
    except (CorruptFileError, UnsafePathError):
        return ["it cannot be read"]
    origin = read_origin(plan.layout)
    if origin is None:
        return ["it is not recorded what it was made from"]
    before, present = origin.options, as_json(plan.selection_options())
    changes = [f"{mission} was removed" for mission in before if mission not in present]
    changes += [f"{mission} was added" for mission in present if mission not in before]
    for mission in (mission for mission in present if mission in before and before[mission] != present[mission]):
        recorded = before[mission] if isinstance(before[mission], dict) else {}
        names = {*recorded, *present[mission]}
        changed = sorted(name for name in names if recorded.get(name) != present[mission].get(name))
        changes.append(f"{mission}: {', '.join(SOURCES_OF_THE_MANIFEST.get(name, name) for name in changed)}")
    since = why_outdated(origin, plan.snapshots(), datetime.now(UTC))
    return [*changes, since] if since else changes


def find_stale(layout: Layout, work: Iterable[Work], conditions: Conditions) -> dict[Path, Staleness]:
    """Return the reasons to make existing records again, by path.

    `work` has the earlier steps of a unit before the later ones: a record after a missing or stale record is stale too.
    """
    stale: dict[Path, Staleness] = {}
    changing: set[Path] = set()
    with examiner(layout) as examine:
        for folder, items in groupby(work, key=lambda item: os.path.dirname(os.path.dirname(item.path))):  # noqa: PTH120
            examined = examine(*folder.split("/")[-2:])
            _compare(layout, items, conditions, examined, stale, changing)
    return stale


def find_stale_of_observation(layout: Layout, unit: Unit, work: Iterable[Work]) -> dict[Path, Staleness]:
    """Return the reasons to make records of one observation again, by path. The records of others are not read."""
    return find_stale(layout, (item for item in work if item.path.parents[1] == layout.records(unit)), Conditions())


def _compare(
    layout: Layout, work: Iterable[Work], conditions: Conditions, examined: ExaminedRecords,
    stale: dict[Path, Staleness], changing: set[Path],
) -> None:  # fmt: skip
    """Add the records of one observation that are made again to `stale`, and to `changing` together with missing ones."""
    for item in work:
        name = layout.relative(item.path)
        if name not in examined:
            changing.add(item.path)
            continue
        staleness = examined.findings.get(name) or _staleness(layout, item, examined.records[name], conditions)
        follows = next((path for path in item.earlier if path in changing), None)
        if staleness is None and follows is not None:
            staleness = Staleness(FOLLOWS, layout.relative(follows))
        if staleness is not None:
            stale[item.path] = staleness
            changing.add(item.path)


def _staleness(layout: Layout, work: Work, record: RecordFacts, conditions: Conditions) -> Staleness | None:
    """Return why a record that vouches for its files must still be made again, or None."""
    if conditions.forced(work.path):
        return Staleness("forced")
    if may_be_had(record, conditions.marks, conditions.now):
        return Staleness("the data may be public by now, or with other credentials")
    if conditions.remake_outdated and record.is_outdated:
        return Staleness(OUTDATED, record.made_by)
    if changed := _changed(work.step, record.parameters, canonical_text(work.options)):
        return Staleness("options changed", f"{work.step.name}: {', '.join(changed)}")
    if other := _other_inputs(layout, record, work):
        return other
    if new := _new_raw_files(layout, record, work):
        return Staleness("further raw files", new)
    return None


def changed_options(step: Step, recorded: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """Return the names of options whose meaning differs from the recorded one. Their form may differ between versions."""
    return _changed(step, canonical_text(recorded), canonical_text(present))


def _changed(step: Step, before: str, after: str) -> list[str]:
    if before == after:
        return []
    first, second = (_meaning(step.options, text) for text in (before, after))
    return sorted(name for name in {*first, *second} if first.get(name) != second.get(name))


@cache
def _meaning(model: str, text: str) -> dict[str, Any]:
    """Return options by name as the step's model reads them. Return them unchanged without a model, or if it fails."""
    values: dict[str, Any] = json.loads(text)
    if not model:
        return values
    try:
        read = validated(model, values)
    except ValueError:
        return values
    return {name: getattr(read, name) for name in type(read).model_fields}


def _other_inputs(layout: Layout, record: RecordFacts, work: Work) -> Staleness | None:
    """Return a finding about an input record that was added or removed, or None if the input is the same.

    Earlier versions did not record inputs. Their records are not compared.
    """
    before, present = set(record.built_on), {layout.relative(path) for path in work.earlier}
    if not before or before == present:
        return None
    removed = before - present
    return (
        Staleness("an input was removed", min(removed))
        if removed
        else Staleness("an input was added", min(present - before))
    )


def _new_raw_files(layout: Layout, record: RecordFacts, work: Work) -> str:
    """Return a raw file that the step would read now but did not read before, or ''.

    Files with the same name and size count as the same file, because projects and raw data may move.
    """
    if record.status is Status.BLOCKED or not record.raw:
        return ""
    # The record vouches for files in the same place, so only others are looked at.
    same = {os.path.join(layout.root, path) for path, *_ in record.raw}  # noqa: PTH118 - no paths are made
    known = {(os.path.basename(path), size) for path, size, *_ in record.raw}  # noqa: PTH119 - no paths are made
    return next((str(path) for path in work.raw if str(path) not in same and _is_new(path, known)), "")


def _is_new(path: Path, known: Collection[tuple[str, int]]) -> bool:
    try:
        return (path.name, path.stat().st_size) not in known
    except (OSError, ValueError):
        return False  # it does not exist, or cannot be read


def work_of(plan: Plan) -> Iterable[Work]:
    """Yield every record that the manifest requests, in the order of an observation's steps."""
    constant: dict[tuple[str, str], dict[str, Any]] = {}
    for (mission, obsid), rows in plan.observed().items():
        reads_raw = plan.mission(mission).steps_with_raw_data
        records = ObservationRecords(plan, mission, rows)
        for step in (STEPS[name] for name in plan.mission(mission).steps):
            options, raw = plan.options(step.name), plan.raw(*step.raw)
            if not step.job_options and (mission, step.name) not in constant:
                constant[mission, step.name] = options(Wildcards.of(Unit(mission, obsid)))
            for unit in plan.units(step, rows):
                wildcards = Wildcards.of(unit)
                yield Work(
                    records.path(step.name, unit), step,
                    tuple(path for name in plan.earlier(step) for path in records.of_same(name, unit)),
                    options(wildcards) if step.job_options else constant[mission, step.name],
                    tuple(records.file(name) for names in raw(wildcards).values() for name in names) if step.raw else (),
                    step.name in reads_raw,
                )  # fmt: skip


class ObservationRecords:
    """The paths of the records and raw files of one observation's steps. Each is made once, because steps share them."""

    def __init__(self, plan: Plan, mission: str, rows: list[ManifestRow]) -> None:
        self._plan, self._rows = plan, rows
        self._steps = frozenset(plan.mission(mission).steps)
        self._paths: dict[tuple[str, Unit], Path] = {}
        self._of_same: dict[tuple[str, str, str], list[Path]] = {}
        self._files: dict[str, Path] = {}

    def path(self, step: str, unit: Unit) -> Path:
        """Return the path of a record."""
        if (step, unit) not in self._paths:
            self._paths[step, unit] = self._plan.layout.record(step, unit)
        return self._paths[step, unit]

    def file(self, name: str) -> Path:
        """Return the path of a raw file."""
        if name not in self._files:
            self._files[name] = self._plan.layout.root / name
        return self._files[name]

    def of_same(self, step: str, unit: Unit) -> list[Path]:
        """Return the records of a step of which the units share the rows of a unit in the manifest, like `Plan.paths_of`."""
        if step not in self._steps:
            return []
        key = (step, unit.instrument, unit.exposure)
        if key not in self._of_same:
            rows = [
                row for row in self._rows if unit.instrument in ("", row.inst) and unit.exposure in ("", row.exposure)
            ]
            self._of_same[key] = [self.path(step, other) for other in self._plan.units(STEPS[step], rows)]
        return self._of_same[key]


def summary(stale: Iterable[Staleness]) -> list[str]:
    """Return a line for every reason, with the number of records and an example."""
    stale = list(stale)
    counts = Counter(staleness.reason for staleness in stale)
    examples = {staleness.reason: staleness.about for staleness in reversed(stale) if staleness.about}
    lines = []
    for reason, number in counts.most_common():
        many = f"{number} records are" if number > 1 else "1 record is"
        lines.append(f"{many} made again: {reason}" + (f" ({examples[reason]})" if reason in examples else ""))
    return lines
