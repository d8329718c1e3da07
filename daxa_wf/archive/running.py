"""One run at a time in an archive, and what a run that was killed leaves behind."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daxa_wf.errors import ConfigError

RUN = ".daxa_wf_run"
"""The file that a run holds, with its host and process."""


@dataclass
class Hold:
    """An archive that is held by a run: by an open file, which Snakemake is to inherit, so that it holds it too.

    `is_left_locked`: a run of ours on this machine was killed, and Snakemake's lock can be its only.
    """

    descriptor: int
    is_left_locked: bool
    ended: bool = False
    """Snakemake has ended by itself, and so has removed its lock."""

    def run(self, command: Sequence[str]) -> int:
        """Run Snakemake until it ends; its exit code, or 128 and the number of the signal that killed it.

        Signals to this process reach it; that of Ctrl-C the terminal sends to both.
        """
        process = subprocess.Popen(command, pass_fds=[self.descriptor])
        _sign(self.descriptor, process.pid)
        for each in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, lambda number, _: process.send_signal(number))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = process.wait()
        self.ended = code >= 0
        return code if self.ended else 128 - code


@contextmanager
def held(root: Path) -> Iterator[Hold]:
    """Hold an archive. ConfigError if another run holds it, or if it is locked by one of which nothing is known.

    The kernel lets go of a file when the last process that holds it ends, however it ends; the file says who it was.
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / RUN
    with path.open("a+", encoding="utf-8") as stream:
        stream.seek(0)
        host, _, process = stream.read().partition(" ")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"{root}: a run of this archive is going on (process {process} on {host}); wait until it has ended"
            ) from None
        is_ours = host == socket.gethostname()
        if is_locked(root) and not is_ours:
            raise ConfigError(
                f"{root} is locked by Snakemake, and not by a 'daxa-wf run' on this machine. If no Snakemake is at work in "
                "it any more (it was killed, or the power failed), run the same command once with --unlock at its end"
            )
        _sign(stream.fileno(), os.getpid())
        hold = Hold(stream.fileno(), is_locked(root))
        yield hold
        if hold.ended:
            stream.truncate(0)


def _sign(descriptor: int, process: int) -> None:
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{socket.gethostname()} {process}".encode())


def is_running(root: Path) -> bool:
    """True while a run works on an archive: ours, or a Snakemake (also one that was killed and left its lock)."""
    path = root / RUN
    if path.exists():
        with path.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return is_locked(root)


def is_locked(root: Path) -> bool:
    """True if Snakemake has locked an archive, or left it locked when it was killed."""
    return any((root / ".snakemake" / "locks").glob("*.lock"))
