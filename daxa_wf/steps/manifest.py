"""Manifest: the selection as work."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_wf.acquire.local import local_manifest
from daxa_wf.acquire.local_erosita import SURVEYS, local_erosita_manifest
from daxa_wf.acquire.local_odf import local_odf_manifest
from daxa_wf.acquire.manifest import ManifestRow, write_manifest
from daxa_wf.acquire.planned import planned_exposures, planned_observations
from daxa_wf.archive.layout import Layout
from daxa_wf.errors import ConfigError, DaxaError
from daxa_wf.files import write_atomically
from daxa_wf.missions import MISSIONS
from daxa_wf.selection.options import Select
from daxa_wf.selection.outputs import write_selection
from daxa_wf.selection.select import Selection
from daxa_wf.services.snapshots import SnapshotStore
from daxa_wf.steps.runner import log_to
from daxa_wf.steps.select import bring_tables, select_observations

log = logging.getLogger("daxa_wf")


def run(missions: Mapping[str, Mapping[str, Any]], output: Path) -> None:
    """Write the manifest of all missions; ConfigError if nothing that was asked for can be processed."""
    rows: list[ManifestRow] = []
    for name, options in missions.items():
        planned = _to_download if not options["listing"] else _to_read
        found = planned(name, options, output.parent / "selection")
        rows += [row for row in found if options["process_unscheduled"] or not row.is_unscheduled]
    if not rows:
        raise ConfigError("nothing to process: none of the selected observations is in a source")
    write_manifest(output, rows)
    observations = len({(row.mission, row.obsid) for row in rows})
    log.info("manifest: %d exposures of %d observations", len(rows), observations)


def read_directory(
    name: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str], engine: str
) -> list[ManifestRow]:
    """Return the rows of the event lists, or raw data, in a local directory. ConfigError if a requested one is absent."""
    own = local_erosita_manifest if name in SURVEYS else local_manifest
    look = local_odf_manifest if engine == "sas" else own
    return look(name, root, obsids, instruments)


def _to_read(name: str, options: Mapping[str, Any], directory: Path) -> list[ManifestRow]:
    """What lies in a local directory, of the selected observations."""
    selected = None
    if options["select"] is not None:
        selected = set(_selected(name, options, directory).rows["obsid"])
    found = read_directory(name, Path(options["source"]), options["obsids"], options["instruments"], options["engine"])
    absent = sorted(set(selected or ()) - {row.obsid for row in found})
    if absent:
        log.warning("%s: selected, but not in %s: %s", name, options["source"], ", ".join(absent))
    return [row for row in found if selected is None or row.obsid in selected]


def _to_download(name: str, options: Mapping[str, Any], directory: Path) -> list[ManifestRow]:
    """What the selection is to fetch: exposures for the engines that process them, else observations."""
    rows = _selected(name, options, directory).rows
    spec = MISSIONS[name]
    if options["engine"] not in ("native", "sas") or not spec.exposures:
        return planned_observations(spec, rows)
    exposures = SnapshotStore(Path(options["tables"])).exposures(spec)
    planned, without = planned_exposures(spec, rows, exposures, options["instruments"], options["engine"])
    if without:
        log.warning("%s: no exposure is known of %s", name, ", ".join(without))
    return planned


def _selected(name: str, options: Mapping[str, Any], directory: Path) -> Selection:
    """The mission's selection, written to the archive too; of all observations if there is no section `select`."""
    tables = Path(options["tables"])
    bring_tables(name, tables, options["services"], options["embedded"])
    chosen = Select.from_values(options["select"]) if options["select"] is not None else Select()
    selection = select_observations(name, chosen.only(options["obsids"]), tables)
    write_selection(directory, name, selection)
    return selection


def manifest_from_snakemake(job: Any) -> None:
    """Write the manifest that a Snakemake job is to make; why it cannot be is told at the end of the run."""
    log_to(Path(job.log[0]))
    note = Layout(Path.cwd()).manifest_fault
    note.unlink(missing_ok=True)
    try:
        run(job.params.missions, Path(job.output[0]))
    except (DaxaError, OSError) as error:
        log.warning("%s", error)
        write_atomically(note, f"{error}\n")
        raise SystemExit(1) from None
