"""Draw the archive's page, and write the table of outcomes; for a module, which has no hooks, also the version."""

from pathlib import Path

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.status import read_verdicts, write_status
from daxa_wf.archive.versions import record_version
from daxa_wf.report.archive_page import write_archive_page

layout = Layout(Path(snakemake.output.page).absolute().parent)
write_archive_page(layout)
write_status(layout, read_verdicts(layout))
if snakemake.params.description is not None:
    record_version(layout, snakemake.params.description)
