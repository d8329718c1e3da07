"""A part of many files, fetched by a process of its own: `python -m daxa_wf.acquire.part`, told what by its input.

Its input holds what must not be on a command line (credentials). It answers with bytes and problems, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daxa_wf.errors import Fault
from daxa_wf.services.archives import RemoteFile

Result = tuple[int, list[str]]


def start_part(
    settings: Mapping[str, Any], archive: str, files: Sequence[RemoteFile], directory: Path
) -> subprocess.Popen[str]:
    """Start to fetch files into a directory of the store."""
    process = subprocess.Popen(
        [sys.executable, "-m", "daxa_wf.acquire.part"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None  # noqa: S101 - it was asked for
    said = {"settings": dict(settings), "archive": archive, "directory": str(directory)}
    with process.stdin as stream:
        json.dump({**said, "files": [asdict(each) for each in files]}, stream, default=str)
    return process


def result_of(process: subprocess.Popen[str]) -> Result:
    """Bytes that a part transferred, and what went wrong; Fault if it was killed or met one."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    answer = process.stdout.read()
    if process.wait() != 0:
        raise Fault(f"a process that fetches files ended with status {process.returncode}")
    transferred, problems = json.loads(answer)
    return int(transferred), list(problems)


def main() -> None:
    """Do as the input says."""
    from daxa_wf.acquire.observation import Fetcher
    from daxa_wf.acquire.progress import Progress
    from daxa_wf.acquire.store import Ledger
    from daxa_wf.services.http import session

    said = json.load(sys.stdin)
    settings = {**said["settings"], "store": Path(said["settings"]["store"])}
    fetcher = Fetcher(session=session(), **settings)
    files = [RemoteFile(**each) for each in said["files"]]
    result = fetcher.by_threads(said["archive"], files, Ledger(Path(said["directory"])), Progress(""))
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
