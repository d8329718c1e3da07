"""Ctrl-C in Snakemake's main process: its jobs are ended without tracebacks, its other children are not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from daxa_wf.archive.interrupts import MESSAGE

MAIN = """
import signal, subprocess, sys, time
from daxa_wf.archive.interrupts import JOB_PREFIX, handle_ctrl_c
signal.signal(signal.SIGINT, signal.default_int_handler)
handle_ctrl_c()
sleep = "import sys, time; print(1, flush=True); time.sleep(int(sys.argv[1]))"
job = subprocess.Popen(["bash", "-c", f"{JOB_PREFIX} {sys.executable} -c '{sleep}' 60"], stdout=subprocess.PIPE)
other = subprocess.Popen(["sleep", "1"], start_new_session=False, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
job.stdout.readline()
try:
    print("running", flush=True)
    time.sleep(60)
except SystemExit as end:
    print(end.code, job.wait(), other.wait(), flush=True)
"""


def test_ctrl_c_ends_the_jobs_without_tracebacks_and_spares_other_children() -> None:
    command = [sys.executable, "-c", MAIN]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as main:
        assert main.stdout is not None
        assert main.stdout.readline() == "running\n"
        os.killpg(main.pid, signal.SIGINT)
        stdout, stderr = main.communicate(timeout=60)
    assert stdout == f"130 {-signal.SIGTERM} 0\n"
    assert stderr == MESSAGE


BACKGROUND = """
import signal
from daxa_wf.archive.interrupts import handle_ctrl_c
signal.signal(signal.SIGINT, signal.SIG_IGN)
handle_ctrl_c()
print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""


def test_a_run_in_the_background_continues_to_ignore_ctrl_c_unless_daxa_wf_started_it() -> None:
    for interruptible, ignored in (("0", "True\n"), ("1", "False\n")):
        environment = {**os.environ, "DAXA_WF_INTERRUPTIBLE": interruptible}
        command = [sys.executable, "-c", BACKGROUND]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        assert ended.stdout == ignored
