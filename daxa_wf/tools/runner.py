"""Run an external task in its own directory, and inspect its exit code, messages and products."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from daxa_wf.errors import ConfigError, Fault
from daxa_wf.tools.environment import ToolEnvironment, prepared_call
from daxa_wf.tools.messages import task_messages
from daxa_wf.tools.processes import run_watched
from daxa_wf.tools.spec import Command
from daxa_wf.tools.verdicts import ToolRun, raise_faults, read_log, require_success

SHELL = ToolEnvironment()


def run_tools(
    commands: Sequence[Command],
    directory: Path,
    logs: Path,
    environment: ToolEnvironment = SHELL,
    time_limit: float | None = None,
    keep: bool = False,
    note: Callable[[ToolRun], None] | None = None,
) -> list[ToolRun]:
    """Run commands one after the other in one directory, until one fails. Logs are numbered from 1.

    `note` receives each finished run before its verdict, so that a record can describe the failed run too.
    """
    runs = []
    for number, command in enumerate(commands, start=1):
        named = logs.with_name(f"{logs.name}-{number}-{command.task}")
        runs.append(execute(command, directory, named, environment, time_limit, keep or number > 1))
        if note is not None:
            note(runs[-1])
        require_success(runs[-1])
    return runs


def execute(
    command: Command,
    directory: Path,
    logs: Path,
    environment: ToolEnvironment = SHELL,
    time_limit: float | None = None,
    keep: bool = False,
) -> ToolRun:
    """Run a command in `directory`, which is created, and must be empty unless `keep`. `require_success` gives the verdict.

    Standard output and error go to `<logs>.stdout` and `<logs>.stderr`, after a line with the command. `time_limit` is
    the wall time in seconds of all processes that the task starts. Fault if the task ran out of time, was killed, or
    could not be started. ConfigError if the environment lacks something that it needs. After an error or an interrupt,
    its processes are dead, and its files are removed from the directory.
    """
    directory, logs = directory.resolve(), logs.absolute()
    before = _prepare(directory, keep)
    try:
        _place_inputs(command, directory)
        run = _run(command, directory, logs, environment, time_limit)
        raise_faults(run, environment)
    except BaseException:
        _clear(directory, before)
        raise
    return run


def _prepare(directory: Path, keep: bool) -> set[Path]:
    """Create the directory, and return the paths that it already holds."""
    directory.mkdir(parents=True, exist_ok=True)
    before = set(directory.rglob("*"))
    if before and not keep:
        raise ConfigError(f"{directory} is not empty: a task needs a working directory of its own")
    (directory / "pfiles").mkdir(exist_ok=True)
    return before


def _place_inputs(command: Command, directory: Path) -> None:
    for path in (*command.links.values(), *command.copies.values()):
        if not path.exists():
            raise Fault(f"{command.task} cannot run: {path} does not exist")
    for name, path in command.links.items():
        (directory / name).unlink(missing_ok=True)
        (directory / name).symlink_to(path.absolute())
    for name, path in command.copies.items():
        shutil.copyfile(path, directory / name)


def _clear(directory: Path, before: set[Path]) -> None:
    if not before:
        shutil.rmtree(directory, ignore_errors=True)
        return
    for path in sorted(set(directory.rglob("*")) - before, reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def _run(
    command: Command, directory: Path, logs: Path, environment: ToolEnvironment, time_limit: float | None
) -> ToolRun:
    name = f"daxa_wf-{uuid.uuid4().hex[:12]}"
    if environment.container:
        environment = replace(environment, binds=(*environment.binds, *_places(command)))
    spec = command.spec
    call = prepared_call(
        command.argv, command.environment, environment, directory, spec.needs, name, toolkit=spec.toolkit
    )
    stop = ["docker", "kill", call.container_name] if call.container_name else []
    stdout, stderr = logs.with_name(logs.name + ".stdout"), logs.with_name(logs.name + ".stderr")
    logs.parent.mkdir(parents=True, exist_ok=True)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    with _opened(stdout, command) as out, _opened(stderr, command) as err:
        try:
            end = run_watched(call.argv, call.variables, directory, out, err, time_limit, stop)
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            raise Fault(
                f"{call.argv[0]} cannot be started ({error.strerror}) with {environment.describe()}: "
                "'daxa-wf doctor' lists the tasks that can be found"
            ) from None
    if not end.in_time:
        raise Fault(f"{command.task} did not end within {time_limit:g} s and was killed; see {stderr}")
    messages = tuple(task_messages(read_log(stderr)) + task_messages(read_log(stdout)))
    return ToolRun(
        command, call.argv, end.exit_code, started, end.wall_seconds, end.cpu_seconds, end.peak_memory_mb,
        stdout, stderr, messages, _products(command, directory),
    )  # fmt: skip


def _places(command: Command) -> list[Path]:
    """Return the directories that a command's words, variables and links lead to, also through links in these directories."""
    words = [*command.environment.values(), *(value for _, value in command.parameters)]
    paths = [*command.links.values(), *(Path(word) for word in words if word.startswith("/") and Path(word).exists())]
    places: dict[Path, None] = {}
    for path in paths:
        seen = [path.absolute(), path.resolve()]
        seen += [entry.resolve() for entry in path.iterdir() if entry.is_symlink()] if path.is_dir() else []
        places |= dict.fromkeys(target if target.is_dir() else target.parent for target in seen)
    return list(places)


def _opened(path: Path, command: Command) -> IO[bytes]:
    stream = path.open("wb")
    stream.write(f"$ {shlex.join(command.argv)}\n".encode())
    stream.flush()
    return stream


def _products(command: Command, directory: Path) -> dict[str, Path]:
    """Map kinds to the files that the command left, ignoring empty ones."""
    products = {}
    for kind, pattern in {**command.extras, **command.products}.items():
        files = [path for path in sorted(directory.glob(pattern)) if path.is_file() and path.stat().st_size]
        if files:
            products[kind] = files[0]
    return products
