"""One run at a time in an archive: the kernel frees it when the last process of a run ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from daxa_wf.errors import ConfigError
from daxa_wf.files import why_unwritable

RUN = ".daxa_wf_run"
"""The file that a run holds, with its host and process."""

INTERRUPTIBLE = "DAXA_WF_INTERRUPTIBLE"
"""Environment variable for Snakemake: 1 if Ctrl-C is to end it, although it is started with Ctrl-C ignored."""

HELD = "DAXA_WF_HELD"
"""Environment variable for Snakemake: the archive that `daxa-wf run` holds for it."""

GRACE = 20.0
"""Seconds that Snakemake has to end after a signal before it is killed with its jobs; SLURM kills after 30 s."""


@dataclass
class ArchiveLock:
    """The lock of an archive in use by a run: an open file. Snakemake inherits the file, so it keeps the lock too."""

    root: Path
    descriptor: int

    def run(self, command: Sequence[str], grace: float = GRACE) -> int:
        """Run Snakemake until it ends. Return its exit code, or 128 and the number of the signal that killed it.

        SIGTERM and SIGHUP to this process are passed on. Ctrl-C reaches both, because the terminal sends it to both.
        Snakemake is killed with all its jobs if it has not ended `grace` seconds after the first signal.
        """
        is_interruptible = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        # Snakemake begins with Ctrl-C ignored, because its imports would print a traceback. The Snakefile handles it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        environment = {**os.environ, INTERRUPTIBLE: str(int(is_interruptible)), HELD: str(self.root.resolve())}
        process = subprocess.Popen(command, pass_fds=[self.descriptor], env=environment)
        _sign(self.descriptor, process.pid)
        has_ended = threading.Event()
        escalations: list[threading.Thread] = []

        def pass_on(number: int, _frame: object) -> None:
            if number != signal.SIGINT:
                process.send_signal(number)
            if not escalations:
                arguments = (process.pid, grace, number == signal.SIGINT, has_ended)
                escalations.append(threading.Thread(target=_escalate, args=arguments, daemon=True))
                escalations[0].start()

        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, pass_on)
        if is_interruptible:
            signal.signal(signal.SIGINT, pass_on)
        code = process.wait()
        has_ended.set()
        return code if code >= 0 else 128 - code


def _escalate(pid: int, grace: float, is_interrupted: bool, has_ended: threading.Event) -> None:
    """Wait `grace` seconds for the end of a process, then kill it. Repeat Ctrl-C, which it ignores while it starts."""
    deadline = time.monotonic() + grace
    while not has_ended.wait(min(1.0, max(0.0, deadline - time.monotonic()))):
        if time.monotonic() >= deadline:
            sys.stderr.write(f"Snakemake has not ended within {grace:g} s; it is killed with its jobs.\n")
            _kill_tree(pid)
            return
        if is_interrupted:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)


def _kill_tree(pid: int) -> None:
    """Kill a process and all that it started. A task of SAS or eSASS has a guard that ends it with its job."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        # A stopped process starts no more jobs, so the list of its children is complete.
        parent.suspend()
        for process in [*parent.children(recursive=True), parent]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


@contextmanager
def held(root: Path) -> Iterator[ArchiveLock]:
    """Hold an archive. Raise ConfigError if another run holds it, or if its directory is not writable."""
    with _locked_file(root) as stream:
        yield ArchiveLock(root, stream.fileno())
        os.ftruncate(stream.fileno(), 0)


def hold_for_this_process(root: Path) -> None:
    """Hold an archive until this process ends, unless `daxa-wf run` holds it for it.

    If another run holds it, end the process with its message and exit code.
    """
    if os.environ.get(HELD) == str(root.resolve()):
        return
    try:
        _KEPT.append(_locked_file(root))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


_KEPT: list[IO[str]] = []
"""Files that are open until this process ends."""


def _locked_file(root: Path) -> IO[str]:
    """Return the open file that stands for holding an archive, with this host and process in it. ConfigError if it is held."""
    stream = os.fdopen(_descriptor(root), "r+", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with stream:
            host, _, process = stream.readline().rstrip("\n").partition(" ")
        raise ConfigError(
            f"{root}: a run of this archive is going on (process {process} on {host}); wait until it has ended"
        ) from None
    _sign(stream.fileno(), os.getpid())
    return stream


def _descriptor(root: Path) -> int:
    """Make an archive's directory, and open its file RUN. Raise ConfigError if the directory or the file is not writable."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        return os.open(root / RUN, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        problem = why_unwritable(root.absolute()) or f"{root / RUN}: {error.strerror}; change its permissions"
        raise ConfigError(f"archive: {problem}") from None


def _sign(descriptor: int, process: int) -> None:
    """Write this host and a process into the file, which is never empty on the way: a kill can come at any moment."""
    text = f"{socket.gethostname()} {process}\n".encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))


def is_running(root: Path) -> bool:
    """Return True while a run works on an archive."""
    path = root / RUN
    if not path.exists():
        return False
    with path.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
