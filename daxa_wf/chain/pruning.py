"""Find the intermediate products of an archive: those that only later steps need, which are finished."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from daxa_wf.archive.origin import UNFINISHED
from daxa_wf.archive.records import Record, Status, read_record
from daxa_wf.archive.removal import Removal
from daxa_wf.archive.vouching import Staleness
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.staleness import Conditions, Work, find_stale, manifest_changes, work_of
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.mission.step import REPORT

INTERMEDIATE = "intermediate products"
FINISHED = (Status.DONE, Status.REJECTED, Status.BLOCKED)


def require_current_manifest(plan: Plan) -> None:
    """Raise ConfigError unless the manifest is that of the configuration, because it decides what is requested."""
    if not plan.layout.manifest.exists():
        raise ConfigError(f"{plan.layout.root} has no list of observations yet; 'daxa-wf run' makes it")
    changes = [change for change in manifest_changes(plan) if change != UNFINISHED]
    if changes:
        raise ConfigError(
            f"{plan.layout.root}: its list of observations is not that of the configuration ({'; '.join(changes)}); "
            "make it again first, with 'daxa-wf run'"
        )


@dataclass(frozen=True)
class ArchiveProgress:
    """How far an archive has come: the records that its configuration requests, and those that a run would make again."""

    work: list[Work]
    stale: Mapping[Path, Staleness]

    @classmethod
    def of(cls, plan: Plan) -> ArchiveProgress:
        """Return the progress of a plan's archive."""
        work = list(work_of(plan))
        return cls(work, find_stale(plan.layout, work, Conditions(plan.login_marks())))

    @cached_property
    def records(self) -> dict[Path, Record]:
        """Return the records that exist and need not be made again."""
        records = {}
        for item in self.work:
            with suppress(FileNotFoundError, CorruptFileError):
                if item.path not in self.stale:
                    records[item.path] = read_record(item.path)
        return records

    @cached_property
    def users(self) -> dict[Path, list[Path]]:
        """Return the records of the steps that take a record as input, by its path. The report only shows what exists."""
        users: dict[Path, list[Path]] = {}
        for item in self.work:
            for path in item.earlier if item.step is not REPORT else ():
                users.setdefault(path, []).append(item.path)
        return users

    def is_finished(self, path: Path) -> bool:
        """Return True if a record is final: neither missing, nor to be made again, nor failed."""
        return path in self.records and self.records[path].status in FINISHED


def add_intermediates(removal: Removal, progress: ArchiveProgress) -> None:
    """Add the products that only later steps need, if these are finished. Their records will state that they were pruned."""
    unfinished = 0
    for item in progress.work:
        users = progress.users.get(item.path, [])
        if not item.step.intermediate or item.path not in progress.records or not users:
            continue
        record = progress.records[item.path]
        stamps = [stamp for stamp in record.products if stamp.kind in item.step.intermediate]
        if not all(map(progress.is_finished, users)):
            unfinished += len(stamps)
            continue
        for stamp in stamps:
            removal.add(removal.layout.find(stamp.path), INTERMEDIATE)
        gone = [stamp for stamp in stamps if removal.layout.find(stamp.path) in removal.files]
        if gone:
            kept = [stamp for stamp in record.products if stamp not in gone]
            pruned = replace(
                record, products=kept, pruned=[*record.pruned, *gone], complete_fingerprint=record.fingerprint()
            )
            removal.rewritten.append(pruned)
    if unfinished:
        removal.notes.append(f"{unfinished} intermediate products stay, because steps that need them are not finished")
