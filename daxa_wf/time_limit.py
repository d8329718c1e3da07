"""End a piece of work in this process when its time is over."""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from daxa_wf.errors import Fault

STEP_TIME = "step_time"
"""Key of a step's context with its longest wall time in seconds, if it has one."""
GRACE = 60.0
"""Seconds after the limit in which code that cannot be interrupted may return, before this process is ended."""


class _TimeOver(BaseException):
    """The time is over. It is not an Exception, so that work which goes on after errors does not go on after it."""


@contextmanager
def time_limit(seconds: float | None, name: str, remedy: str) -> Iterator[None]:
    """Raise Fault if the block has not ended after `seconds` of wall time. Its message has `name` and `remedy`.

    Signals interrupt Python between two of its instructions. Compiled code is interrupted when it returns. If it does not
    return within GRACE, the process ends with exit code 1 and the places where it was, on the standard error. Only the
    main thread can be limited; a block in another thread is not.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    is_armed = True

    def end(*_: object) -> None:
        if is_armed:
            raise _TimeOver

    usual = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds + GRACE, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        try:
            yield
        finally:
            is_armed = False
    except _TimeOver:
        _raise_fault(seconds, name, remedy)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, usual)


def _raise_fault(seconds: float, name: str, remedy: str) -> NoReturn:
    raise Fault(f"{name} did not end within {seconds:g} s and was stopped; {remedy}") from None
