"""The raw store: fetched files that archives share, with a ledger of the verified files in each directory."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from daxa_wf.errors import UnsafePathError
from daxa_wf.files import LEDGER, LOCK, checked_relative, sha256_of, write_atomically
from daxa_wf.json_files import Count, parse_json

log = logging.getLogger("daxa_wf")


@dataclass(frozen=True)
class StoredFile:
    """A verified file: path below its directory, its state when it was verified, its origin."""

    path: str
    size: Count
    mtime_ns: int
    sha256: str
    url: str = ""
    archive: str = ""
    etag: str = ""
    fetched: str = ""
    remote_size: Count = 0
    """Bytes of the file at the data centre. They differ from `size` if the file was decompressed here."""


def stored_file(
    directory: Path, path: str, sha256: str, url: str, archive: str, etag: str = "", remote_size: int | None = None
) -> StoredFile:
    """Return the ledger's line about a file that was verified just now."""
    stat = (directory / path).stat()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    remote = stat.st_size if remote_size is None else remote_size
    return StoredFile(path, stat.st_size, stat.st_mtime_ns, sha256, url, archive, etag, now, remote)


@dataclass(frozen=True)
class _CompletionLine:
    """The ledger's line about a complete request."""

    complete: str
    paths: list[str]
    notes: list[str]


class Ledger:
    """A directory's ledger. A line is added as each file is verified, so that a killed process loses nothing.

    A line that is cut off, damaged or names a path outside is passed over. Its file is verified or fetched again.
    """

    def __init__(self, directory: Path) -> None:
        self.directory, self.path, self._lock = directory, directory / LEDGER, Lock()
        self._stream: Any = None
        self.files: dict[str, StoredFile] = {}
        self.complete: dict[str, dict[str, Any]] = {}
        for line in self._lines():
            if isinstance(line, StoredFile):
                self.files[line.path] = line
            else:
                self.complete[line.complete] = asdict(line)

    def _lines(self) -> Iterator[StoredFile | _CompletionLine]:
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                entry: StoredFile | _CompletionLine = parse_json(line, StoredFile | _CompletionLine)
                for name in [entry.path] if isinstance(entry, StoredFile) else entry.paths:
                    checked_relative(name, f"the ledger {self.path}")
                yield entry
            except UnsafePathError as error:
                log.warning("%s; this line of the ledger is left out", error)
            except ValueError:
                continue

    def has(self, path: str, remote_size: int | None = None) -> bool:
        """Return True if a file was verified, has not changed, and has the data centre's size, if that is known.

        Size and time are compared with the ledger. If only the time differs, as after a copy of the store, the SHA-256
        decides, and an unchanged file gets a new line.
        """
        known = self.files.get(path)
        if known is None or (remote_size is not None and remote_size != known.remote_size):
            return False
        try:
            stat = (self.directory / path).stat()
        except OSError:
            return False
        if stat.st_size != known.size:
            return False
        if stat.st_mtime_ns == known.mtime_ns:
            return True
        if sha256_of(self.directory / path) != known.sha256:
            return False
        with suppress(OSError):  # a store that others keep cannot be written to
            self.add([replace(known, mtime_ns=stat.st_mtime_ns)])
        return True

    def add(self, files: Iterable[StoredFile]) -> None:
        """Add files that were verified."""
        listed = list(files)
        with self._lock:
            self._append([vars(file) for file in listed])
            self.files.update({file.path: file for file in listed})

    def finish(self, key: str, paths: Sequence[str], notes: Sequence[str]) -> None:
        """Add a request that these files complete."""
        line = {"complete": key, "paths": list(paths), "notes": list(notes)}
        self._append([line])
        self.complete[key] = line

    def forget(self, paths: Iterable[str]) -> None:
        """Drop files from the ledger, and all requests, so that the next one lists the observation and fetches the files.

        The files stay until they are replaced. Hold the directory (`locked`) meanwhile.
        """
        gone = set(paths)
        self.files, self.complete = {name: file for name, file in self.files.items() if name not in gone}, {}
        lines = [json.dumps(vars(file)) for file in self.files.values()]
        write_atomically(self.path, "".join(f"{line}\n" for line in lines))

    def answer(self, key: str) -> list[StoredFile] | None:
        """Return the files of a complete request if they have not changed, else None."""
        line = self.complete.get(key)
        if line is None or not all(path in self.files and self.has(path) for path in line["paths"]):
            return None
        return [self.files[path] for path in line["paths"]]

    def notes(self, key: str) -> list[str]:
        """Return the notes of a complete request."""
        return list(self.complete.get(key, {}).get("notes", []))

    def _append(self, lines: Sequence[dict[str, Any]]) -> None:
        if self._stream is None:
            self._stream = self._opened()
        self._stream.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    def _opened(self) -> Any:
        """Open the ledger's file without a buffer, and end a line that is cut off."""
        self.directory.mkdir(parents=True, exist_ok=True)
        stream = self.path.open("a+b", buffering=0)
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        return stream


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory of the store, so that two archives that need the same observation fetch it once."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        stream = (directory / LOCK).open("a")
    except PermissionError:
        # In a store that others keep, complete observations can be used without writing.
        stream = (directory / LOCK).open()
    with stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


class HostSlots:
    """Limits the transfers from each host at once, over all processes of this machine that share a store."""

    def __init__(self, directory: Path, limits: dict[str, int], default: int) -> None:
        self.directory, self.limits, self.default = directory, limits, default

    def limit(self, centre: str) -> int:
        """Return the number of transfers that a data centre allows at once."""
        return self.limits.get(centre, self.default)

    @contextmanager
    def slot(self, centre: str, url: str) -> Iterator[None]:
        """Wait for one of the slots of a URL's host, and hold it."""
        folder = self._folder(url)
        while True:
            for number in range(self.limit(centre)):
                with (folder / str(number)).open("w") as stream:
                    try:
                        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        continue
                    yield
                    return
            time.sleep(0.05)

    @contextmanager
    def every_slot(self, centre: str, url: str) -> Iterator[None]:
        """Hold all slots of a URL's host, for a program that makes many transfers itself.

        The slots are taken in order, so that two programs never wait for each other.
        """
        folder = self._folder(url)
        with ExitStack() as stack:
            for number in range(self.limit(centre)):
                stream = stack.enter_context((folder / str(number)).open("w"))
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _folder(self, url: str) -> Path:
        host = urlsplit(url).netloc or "local"
        folder = self.directory / host.replace(":", "_")
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
        return folder
