"""Judge how a task ended: its run as data, and the verdict or the fault that follows from it."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

from daxa_wf.errors import ConfigError, Fault, StepFailedError, UnfitDataError
from daxa_wf.tools.environment import MISSING_VARIABLE, SETUP_FAILED, ToolEnvironment
from daxa_wf.tools.messages import Message, ends_with
from daxa_wf.tools.spec import Command

OWN_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP}
"""Signals that a program causes itself. Any other signal came from outside, and the task may be run again."""

FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU)
"""Signals that people and batch systems send."""

FAULTS = ("No space left on device", "Disk quota exceeded", "Cannot allocate memory", "Stale file handle")
"""Messages of the operating system that blame the machine and not the data. They count even if the exit code is 0."""


@dataclass(frozen=True)
class ToolRun:
    """One run of a command: call, exit code, UTC of its start, resources, messages, products by kind.

    `peak_memory_mb` is that of the largest process. It is never less than the memory that this process had at the start.
    """

    command: Command
    argv: list[str]
    exit_code: int
    started: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    stdout: Path
    stderr: Path
    messages: tuple[Message, ...] = ()
    products: dict[str, Path] = field(default_factory=dict)

    @property
    def warnings(self) -> list[dict[str, str]]:
        """Return its warnings in the form of records."""
        return [message.as_record for message in self.messages if message.level == "warning"]

    @property
    def errors(self) -> list[dict[str, str]]:
        """Return its errors in the form of records."""
        return [message.as_record for message in self.messages if message.is_error]


def require_success(run: ToolRun) -> None:
    """Raise UnfitDataError or StepFailedError unless the task succeeded, under the name that the task gives its error.

    Checked in this order: error messages, whatever the exit code; the exit code; the line that reports success; the
    products; warnings that declare the data unfit.
    """
    task, errors = run.command.task, [message for message in run.messages if message.is_error]
    for message in errors:
        if message.task == task and message.name in run.command.spec.unfit_errors:
            raise UnfitDataError(message.name, f"{message.task}: {message.text}")
    if errors:
        raise StepFailedError(errors[0].name or "error", f"{errors[0].task}: {errors[0].text}")
    if run.exit_code != 0:
        raise StepFailedError("exitCode", f"{task} {_ending(run.exit_code)} and reported no error; {_last_words(run)}")
    done = run.command.spec.done_line
    if done and not ends_with(read_log(run.stdout), done):
        raise StepFailedError("notDone", f"{task} did not end with {done!r}; {_last_words(run)}")
    for kind, pattern in run.command.products.items():
        if kind not in run.products:
            raise StepFailedError("missingProduct", f"{task} left no {kind} ({pattern}); {_last_words(run)}")
    for message in run.messages:
        if message.task == task and message.name in run.command.unfit_warnings:
            raise UnfitDataError(message.name, f"{message.task}: {message.text}")


def raise_faults(run: ToolRun, environment: ToolEnvironment) -> None:
    """Raise Fault or ConfigError if a run failed for a reason outside of the task and its data."""
    task, code = run.command.task, run.exit_code
    output = "\n".join(read_log(log).partition("\n")[2] for log in (run.stderr, run.stdout))
    if code in (MISSING_VARIABLE, SETUP_FAILED):
        lines = [line.removeprefix("daxa_wf: ") for line in output.splitlines() if line.startswith("daxa_wf: ")]
        if lines:
            raise ConfigError(f"{task} cannot run with {environment.describe()}: {lines[-1]}; see {run.stderr}")
    if code in (126, 127):
        problem = "was not found" if code == 127 else "cannot be executed"
        raise Fault(f"{task} {problem} with {environment.describe()}; see {run.stderr}")
    # Shells and containers report 128 + n if signal n killed the program that they ran.
    outside = {-code} - OWN_CRASHES if code < 0 else {code - 128} & {int(number) for number in FROM_OUTSIDE}
    if outside:
        raise Fault(f"{task} was killed by signal {outside.pop()}; the machine may be out of memory; see {run.stderr}")
    fault = next((text for text in FAULTS if text in output), "")
    if fault:
        raise Fault(f"{task} failed: {fault}; see {run.stderr}")


def _ending(code: int) -> str:
    return f"crashed with {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _last_words(run: ToolRun, count: int = 3) -> str:
    lines = [line.strip() for path in (run.stderr, run.stdout) for line in read_log(path).splitlines()[1:]]
    words = [line for line in lines if line][-count:]
    return f"last lines: {' / '.join(words)}" if words else "it printed nothing"


def read_log(path: Path) -> str:
    """Return the text of a log, with replacement characters for bytes that are not UTF-8."""
    return path.read_text(encoding="utf-8", errors="replace")
