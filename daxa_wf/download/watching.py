"""Show the downloads of an archive live, from the files that running jobs leave."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import FiniteFloat

from daxa_wf.archive.running import is_running
from daxa_wf.errors import CorruptFileError
from daxa_wf.json_files import Count, read_json
from daxa_wf.text import shown_bytes

STALE_SECONDS = 300
"""A job whose file has this age counts as ended."""


@dataclass(frozen=True)
class _ProgressNote:
    """The last state of a job: the observation, files and bytes in all and done, bytes a second."""

    name: str
    files: Count
    files_done: Count
    bytes: Count
    bytes_done: Count
    rate: FiniteFloat


def read_progress(root: Path) -> list[dict[str, Any]]:
    """Return the last state of each job that downloads for an archive."""
    states = []
    for path in sorted((root / ".progress").glob("*.json")):
        try:
            if time.time() - path.stat().st_mtime < STALE_SECONDS:
                states.append(asdict(read_json(path, _ProgressNote, "a note of progress", "it is written again")))
        except (OSError, CorruptFileError):
            continue
    return states


def progress_table(states: list[dict[str, Any]]) -> Any:
    """Return a table of files, bytes, rate and time left, by observation and in all."""
    from rich.table import Column, Table

    table = Table(Column("observation", overflow="fold"), "files", "bytes", "rate", "time left")
    total = {key: sum(state[key] for state in states) for key in ("files", "files_done", "bytes", "bytes_done", "rate")}
    for state in [*states, {"name": "in all", **total}] if states else []:
        left = max(state["bytes"] - state["bytes_done"], 0) / state["rate"] if state["rate"] else 0.0
        table.add_row(
            state["name"], f"{state['files_done']} of {state['files']}",
            f"{shown_bytes(state['bytes_done'])} of {shown_bytes(max(state['bytes'], state['bytes_done']))}",
            f"{shown_bytes(state['rate'])}/s", f"{left:.0f} s",
        )  # fmt: skip
    return table if states else "nothing is being downloaded"


def watch_downloads(root: Path, once: bool = False) -> None:
    """Show the downloads of an archive while a run goes on: live on a terminal, a table a minute elsewhere."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if once or not console.is_terminal:
        while True:
            console.print(progress_table(read_progress(root)))
            if once or not is_running(root):
                return
            time.sleep(60)
    with Live(console=console, refresh_per_second=2) as live:
        while is_running(root):
            live.update(progress_table(read_progress(root)))
            time.sleep(0.5)
        live.update(progress_table(read_progress(root)))
