"""What a run prints: lines, the summary after every end, and little of it for machines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from .conftest import OBSIDS, Archive


def test_a_quiet_run_with_a_log_file_for_machines(make_archive: Any) -> None:
    archive: Archive = make_archive(jobs="step", obsids=[OBSIDS[0]], instruments=["M2"])
    archive.write()
    command = [sys.executable, "-m", "daxa_wf", "run", str(archive.path), "--quiet", "--log-file", "run.jsonl"]
    done = subprocess.run(
        command, cwd=archive.folder, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"}
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "profile" not in line]
    assert lines[0] == f"Archive {archive.root}"
    assert not [line for line in lines if line[2:3] == ":"], "no lines of jobs"
    jobs = [json.loads(line) for line in (archive.folder / "run.jsonl").read_text().splitlines()]
    assert [job["step"] for job in jobs][:3] == ["manifest", "inventory", "espfilt"]
    assert {job["status"] for job in jobs} == {"done"}


def test_ctrl_c_ends_with_one_message_and_the_summary(make_archive: Any) -> None:
    archive: Archive = make_archive(jobs="step", obsids=[OBSIDS[0]])
    run = archive.start(cores=1)
    assert run.stdout is not None
    before = ""
    while "espfilt" not in before:
        line = run.stdout.readline()
        assert line, before
        before += line
    os.kill(run.pid, signal.SIGINT)
    rest, _ = run.communicate(timeout=120)
    assert run.returncode == 1
    assert rest.count("Interrupted: the running jobs are ended.") == 1
    assert rest.count(f"Archive {archive.root}") == 1
    assert rest.index("Interrupted") < rest.index("Archive ")
    assert "Terminating processes" not in rest, "the message that follows Ctrl-C says it already"
    assert "Traceback" not in rest
    assert (archive.root / "status.tsv").exists()
