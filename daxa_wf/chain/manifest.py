"""Make the manifest: the list of units to process."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, decompressed, write_manifest
from daxa_wf.archive.origin import Origin, as_json, write_origin
from daxa_wf.chain.planned import observation_facts, planned_exposures, planned_observations
from daxa_wf.chain.runner import log_to
from daxa_wf.chain.select import find_observations, next_release
from daxa_wf.errors import ConfigError, DaxaError, ServiceError
from daxa_wf.files import write_atomically
from daxa_wf.limits import Limits
from daxa_wf.mission.registry import MISSIONS, engine_of
from daxa_wf.mission.step import Engine, load
from daxa_wf.selection.options import Select
from daxa_wf.selection.outputs import write_selection
from daxa_wf.selection.select import NoObservationsError, Selection
from daxa_wf.tables.snapshots import SnapshotStore

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("daxa_wf")
NAMED = 10
"""ObsIDs that a note names; the rest of them is counted."""

Options = Mapping[str, Any]
"""What Plan.selection_options has of a mission."""


def run(
    missions: Mapping[str, Options],
    output: Path,
    asked: str = "",
    data_centres: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write the manifest of all missions, and its origin beside the selections.

    A mission without selected observations, or without an available table, is one line of the summary. ConfigError
    if no mission can be processed, or ServiceError if the cause is a service that does not answer.
    """
    rows: list[ManifestRow] = []
    origin, empty = Origin(asked, options=as_json(missions)), []
    origin.steps = {name: list(options["steps"]) for name, options in missions.items()}
    for name, options in missions.items():
        places = {**_seen_from(output.parent, options), **(data_centres or {}).get(name, {})}
        try:
            rows += _rows_of(name, places, output.parent / "selection", origin, is_only=len(missions) == 1)
        except NoObservationsError as error:
            empty.append(str(error))
            _note(origin, error.line)
    if not rows:
        raise _nothing_to_process(origin, empty if len(empty) == len(missions) else [])
    write_manifest(output, rows)
    write_origin(Layout(output.parent), origin)
    observations = len({(row.mission, row.obsid) for row in rows})
    log.info("manifest: %d exposures of %d observations", len(rows), observations)


def _rows_of(name: str, options: Options, directory: Path, origin: Origin, is_only: bool) -> list[ManifestRow]:
    """Return the rows of a mission, and note in the origin what could not be asked for.

    A service that does not answer gives no rows, or a ServiceError if the mission `is_only` one.
    """
    before, origin.is_unfinished = origin.is_unfinished, False
    find = _to_read if options["listing"] else _to_download
    try:
        rows = find(name, options, directory, origin)
    except ServiceError as error:
        if is_only:
            raise
        _note(origin, f"{name}: it could not be selected from, and the next run tries again: {error}")
        origin.is_unfinished = True
        return []
    finally:
        origin.unasked += [name] if origin.is_unfinished else []
        origin.is_unfinished |= before
    rows = [decompressed(row) for row in rows] if options["decompress"] else rows
    return [row for row in rows if options["process_unscheduled"] or not row.is_unscheduled]


def _seen_from(archive: Path, options: Options) -> dict[str, Any]:
    """Return the options of a mission with absolute paths in place of paths relative to the archive."""
    places = {key: str((archive / options[key]).resolve()) for key in ("source", "tables") if options[key]}
    select = options["select"] and Select.from_values(options["select"]).started_in(archive).plain_values()
    return {**options, **places, "select": select}


def _nothing_to_process(origin: Origin, cutflows: Sequence[str]) -> DaxaError:
    """Return the error of a manifest without rows: with every cut-flow, if nothing is selected of any mission."""
    notes = "".join(f"\n  {note}" for note in origin.notes)
    if origin.is_unfinished:
        return ServiceError(f"nothing to process, because services could not be asked:{notes}")
    if cutflows:
        return ConfigError("\n".join(cutflows))
    return ConfigError(f"nothing to process: none of the selected observations is in a source{notes}")


def _note(origin: Origin, line: str) -> None:
    origin.notes.append(line)
    log.warning("%s", line)


def _named(obsids: Sequence[str]) -> str:
    more = f" and {len(obsids) - NAMED} more" if len(obsids) > NAMED else ""
    return ", ".join(obsids[:NAMED]) + more


def read_directory(
    name: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str], engine: Engine
) -> list[ManifestRow]:
    """Return the rows of the event lists, or raw data, in a local directory. ConfigError if a requested one is absent."""
    rows: list[ManifestRow] = load(engine.find_local)(name, root, obsids, instruments)
    return rows


def _to_read(name: str, options: Options, directory: Path, origin: Origin) -> list[ManifestRow]:
    """Return what lies in a local directory, of the selected observations."""
    selected = None
    if options["select"] is not None:
        selected = set(_selected(name, options, directory, origin).rows["obsid"])
    engine = engine_of(name, options["engine"])
    found = read_directory(name, Path(options["source"]), options["obsids"], options["instruments"], engine)
    absent = sorted(set(selected or ()) - {row.obsid for row in found})
    if absent:
        _note(origin, f"{name}: {len(absent)} selected observations are not in {options['source']}: {_named(absent)}")
    return [row for row in found if selected is None or row.obsid in selected]


def _to_download(name: str, options: Options, directory: Path, origin: Origin) -> list[ManifestRow]:
    """Return what the selection is to fetch: exposures for the engines that process them, else observations."""
    rows = _selected(name, options, directory, origin).rows
    spec, engine = MISSIONS[name], engine_of(name, options["engine"])
    if not engine.planned_files or not spec.exposures:
        return planned_observations(spec, rows)
    exposures = SnapshotStore(Path(options["tables"])).exposures(spec)
    planned, without = planned_exposures(spec, rows, exposures, options["instruments"], engine)
    if without and "archives" in options:
        planned += _listed(name, options, rows[rows["obsid"].isin(without)], origin)
    elif without:
        _note(origin, f"{name}: no exposure is known of {len(without)} selected observations: {_named(without)}")
    return planned


def _listed(name: str, options: Options, rows: pd.DataFrame, origin: Origin) -> list[ManifestRow]:
    """Return the exposures of observations that no table of exposures has, from the data centres' listings."""
    from daxa_wf.chain.listed import listed_exposures
    from daxa_wf.download.file_request import FileRequest
    from daxa_wf.download.observation import Fetcher
    from daxa_wf.tables.http import session

    fetcher = Fetcher(
        Path(options["store"]), session(retries=1, limits=Limits(**options["limits"])), options["archives"]
    )
    routes, instruments = tuple(options["routes"]), tuple(options["instruments"])
    requests = [FileRequest(MISSIONS[name], observation_facts(row), routes, instruments) for _, row in rows.iterrows()]
    log.info("%s: the exposures of %d observations are in no table; listings are asked for them", name, len(requests))
    found = listed_exposures(requests, fetcher, engine_of(name, options["engine"]))
    for reasons, problem in (
        (found.absent, "have no known exposure"),
        (found.unasked, "could not be asked for; the next run asks"),
    ):
        if reasons:
            _note(origin, f"{name}: {len(reasons)} selected observations {problem}: {_named(list(reasons))}")
            _note(origin, f"  {next(iter(reasons.values()))}")
    # Files on this machine are in no table that could change, so the next run searches again.
    origin.is_unfinished |= bool(found.unasked) or bool(found.absent and options["mirrors"])
    return found.rows


def _selected(name: str, options: Options, directory: Path, origin: Origin) -> Selection:
    """Select a mission's observations, all without a section `select`, and write the selection to the archive."""
    tables = Path(options["tables"])
    chosen = Select.from_values(options["select"]) if options["select"] is not None else Select()
    chosen = chosen.only(options["obsids"])
    mirrors = {archive: [Path(each) for each in places] for archive, places in options.get("mirrors", {}).items()}
    instruments = options["instruments"]
    try:
        selection = find_observations(
            name, chosen, tables, options["services"], instruments, mirrors,
            Limits(**options.get("limits", {})),
        )  # fmt: skip
    finally:
        # The table of a mission without a match counts too, because a new table may have one.
        origin.snapshots |= SnapshotStore(tables).identities(MISSIONS[name])
        _wait_for_release(name, chosen, tables, instruments, origin)
    write_selection(directory, name, selection)
    origin.is_unfinished |= bool(selection.absent)
    for note in selection.notes:
        _note(origin, f"{name}: {note}")
    for step in selection.cutflow:
        if step.filter == "data":
            dropped = f"{step.before - step.left} of {step.before} observations are dropped"
            _note(origin, f"{name}: {dropped}, which have no {step.description}")
    return selection


def _wait_for_release(name: str, chosen: Select, tables: Path, instruments: Sequence[str], origin: Origin) -> None:
    if chosen.public and SnapshotStore(tables).latest(name) is not None:
        releases = [origin.until, next_release(name, chosen, tables, instruments)]
        origin.until = min((each for each in releases if each), default="")


def manifest_from_snakemake(job: Any) -> None:
    """Write the manifest in a Snakemake job. If that fails, leave the reason for the end of the run."""
    log_to(Path(job.log[0]))
    manifest = Path(job.output[0]).absolute()
    note = Layout(manifest.parent).manifest_fault
    note.unlink(missing_ok=True)
    try:
        run(job.params.missions, manifest, job.params.tables, job.params.data_centres)
    except (DaxaError, OSError) as error:
        log.warning("%s", error)
        write_atomically(note, f"{error}\n")
        raise SystemExit(1) from None
