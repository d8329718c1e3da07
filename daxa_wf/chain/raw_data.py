"""Find the downloaded files that an archive can do without. Files that another archive uses stay in the raw store."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from daxa_wf.archive.layout import DOWNLOADED, Layout
from daxa_wf.archive.records import read_record
from daxa_wf.archive.removal import Removal
from daxa_wf.archive.requested import RequestedUnits
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.pruning import ArchiveProgress
from daxa_wf.download.store import Ledger, StoredFile
from daxa_wf.download.users import other_archives
from daxa_wf.errors import CorruptFileError
from daxa_wf.files import RESERVED, sha256_of
from daxa_wf.mission.step import ACQUIRE, REPORT
from daxa_wf.text import some_of
from daxa_wf.units import Unit

RAW_DATA = "raw data"


@dataclass
class RawStore:
    """A raw store as one archive sees it: the archive's links to observations, and the other archives that use it."""

    layout: Layout
    store: Path
    others: list[Path] = field(default_factory=list)
    in_use: dict[Unit, Path] = field(default_factory=dict)
    """Observation that stays -> another archive that uses it."""

    @classmethod
    def of(cls, plan: Plan, removal: Removal) -> RawStore:
        """Return the raw store of a plan. Note in `removal` the archives that have moved, and so cannot be examined."""
        store = plan.started_in / plan.config.data
        others, absent = other_archives(store, plan.layout.root)
        if absent:
            removal.notes.append(
                f"{len(absent)} archives that used {store} are no longer at their places, so they were not examined: "
                f"{some_of(map(str, absent))}"
            )
        return cls(plan.layout, store, others)

    def observations(self) -> list[Unit]:
        """Return the observations that the archive has a link to."""
        links = sorted((self.layout.root / DOWNLOADED).glob("*/*"))
        return [Unit(link.parent.name, link.name) for link in links if link.is_symlink()]

    def add(self, removal: Removal, unit: Unit, needed: Collection[str] = ()) -> None:
        """Add an observation's verified files, except `needed` and those that products are links to.

        An observation of another directory than the raw store, or of another archive too, stays whole.
        """
        directory = self.layout.raw(unit).resolve()
        if not directory.is_relative_to(self.store.resolve()) or directory == self.store.resolve():
            removal.leave([self.layout.raw(unit)], f"the link leads out of {self.store}")
            return
        user = next((other for other in self.others if Layout(other).raw(unit).resolve() == directory), None)
        if user is not None:
            self.in_use[unit] = user
            return
        linked = set(self._linked(removal, unit))
        own = {directory / name for name, file in Ledger(directory).files.items() if _is_as_fetched(directory, file)}
        for path in sorted(own):
            if path in linked:
                removal.leave([path], "products are links to them")
            elif path.relative_to(directory).as_posix() not in needed:
                removal.add(path, RAW_DATA, directory)
        files = (Path(folder, name) for folder, _, names in os.walk(directory) for name in names)
        removal.leave(
            (path for path in files if path not in own and path.name not in RESERVED),
            "they were not downloaded, or have changed since",
        )

    def _linked(self, removal: Removal, unit: Unit) -> Iterator[Path]:
        """Yield the files that products of an observation are links to, unless these products are removed too."""
        for tree in (self.layout.observation(unit), self.layout.failed_observation(unit)):
            for folder, _, names in os.walk(tree):
                for path in (Path(folder, name) for name in names):
                    if path.is_symlink() and path not in removal.files:
                        yield path.resolve()

    def note_uses(self, removal: Removal) -> None:
        """Note the observations that stay because other archives use them, and what is never removed."""
        if self.in_use:
            users = ", ".join(sorted({str(user) for user in self.in_use.values()}))
            removal.notes.append(f"raw data of {len(self.in_use)} observations stay, because {users} uses them too")
        if any(file.content == RAW_DATA for file in removal.files.values()):
            removal.notes.append(
                f"raw data are removed from {self.store}; archives that have not downloaded with this version "
                "of daxa_wf are not known to use it"
            )


def _is_as_fetched(directory: Path, file: StoredFile) -> bool:
    """Return True if a file has the content that was verified. The SHA-256 decides if only the time differs."""
    path = directory / file.path
    if not path.is_file() or path.is_symlink() or path.stat().st_size != file.size:
        return False
    return path.stat().st_mtime_ns == file.mtime_ns or sha256_of(path) == file.sha256


def add_unneeded(removal: Removal, plan: Plan, requested: RequestedUnits) -> None:
    """Add the raw data that no requested unit needs: of dropped observations, and files of an earlier configuration."""
    store, layout = RawStore.of(plan, removal), plan.layout
    for unit in store.observations():
        if not requested.has(unit):
            store.add(removal, unit)
            if unit not in store.in_use:
                removal.add(layout.raw(unit), RAW_DATA)
            continue
        with suppress(FileNotFoundError, CorruptFileError):
            acquired = read_record(layout.record(ACQUIRE.name, unit))
            if acquired.done and requested.asks_for(ACQUIRE.name, unit):
                folder = layout.relative(layout.raw(unit))
                needed = {stamp.path.removeprefix(f"{folder}/") for stamp in acquired.raw}
                store.add(removal, unit, needed)
    store.note_uses(removal)


def add_finished(removal: Removal, plan: Plan, progress: ArchiveProgress) -> None:
    """Add the raw data of observations all of whose steps are finished. Missions without other products keep theirs."""
    store = RawStore.of(plan, removal)
    ends: dict[Unit, bool] = {}
    for item in progress.work:
        mission, obsid = item.path.parts[-4:-2]
        ends[Unit(mission, obsid)] = ends.get(Unit(mission, obsid), True) and progress.is_finished(item.path)
    linked = set(store.observations())
    unfinished = [unit for unit, is_finished in ends.items() if unit in linked and not is_finished]
    only_raw = {mission.name for mission in plan.processed() if set(mission.steps) <= {ACQUIRE.name, REPORT.name}}
    for unit in (unit for unit, is_finished in ends.items() if unit in linked and is_finished):
        if unit.mission not in only_raw:
            store.add(removal, unit)
    if unfinished:
        names = some_of(f"{unit.mission} {unit.obsid}" for unit in unfinished)
        removal.notes.append(
            f"raw data of {len(unfinished)} observations stay, because these are not finished: {names}"
        )
    for name in sorted(only_raw & {unit.mission for unit in linked}):
        removal.notes.append(f"raw data of {name} stay, because they are its only products")
    store.note_uses(removal)
