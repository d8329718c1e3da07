"""The logger plugin: one line a finished job, each fault once, and the summary after every end."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, write_record
from daxa_wf.files import write_atomically
from daxa_wf.report.ending import ENDING
from daxa_wf.units import Unit
from snakemake_logger_plugin_daxa import LogHandler, LogHandlerSettings

UNIT = Unit("xmm_pointed", "0201903501", "PN", "S003")


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    """An archive with one rejected exposure, announced as the Snakefile does."""
    layout = Layout(tmp_path)
    write_record(layout, Record("espfilt", UNIT, Status.REJECTED, reason="noCounts", message="the list is empty"))
    before = dict(ENDING.archives), ENDING.is_plugin_in_use
    ENDING.archives = {layout: lambda: ["1 record is made again: its product is gone"]}
    yield layout
    ENDING.archives, ENDING.is_plugin_in_use = before


def handler(dryrun: bool = False, quiet_about: Sequence[Quietness] = (), **settings: Any) -> LogHandler:
    common = Namespace(
        dryrun=dryrun,
        nocolor=True,
        quiet=set(quiet_about),
        debug_dag=False,
        verbose=False,
        printshellcmds=False,
        show_failed_logs=False,
    )
    return LogHandler(common, LogHandlerSettings(**settings))  # type: ignore[arg-type]


def send(to: LogHandler, event: LogEvent | None, text: str = "", level: int = logging.INFO, **values: Any) -> None:
    record = logging.LogRecord("snakemake", level, "", 0, text, (), None)
    record.__dict__.update(values, **({"event": event} if event else {}))
    to.emit(record)


def announce(
    to: LogHandler, layout: Layout, step: str = "espfilt", number: int = 7, rule: str = "renamed_espfilt"
) -> None:
    """Send what Snakemake sends when a job starts; a caller's prefix is in the rule's name."""
    wildcards = {"mission": UNIT.mission, "obsid": UNIT.obsid, "inst": "PN", "exposure": "S003"}
    send(
        to, LogEvent.JOB_INFO, jobid=number, rule_name=rule, wildcards=wildcards,
        output=[str(layout.record(step, UNIT))], log=[str(layout.log(step, UNIT))],
    )  # fmt: skip


def test_snakemake_finds_the_plugin() -> None:
    assert "daxa" in LoggerPluginRegistry().get_registered_plugins()


def test_one_line_for_a_job_with_unit_step_verdict_and_time(layout: Layout, capsys: Any, tmp_path: Path) -> None:
    one = handler(log_file=tmp_path / "run.jsonl")
    send(one, LogEvent.WORKFLOW_STARTED)
    announce(one, layout)
    send(one, LogEvent.JOB_FINISHED, job_id=7)
    reason, line = capsys.readouterr().err.splitlines()
    assert reason == "1 record is made again: its product is gone"
    assert line.split()[1:] == ["0201903501", "PNS003", "espfilt", "rejected:", "noCounts", "(0", "s)"]
    one.close()
    (values,) = map(json.loads, (tmp_path / "run.jsonl").read_text().splitlines())
    assert (values["obsid"], values["inst"], values["status"], values["reason"]) == (
        "0201903501", "PN", "rejected", "noCounts",
    )  # fmt: skip


def test_files_that_steps_remove_are_counted_and_named(layout: Layout, capsys: Any, tmp_path: Path) -> None:
    folder = "processed_data/xmm_pointed/0201903501/images"
    names = [f"{folder}/{number}-image.fits" for number in range(7)]
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    write_record(layout, Record("images", UNIT, Status.DONE, removed=names, ended=ended))
    earlier = Record(
        "images", replace(UNIT, instrument="M1"), Status.DONE, removed=["x"], ended="2001-01-01T00:00:00+00:00"
    )
    write_record(layout, earlier)
    one = handler(log_file=tmp_path / "run.jsonl")
    send(one, LogEvent.WORKFLOW_STARTED)
    announce(one, layout, "images")
    send(one, LogEvent.JOB_FINISHED, job_id=7)
    assert "images                done, 7 earlier files removed  (0 s)" in capsys.readouterr().err
    one.close()
    printed = capsys.readouterr().err
    line = (
        "Removed 7 files of earlier runs that this run did not make again: 0-image.fits, 1-image.fits, "
        "2-image.fits, 3-image.fits, 4-image.fits and 2 more (listed in the steps' records and logs)"
    )
    assert printed.splitlines().count(line) == 1
    (values,) = map(json.loads, (tmp_path / "run.jsonl").read_text().splitlines())
    assert values["removed"] == names

    write_record(layout, Record("images", UNIT, Status.REJECTED, reason="noCounts", removed=names[:1], ended=ended))
    quiet = handler(quiet=True)
    send(quiet, LogEvent.WORKFLOW_STARTED)
    announce(quiet, layout, "images")
    send(quiet, LogEvent.JOB_FINISHED, job_id=7)
    quiet.close()
    assert "Removed 1 file of earlier runs that this run did not make again: 0-image.fits (" in capsys.readouterr().err


def test_reasons_that_are_known_after_the_first_job_are_printed_too(layout: Layout, capsys: Any) -> None:
    reasons = ["the list of observations is made again"]
    ENDING.archives = {layout: lambda: reasons}
    one = handler()
    for number in (1, 2, 3):
        announce(one, layout, number=number)
        reasons = [*reasons[:1], "2 records are made again"]
    assert capsys.readouterr().err.splitlines() == [
        "the list of observations is made again",
        "2 records are made again",
    ]


def test_a_job_that_is_tried_again_has_one_line_for_its_last_fault(layout: Layout, capsys: Any) -> None:
    note = {"step": "evselect", "error": "CorruptFileError", "message": "cut off"}
    write_atomically(layout.fault("evselect", UNIT), json.dumps(note))
    one = handler()
    for attempt in (1, 2):
        announce(one, layout, "evselect")
        send(
            one, LogEvent.ERROR, "RuleException:\nCalledProcessError in file", logging.ERROR, exception="RuleException"
        )
        send(one, LogEvent.JOB_ERROR, "Error in rule evselect", logging.ERROR, jobid=7)
        if attempt == 1:
            send(one, None, "Trying to restart job 7.")
        send(one, None, "Select jobs to execute...")
    send(one, LogEvent.ERROR, "WorkflowError:\nAt least one job did not complete successfully.", logging.ERROR)
    reason, line = capsys.readouterr().err.splitlines()
    assert reason == "1 record is made again: its product is gone"
    assert "evselect              fault: CorruptFileError" in line


def test_the_fault_of_a_job_without_a_note_names_its_log(layout: Layout, capsys: Any) -> None:
    one = handler()
    announce(one, layout, "evselect")
    send(one, LogEvent.JOB_ERROR, "Error in rule evselect", logging.ERROR, jobid=7)
    send(one, None, "Select jobs to execute...")
    assert f"fault: see {layout.log('evselect', UNIT)}" in capsys.readouterr().err


@pytest.mark.parametrize("message", [NOTHING_TO_BE_DONE_MSG, ""])
def test_the_summary_follows_every_run(layout: Layout, capsys: Any, message: str) -> None:
    one = handler()
    send(one, LogEvent.WORKFLOW_STARTED)
    if message:
        send(one, None, message)
    one.close()
    printed = capsys.readouterr().err
    assert printed.count("espfilt of xmm_pointed 0201903501PNS003: rejected: noCounts: the list is empty") == 1
    assert ("Nothing to be done" in printed) == bool(message)
    assert layout.status.exists()
    one.close()
    assert capsys.readouterr().err == ""


def test_commands_that_run_nothing_print_no_summary(layout: Layout, capsys: Any) -> None:
    handler().close()
    assert capsys.readouterr().err == ""
    assert not layout.status.exists()


REASONS = "Reasons:\n    (check individual jobs above for details)\n    forced:\n        images"


def of_a_dry_run(to: LogHandler) -> None:
    """Send what Snakemake sends in a dry run: the numbers of jobs before and after the list of jobs."""
    send(to, None, "Building DAG of jobs...")
    send(to, LogEvent.WORKFLOW_STARTED, "Workflow has started!", quietness=Quietness.HOST)
    for _ in range(2):
        send(to, LogEvent.RUN_INFO, "Job stats: espfilt 1", stats={"espfilt": 1, "total": 1})
    send(to, None, REASONS)
    send(to, None, "This was a dry-run (flag -n). The order of jobs does not reflect the order of execution.")
    send(to, None, "The run involves checkpoint jobs, which will result in alteration of the DAG of jobs")
    to.close()


def test_a_dry_run_prints_numbers_of_jobs_and_the_reasons_for_making_records_again_once(
    layout: Layout, capsys: Any
) -> None:
    of_a_dry_run(handler(dryrun=True, quiet_about=[Quietness.HOST, Quietness.RULES]))
    assert capsys.readouterr().err.splitlines() == [
        "Job stats: espfilt 1",
        "This was a dry-run (flag -n). The order of jobs does not reflect the order of execution.",
        "More jobs follow: they are known when the list of observations is made.",
        "1 record is made again: its product is gone",
    ]
    assert not layout.status.exists()


def test_a_dry_run_that_lists_the_jobs_keeps_the_reasons_of_snakemake(layout: Layout, capsys: Any) -> None:
    of_a_dry_run(handler(dryrun=True, quiet_about=[Quietness.HOST]))
    printed = capsys.readouterr().err
    assert REASONS in printed
    assert printed.count("Job stats") == 1


def test_a_quiet_run_prints_errors_and_the_summary(layout: Layout, capsys: Any) -> None:
    one = handler(quiet=True)
    send(one, LogEvent.WORKFLOW_STARTED)
    send(one, None, "Pulling container image")
    announce(one, layout)
    send(one, LogEvent.JOB_FINISHED, job_id=7)
    assert capsys.readouterr().err == ""
    send(one, None, "the disk is slow", logging.WARNING)
    one.close()
    printed = capsys.readouterr().err
    assert printed.startswith("the disk is slow\n")
    assert "rejected: noCounts" in printed


DRIVER = """
import sys
from tests.unit.test_logger_plugin import LogEvent, handler, send
one = handler()
for done in (1, 2):
    send(one, LogEvent.PROGRESS, "", done=done, total=10)
    send(one, None, f"message {done}")
one.close()
"""


def test_a_terminal_shows_a_bar_with_the_remaining_time() -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-c", DRIVER]
    done = subprocess.run(command, stderr=follower, check=False, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"})
    os.close(follower)
    printed = os.read(leader, 100_000).decode()
    assert done.returncode == 0
    assert "2/10" in printed
    assert "remaining" in printed
    assert "message 2" in printed
