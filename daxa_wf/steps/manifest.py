"""Manifest: the selection as work."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daxa_wf.acquire.local import local_manifest
from daxa_wf.acquire.manifest import write_manifest
from daxa_wf.errors import ConfigError, DaxaError
from daxa_wf.steps.runner import log_to

log = logging.getLogger("daxa_wf")


def run(missions: Mapping[str, Mapping[str, Any]], output: Path) -> None:
    """Write the manifest of all missions; ConfigError if a source holds nothing that was asked for."""
    rows = []
    for name, options in missions.items():
        selected = _selected(name, options, output.parent / "selection")
        found = local_manifest(name, Path(options["source"]), options["obsids"], options["instruments"])
        rows += [row for row in found if selected is None or row.obsid in selected]
        absent = sorted(set(selected or ()) - {row.obsid for row in found})
        if absent:
            log.warning("%s: selected, but not in %s: %s", name, options["source"], ", ".join(absent))
    if not rows:
        raise ConfigError("nothing to process: none of the selected observations is in a source")
    write_manifest(output, rows)
    observations = len({(row.mission, row.obsid) for row in rows})
    log.info("manifest: %d exposures of %d observations", len(rows), observations)


def _selected(name: str, options: Mapping[str, Any], directory: Path) -> set[str] | None:
    """ObsIDs that the mission's `select` leaves, written to the archive too; None if there is no such section."""
    if options["select"] is None:
        return None
    from daxa_wf.selection.options import Select
    from daxa_wf.selection.outputs import write_selection
    from daxa_wf.steps.select import fetch_embedded_table, select_observations

    tables = Path(options["tables"])
    if options["listing"] == "embedded":
        fetch_embedded_table(name, tables)
    selection = select_observations(name, Select.from_values(options["select"]), tables)
    write_selection(directory, name, selection)
    return set(selection.rows["obsid"])


def manifest_from_snakemake(job: Any) -> None:
    """Write the manifest that a Snakemake job is to make."""
    log_to(Path(job.log[0]))
    try:
        run(job.params.missions, Path(job.output[0]))
    except DaxaError as error:
        log.error("%s", error)
        raise SystemExit(error.exit_code) from None
