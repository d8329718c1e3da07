"""Draw the archive's page."""

from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.report import write_archive_page

write_archive_page(Layout(Path.cwd()))
