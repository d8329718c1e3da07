"""Report the progress of a download: a line a minute in a log, and a file that `daxa-wf watch` reads."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

log = logging.getLogger("daxa_wf")
LOG_SECONDS = 60.0
FILE_SECONDS = 1.0


@dataclass
class Progress:
    """Counts the files and bytes of one observation for many threads."""

    name: str
    path: Path | None = None
    files: int = 0
    total_bytes: int = 0
    files_done: int = 0
    bytes_done: int = 0
    started: float = field(default_factory=time.monotonic)
    _logged: float = field(default_factory=time.monotonic)
    _written: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def plan(self, files: int, total_bytes: int) -> None:
        """Add files and bytes that are still to be fetched."""
        with self._lock:
            self.files += files
            self.total_bytes += total_bytes

    def tell(self, count: int) -> None:
        """Add bytes that have arrived."""
        with self._lock:
            self.bytes_done += count
            now = time.monotonic()
            if now - self._logged >= LOG_SECONDS:
                self._logged = now
                log.info("%s", self.line())
            if self.path is not None and now - self._written >= FILE_SECONDS:
                self._written = now
                self._write()

    def file_done(self) -> None:
        """Add a file that is complete."""
        with self._lock:
            self.files_done += 1

    @property
    def rate(self) -> float:
        """Return the bytes a second since the start."""
        return self.bytes_done / max(time.monotonic() - self.started, 1e-3)

    def line(self) -> str:
        """Return a line with files, bytes, rate and time left."""
        left = max(self.total_bytes - self.bytes_done, 0) / self.rate if self.rate else 0.0
        return (
            f"{self.name}: {self.files_done} of {self.files} files, {self.bytes_done / 1e6:.1f} of "
            f"{max(self.total_bytes, self.bytes_done) / 1e6:.1f} MB, {self.rate / 1e6:.1f} MB/s, {left:.0f} s left"
        )

    def _write(self) -> None:
        assert self.path is not None  # noqa: S101 - only called where there is one
        state = {"name": self.name, "files": self.files, "files_done": self.files_done, "bytes": self.total_bytes,
                 "bytes_done": self.bytes_done, "rate": self.rate}  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(state), encoding="utf-8")
        part.replace(self.path)

    def finish(self) -> None:
        """Delete the file, and write a last line to the log."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        log.info("%s", self.line())
