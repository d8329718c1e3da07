"""Ctrl-C and SIGTERM in Snakemake's main process: one message, and every job is ended or finished."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import psutil

from daxa_wf.archive.running import INTERRUPTIBLE

JOB = "DAXA_WF_JOB"
"""Environment variable of the jobs that Snakemake starts on this machine, in contrast to its scancel, say."""

JOB_PREFIX = f"set -euo pipefail; export {JOB}=1; trap '' INT; "
"""Snakemake's own prefix of a job's shell, and that a job ignores Ctrl-C: the main process ends it with SIGTERM.

A Python process prints a traceback when it is interrupted by SIGINT, and none when it is ended by SIGTERM.
"""

MESSAGE = "Interrupted: the running jobs are ended. Finished work is kept; the same command continues from there.\n"


def heed_ctrl_c() -> None:
    """End with one message on Ctrl-C. A run in the background, which ignores Ctrl-C, continues to ignore it."""
    if threading.current_thread() is not threading.main_thread():
        return
    if os.environ.get(INTERRUPTIBLE) == "1" or signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def let_sigterm_wait() -> None:
    """Run Snakemake's handler of SIGTERM in a thread: it takes a lock that the interrupted code may hold."""
    graceful = signal.getsignal(signal.SIGTERM)
    if callable(graceful) and threading.current_thread() is threading.main_thread():
        signal.signal(
            signal.SIGTERM,
            lambda number, frame: threading.Thread(target=graceful, args=(number, frame), daemon=True).start(),
        )


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    sys.stderr.write(MESSAGE)
    # What Snakemake reports from here on is that the jobs did not end well.
    logging.getLogger("snakemake.logging").addFilter(lambda record: record.levelno < logging.ERROR)
    threading.Thread(target=_end_jobs, daemon=True).start()
    raise SystemExit(128 + number)


def _end_jobs() -> None:
    """Send SIGTERM once to each job of this session, also to those that are just starting.

    A task of SAS or eSASS has a session of its own; the job that runs it ends it.
    """
    asked: set[psutil.Process] = set()
    while True:
        for each in set(psutil.Process().children(recursive=True)) - asked:
            with suppress(psutil.Error, ProcessLookupError):
                if JOB in each.environ() and os.getsid(each.pid) == os.getsid(0):
                    each.terminate()
                    asked.add(each)
        time.sleep(0.2)
