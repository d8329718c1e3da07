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
    NotAtDataCentreError,
    ProprietaryError,
    RemoteFile,
    file_tree,
    is_local,
    local_directory,
    require_directory,
)
from daxa_wf.download.download import download
from daxa_wf.download.file_request import LOCAL_FILES, FileRequest, missing_products, refused_notes
from daxa_wf.download.many import BATCH, MANY_FILES, curl, orders_for, start_curl, verified
from daxa_wf.download.paths import fill, is_wanted, may_hold_wanted, paths_at, raw_directory
from daxa_wf.download.progress import Progress
from daxa_wf.download.release import NOT_PUBLIC, RetryCondition, mark_of_logins, utc_now, when_asked_again
from daxa_wf.download.store import HostSlots, Ledger, StoredFile, locked, stored_file
from daxa_wf.download.unpack import decompress, unpack_tar
from daxa_wf.errors import CorruptFileError, DaxaError, ServiceError, UnfitDataError
from daxa_wf.files import decompressed_name, resolve_inside, sha256_of
from daxa_wf.fits.verify import check_content
from daxa_wf.mission.spec import Bundle, MissionSpec, SharedDirectory
from daxa_wf.tables.urls import shown
from daxa_wf.text import mask_secrets

if TYPE_CHECKING:
    from daxa_wf.tables.http import PatientSession

log = logging.getLogger("daxa_wf")
DEFAULT_TRANSFERS = 8
BUNDLES = "bundles"
PACKED = (".gz", ".Z", ".FTZ")


@dataclass
class RawObservation:
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
    data_centres: Mapping[str, Sequence[str]]
    transfers: dict[str, int] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    decompress: bool = False
    pause: float = 1.0
    released: Callable[[FileRequest], datetime | None] = lambda _: None

    def __post_init__(self) -> None:
        self.login_mark = mark_of_logins(self.store, self.secrets, self.data_centres)
        self.data_centres = {
            name: [self.session.accept(base) for base in bases] for name, bases in self.data_centres.items()
        }
        self.slots = HostSlots(self.store / ".slots", self.transfers, DEFAULT_TRANSFERS)

    def acquire(self, request: FileRequest, progress: Progress | None = None) -> RawObservation:
        """Return the observation's files, fetched if they are not in the store yet.

        Raise UnfitDataError `notInArchive` if every data centre answers that it has none of them, and ServiceError if one
        cannot answer.
        """
        progress = progress or Progress(request.name)
        place = raw_directory(request.spec, request.facts)
        directory = resolve_inside(self.store, place, request.name)
        with locked(directory):
            acquired = self._directory(request, directory, progress)
        acquired.directory = place
        for shared in request.spec.shared:
            self._shared(request, shared, progress)
        return acquired

    def key_of(self, request: FileRequest) -> str:
        """Return the key of a request in the ledger."""
        local = str(request.facts.get(LOCAL_FILES, ""))
        listed = f" {hashlib.sha256(local.encode()).hexdigest()}" if local else ""
        return " ".join(sorted(request.globs)) + (" decompressed" if self.decompress else "") + listed

    def listing(self, request: FileRequest) -> list[RemoteFile]:
        """Return the wanted files of an observation at the first data centre that lists them.

        Raise NotAtDataCentreError if all answer that they have none of them, and ServiceError if one cannot answer.
        """
        if LOCAL_FILES in request.facts:
            return request.local_files(local_directory(next(iter(self.data_centres.values()))[0]))
        reasons, absent = [], 0
        for centre, base, path in self._places(request.spec, request.facts):
            try:
                return self.listed(centre, base, path, request.globs, [])
            except NotAtDataCentreError as error:
                absent += 1
                reasons.append(str(error))
            except ServiceError as error:
                reasons.append(str(error))
        if reasons and absent == len(reasons):
            raise NotAtDataCentreError(f"{request.name} is in no archive that lists its files: {'; '.join(reasons)}")
        raise ServiceError(f"{request.name}: no archive lists it: {'; '.join(reasons) or 'it comes in tar files only'}")

    def _places(self, of: MissionSpec | SharedDirectory, facts: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """Yield data centre, base and path of every tree that may have the files, in the order to try them."""
        for centre, bases in self.data_centres.items():
            for base in bases:
                for path in paths_at(of, centre, facts):
                    yield centre, base, path

    def _directory(self, request: FileRequest, directory: Path, progress: Progress) -> RawObservation:
        ledger = Ledger(directory)
        key = self.key_of(request)
        known = ledger.answer(key)
        if known is not None:
            return RawObservation("", known, ledger.notes(key))
        reasons, absent, closed = [], 0, 0
        refused: list[str] = []
        attempts = self._attempts(request, ledger, progress, refused)
        for where, attempt in attempts:
            try:
                files, transferred = attempt()
            except NotAtDataCentreError as error:
                reasons.append(str(error))
                absent += 1
                continue
            except (ServiceError, CorruptFileError) as error:
                closed += isinstance(error, ProprietaryError)
                reasons.append(f"{where}: {error}")
                log.warning("%s: %s", request.name, reasons[-1])
                continue
            notes = [*reasons, *refused_notes(refused), *missing_products(request, files)]
            ledger.finish(key, [file.path for file in files], notes)
            return RawObservation("", files, notes, transferred)
        reasons += refused_notes(refused)
        if absent == len(attempts) and attempts:
            raise UnfitDataError("notInArchive", f"{request.name} is in no archive: {'; '.join(reasons)}")
        if closed and absent + closed == len(attempts):
            self._refuse_if_proprietary(request, reasons)
        raise ServiceError(f"{request.name} cannot be had: {'; '.join(reasons) or 'no archive is configured for it'}")

    def _refuse_if_proprietary(self, request: FileRequest, reasons: Sequence[str]) -> None:
        """Raise UnfitDataError `notPublic` with the condition to ask again; return if the table lists it as public."""
        release = self.released(request)
        if release is not None and release <= utc_now():
            return
        raise UnfitDataError(
            NOT_PUBLIC, f"{request.name} {when_asked_again(release)}: {'; '.join(reasons)}",
            RetryCondition(release, self.login_mark).as_results(),
        )  # fmt: skip

    def _attempts(
        self, request: FileRequest, ledger: Ledger, progress: Progress, refused: list[str]
    ) -> list[tuple[str, Callable[[], Any]]]:
        """Return the ways to fetch the observation, in the order to try them. They add refused entries to `refused`."""
        attempts: list[tuple[str, Callable[[], Any]]] = []
        if LOCAL_FILES in request.facts:
            centre, (base, *_) = next(iter(self.data_centres.items()))
            return [(base, partial(self._local, centre, base, request, ledger, progress))]
        for centre, bases in self.data_centres.items():
            bundles = [
                bundle
                for bundle in request.spec.bundles.get(centre, ())
                if bundle.route in request.routes and (request.further or not bundle.further)
            ]
            paths = paths_at(request.spec, centre, request.facts)
            for base in bases:
                where = f"{centre} {mask_secrets(base)}"
                attempts += [
                    (where, partial(self._tree, centre, base, path, request, ledger, progress, refused))
                    for path in paths
                ]
                if bundles:
                    attempts.append((where, partial(self._bundles, centre, base, bundles, request, ledger, progress)))
        return attempts

    def _local(
        self, centre: str, base: str, request: FileRequest, ledger: Ledger, progress: Progress
    ) -> tuple[list[StoredFile], int]:
        return self._files(centre, request.local_files(local_directory(base)), ledger, progress)

    def _tree(
        self,
        centre: str,
        base: str,
        path: str,
        request: FileRequest,
        ledger: Ledger,
        progress: Progress,
        refused: list[str],
    ) -> tuple[list[StoredFile], int]:
        return self._files(centre, self.listed(centre, base, path, request.globs, refused), ledger, progress)

    def listed(self, centre: str, base: str, path: str, globs: Sequence[str], refused: list[str]) -> list[RemoteFile]:
        """Return the wanted files that a data centre has below a path. Raise NotAtDataCentreError if it has none of them.

        The reasons for which entries of the listing were refused are added to `refused`.
        """
        listing = file_tree(centre, base, self.session).files(path, lambda directory: may_hold_wanted(directory, globs))
        refused += listing.refused
        for note in refused_notes(listing.refused):
            log.warning("%s", note)
        needed = [file for file in listing.files if is_wanted(file.path, globs)]
        if not needed:
            raise NotAtDataCentreError(f"{base.rstrip('/')}/{path}: {len(listing.files)} files, none of them needed")
        return needed

    def _files(
        self, centre: str, files: Sequence[RemoteFile], ledger: Ledger, progress: Progress
    ) -> tuple[list[StoredFile], int]:
        names = {file.path: self._local_name(file.path) for file in files}
        due = [file for file in files if not ledger.has(names[file.path], file.size if file.exact else None)]
        progress.plan(len(due), sum(file.size or 0 for file in due))
        transferred = 0
        if len(due) > MANY_FILES and not self.session.logins and (program := curl()):
            transferred = self._by_curl(program, centre, due, ledger, progress)
            due = [file for file in due if not ledger.has(names[file.path])]
        count, problems = self._by_threads(centre, due, ledger, progress)
        transferred += count
        if problems:
            more = f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""
            closed = all(isinstance(problem, ProprietaryError) for problem in problems)
            raise (ProprietaryError if closed else ServiceError)(f"{problems[0]}{more}")
        return [ledger.files[names[file.path]] for file in files], transferred

    def _by_threads(
        self, centre: str, due: Sequence[RemoteFile], ledger: Ledger, progress: Progress
    ) -> tuple[int, list[DaxaError]]:
        """Fetch files side by side. Return the bytes that were transferred, and the errors."""
        transferred = 0
        problems: list[DaxaError] = []
        with ThreadPoolExecutor(self.slots.limit(centre)) as pool:
            jobs = [pool.submit(self._file, centre, file, ledger, progress) for file in due]
            for job in jobs:
                try:
                    transferred += job.result()
                except (ServiceError, CorruptFileError, NotAtDataCentreError) as error:
                    problems.append(error)
        return transferred, problems

    def _by_curl(self, program: str, centre: str, due: Sequence[RemoteFile], ledger: Ledger, progress: Progress) -> int:
        """Fetch batches by curl, and verify each while the next one arrives. Return the bytes of the verified files."""
        limit, transferred = self.slots.limit(centre), 0
        batches = [due[start : start + BATCH] for start in range(0, len(due), BATCH)]
        with self.slots.every_slot(centre, due[0].url):
            coming = start_curl(program, orders_for(batches[0], ledger.directory, limit, self.session.limits))
            try:
                for batch, following in zip(batches, [*batches[1:], []], strict=True):
                    orders = orders_for(following, ledger.directory, limit, self.session.limits)
                    coming.wait()
                    if following:
                        coming = start_curl(program, orders)
                    transferred += self._verify_batch(centre, batch, ledger, progress)
            finally:
                coming.kill()
                coming.wait()
        return transferred

    def _verify_batch(self, centre: str, batch: Sequence[RemoteFile], ledger: Ledger, progress: Progress) -> int:
        stored = []
        for remote in batch:
            digest = verified(remote, ledger.directory, self.session.limits)
            if digest is not None:
                stored.append(self._kept(centre, remote, digest, "", ledger.directory))
                progress.file_done()
        # Flushed once a batch, because thousands of small files would wait for the disk one by one.
        os.sync()
        ledger.add(stored)
        count = sum(file.remote_size for file in stored)
        progress.tell(count)
        return count

    def _file(self, centre: str, remote: RemoteFile, ledger: Ledger, progress: Progress) -> int:
        """Fetch a file and add it to the ledger at once. Return the bytes that were transferred."""
        directory = ledger.directory
        target = resolve_inside(directory, remote.path, shown(remote.url))
        with self.slots.slot(centre, remote.url):
            got = download(remote, target, self.session, progress.tell, self.pause)
        ledger.add([self._kept(centre, remote, got.sha256, got.etag, directory)])
        progress.file_done()
        return got.transferred

    def _kept(self, centre: str, remote: RemoteFile, digest: str, etag: str, directory: Path) -> StoredFile:
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
        return stored_file(directory, name, digest, shown(remote.url), centre, etag, size)

    def _local_name(self, path: str) -> str:
        return decompressed_name(path) if self.decompress and path.endswith(PACKED) else path

    def _bundles(
        self,
        centre: str,
        base: str,
        bundles: Sequence[Bundle],
        request: FileRequest,
        ledger: Ledger,
        progress: Progress,
    ) -> tuple[list[StoredFile], int]:
        files, transferred, absent = [], 0, []
        for bundle in bundles:
            for path in bundle.paths:
                try:
                    stored, count = self._bundle(
                        centre, base, fill(path, request.facts), bundle, request, ledger, progress
                    )
                except NotAtDataCentreError as error:
                    absent.append(error)
                    continue
                files += stored
                transferred += count
        if not files:
            raise absent[0] if absent else NotAtDataCentreError(f"{base}: its tar files hold nothing of {request.name}")
        return list({file.path: file for file in files}.values()), transferred

    def _bundle(
        self,
        centre: str,
        base: str,
        path: str,
        bundle: Bundle,
        request: FileRequest,
        ledger: Ledger,
        progress: Progress,
    ) -> tuple[list[StoredFile], int]:
        url = _bundle_url(base, path)
        folder = self.store / f"{request.spec.name}_raw" / BUNDLES if bundle.shared else ledger.directory
        name = path.rsplit("/", 1)[-1] if bundle.shared else f".bundle{hashlib.sha256(path.encode()).hexdigest()[:8]}"
        tar = resolve_inside(folder, name, request.name)
        if not bundle.shared:
            return self._unpacked(centre, url, tar, bundle, request, ledger, progress)
        with locked(folder):
            known = Ledger(folder)
            count = 0
            if not known.has(name):
                count = self._file(centre, RemoteFile(name, url), known, progress)
            return self._extract(centre, url, tar, bundle, request, ledger), count

    def _unpacked(
        self, centre: str, url: str, tar: Path, bundle: Bundle, request: FileRequest, ledger: Ledger, progress: Progress
    ) -> tuple[list[StoredFile], int]:
        remote, secret = RemoteFile(tar.name, url), self.secrets.get(centre, {})
        try:
            with self.slots.slot(centre, url):
                got = download(remote, tar, self.session, progress.tell, self.pause, secret)
            progress.file_done()
            return self._extract(centre, url, tar, bundle, request, ledger), got.transferred
        finally:
            tar.unlink(missing_ok=True)

    def _extract(
        self, centre: str, url: str, tar: Path, bundle: Bundle, request: FileRequest, ledger: Ledger
    ) -> list[StoredFile]:
        globs = request.globs

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
            stored.append(self._kept(centre, RemoteFile(path, url), "", "", ledger.directory))
        ledger.add(stored)
        return stored

    def _shared(self, request: FileRequest, shared: SharedDirectory, progress: Progress) -> None:
        """Fetch a directory that many observations share. A data centre that lacks it does not make the observation fail."""
        place = f"{request.spec.name}_raw/{fill(shared.local, request.facts)}"
        directory = resolve_inside(self.store, place, request.name)
        with locked(directory):
            ledger = Ledger(directory)
            key = " ".join(shared.globs)
            if ledger.answer(key) is not None:
                return
            reasons = []
            refused: list[str] = []
            for centre, base, path in self._places(shared, request.facts):
                try:
                    files = self.listed(centre, base, path, shared.globs, refused)
                    stored, _ = self._files(centre, files, ledger, progress)
                except NotAtDataCentreError as error:
                    ledger.finish(key, [], [str(error)])
                    return
                except (ServiceError, CorruptFileError) as error:
                    reasons.append(str(error))
                    continue
                ledger.finish(key, [file.path for file in stored], refused_notes(refused))
                return
            raise ServiceError(f"{request.name}: {shared.local} cannot be had: {'; '.join(reasons)}")


def _bundle_url(base: str, path: str) -> str:
    """Return the URL of a tar file below a base, or of a query. NotAtDataCentreError if a mirror lacks the file."""
    if is_local(base):
        file = require_directory(local_directory(base)) / path
        if not file.is_file():
            raise NotAtDataCentreError(f"{file}: not there")
        return file.absolute().as_uri()
    return base.rstrip("/") + path if path.startswith("?") else f"{base.rstrip('/')}/{path}"
