"""Adopt an archive made by the package DAXA: its products get records, so that every command can read them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import daxa_wf
from daxa_wf.archive.access import Archive
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, write_manifest
from daxa_wf.archive.origin import Origin, write_origin
from daxa_wf.archive.records import Record, Status, record_paths, stamp_file, write_record
from daxa_wf.archive.region_checks import add_regions
from daxa_wf.archive.running import held
from daxa_wf.archive.status import read_verdicts, write_status
from daxa_wf.archive.versions import RunDescription, record_version
from daxa_wf.errors import ConfigError
from daxa_wf.files import copy_file
from daxa_wf.handover.daxa_archive import (
    DaxaArchive,
    DaxaObservation,
    process_unit,
    read_daxa_archive,
    units_in,
)
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.mission.step import REPORT
from daxa_wf.text import fit_to_show
from daxa_wf.units import Unit

ADOPTED = "adopted"
"""In place of a step: DAXA's record of an observation, with all of its products."""
PROCESS = "daxa_"
"""Before the name of a process of DAXA, in place of a step: several names are those of steps with other results."""
REGIONS = "source_regions_radec"
"""Name of DAXA's region files."""


def adopt(source: Path, layout: Layout, link: bool = False) -> list[str]:
    """Make an archive of the products of an archive of DAXA, which is not changed, and return notes on files left out.

    Products are copied (cloned where the file system can), or linked with `link`. Each observation gets one record with its
    products, and one for each unit of DAXA's processes with verdict, warnings, errors and logs. Raise ConfigError if the
    source is not an archive of DAXA, or if the target has records.
    """
    if record_paths(layout):
        raise ConfigError(f"{layout.root} is an archive already; adopt into a new directory")
    if layout.root.resolve().is_relative_to(source.resolve()):
        raise ConfigError(f"{layout.root} lies in {source}, which is not changed; choose another directory")
    archive = read_daxa_archive(source)
    with held(layout.root):
        records = {item.unit: list(_records(archive, item, layout, link)) for item in archive.observations}
        for observation in records.values():
            for record in observation:
                write_record(layout, record)
        rows = {row for observation in records.values() for record in observation for row in _rows(record)}
        rows |= {
            ManifestRow(item.unit.mission, item.unit.obsid, *part)
            for item in archive.observations
            for part in units_in(item)
        }
        write_manifest(layout.manifest, rows)
        steps: dict[str, list[str]] = {}
        for unit, observation in records.items():
            names = dict.fromkeys([*steps.get(unit.mission, []), *(record.step for record in observation), REPORT.name])
            steps[unit.mission] = list(names)
        write_origin(layout, Origin(notes=[f"Adopted from an archive of DAXA: {source.absolute()}"], steps=steps))
        _draw(archive, layout, records)
        record_version(layout, RunDescription(message=f"adopted from an archive of DAXA: {source.absolute()}"))
    return [*archive.notes, *_adopt_regions(archive, layout)]


def _rows(record: Record) -> Iterator[ManifestRow]:
    unit = record.unit
    yield ManifestRow(unit.mission, unit.obsid, unit.instrument, unit.exposure)


def _records(archive: DaxaArchive, observation: DaxaObservation, layout: Layout, link: bool) -> Iterator[Record]:
    """Yield the record of an observation, with its products in place, and those of DAXA's processes on it."""
    unit, now = observation.unit, datetime.now(UTC).isoformat(timespec="seconds")
    versions = {"daxa_wf": daxa_wf.__version__}
    stamps = []
    for product in observation.products:
        target = layout.root / product.relative
        target.parent.mkdir(parents=True, exist_ok=True)
        if link:
            target.unlink(missing_ok=True)
            target.symlink_to(product.file.resolve())
        else:
            copy_file(product.file, target)
        stamps.append(stamp_file(target, product.relative, product.kind))
    results = {
        "summary": archive.info.obs_summaries.get(unit.mission, {}).get(unit.obsid),
        "usable": observation.usable,
    }
    message = f"{len(stamps)} products of an archive of DAXA"
    yield Record(
        ADOPTED, unit, Status.DONE, message=message, products=stamps, results=results, engine="daxa", versions=versions,
        started=now, ended=now,
    )  # fmt: skip
    yield from _process_records(archive, observation, layout)


def _process_records(archive: DaxaArchive, observation: DaxaObservation, layout: Layout) -> Iterator[Record]:
    unit, info = observation.unit, archive.info
    for process, units in info.process_success.get(unit.mission, {}).items():
        of_observation = {name: success for name, success in units.items() if name.startswith(unit.obsid)}
        for name, success in of_observation.items():
            errors = _notes(info.process_errors.get(unit.mission, {}).get(process), name)
            warnings = _notes(info.process_warnings.get(unit.mission, {}).get(process), name)
            yield Record(
                f"{PROCESS}{process}", process_unit(MISSIONS[unit.mission], unit.obsid, name),
                Status.DONE if success else Status.FAILED, "" if success else "failedInDaxa",
                "" if success else "DAXA recorded a failure",
                engine="daxa", versions={"daxa_wf": daxa_wf.__version__},
                warnings=[{"task": process, **note} for note in warnings],
                errors=[{"task": process, **note} for note in errors],
                logs=_copied_logs(archive, observation, layout, process, name),
            )  # fmt: skip


def _notes(by_unit: Any, name: str) -> list[dict[str, str]]:
    """Return the messages of a unit with their names. DAXA stores texts, or dictionaries of what it parsed from SAS."""
    messages = by_unit.get(name) if isinstance(by_unit, dict) else None
    listed = messages if isinstance(messages, list) else [messages]
    return [
        {"name": fit_to_show(str(message.get("name", "noted"))), "text": fit_to_show(str(message.get("message", "")))}
        if isinstance(message, dict)
        else {"name": "noted", "text": fit_to_show(str(message))}
        for message in listed
        if message
    ]


def _copied_logs(
    archive: DaxaArchive, observation: DaxaObservation, layout: Layout, process: str, name: str
) -> list[str]:
    unit, copied = observation.unit, []
    for tree in ("processed_data", "failed_data"):
        for stream in ("stdout", "stderr"):
            log = archive.root / tree / unit.mission / unit.obsid / "logs" / f"{process}_{name}_{stream}.log"
            if log.is_file() and not log.is_symlink():
                target = layout.log(f"{PROCESS}{process}", unit).with_name(f"{PROCESS}{process}_{name}_{stream}.log")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(log, target)
                copied.append(layout.relative(target))
    return copied


def _draw(archive: DaxaArchive, layout: Layout, records: dict[Unit, list[Record]]) -> None:
    """Write the pages, a record of each page, and the status."""
    from daxa_wf.report.archive_page import write_archive_page
    from daxa_wf.report.observation_page import draw_observation

    for observation in archive.observations:
        unit = observation.unit
        page = draw_observation(layout, unit, records[unit])
        has_events = any(product.kind in ("finalevents", "cleanevents", "events") for product in observation.products)
        usable = observation.usable if observation.usable is not None else has_events
        results = {"usable": usable, "page": layout.relative(page.path), "summary": page.summary.as_results()}
        write_record(layout, Record(REPORT.name, unit, Status.DONE, results=results))
    write_status(layout, read_verdicts(layout))
    write_archive_page(layout)


def _adopt_regions(archive: DaxaArchive, layout: Layout) -> Iterator[str]:
    """Store DAXA's regions, and yield a note for each file that cannot be stored."""
    adopted = Archive(layout.root)
    for observation in archive.observations:
        unit = observation.unit
        file = archive.root / "regions" / unit.mission / unit.obsid / f"{REGIONS}.reg"
        if file.is_file():
            try:
                add_regions(adopted, file, unit.obsid, unit.mission)
            except ConfigError as error:
                yield f"regions of {unit.obsid} were left out: {error}"
