"""Run a program and its child processes, and leave none of them behind, however the program ends."""

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
"""Variable that marks the processes of one run, also those that have left its process group."""


@dataclass(frozen=True)
class ProcessEnd:
    """The end of a program: exit code (negative: the signal), in time or not, seconds, MB of its largest process."""

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
) -> ProcessEnd:
    """Run a program as the head of a process group, for at most `time_limit` seconds. OSError if it cannot be started.

    All its processes are killed when it ends, when its time is over, and when this process is interrupted or killed. An
    interrupt is SIGINT, SIGTERM, SIGHUP, or the end of this process's parent (SystemExit). Before the killing, the command
    `stop` is run, for processes that are not our children, such as a container's.
    """
    clock, token = time.monotonic(), uuid.uuid4().hex
    with _Interrupts() as interrupts, _guard(token) as name_group:
        process = subprocess.Popen(
            argv, cwd=directory, env={**variables, TOKEN: token}, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=stderr, start_new_session=True,
        )  # fmt: skip
        in_time = False
        try:
            name_group(process.pid)
            with interrupts.let_through():
                in_time = _ended_within(process.pid, time_limit, os.getppid())
        finally:
            if not in_time:
                _ask_to_end(process.pid, stop)
            # Processes that outlive the program would write into directories that are about to be removed.
            _kill_all(process.pid, token)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    return ProcessEnd(
        process.returncode,
        in_time,
        round(time.monotonic() - clock, 3),
        round(usage.ru_utime + usage.ru_stime, 3),
        round(usage.ru_maxrss / 1024, 1),
    )


class _Interrupts:
    """A context that turns signals into exceptions, but holds them back except inside `let_through`.

    So no signal interrupts the start of a program or the work after its end. Ignored signals stay ignored (SIGHUP under
    nohup). SIGALRM, the end of a step's time, is held back too, and then goes to its own handler.
    """

    def __init__(self) -> None:
        self._kept: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | None] = {}
        self._come = 0
        self._open = False

    def __enter__(self) -> _Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._kept[number] = signal.signal(number, self._receive)
            if callable(signal.getsignal(signal.SIGALRM)):
                self._kept[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._receive)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for number, handler in self._kept.items():
            signal.signal(number, handler)
        if self._come and kind is None:
            self._raise()

    @contextlib.contextmanager
    def let_through(self) -> Iterator[None]:
        """Let signals interrupt the block, and raise a signal that was held back."""
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
        handler = self._kept.get(signal.SIGALRM) if self._come == signal.SIGALRM else None
        if callable(handler):
            handler(signal.SIGALRM, None)
        raise KeyboardInterrupt if self._come == signal.SIGINT else SystemExit(128 + self._come)


GUARD = """
read -r group
read -r _ && exit
kill -KILL -- "-$group"
for file in $(grep -lFs -- "$1" /proc/[0-9]*/environ); do file=${file#/proc/}; kill -KILL "${file%/environ}"; done
"""
"""Reads two lines from this process. If the second is missing, this process was killed, and the script kills the process group
and all processes that carry the token.
"""


@contextlib.contextmanager
def _guard(token: str) -> Iterator[Callable[[int], None]]:
    """Start a guard that kills a process group, and the processes with a token, if this process is killed.

    The context gives the function that sends the number of the group to the guard.
    """
    guard = subprocess.Popen(
        ["sh", "-c", GUARD, "daxa_wf", f"{TOKEN}={token}"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert guard.stdin is not None  # noqa: S101 - it is a pipe
    pipe = guard.stdin

    def send_group(group: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            pipe.write(f"{group}\n".encode())
            pipe.flush()

    try:
        yield send_group
    finally:
        guard.communicate(b"\n\n")


def _ended_within(pid: int, seconds: float | None, parent: int = 0) -> bool:
    """Wait for a program's end, and return False if the time is over. SystemExit if the process `parent` ends first.

    The program is not reaped, so that the system cannot give the number of its group to another group.
    """
    program = os.pidfd_open(pid)
    descriptors = [program]
    # In a container, the parent may be invisible (0).
    with contextlib.suppress(OSError):
        descriptors += [os.pidfd_open(parent)] if parent else []
    try:
        watch = select.poll()
        for descriptor in descriptors:
            watch.register(descriptor, select.POLLIN)
        ended = [descriptor for descriptor, _ in watch.poll(None if seconds is None else max(seconds, 0) * 1000)]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
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
    """Kill the process group, and the processes that have left it but carry the run's token."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    empty_searches = 0
    for _ in range(50):
        strays = [process for process in _marked(token) if process.pid != group]
        # A starting program hides its environment for a moment, so one search is not enough.
        empty_searches = 0 if strays else empty_searches + 1
        if empty_searches == 2:
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
