"""Make the manifest: the list of units to process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.made_from import keep_snapshot
from daxa_wf.archive.manifest import ManifestRow, decompressed, write_manifest
from daxa_wf.archive.origin import Origin, as_json, write_origin
from daxa_wf.chain.local_products import (
    local_products,
    rows_by_name,
    rows_of_products,
    with_local_files,
)
from daxa_wf.chain.planned import facts_from, facts_text, observation_facts, planned_exposures, planned_observations
from daxa_wf.chain.runner import log_to
from daxa_wf.chain.select import find_observations, next_release
from daxa_wf.download.file_request import LOCAL_FILES
from daxa_wf.errors import ConfigError, DaxaError, NoObservationsError, ServiceError
from daxa_wf.files import write_atomically
from daxa_wf.limits import Limits
from daxa_wf.mission.registry import MISSIONS, engine_of
from daxa_wf.mission.step import Engine, load
from daxa_wf.selection.options import Select
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.text import some_of

if TYPE_CHECKING:
    import pandas as pd

    from daxa_wf.selection.select import Selection

log = logging.getLogger("daxa_wf")
NAMED = 10
"""Largest number of ObsIDs that a note names. It counts the others."""

Options = Mapping[str, Any]
"""The options of a mission as Plan.selection_options returns them."""


@dataclass(frozen=True)
class MissionPart:
    """A mission's part of the manifest: its rows, and notes for the end of the run."""

    rows: Sequence[ManifestRow] = ()
    notes: tuple[str, ...] = ()
    is_unfinished: bool = False
    """True if a service did not answer, so the next run must complete this part."""
    cutflow: str = ""
    """The cut-flow of a selection without observations."""


def run(
    missions: Mapping[str, Options],
    output: Path,
    identity: str = "",
    data_centres: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write the manifest of all missions, and its origin beside the selections. `identity` stands for the missions' tables.

    A mission with an empty selection, or whose table cannot be fetched now, gets a line in the summary. Raise ConfigError
    if no mission has observations to process, or ServiceError if the reason is a service that did not answer.
    """
    parts: dict[str, MissionPart] = {}
    snapshots: dict[str, str] = {}
    releases = []
    for name, given in missions.items():
        options = {**_seen_from(output.parent, given), **(data_centres or {}).get(name, {})}
        part = parts[name] = _part(name, options, output.parent / "selection", is_only=len(missions) == 1)
        for note in part.notes:
            log.warning("%s", note)
        if _uses_tables(options):
            # Tables without a matching observation are recorded too: a new table may contain one.
            snapshots |= _keep_snapshots(Layout(output.parent), name, SnapshotStore(Path(options["tables"])))
            releases.append(_next_release(name, options))
    rows = [row for part in parts.values() for row in part.rows]
    if not rows:
        raise _nothing_to_process(list(parts.values()))
    write_manifest(output, rows)
    origin = Origin(
        identity, snapshots, [note for part in parts.values() for note in part.notes],
        is_unfinished=any(part.is_unfinished for part in parts.values()),
        unasked=[name for name, part in parts.items() if part.is_unfinished],
        steps={name: list(options["steps"]) for name, options in missions.items()},
        options=as_json(missions), until=min(filter(None, releases), default=""),
    )  # fmt: skip
    write_origin(Layout(output.parent), origin)
    observations = len({(row.mission, row.obsid) for row in rows})
    log.info("manifest: %d exposures of %d observations", len(rows), observations)


def present_parts(
    missions: Mapping[str, Options],
    archive: Path,
    tables: Path,
    selections: Path,
    data_centres: Mapping[str, Mapping[str, Any]],
) -> dict[str, MissionPart]:
    """Return the parts that a manifest of an archive would have with the tables in `tables`. Write selections elsewhere.

    Nothing in the archive changes. A mission whose part cannot be made is unfinished, and has a note.
    """
    parts = {}
    for name, given in missions.items():
        options = {**_seen_from(archive, given), "tables": str(tables), **data_centres.get(name, {})}
        parts[name] = _part(name, options, selections, is_only=False)
    return parts


def _keep_snapshots(layout: Layout, mission: str, store: SnapshotStore) -> dict[str, str]:
    """Keep a mission's snapshots in the archive. Return their SHA-256 by name, or '' for a snapshot that does not exist."""
    identities = store.identities(MISSIONS[mission])
    for name, digest in identities.items():
        if digest and not keep_snapshot(layout, name, digest, store.files(name)):
            log.warning("%s: its table is gone or was fetched again, so the archive does not keep it; run again", name)
    return identities


def _part(name: str, options: Options, directory: Path, is_only: bool) -> MissionPart:
    """Return a mission's part of the manifest. Raise ServiceError if a service fails and this mission is the only one."""
    planned = _way_of(name, options)
    try:
        part = planned(name, options, directory)
    except NoObservationsError as error:
        return MissionPart(notes=(error.line,), cutflow=str(error))
    except ServiceError as error:
        if is_only:
            raise
        line = f"{name}: its observations could not be selected, and the next run tries again: {error}"
        return MissionPart(notes=(line,), is_unfinished=True)
    rows = [decompressed(row) for row in part.rows] if options["decompress"] else part.rows
    return replace(part, rows=[row for row in rows if options["process_unscheduled"] or not row.is_unscheduled])


def _way_of(name: str, options: Options) -> Callable[[str, Options, Path], MissionPart]:
    """Return the function that makes a mission's part: from raw files of a directory, its products, or data centres."""
    if engine_of(name, options["engine"]).takes_whole_observations:
        return _to_organise if options["source"] and "preprocessed" in options["steps"] else _to_download
    return _to_read if options["listing"] else _to_download


def _to_organise(name: str, options: Options, directory: Path) -> MissionPart:
    """Return the rows of observations whose products are in a local directory, in the data centre's layout or another one.

    Only products that the layout does not explain are searched by name, because a mirror may have millions of files.
    """
    spec, root = MISSIONS[name], Path(options["source"])
    obsids = _chosen(options).listed_obsids()
    if options["listing"]:
        products = local_products(spec, root)
        notes = tuple(f"{name}: {sentence}" for sentence in products.sentences(root))
        return MissionPart(rows_of_products(name, spec, root, None, products), notes)
    if obsids and SnapshotStore(Path(options["tables"])).latest(name) is None:
        mirrors = {centre: [Path(path) for path in paths] for centre, paths in options.get("mirrors", {}).items()}
        if (by_name := rows_by_name(name, root, mirrors, obsids)) is not None:
            return MissionPart(by_name[0])
    part = _to_download(name, options, directory)
    facts = with_local_files(spec, root, [facts_from(row.facts) for row in part.rows])
    # Observations that are nowhere in the directory stay: their step `acquire` is rejected by name.
    rows = [
        replace(row, facts=facts_text(known)) if LOCAL_FILES in known else row
        for row, known in zip(part.rows, facts, strict=True)
    ]
    return replace(part, rows=rows)


def _uses_tables(options: Options) -> bool:
    """Return True if a mission's part of the manifest depends on tables: not for all files of a local directory."""
    return not options["listing"] or options["select"] is not None


def _seen_from(archive: Path, options: Options) -> dict[str, Any]:
    """Return the options of a mission with absolute paths in place of paths relative to the archive."""
    places = {key: str((archive / options[key]).resolve()) for key in ("source", "tables") if options[key]}
    select = options["select"] and Select.from_values(options["select"]).started_in(archive).plain_values()
    return {**options, **places, "select": select}


def _nothing_to_process(parts: Sequence[MissionPart]) -> DaxaError:
    """Return the error for a manifest without rows. It has the cut-flows of all missions if each selection is empty."""
    notes = "".join(f"\n  {note}" for part in parts for note in part.notes)
    if any(part.is_unfinished for part in parts):
        return ServiceError(f"nothing to process, because services did not answer:{notes}")
    if all(part.cutflow for part in parts):
        return ConfigError("\n".join(part.cutflow for part in parts))
    return ConfigError(f"nothing to process: the sources do not contain any selected observation{notes}")


def read_directory(
    name: str, root: Path, obsids: Sequence[str] | None, instruments: Sequence[str], engine: Engine
) -> list[ManifestRow]:
    """Return the rows of the event lists or raw data in a local directory.

    Raise ConfigError if a requested observation is absent.
    """
    rows: list[ManifestRow] = load(engine.find_local)(name, root, obsids, instruments)
    return rows


def ignored_files(root: Path, engine: Engine) -> list[str]:
    """Return sentences that count and name the files in a local directory that an engine does not recognise."""
    sentences: list[str] = load(engine.ignored_in)(root) if engine.ignored_in else []
    return sentences


def _to_read(name: str, options: Options, directory: Path) -> MissionPart:
    """Return the rows of the selected observations that are in a local directory."""
    selected, part = None, MissionPart()
    if options["select"] is not None:
        selection = _selected(name, options, directory)
        selected, part = set(selection.rows["obsid"]), _part_without_rows(name, selection)
    engine = engine_of(name, options["engine"])
    rows = read_directory(name, Path(options["source"]), options["obsids"], options["instruments"], engine)
    absent = sorted(set(selected or ()) - {row.obsid for row in rows})
    ignored = ignored_files(Path(options["source"]), engine)
    notes = (*part.notes, *(f"{name}: {sentence}" for sentence in ignored))
    if absent:
        notes += (
            f"{name}: {len(absent)} selected observations are not in {options['source']}: {some_of(absent, NAMED)}",
        )
    return replace(part, rows=[row for row in rows if selected is None or row.obsid in selected], notes=notes)


def _to_download(name: str, options: Options, directory: Path) -> MissionPart:
    """Return the rows of the selected observations: one for each exposure if the engine processes exposures, else one each."""
    selection = _selected(name, options, directory)
    part, observations = _part_without_rows(name, selection), selection.rows
    spec, engine = MISSIONS[name], engine_of(name, options["engine"])
    if not engine.planned_files or not spec.exposures:
        return replace(part, rows=planned_observations(spec, observations))
    exposures = SnapshotStore(Path(options["tables"])).exposures(spec)
    rows, without = planned_exposures(spec, observations, exposures, options["instruments"], engine)
    if without and "archives" in options:
        listed = _listed(name, options, observations[observations["obsid"].isin(without)])
        return MissionPart(
            [*rows, *listed.rows], (*part.notes, *listed.notes), part.is_unfinished or listed.is_unfinished
        )
    notes = part.notes
    if without:
        notes += (f"{name}: {len(without)} selected observations have no known exposure: {some_of(without, NAMED)}",)
    return replace(part, rows=rows, notes=notes)


def _listed(name: str, options: Options, observations: pd.DataFrame) -> MissionPart:
    """Return the exposures of observations that are missing in the table of exposures, from the data centres' listings."""
    from daxa_wf.chain.listed import listed_exposures
    from daxa_wf.download.file_request import FileRequest
    from daxa_wf.download.observation import Fetcher
    from daxa_wf.tables.http import session

    fetcher = Fetcher(
        Path(options["store"]), session(retries=1, limits=Limits(**options["limits"])), options["archives"]
    )
    routes, instruments = tuple(options["routes"]), tuple(options["instruments"])
    requests = [
        FileRequest(MISSIONS[name], observation_facts(row), routes, instruments) for _, row in observations.iterrows()
    ]
    log.info("%s: %d observations are not in the table of exposures; requesting their listings", name, len(requests))
    listed = listed_exposures(requests, fetcher, engine_of(name, options["engine"]))
    notes = []
    for reasons, problem in (
        (listed.absent, "have no known exposure"),
        (listed.unasked, "could not be listed, and the next run tries again"),
    ):
        if reasons:
            notes.append(f"{name}: {len(reasons)} selected observations {problem}: {some_of(reasons, NAMED)}")
            notes.append(f"  {next(iter(reasons.values()))}")
    # A change of a mirror on this machine changes no table, so the next run reads its listings again.
    return MissionPart(listed.rows, tuple(notes), bool(listed.unasked) or bool(listed.absent and options["mirrors"]))


def _chosen(options: Options) -> Select:
    """Return the section `select` of a mission, or an empty one, with the mission's own ObsIDs."""
    select = Select.from_values(options["select"]) if options["select"] is not None else Select()
    return select.only(options["obsids"])


def _selected(name: str, options: Options, directory: Path) -> Selection:
    """Return the mission's selection, and write it to the archive. Without a section `select`, select all observations."""
    from daxa_wf.selection.outputs import write_selection

    mirrors = {data_centre: [Path(path) for path in paths] for data_centre, paths in options.get("mirrors", {}).items()}
    selection = find_observations(
        name, _chosen(options), Path(options["tables"]), options["services"], options["instruments"], mirrors,
        Limits(**options.get("limits", {})),
    )  # fmt: skip
    write_selection(directory, name, selection)
    return selection


def _part_without_rows(name: str, selection: Selection) -> MissionPart:
    """Return the notes of a selection, and whether observations are absent that the next run may find."""
    notes = [f"{name}: {note}" for note in selection.notes]
    for step in selection.cutflow:
        if step.filter == "data":
            dropped = f"{step.before - step.left} of {step.before} observations"
            notes.append(f"{name}: dropped {dropped} without {step.description}")
    return MissionPart(notes=tuple(notes), is_unfinished=bool(selection.absent))


def _next_release(name: str, options: Options) -> str:
    """Return when the next observation of a mission's selection becomes public (UTC, ISO), or ''."""
    select, tables = _chosen(options), Path(options["tables"])
    if not select.public or SnapshotStore(tables).latest(name) is None:
        return ""
    return next_release(name, select, tables, options["instruments"])


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
