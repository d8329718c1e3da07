"""Summary and files at the end of a run."""

from __future__ import annotations

import sys

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.page import nothing_succeeded
from daxa_wf.archive.records import readable_records
from daxa_wf.archive.status import FAULT, manifest_fault, print_summary, read_verdicts, removed_line, write_status
from daxa_wf.archive.versions import record_version
from daxa_wf.errors import DaxaError
from daxa_wf.report.ending import ENDING
from daxa_wf.units import Unit

NOTHING_USABLE = "Nothing succeeded: no observation has a usable product. The reasons are listed above.\n"


def finish_run(layout: Layout) -> None:
    """End a run without faults. SystemExit with code 1 if nothing succeeded."""
    if not ENDING.is_plugin_in_use:
        close_run(layout)
    if nothing_succeeded(layout):
        raise SystemExit(1)


def finish_with_faults(layout: Layout) -> None:
    """End a run in which jobs failed: draw the pages that their steps could not draw."""
    # Imported here: numpy would take every start of Snakemake 0.2 s of CPU, and few runs end with a page to draw.
    from daxa_wf.report.archive_page import write_archive_page
    from daxa_wf.report.observation_page import write_observation_page

    faulty = {Unit(verdict.mission, verdict.obsid) for verdict in read_verdicts(layout) if verdict.status == FAULT}
    records = list(readable_records(layout).values()) if faulty else []
    for unit in faulty:
        write_observation_page(layout, unit, [record for record in records if record.unit.observation == unit])
    if records or faulty:
        write_archive_page(layout)
    if not ENDING.is_plugin_in_use:
        close_run(layout)


def close_run(layout: Layout) -> None:
    """Write the status of every unit, print the summary, and make a version; or print why nothing could be processed."""
    if fault := manifest_fault(layout):
        sys.stderr.write(f"Nothing was processed, because the list of observations could not be made:\n{fault}\n")
        return
    verdicts = read_verdicts(layout)
    if not verdicts:
        return
    write_status(layout, verdicts)
    print_summary(layout, verdicts)
    sys.stderr.write(removed_line(verdicts, ENDING.started))
    make_version(layout)
    if nothing_succeeded(layout):
        sys.stderr.write(NOTHING_USABLE)


def make_version(layout: Layout) -> None:
    """Make a version of the archive if the run changed it, and print its line. A problem is printed, and ends no run."""
    try:
        version = record_version(layout, ENDING.description(layout))
    except (DaxaError, OSError) as error:
        sys.stderr.write(f"The version of this run could not be recorded, and the next run records it: {error}\n")
        return
    if version is not None:
        line = version.line()
        sys.stderr.write(f"{line[0].upper()}{line[1:]}\n")
