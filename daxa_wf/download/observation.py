"""Fetch an observation's files from the first data centre that has them into the raw store."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.download.data_centres import (
    NotInArchiveError,
    ProprietaryError,
    RemoteFile,
    file_archive,
    is_local,
    local_directory,
    require_directory,
)
from daxa_wf.download.download import download
from daxa_wf.download.many import BATCH, MANY_FILES, curl, orders_for, start_curl, verified
from daxa_wf.download.paths import archive_paths, fill, is_wanted, may_hold_wanted, raw_directory, wanted_globs
from daxa_wf.download.progress import Progress
from daxa_wf.download.release import NOT_PUBLIC, mark_of_logins, retry_condition, utc_now, when_asked_again
from daxa_wf.download.store import HostSlots, Ledger, StoredFile, locked, stored_file
from daxa_wf.download.unpack import decompress, unpack_tar
from daxa_wf.errors import CorruptFileError, DaxaError, ServiceError, UnfitDataError
from daxa_wf.files import decompressed_name, resolve_inside, sha256_of
from daxa_wf.fits.verify import check_content
from daxa_wf.mission.spec import Bundle, MissionSpec, Route, SharedDirectory
from daxa_wf.tables.urls import shown
from daxa_wf.text import mask_secrets

if TYPE_CHECKING:
    from daxa_wf.tables.http import PatientSession

log = logging.getLogger("daxa_wf")
DEFAULT_TRANSFERS = 8
BUNDLES = "bundles"
PACKED = (".gz", ".Z", ".FTZ")


@dataclass(frozen=True)
class Wish:
    """The files to fetch of an observation: its facts (columns of its table), the routes and instruments that need them."""

    spec: MissionSpec
    facts: Mapping[str, Any]
    routes: tuple[Route, ...]
    instruments: tuple[str, ...]

    @property
    def globs(self) -> tuple[str, ...]:
        """Return the globs of the files, below the observation."""
        return wanted_globs(self.spec, self.facts, self.routes, self.instruments)

    @property
    def name(self) -> str:
        """Return the name of the observation in messages."""
        return f"{self.spec.name} {self.facts['obsid']}"


@dataclass
class Acquired:
    """An observation's files in the raw store: its directory, the files, notes, and bytes that were transferred."""

    directory: str
    files: list[StoredFile]
    notes: list[str] = field(default_factory=list)
    transferred: int = 0


@dataclass
class Fetcher:
    """Fetches observations into the raw store `store`.

    `archives` maps each data centre to its bases, in the order in which they are tried. `secrets` maps a data centre to
    parameters that are sent to it, over https only, and never shown. `released` returns the time at which an observation
    becomes public (UTC), or None if that is not known.
    """

    store: Path
    session: PatientSession
    archives: Mapping[str, Sequence[str]]
    transfers: dict[str, int] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    decompress: bool = False
    pause: float = 1.0
    released: Callable[[Wish], datetime | None] = lambda _: None

    def __post_init__(self) -> None:
        self.login_mark = mark_of_logins(self.store, self.secrets, self.archives)
        self.archives = {name: [self.session.accept(base) for base in bases] for name, bases in self.archives.items()}
        self.slots = HostSlots(self.store / ".slots", self.transfers, DEFAULT_TRANSFERS)

    def acquire(self, wish: Wish, progress: Progress | None = None) -> Acquired:
        """Return the observation's files, fetched if they are not in the store yet.

        Raise UnfitDataError `notInArchive` if every data centre answers that it has none of them, and ServiceError if one
        cannot answer.
        """
        progress = progress or Progress(wish.name)
        place = raw_directory(wish.spec, wish.facts)
        directory = resolve_inside(self.store, place, wish.name)
        with locked(directory):
            acquired = self._directory(wish, directory, progress)
        acquired.directory = place
        for shared in wish.spec.shared:
            self._shared(wish, shared, progress)
        return acquired

    def request(self, wish: Wish) -> str:
        """Return the key of a wish in the ledger."""
        return " ".join(sorted(wish.globs)) + (" decompressed" if self.decompress else "")

    def listing(self, wish: Wish) -> list[RemoteFile]:
        """Return the wanted files of an observation at the first data centre that lists them.

        Raise NotInArchiveError if all answer that they have none of them, and ServiceError if one cannot answer.
        """
        reasons, absent = [], 0
        for archive, base, path in self._places(wish.spec, wish.facts):
            try:
                return self.listed(archive, base, path, wish.globs, [])
            except NotInArchiveError as error:
                absent += 1
                reasons.append(str(error))
            except ServiceError as error:
                reasons.append(str(error))
        if reasons and absent == len(reasons):
            raise NotInArchiveError(f"{wish.name} is in no archive that lists its files: {'; '.join(reasons)}")
        raise ServiceError(f"{wish.name}: no archive lists it: {'; '.join(reasons) or 'it comes in tar files only'}")

    def _places(self, of: MissionSpec | SharedDirectory, facts: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """Yield data centre, base and path of every tree that may have the files, in the order to try them."""
        for archive, bases in self.archives.items():
            for base in bases:
                for path in archive_paths(of, archive, facts):
                    yield archive, base, path

    def _directory(self, wish: Wish, directory: Path, progress: Progress) -> Acquired:
        ledger = Ledger(directory)
        request = self.request(wish)
        known = ledger.answer(request)
        if known is not None:
            return Acquired("", known, ledger.notes(request))
        reasons, absent, closed = [], 0, 0
        refused: list[str] = []
        attempts = self._attempts(wish, ledger, progress, refused)
        for where, attempt in attempts:
            try:
                files, transferred = attempt()
            except NotInArchiveError as error:
                reasons.append(str(error))
                absent += 1
                continue
            except (ServiceError, CorruptFileError) as error:
                closed += isinstance(error, ProprietaryError)
                reasons.append(f"{where}: {error}")
                log.warning("%s: %s", wish.name, reasons[-1])
                continue
            notes = [*reasons, *refused_notes(refused), *_missing(wish, files)]
            ledger.finish(request, [each.path for each in files], notes)
            return Acquired("", files, notes, transferred)
        reasons += refused_notes(refused)
        if absent == len(attempts) and attempts:
            raise UnfitDataError("notInArchive", f"{wish.name} is in no archive: {'; '.join(reasons)}")
        if closed and absent + closed == len(attempts):
            self._refuse_if_proprietary(wish, reasons)
        raise ServiceError(f"{wish.name} cannot be had: {'; '.join(reasons) or 'no archive is configured for it'}")

    def _refuse_if_proprietary(self, wish: Wish, reasons: Sequence[str]) -> None:
        """Raise UnfitDataError `notPublic` with the condition to ask again; return if the table lists it as public."""
        release = self.released(wish)
        if release is not None and release <= utc_now():
            return
        raise UnfitDataError(
            NOT_PUBLIC, f"{wish.name} {when_asked_again(release)}: {'; '.join(reasons)}",
            retry_condition(release, self.login_mark),
        )  # fmt: skip

    def _attempts(
        self, wish: Wish, ledger: Ledger, progress: Progress, refused: list[str]
    ) -> list[tuple[str, Callable[[], Any]]]:
        """Return the ways to fetch the observation, in the order to try them. They add refused entries to `refused`."""
        found: list[tuple[str, Callable[[], Any]]] = []
        for archive, bases in self.archives.items():
            bundles = [each for each in wish.spec.bundles.get(archive, ()) if each.route in wish.routes]
            paths = archive_paths(wish.spec, archive, wish.facts)
            for base in bases:
                where = f"{archive} {mask_secrets(base)}"
                found += [
                    (where, partial(self._tree, archive, base, path, wish, ledger, progress, refused)) for path in paths
                ]
                if bundles:
                    found.append((where, partial(self._bundles, archive, base, bundles, wish, ledger, progress)))
        return found

    def _tree(
        self, archive: str, base: str, path: str, wish: Wish, ledger: Ledger, progress: Progress, refused: list[str]
    ) -> tuple[list[StoredFile], int]:
        return self._files(archive, self.listed(archive, base, path, wish.globs, refused), ledger, progress)

    def listed(self, archive: str, base: str, path: str, globs: Sequence[str], refused: list[str]) -> list[RemoteFile]:
        """Return the wanted files that a data centre has below a path. Raise NotInArchiveError if it has none of them.

        The reasons for which entries of the listing were refused are added to `refused`.
        """
        listing = file_archive(archive, base, self.session).files(path, lambda each: may_hold_wanted(each, globs))
        refused += listing.refused
        for note in refused_notes(listing.refused):
            log.warning("%s", note)
        wanted = [each for each in listing.files if is_wanted(each.path, globs)]
        if not wanted:
            raise NotInArchiveError(f"{base.rstrip('/')}/{path}: {len(listing.files)} files, none of them needed")
        return wanted

    def _files(
        self, archive: str, files: Sequence[RemoteFile], ledger: Ledger, progress: Progress
    ) -> tuple[list[StoredFile], int]:
        names = {each.path: self._local_name(each.path) for each in files}
        due = [each for each in files if not ledger.has(names[each.path], each.size if each.exact else None)]
        progress.plan(len(due), sum(each.size or 0 for each in due))
        transferred = 0
        if len(due) > MANY_FILES and not self.session.logins and (program := curl()):
            transferred = self._by_curl(program, archive, due, ledger, progress)
            due = [each for each in due if not ledger.has(names[each.path])]
        count, problems = self._by_threads(archive, due, ledger, progress)
        transferred += count
        if problems:
            more = f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""
            closed = all(isinstance(each, ProprietaryError) for each in problems)
            raise (ProprietaryError if closed else ServiceError)(f"{problems[0]}{more}")
        return [ledger.files[names[each.path]] for each in files], transferred

    def _by_threads(
        self, archive: str, due: Sequence[RemoteFile], ledger: Ledger, progress: Progress
    ) -> tuple[int, list[DaxaError]]:
        """Fetch files side by side. Return the bytes that were transferred, and the errors."""
        transferred = 0
        problems: list[DaxaError] = []
        with ThreadPoolExecutor(self.slots.limit(archive)) as pool:
            jobs = [pool.submit(self._file, archive, each, ledger, progress) for each in due]
            for job in jobs:
                try:
                    transferred += job.result()
                except (ServiceError, CorruptFileError, NotInArchiveError) as error:
                    problems.append(error)
        return transferred, problems

    def _by_curl(
        self, program: str, archive: str, due: Sequence[RemoteFile], ledger: Ledger, progress: Progress
    ) -> int:
        """Fetch batches by curl, and verify each while the next one arrives. Return the bytes of the verified files."""
        limit, transferred = self.slots.limit(archive), 0
        batches = [due[start : start + BATCH] for start in range(0, len(due), BATCH)]
        with self.slots.every_slot(archive, due[0].url):
            coming = start_curl(program, orders_for(batches[0], ledger.directory, limit, self.session.limits))
            try:
                for batch, following in zip(batches, [*batches[1:], []], strict=True):
                    orders = orders_for(following, ledger.directory, limit, self.session.limits)
                    coming.wait()
                    if following:
                        coming = start_curl(program, orders)
                    transferred += self._verify_batch(archive, batch, ledger, progress)
            finally:
                coming.kill()
                coming.wait()
        return transferred

    def _verify_batch(self, archive: str, batch: Sequence[RemoteFile], ledger: Ledger, progress: Progress) -> int:
        stored = []
        for remote in batch:
            digest = verified(remote, ledger.directory, self.session.limits)
            if digest is not None:
                stored.append(self._kept(archive, remote, digest, "", ledger.directory))
                progress.file_done()
        # Flushed once a batch, because thousands of small files would wait for the disk one by one.
        os.sync()
        ledger.add(stored)
        count = sum(each.remote_size for each in stored)
        progress.tell(count)
        return count

    def _file(self, archive: str, remote: RemoteFile, ledger: Ledger, progress: Progress) -> int:
        """Fetch a file and add it to the ledger at once. Return the bytes that were transferred."""
        directory = ledger.directory
        target = resolve_inside(directory, remote.path, shown(remote.url))
        with self.slots.slot(archive, remote.url):
            got = download(remote, target, self.session, progress.tell, self.pause)
        ledger.add([self._kept(archive, remote, got.sha256, got.etag, directory)])
        progress.file_done()
        return got.transferred

    def _kept(self, archive: str, remote: RemoteFile, digest: str, etag: str, directory: Path) -> StoredFile:
        """Return the ledger's line of a file that is in its place, after decompressing it if that is configured.

        `digest` is its SHA-256, or '' if that was not computed yet.
        """
        name, target = self._local_name(remote.path), directory / remote.path
        size = target.stat().st_size
        if name != remote.path:
            decompress(target, directory / name, self.session.limits)
            target.unlink()
            digest = ""
        digest = digest or sha256_of(directory / name)
        return stored_file(directory, name, digest, shown(remote.url), archive, etag, size)

    def _local_name(self, path: str) -> str:
        return decompressed_name(path) if self.decompress and path.endswith(PACKED) else path

    def _bundles(
        self, archive: str, base: str, bundles: Sequence[Bundle], wish: Wish, ledger: Ledger, progress: Progress
    ) -> tuple[list[StoredFile], int]:
        files, transferred, absent = [], 0, []
        for bundle in bundles:
            for path in bundle.paths:
                try:
                    found, count = self._bundle(archive, base, fill(path, wish.facts), bundle, wish, ledger, progress)
                except NotInArchiveError as error:
                    absent.append(error)
                    continue
                files += found
                transferred += count
        if not files:
            raise absent[0] if absent else NotInArchiveError(f"{base}: its tar files hold nothing of {wish.name}")
        return list({each.path: each for each in files}.values()), transferred

    def _bundle(
        self, archive: str, base: str, path: str, bundle: Bundle, wish: Wish, ledger: Ledger, progress: Progress
    ) -> tuple[list[StoredFile], int]:
        url = _bundle_url(base, path)
        folder = self.store / f"{wish.spec.name}_raw" / BUNDLES if bundle.shared else ledger.directory
        name = path.rsplit("/", 1)[-1] if bundle.shared else f".bundle{hashlib.sha256(path.encode()).hexdigest()[:8]}"
        tar = resolve_inside(folder, name, wish.name)
        if not bundle.shared:
            return self._unpacked(archive, url, tar, bundle, wish, ledger, progress)
        with locked(folder):
            known = Ledger(folder)
            count = 0
            if not known.has(name):
                count = self._file(archive, RemoteFile(name, url), known, progress)
            return self._extract(archive, url, tar, bundle, wish, ledger), count

    def _unpacked(
        self, archive: str, url: str, tar: Path, bundle: Bundle, wish: Wish, ledger: Ledger, progress: Progress
    ) -> tuple[list[StoredFile], int]:
        remote, secret = RemoteFile(tar.name, url), self.secrets.get(archive, {})
        try:
            with self.slots.slot(archive, url):
                got = download(remote, tar, self.session, progress.tell, self.pause, secret)
            progress.file_done()
            return self._extract(archive, url, tar, bundle, wish, ledger), got.transferred
        finally:
            tar.unlink(missing_ok=True)

    def _extract(
        self, archive: str, url: str, tar: Path, bundle: Bundle, wish: Wish, ledger: Ledger
    ) -> list[StoredFile]:
        globs = wish.globs

        def place(member: str) -> str | None:
            path = bundle.into + member.rsplit("/", 1)[-1]
            return path if is_wanted(path, globs) else None

        limits = self.session.limits
        if not check_content(tar, "answer.tar", limits).startswith("tar"):
            raise CorruptFileError(f"{shown(url)} sent no tar file")
        stored = []
        for path in unpack_tar(tar, ledger.directory, place, limits):
            target = ledger.directory / path
            try:
                check_content(target, None, limits)
            except CorruptFileError:
                target.unlink()
                raise
            stored.append(self._kept(archive, RemoteFile(path, url), "", "", ledger.directory))
        ledger.add(stored)
        return stored

    def _shared(self, wish: Wish, shared: SharedDirectory, progress: Progress) -> None:
        """Fetch a directory that many observations share. A data centre that lacks it does not make the observation fail."""
        place = f"{wish.spec.name}_raw/{fill(shared.local, wish.facts)}"
        directory = resolve_inside(self.store, place, wish.name)
        with locked(directory):
            ledger = Ledger(directory)
            request = " ".join(shared.globs)
            if ledger.answer(request) is not None:
                return
            reasons = []
            refused: list[str] = []
            for archive, base, path in self._places(shared, wish.facts):
                try:
                    files = self.listed(archive, base, path, shared.globs, refused)
                    stored, _ = self._files(archive, files, ledger, progress)
                except NotInArchiveError as error:
                    ledger.finish(request, [], [str(error)])
                    return
                except (ServiceError, CorruptFileError) as error:
                    reasons.append(str(error))
                    continue
                ledger.finish(request, [each.path for each in stored], refused_notes(refused))
                return
            raise ServiceError(f"{wish.name}: {shared.local} cannot be had: {'; '.join(reasons)}")


def _bundle_url(base: str, path: str) -> str:
    """Return the URL of a tar file below a base, or of a query. NotInArchiveError if a mirror lacks the file."""
    if is_local(base):
        file = require_directory(local_directory(base)) / path
        if not file.is_file():
            raise NotInArchiveError(f"{file}: not there")
        return file.absolute().as_uri()
    return base.rstrip("/") + path if path.startswith("?") else f"{base.rstrip('/')}/{path}"


def refused_notes(refused: Sequence[str], most: int = 10) -> list[str]:
    """Return a note about refused entries of listings: their number, and the first `most` reasons."""
    if not refused:
        return []
    more = [f"and {len(refused) - most} more"] if len(refused) > most else []
    return [f"{len(refused)} entries of listings refused: {'; '.join([*refused[:most], *more])}"]


def _missing(wish: Wish, files: Sequence[StoredFile]) -> list[str]:
    """Return a note for each product that the mission's patterns list for the wanted instruments and that is missing."""
    spec, obsid = wish.spec, str(wish.facts["obsid"])
    observed_with = spec.named_instruments(str(wish.facts.get("instruments", "")))
    wanted = set(wish.instruments) & set(observed_with or wish.instruments)
    globs = {
        tuple(each.glob.replace("{obsid}", name) for name in (obsid, obsid.lower())): each
        for each in spec.products
        if "preprocessed" in wish.routes and set(spec.instruments_of(each)) & wanted
    }
    paths = [each.path for each in files]
    return [
        f"no {pattern.kind} of {pattern.instrument}: nothing is like {names[0]}"
        for names, pattern in globs.items()
        if not any(is_wanted(path, names) for path in paths)
    ]
