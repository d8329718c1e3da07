"""Lines and a progress bar on the terminal; lines alone where the output goes to a file or a pipe."""

from __future__ import annotations

import sys
from typing import Any


class Terminal:
    """The standard error of a run. The bar appears with the first finished job, below the lines."""

    def __init__(self, with_bar: bool, is_plain: bool) -> None:
        self._with_bar = with_bar and sys.stderr.isatty()
        self._is_plain = is_plain
        self._bar: Any = None

    def print(self, *lines: str) -> None:
        """Print lines as they are, however long."""
        for line in lines:
            # The bar stands in for the standard error while it is shown, and puts lines above itself.
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def progress(self, done: int, total: int) -> None:
        """Show how many jobs are done. The total grows when the list of observations is known."""
        if not self._with_bar:
            return
        if self._bar is None:
            self._bar = _started_bar(self._is_plain)
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _started_bar(is_plain: bool) -> Any:
    """Return a bar with the time that is left; rich is imported only where one is shown."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("jobs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("remaining"),
               TimeRemainingColumn())  # fmt: skip
    bar = Progress(*columns, console=Console(stderr=True, no_color=is_plain or None), transient=True)
    bar.add_task("")
    bar.start()
    return bar
