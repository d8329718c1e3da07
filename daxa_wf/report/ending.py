"""The archives that this process works on, and who prints their summaries: the logger plugin, or else the Snakefile's hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.versions import RunDescription

Reasons = Callable[[], Sequence[str]]
Describer = Callable[[], RunDescription]


@dataclass
class Ending:
    """The archives of a process with the reasons why records are made again, known once the list of jobs is complete.

    A workflow that uses this one as a module inherits none of its hooks, but the logger plugin prints its summary too.
    """

    archives: dict[Layout, Reasons] = field(default_factory=dict)
    describers: dict[Layout, Describer] = field(default_factory=dict)
    """Functions that return author and reason of this run, and the configuration, for the archive's version."""
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """Start of the process, in the form of the times in records (UTC, ISO)."""
    is_plugin_in_use: bool = False

    def announce(self, layout: Layout, reasons: Reasons, describer: Describer = RunDescription) -> None:
        """Add an archive, when the Snakefile is read."""
        self.archives[layout] = reasons
        self.describers[layout] = describer

    def description(self, layout: Layout) -> RunDescription:
        """Return the description of this run for the version of an archive."""
        return self.describers.get(layout, RunDescription)()

    def reasons(self) -> list[str]:
        """Return a line for every reason why records are made again."""
        return [line for reasons in self.archives.values() for line in reasons()]

    def print_summaries(self) -> None:
        """Write the status of every archive and print its summary."""
        from daxa_wf.report.finish import close_run

        for layout in self.archives:
            close_run(layout)


ENDING = Ending()
"""The one of this process: the Snakefile and Snakemake's logger know of each other only through it."""
