"""One run at a time in an archive, and what a run that was killed leaves behind."""

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

import psutil

from daxa_wf.errors import ConfigError, Fault
from daxa_wf.text import make_printable

RUN = ".daxa_wf_run"
"""The file that a run holds, with its host and process."""

INTERRUPTIBLE = "DAXA_WF_INTERRUPTIBLE"
"""Environment variable for Snakemake: 1 if Ctrl-C is to end it, although it is started with Ctrl-C ignored."""

LOCKS = Path(".snakemake", "locks")
"""Where Snakemake keeps the locks of an archive."""

GRACE = 20.0
"""Seconds that Snakemake has to end after a signal before it is killed with its jobs; SLURM kills after 30 s."""


@dataclass
class Hold:
    """An archive that is held by a run: by an open file, which Snakemake is to inherit, so that it holds it too.

    `is_left_locked`: a run of ours on this machine was killed, and Snakemake's lock can be its only.
    """

    root: Path
    descriptor: int
    is_left_locked: bool
    ended: bool = False
    """Snakemake has ended by itself, and so has removed its lock."""

    def unlock(self, command: Sequence[str]) -> None:
        """Remove the lock that a killed run left, with Snakemake's own command. Fault if the lock is still there.

        The file keeps its owner then, so that the next run tries again.
        """
        ended = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
        if ended.returncode == 0 and not is_locked(self.root):
            return
        lines = make_printable(ended.stderr).strip().splitlines()
        reason = lines[-1] if lines else "it printed no reason"
        raise Fault(
            f"{self.root}: the lock that a killed run left could not be removed (snakemake --unlock ended with exit code "
            f"{ended.returncode}: {reason}). Run the same command again; if this repeats, remove the files in "
            f"{self.root / LOCKS}"
        )

    def run(self, command: Sequence[str], grace: float = GRACE) -> int:
        """Run Snakemake until it ends. Return its exit code, or 128 and the number of the signal that killed it.

        SIGTERM and SIGHUP to this process are passed on. Ctrl-C reaches both, because the terminal sends it to both.
        Snakemake is killed with all its jobs if it has not ended `grace` seconds after the first signal.
        """
        is_interruptible = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        # Snakemake begins with Ctrl-C ignored, because its imports would print a traceback. The Snakefile heeds it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        environment = {**os.environ, INTERRUPTIBLE: str(int(is_interruptible))}
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

        for each in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, pass_on)
        if is_interruptible:
            signal.signal(signal.SIGINT, pass_on)
        code = process.wait()
        has_ended.set()
        self.ended = code >= 0
        return code if self.ended else 128 - code


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
        for each in [*parent.children(recursive=True), parent]:
            with suppress(psutil.NoSuchProcess):
                each.kill()


@contextmanager
def held(root: Path) -> Iterator[Hold]:
    """Hold an archive. ConfigError if another run holds it, or if it is locked by one of which nothing is known.

    The kernel lets go of a file when the last process that holds it ends, however it ends; the file says who it was.
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / RUN
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+", encoding="utf-8") as stream:
        host, _, process = stream.readline().rstrip("\n").partition(" ")
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
        hold = Hold(root, stream.fileno(), is_locked(root))
        yield hold
        if hold.ended:
            os.ftruncate(stream.fileno(), 0)


def _sign(descriptor: int, process: int) -> None:
    """Write this host and a process into the file, which is never empty on the way: a kill can come at any moment."""
    text = f"{socket.gethostname()} {process}\n".encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))


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
    return any((root / LOCKS).glob("*.lock"))
