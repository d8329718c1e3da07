"""Snakemake without its 1.5 s of imports: a process that has imported it forks for every run.

A fork is a process, a session and a group of its own, with the folder, arguments, environment and streams of a started one.
`Archive.start` and the tests of commands start Snakemake itself.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

IMPORTS = ("pandas", "snakemake.cli", "snakemake.report.html_reporter", "daxa_wf.chain.forcing", "daxa_wf.chain.observation",
           "daxa_wf.chain.plan", "daxa_wf.report.finish", "snakemake_logger_plugin_daxa")  # fmt: skip
"""What every run with jobs imports, whatever its configuration: Snakemake, its plug-ins, the head of the Snakefile."""


class Prepared:
    """A process with the imports, started at the first run."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def snakemake(self, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> tuple[int, str]:
        """Run Snakemake in a folder; its exit code (negative for a signal), and what it printed."""
        if self._server is None:
            root = Path(__file__).parents[2]
            self._server = subprocess.Popen(
                [sys.executable, "-m", __name__], cwd=root, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        server = self._server
        assert server.stdin is not None
        assert server.stdout is not None
        output = folder.with_name(f"{folder.name}.printed")
        request = {"arguments": [*arguments], "folder": str(folder), "environ": {**environ}, "output": str(output)}
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        answer = server.stdout.readline()
        assert answer, "the prepared process has ended"
        text = output.read_text()
        output.unlink()
        return int(answer), text

    def end(self) -> None:
        """End the process."""
        if self._server is not None:
            self._server.communicate()


def serve() -> None:
    """Fork for every request, and answer with the exit code."""
    for name in IMPORTS:
        __import__(name)
    gc.freeze()
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            become_snakemake(**json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()


def become_snakemake(arguments: list[str], folder: str, environ: dict[str, str], output: str) -> Any:
    """Do in a fork what `python -m snakemake` does."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    sys.path[0] = folder
    sys.argv = ["snakemake", *arguments]
    code = 0
    try:
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    # What follows in an interpreter's end frees memory object by object, for 0.4 s in a fork.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
