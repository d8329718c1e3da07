"""Download one file: resume it where that is safe, verify it, and rename it into its place when it is complete."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from daxa_wf.download.data_centres import RemoteFile, check_status
from daxa_wf.errors import CorruptFileError, ServiceError
from daxa_wf.files import copy_file, flush_and_rename
from daxa_wf.fits.verify import MARKUP_NAMES, check_content
from daxa_wf.limits import Limits, SpeedGauge, TooSlowError
from daxa_wf.tables.urls import shown

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from daxa_wf.tables.http import PatientSession

CHUNK = 1024 * 1024
FRUITLESS = 4
"""Attempts in a row that may transfer nothing, or transfer too slowly."""
ATTEMPTS = 100
"""Attempts in all, because a server that sends one byte at each attempt would be asked for ever."""
PAUSE = 1.0
"""Seconds before the second attempt; doubled before each further one."""
RANGE_NOT_SATISFIABLE = 416
WORTH_RESUMING = 64 * 1024
"""Bytes below which a file is fetched again from its start."""


@dataclass(frozen=True)
class DownloadedFile:
    """A file that is complete and verified: SHA-256, ETag, bytes of the file, bytes transferred."""

    sha256: str
    etag: str
    size: int
    transferred: int


class _BrokenError(Exception):
    """A transfer that ended before its end, or was too slow."""

    def __init__(self, message: str, slow: bool = False) -> None:
        self.slow = slow
        super().__init__(message)


Tell = Callable[[int], None]
"""Receives the number of bytes as they arrive."""


def download(
    remote: RemoteFile,
    target: Path,
    session: PatientSession,
    tell: Tell = lambda _: None,
    pause: float = PAUSE,
    secret: Mapping[str, str] | None = None,
) -> DownloadedFile:
    """Fetch a file to `target`, continuing an earlier attempt if the server confirms that its file has not changed.

    `secret` has parameters that are sent with the request and never shown; `pause` is in seconds. Raise NotAtDataCentreError
    or ProprietaryError if the data centre refuses the file, ServiceError if it cannot be fetched, and CorruptFileError if
    the answer is not the file, or larger than listed.
    """
    if remote.url.startswith("file://"):
        return _take(remote, target, session.limits)
    part = _PartialFile(target, remote, secret or {}, session.limits)
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
    transferred = _receive_all(part, session, tell, pause)
    try:
        _check(part, remote, target.name, session.limits)
    except CorruptFileError:
        part.drop()
        raise
    flush_and_rename(part.path, target)
    if part.noted:
        part.note.unlink(missing_ok=True)
    return DownloadedFile(part.sha256.hexdigest(), part.etag, part.size, transferred)


def _receive_all(part: _PartialFile, session: PatientSession, tell: Tell, pause: float) -> int:
    """Receive a file in as many attempts as it needs. Return the bytes that were transferred."""
    transferred, fruitless, furthest = 0, 0, 0
    for _ in range(ATTEMPTS):
        try:
            for count in part.receive(session):
                transferred += count
                tell(count)
            return transferred
        except _BrokenError as broken:
            # The file's size counts, not the bytes received: a server that cannot resume sends the same ones for ever.
            fruitless = 0 if part.size > furthest and not broken.slow else fruitless + 1
            furthest = max(furthest, part.size)
            if fruitless >= FRUITLESS:
                raise ServiceError(f"{shown(part.url)}: {broken}, {FRUITLESS} times in a row") from None
            time.sleep(pause * 2**fruitless if fruitless else 0)
    raise ServiceError(f"{shown(part.url)}: the transfer broke off {ATTEMPTS} times")


def _check(part: _PartialFile, remote: RemoteFile, name: str, limits: Limits) -> None:
    size = part.size
    if remote.exact and remote.size is not None and size != remote.size:
        raise CorruptFileError(f"{name} has {size} bytes; the archive's listing says {remote.size}")
    if remote.md5 and part.md5.hexdigest() != remote.md5:
        raise CorruptFileError(f"{name} has another MD5 than the archive says")
    check_content(part.path, name, limits)


def _take(remote: RemoteFile, target: Path, limits: Limits) -> DownloadedFile:
    """Copy a file of this machine, so that a change of the raw store never changes the mirror."""
    import os

    source = Path(unquote(urlsplit(remote.url).path))
    check_content(source, None, limits)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        copy_file(source, part)
        flush_and_rename(part, target)
    finally:
        part.unlink(missing_ok=True)
    with target.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return DownloadedFile(digest, "", target.stat().st_size, 0)


class _PartialFile:
    """An incomplete file, with a note of the server's validator (ETag or time) for it."""

    def __init__(self, target: Path, remote: RemoteFile, secret: Mapping[str, str], limits: Limits) -> None:
        self.secret, self.limits = secret, limits
        self.listed = remote.size
        self.largest = limits.transferred_from(remote.size, remote.exact)
        self.path = target.with_name(f".{target.name}.part")
        self.note = target.with_name(f".{target.name}.part.json")
        self.url, self.name = remote.url, target.name
        self.etag = self.validator = ""
        self.with_md5, self.noted, self.size = bool(remote.md5), False, 0
        self._new_digests()

    def _new_digests(self) -> None:
        self.sha256, self.md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._hashed = 0

    def _digest(self, data: bytes) -> None:
        self.sha256.update(data)
        if self.with_md5:
            self.md5.update(data)

    def drop(self) -> None:
        """Delete the incomplete file and its note."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def receive(self, session: PatientSession) -> Any:
        """Yield the sizes of chunks as they arrive. Raise _BrokenError if they end early, and keep those received."""
        have = self._resumable()
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": self.validator}
        response = self._request(session, headers)
        try:
            if response.status == RANGE_NOT_SATISFIABLE:
                self.drop()
                raise _BrokenError("the server has less of it than is here")
            check_status(response.status, shown(self.url))
            start = self._start(response, have)
            self._refuse_markup(response)
            self._refuse_beyond(start + _length(response))
            self._write_note(response)
            yield from self._write(response, start)
            response.release_conn()
        except BaseException:
            response.close()
            raise

    def _resumable(self) -> int:
        if not self.path.exists():
            return 0
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            self.validator, self.noted = str(note["validator"]), True
            return self.path.stat().st_size if self.validator and note["url"] == shown(self.url) else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _request(self, session: PatientSession, headers: dict[str, str]) -> BaseHTTPResponse:
        from urllib3.exceptions import HTTPError

        try:
            return session.open(self.url, headers, self.secret)
        except HTTPError as error:
            raise _BrokenError(f"no answer ({type(error).__name__})") from None

    def _start(self, response: BaseHTTPResponse, have: int) -> int:
        """Return the offset of the answer's bytes in the file: `have` if the server resumes, else 0."""
        if response.status != 206:
            return 0
        sent = response.headers.get("Content-Range", "")
        same = response.headers.get("ETag", "") in ("", self.validator) or not self.validator.startswith('"')
        if not sent.startswith(f"bytes {have}-") or not same:
            self.drop()
            raise _BrokenError("the server sent another part than was asked for")
        return have

    def _refuse_markup(self, response: BaseHTTPResponse) -> None:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "text/html" and not self.name.lower().endswith(MARKUP_NAMES):
            self.drop()
            raise CorruptFileError(
                f"{self.name}: {shown(self.url)} sent a page of HTML in its place; the archive may be closed or want a login"
            )

    def _refuse_beyond(self, size: int) -> None:
        """Delete the file and raise CorruptFileError if it is larger than the listing or the limits allow."""
        if size > self.largest:
            self.drop()
            allowed = f"the archive's listing says {self.listed}" if self.listed is not None else "see limits.file"
            raise CorruptFileError(f"{self.name} has more than {self.largest} bytes; {allowed}")

    def _write_note(self, response: BaseHTTPResponse) -> None:
        """Note the validator that allows to resume. A weak ETag does not identify bytes (RFC 9110, 13.1.5)."""
        etag = response.headers.get("ETag", "")
        self.etag = etag.strip('"')
        self.validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        if "Content-Length" in response.headers and _length(response) < WORTH_RESUMING:
            return
        self.noted = True
        self.note.write_text(json.dumps({"url": shown(self.url), "validator": self.validator}), encoding="utf-8")

    def _write(self, response: BaseHTTPResponse, start: int) -> Any:
        from urllib3.exceptions import HTTPError

        self._begin_at(start)
        done, gauge = start, SpeedGauge(self.limits)
        with self.path.open("r+b" if start else "wb") as output:
            output.seek(start)
            output.truncate()
            try:
                while chunk := response.read1(CHUNK):
                    output.write(chunk)
                    self._digest(chunk)
                    done += len(chunk)
                    self._refuse_beyond(done)
                    gauge.add(len(chunk))
                    yield len(chunk)
            except TooSlowError as slow:
                raise _BrokenError(f"the transfer is too slow ({slow})", slow=True) from None
            except (HTTPError, OSError) as error:
                if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
                    raise
                raise _BrokenError(f"the transfer broke off ({type(error).__name__})") from None
            finally:
                self._hashed = self.size = done
        if "Content-Length" in response.headers and done != start + _length(response):
            raise _BrokenError(f"{start + _length(response) - done} bytes are missing")

    def _begin_at(self, start: int) -> None:
        """Bring the digests to the first `start` bytes of the file."""
        if start and start == self._hashed:
            return
        self._new_digests()
        self._hashed = start
        if start:
            with self.path.open("rb") as stream:
                left = start
                while left and (chunk := stream.read(min(CHUNK, left))):
                    self._digest(chunk)
                    left -= len(chunk)


def _length(response: BaseHTTPResponse) -> int:
    """Return the bytes that an answer announces, or 0 if it does not. Raise ServiceError if that is not a number."""
    length = response.headers.get("Content-Length", "0")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise ServiceError(f"an answer has the Content-Length {length[:40]!r}, which is not a number")
    return int(length)
