"""Manifest: the selection as work."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daxa_wf.acquire.local import local_manifest
from daxa_wf.acquire.manifest import write_manifest
from daxa_wf.errors import DaxaError
from daxa_wf.steps.runner import log_to

log = logging.getLogger("daxa_wf")


def run(missions: Mapping[str, Mapping[str, Any]], output: Path) -> None:
    """Write the manifest of all missions; ConfigError if a source holds nothing that was asked for."""
    rows = [
        row
        for name, options in missions.items()
        for row in local_manifest(name, Path(options["source"]), options["obsids"], options["instruments"])
    ]
    write_manifest(output, rows)
    observations = len({(row.mission, row.obsid) for row in rows})
    log.info("manifest: %d exposures of %d observations", len(rows), observations)


def manifest_from_snakemake(job: Any) -> None:
    """Write the manifest that a Snakemake job is to make."""
    log_to(Path(job.log[0]))
    try:
        run(job.params.missions, Path(job.output[0]))
    except DaxaError as error:
        log.error("%s", error)
        raise SystemExit(error.exit_code) from None
