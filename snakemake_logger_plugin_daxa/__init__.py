"""Snakemake's terminal output for archives: one line a finished job, a progress bar, and a summary at the end.

Use it with `--logger daxa`, or `logger: daxa` in a profile, also in workflows that use daxa_wf as a module.
"""

from __future__ import annotations

from logging import ERROR, WARNING, LogRecord
from pathlib import Path
from typing import Any, TextIO

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.logging import DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from daxa_wf.report.ending import ENDING
from snakemake_logger_plugin_daxa.jobs import Job, JobEnd
from snakemake_logger_plugin_daxa.settings import LogHandlerSettings
from snakemake_logger_plugin_daxa.terminal import Terminal

__all__ = ["LogHandler", "LogHandlerSettings"]

REPEATED = "Trying to restart job "
"""How Snakemake's message begins that a failed job is tried again."""

EXPLAINED = ("Exiting because a job execution failed", "At least one job did not complete successfully")
"""Parts of errors that the lines of the failed jobs already explain."""

HELD_BACK = (
    "Assuming unrestricted shared filesystem", "Building DAG of jobs", "Complete log", "Conda environments: ignored",
    "Creating specified working directory", "DAG of jobs will be updated", "Elapsed time", "Execute ",
    "Select jobs to execute", "Singularity containers: ignored", "Terminating processes on user request",
    "Updating checkpoint dependencies", "Using shell",
)  # fmt: skip
"""Beginnings of messages about Snakemake's own work, which are in its log file."""


REASONS = "Reasons:"
"""Beginning of Snakemake's list of reasons after a dry run. It names rules, and refers to a list of jobs."""


CHECKPOINT = "The run involves checkpoint jobs"
MORE_JOBS = "More jobs follow: they are known when the list of observations is made."
"""Beginning of Snakemake's last message of a dry run that must make the manifest first, and the message in its place."""


class LogHandler(LogHandlerBase):
    """Handler of Snakemake's log events. Snakemake calls it from one thread, and closes it when the run has ended."""

    def __post_init__(self) -> None:
        settings = self.settings or LogHandlerSettings()
        common = self.common_settings
        self._is_dry_run, self._is_quiet = common.dryrun, settings.quiet  # type: ignore[attr-defined]
        self._terminal = Terminal(with_bar=not (self._is_dry_run or self._is_quiet), is_plain=common.nocolor)
        self._jobs: dict[int, Job] = {}
        self._failed: dict[int, JobEnd] = {}
        self._has_run = False
        self._printed_reasons: list[str] = []
        self._printed_stats: dict[str, int] = {}
        self._lists_jobs = Quietness.RULES not in (common.quiet or ())
        log_file: Path | None = settings.log_file  # type: ignore[attr-defined]
        self._log_file: TextIO | None = log_file.open("a", encoding="utf-8") if log_file else None
        self._usual_filter = DefaultFilter(
            common.quiet, common.debug_dag, common.verbose, common.dryrun, common.printshellcmds
        )
        self.setFormatter(DefaultFormatter(common.quiet, common.show_failed_logs))
        ENDING.is_plugin_in_use = True

    @property
    def writes_to_stream(self) -> bool:
        """True: it replaces Snakemake's own output."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """False: Snakemake would name the file as its complete log."""
        return False

    @property
    def has_filter(self) -> bool:
        """True: the events of jobs are needed although Snakemake does not print them."""
        return True

    @property
    def has_formatter(self) -> bool:
        """True: see __post_init__."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """False."""
        return False

    def emit(self, record: LogRecord) -> None:
        """Print what an event means for the user, if anything."""
        try:
            self._handle(record)
        except Exception:  # noqa: BLE001 - as every handler of logging: trouble with the output ends no run
            self.handleError(record)

    def _handle(self, record: LogRecord) -> None:
        event: Any = getattr(record, "event", None)
        self._has_run |= event is LogEvent.WORKFLOW_STARTED
        text = str(record.msg)
        if self._is_dry_run:
            self._print_of_dry_run(record, text)
            return
        if text.startswith(REPEATED):
            self._failed.pop(int(text.removeprefix(REPEATED).rstrip(".")), None)
        elif event is not LogEvent.JOB_ERROR:
            self._tell_of_failed()
        if event is LogEvent.JOB_INFO:
            self._begin()
            self._jobs[record.jobid] = Job.announced(record.__dict__)  # type: ignore[attr-defined]
        elif event is LogEvent.JOB_FINISHED:
            self._finished(record.job_id, record.created)  # type: ignore[attr-defined]
        elif event is LogEvent.JOB_ERROR:
            self._has_failed(record)
        elif event is LogEvent.PROGRESS:
            self._terminal.progress(record.done, record.total)  # type: ignore[attr-defined]
        elif event in (None, LogEvent.ERROR):
            self._message(record, text)

    def _print_of_dry_run(self, record: LogRecord, text: str) -> None:
        """Print each fact once: Snakemake counts the jobs twice, and its reasons refer to jobs that may not be listed."""
        stats: dict[str, int] | None = getattr(record, "stats", None)
        is_repeated = stats is not None and stats == self._printed_stats
        self._printed_stats = stats or self._printed_stats
        is_unclear = text.startswith(REASONS) and not self._lists_jobs
        if text.startswith(CHECKPOINT):
            self._terminal.print(MORE_JOBS)
        elif not (is_repeated or is_unclear or text.startswith(HELD_BACK)):
            self._print_as_usual(record)

    def _begin(self) -> None:
        """Print each reason to make records again once. Those of records are known when the manifest is."""
        if not self._is_quiet:
            new = [line for line in ENDING.reasons() if line not in self._printed_reasons]
            self._terminal.print(*new)
            self._printed_reasons += new

    def _finished(self, number: int, ended: float) -> None:
        job = self._jobs.pop(number, None)
        # Targets such as `all` are jobs without output.
        if job is not None and job.output:
            self._tell(JobEnd.of(job, ended))

    def _has_failed(self, record: LogRecord) -> None:
        number: int = record.jobid  # type: ignore[attr-defined]
        job = self._jobs.pop(number, None)
        if job is None or not job.is_step:
            self._print_as_usual(record)
        if job is not None:
            self._failed[number] = JobEnd.of(job, record.created, has_failed=True)

    def _tell_of_failed(self) -> None:
        """Print the lines of failed jobs: Snakemake announces at once, and not before, if it tries one again."""
        for outcome in self._failed.values():
            self._tell(outcome)
        self._failed.clear()

    def _message(self, record: LogRecord, text: str) -> None:
        is_of_a_job = getattr(record, "exception", "") == "RuleException" and "CalledProcessError" in text
        if record.levelno >= ERROR and (is_of_a_job or any(part in text for part in EXPLAINED)):
            return
        is_wanted = record.levelno >= WARNING or text == NOTHING_TO_BE_DONE_MSG or not self._is_quiet
        if is_wanted and not text.startswith((REPEATED, *HELD_BACK)):
            self._print_as_usual(record)

    def _print_as_usual(self, record: LogRecord) -> None:
        if self._usual_filter.filter(record):
            self._terminal.print(self.format(record))

    def _tell(self, outcome: JobEnd) -> None:
        if not self._is_quiet:
            self._terminal.print(outcome.line())
        if self._log_file is not None:
            self._log_file.write(outcome.json() + "\n")
            self._log_file.flush()

    def close(self) -> None:
        """Print the summary: after every run, also one that had nothing to do or was interrupted."""
        self._tell_of_failed()
        self._terminal.close()
        # Python closes every handler once more when it ends.
        if self._has_run and self._is_dry_run:
            self._begin()
        elif self._has_run:
            ENDING.print_summaries()
        self._has_run = False
        if self._log_file is not None:
            self._log_file.close()
            self._log_file = None
        super().close()
