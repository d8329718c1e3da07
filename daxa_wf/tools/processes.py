"""Runs a program with all that it starts, so that nothing of it is left when it has ended or is ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn

import psutil

GRACE = 2.0
"""Seconds between asking a program to end and killing it."""
TOKEN = "DAXA_WF_RUN"
"""Variable by which the processes of one run are known, also those that left its group."""


@dataclass(frozen=True)
class Ended:
    """How a program ended: exit code (negative: the signal), within its time or not, seconds, MB of its largest process."""

    exit_code: int
    in_time: bool
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float


def run_watched(
    argv: Sequence[str],
    variables: Mapping[str, str],
    directory: Path,
    stdout: IO[bytes],
    stderr: IO[bytes],
    time_limit: float | None = None,
    stop: Sequence[str] = (),
) -> Ended:
    """Run a program as the head of a process group, for `time_limit` seconds at most; OSError if it cannot be started.

    When it has ended, or its time is over, or this process is interrupted (by SIGINT, SIGTERM, SIGHUP, or because the one
    that started it is gone: SystemExit), whatever it started is killed; also if this process itself is killed. `stop`: a
    command to run before that, for what is not among our own processes.
    """
    clock, token = time.monotonic(), uuid.uuid4().hex
    with _Interrupts() as interrupts, _guard(token) as tell_guard:
        process = subprocess.Popen(
            argv, cwd=directory, env={**variables, TOKEN: token}, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=stderr, start_new_session=True,
        )  # fmt: skip
        in_time = False
        try:
            tell_guard(process.pid)
            with interrupts.let_through():
                in_time = _ended_within(process.pid, time_limit, os.getppid())
        finally:
            if not in_time:
                _ask_to_end(process.pid, stop)
            # What a program that has ended leaves running would write where it no longer has a place.
            _kill_all(process.pid, token)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(
        process.returncode,
        in_time,
        round(time.monotonic() - clock, 3),
        round(usage.ru_utime + usage.ru_stime, 3),
        round(usage.ru_maxrss / 1024, 1),
    )


class _Interrupts:
    """Makes signals exceptions, but only while they are let through: before and after, one that comes has to wait.

    So none comes between the start of a program and the care for its end, or during that. Ignored signals stay ignored
    (SIGHUP under nohup).
    """

    def __init__(self) -> None:
        self._kept: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | None] = {}
        self._come = 0
        self._open = False

    def __enter__(self) -> _Interrupts:
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(each) is not signal.SIG_IGN:
                    self._kept[each] = signal.signal(each, self._receive)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for each, handler in self._kept.items():
            signal.signal(each, handler)
        if self._come and kind is None:
            self._raise()

    @contextlib.contextmanager
    def let_through(self) -> Iterator[None]:
        """Within, a signal interrupts; so does one that has come before."""
        self._open = True
        try:
            if self._come:
                self._raise()
            yield
        finally:
            self._open = False

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self._come = number
        if self._open:
            self._raise()

    def _raise(self) -> NoReturn:
        self._open = False
        raise KeyboardInterrupt if self._come == signal.SIGINT else SystemExit(128 + self._come)


GUARD = """
read -r group
read -r _ && exit
kill -KILL -- "-$group"
for found in $(grep -lFs -- "$1" /proc/[0-9]*/environ); do found=${found#/proc/}; kill -KILL "${found%/environ}"; done
"""
"""Reads two lines from us; where the second does not come, we were killed, and it kills the group and the token's bearers."""


@contextlib.contextmanager
def _guard(token: str) -> Iterator[Callable[[int], None]]:
    """Have what carries the token, and the group that the guard is told, killed if this process is: it then cannot itself."""
    guard = subprocess.Popen(
        ["sh", "-c", GUARD, "daxa_wf", f"{TOKEN}={token}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert guard.stdin is not None  # noqa: S101 - it is a pipe
    tell = guard.stdin

    def tell_group(group: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            tell.write(f"{group}\n".encode())
            tell.flush()

    try:
        yield tell_group
    finally:
        guard.communicate(b"\n\n")


def _ended_within(pid: int, seconds: float | None, parent: int = 0) -> bool:
    """Wait for a program's end without reaping it: until it is reaped, its group's number belongs to no other.

    SystemExit if the process `parent` ends first: nobody waits for us any more.
    """
    program = os.pidfd_open(pid)
    descriptors = [program]
    # The parent may be out of our sight (0, in a container).
    with contextlib.suppress(OSError):
        descriptors += [os.pidfd_open(parent)] if parent else []
    try:
        watch = select.poll()
        for each in descriptors:
            watch.register(each, select.POLLIN)
        ended = [descriptor for descriptor, _ in watch.poll(None if seconds is None else max(seconds, 0) * 1000)]
    finally:
        for each in descriptors:
            os.close(each)
    if ended and program not in ended:
        raise SystemExit(128 + signal.SIGHUP)
    return bool(ended)


def _ask_to_end(group: int, stop: Sequence[str]) -> None:
    if stop:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(stop, capture_output=True, timeout=30, check=False)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
    _ended_within(group, GRACE)


def _kill_all(group: int, token: str) -> None:
    """Kill the group, and the processes that left it but carry the run's token."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    quiet = 0
    for _ in range(50):
        strays = [process for process in _marked(token) if process.pid != group]
        # A program that is just being started shows no environment for a moment, so one look is not enough.
        quiet = 0 if strays else quiet + 1
        if quiet == 2:
            return
        for process in strays:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.02)


def _marked(token: str) -> list[psutil.Process]:
    """Return the living processes of this user that were started with the token in their environment."""
    marked = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(TOKEN) == token:
                marked.append(process)
    return marked
