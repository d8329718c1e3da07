"""What became of a task: its run as data, and the verdict or the fault that follows from it."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path

from daxa_wf.errors import ConfigError, Fault, StepFailedError, UnfitDataError
from daxa_wf.tools.environment import MISSING_VARIABLE, SETUP_FAILED, ToolEnvironment
from daxa_wf.tools.messages import Message, says_done
from daxa_wf.tools.spec import Command

UNFIT = {("espfilt", "noCounts"), ("espfilt", "noPNSmallWindow"), ("espfilt", "gaussian")}
"""Errors (task, name) that say that the data are unfit, not that the task failed; the native filters reject alike."""

OWN_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP}
"""Signals that a program brings upon itself; by any other it was killed from outside, and may be run again."""

FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU)
"""Signals that people and batch systems send."""

FAULTS = ("No space left on device", "Disk quota exceeded", "Cannot allocate memory", "Stale file handle")
"""What the system says, through whatever task, if the machine and not the data is at fault; also where the exit code is 0."""


@dataclass(frozen=True)
class ToolRun:
    """What one call did: its command and call, exit code, UTC of its start, resources, messages, products by kind.

    `peak_memory_mb` is that of the largest process; it is never less than what this process had when it started it.
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
        """Its warnings as records hold them."""
        return [message.as_record for message in self.messages if message.level == "warning"]

    @property
    def errors(self) -> list[dict[str, str]]:
        """Its errors as records hold them."""
        return [message.as_record for message in self.messages if message.is_error]


def require_success(run: ToolRun) -> None:
    """UnfitDataError or StepFailedError unless the task did all that it should.

    Its error messages come first, whatever the exit code, then the exit code, the line `TASK: DONE` (eSASS), the
    products, and warnings that say that nothing usable is in them. An error is named as the task names it.
    """
    task, errors = run.command.task, [message for message in run.messages if message.is_error]
    for message in errors:
        if (message.task, message.name) in UNFIT:
            raise UnfitDataError(message.name, f"{message.task}: {message.text}")
    if errors:
        raise StepFailedError(errors[0].name or "error", f"{errors[0].task}: {errors[0].text}")
    if run.exit_code != 0:
        raise StepFailedError("exitCode", f"{task} {_ended(run.exit_code)} and reported no error; {_last_words(run)}")
    done = run.command.spec.done_line
    if done and not says_done(read_log(run.stdout), done):
        raise StepFailedError("notDone", f"{task} did not end with {done!r}; {_last_words(run)}")
    for kind, pattern in run.command.products.items():
        if kind not in run.products:
            raise StepFailedError("missingProduct", f"{task} left no {kind} ({pattern}); {_last_words(run)}")
    for message in run.messages:
        if message.task == task and message.name in run.command.unfit_warnings:
            raise UnfitDataError(message.name, f"{message.task}: {message.text}")


def raise_faults(run: ToolRun, environment: ToolEnvironment) -> None:
    """Fault or ConfigError for what is not the task's own doing."""
    task, code = run.command.task, run.exit_code
    said = "\n".join(read_log(log).partition("\n")[2] for log in (run.stderr, run.stdout))
    if code in (MISSING_VARIABLE, SETUP_FAILED):
        ours = [line.removeprefix("daxa_wf: ") for line in said.splitlines() if line.startswith("daxa_wf: ")]
        if ours:
            raise ConfigError(f"{task} cannot run with {environment.describe()}: {ours[-1]}; see {run.stderr}")
    if code in (126, 127):
        problem = "was not found" if code == 127 else "cannot be executed"
        raise Fault(f"{task} {problem} with {environment.describe()}; see {run.stderr}")
    # 128 + n is how shells and containers tell that what they ran was killed.
    outside = {-code} - OWN_CRASHES if code < 0 else {code - 128} & {int(each) for each in FROM_OUTSIDE}
    if outside:
        raise Fault(f"{task} was killed by signal {outside.pop()}; the machine may be out of memory; see {run.stderr}")
    fault = next((text for text in FAULTS if text in said), "")
    if fault:
        raise Fault(f"{task} failed: {fault}; see {run.stderr}")


def _ended(code: int) -> str:
    return f"crashed with {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _last_words(run: ToolRun, count: int = 3) -> str:
    lines = [line.strip() for path in (run.stderr, run.stdout) for line in read_log(path).splitlines()[1:]]
    words = [line for line in lines if line][-count:]
    return f"last lines: {' / '.join(words)}" if words else "it printed nothing"


def read_log(path: Path) -> str:
    """What is in a log, whatever bytes a task wrote."""
    return path.read_text(encoding="utf-8", errors="replace")
