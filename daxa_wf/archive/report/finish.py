"""What is told and written at the end of a run."""

from __future__ import annotations

import sys

from daxa_wf.archive.layout import Layout, Unit
from daxa_wf.archive.records import read_record
from daxa_wf.archive.report.pages import write_archive_page, write_observation_page
from daxa_wf.archive.status import FAULT, manifest_fault, print_summary, read_verdicts, write_status


def finish(layout: Layout) -> None:
    """Write the status of everything, and tell it."""
    verdicts = read_verdicts(layout)
    if verdicts:
        write_status(layout, verdicts)
        print_summary(layout, verdicts)


def finish_with_faults(layout: Layout) -> None:
    """The same after a run in which jobs failed: the pages that their steps could not draw are drawn here."""
    fault = manifest_fault(layout)
    if fault:
        sys.stderr.write(f"Nothing was processed: what there is to do is not known.\n{fault}\n")
        return
    verdicts = read_verdicts(layout)
    if not verdicts:
        return
    for unit in {Unit(each.mission, each.obsid) for each in verdicts if each.status == FAULT}:
        records = [read_record(path) for path in sorted(layout.records(unit).glob("*/*.json"))]
        write_observation_page(layout, unit, records)
    write_archive_page(layout)
    finish(layout)
