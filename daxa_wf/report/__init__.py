"""Pages for people: one for each observation and one for the archive, self-contained files that need no network."""

from daxa_wf.report.archive_page import write_archive_page
from daxa_wf.report.finish import finish_run, finish_with_faults
from daxa_wf.report.observation_page import write_observation_page

__all__ = ["finish_run", "finish_with_faults", "write_archive_page", "write_observation_page"]
