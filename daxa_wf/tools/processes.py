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
from typing import IO, Any

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

    When it has ended, or its time is over, or this process is interrupted (also by SIGTERM and SIGHUP), whatever it
    started is killed. `stop`: a command to run before that, for what is not among our own processes.
    """
    clock, token = time.monotonic(), uuid.uuid4().hex
    with _signals_raise():
        process = subprocess.Popen(
            argv, cwd=directory, env={**variables, TOKEN: token}, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=stderr, start_new_session=True,
        )  # fmt: skip
        in_time = False
        try:
            in_time = _ended_within(process.pid, time_limit)
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


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end this process by an exception, as SIGINT does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    kept: dict[signal.Signals, Callable[[int, FrameType | None], Any] | int | None] = {}
    try:
        for each in (signal.SIGTERM, signal.SIGHUP):
            kept[each] = signal.signal(each, leave)
        yield
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)


def _ended_within(pid: int, seconds: float | None) -> bool:
    """Wait for a program's end without reaping it: until it is reaped, its group's number belongs to no other."""
    descriptor = os.pidfd_open(pid)
    try:
        watch = select.poll()
        watch.register(descriptor, select.POLLIN)
        return bool(watch.poll(None if seconds is None else max(seconds, 0) * 1000))
    finally:
        os.close(descriptor)


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
        strays = [pid for pid in _marked(token) if pid != group]
        # A program that is just being started shows no environment for a moment, so one look is not enough.
        quiet = 0 if strays else quiet + 1
        if quiet == 2:
            return
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _marked(token: str) -> list[int]:
    """Living processes of this user that were started with the token in their environment."""
    marked, sought = [], f"{TOKEN}={token}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if sought in (entry / "environ").read_bytes().split(b"\0"):
                    marked.append(int(entry.name))
    return marked
