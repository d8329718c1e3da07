"""Handle Ctrl-C and SIGTERM in Snakemake's main process: print one message, and end or finish every job."""

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
"""Environment variable of the jobs that Snakemake starts on this machine. Its other processes, such as scancel, lack it."""

JOB_PREFIX = f"set -euo pipefail; export {JOB}=1; trap '' INT; "
"""Prefix of a job's shell: Snakemake's own, and a trap with which a job ignores Ctrl-C. The main process ends it by SIGTERM.

A Python process prints a traceback when it is interrupted by SIGINT, and none when it is ended by SIGTERM.
"""

MESSAGE = "Interrupted: the running jobs are ended. Finished work is kept; the same command continues from there.\n"


def handle_ctrl_c() -> None:
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
    # From here on, Snakemake reports only that the jobs failed.
    logging.getLogger("snakemake.logging").addFilter(lambda record: record.levelno < logging.ERROR)
    threading.Thread(target=_end_jobs, daemon=True).start()
    raise SystemExit(128 + number)


def _end_jobs() -> None:
    """Send SIGTERM once to each job of this session, also to jobs that are starting.

    A task of SAS or eSASS has a session of its own; the job that runs it ends it.
    """
    ended: set[psutil.Process] = set()
    while True:
        for process in set(psutil.Process().children(recursive=True)) - ended:
            with suppress(psutil.Error, ProcessLookupError):
                if JOB in process.environ() and os.getsid(process.pid) == os.getsid(0):
                    process.terminate()
                    ended.add(process)
        time.sleep(0.2)
