"""The plan of a run, which the Snakefile queries: paths of records, units of the manifest, options of steps."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.archive.origin import identity_to_ask, read_origin
from daxa_wf.archive.status import damaged_notes
from daxa_wf.archive.vouching import clamp_times, drop_stale_records
from daxa_wf.chain.local import listing_digest
from daxa_wf.chain.preflight import check_before_a_run
from daxa_wf.chain.runner import clear_staging
from daxa_wf.chain.step_options import is_downloaded, places_of
from daxa_wf.config.mission import Mission
from daxa_wf.config.model import Config
from daxa_wf.config.reading import parse_config
from daxa_wf.config.yaml_values import refuse_misread_file
from daxa_wf.download.credentials import read_secrets
from daxa_wf.download.release import drop_due_records, mark_of_logins, utc_now
from daxa_wf.errors import ConfigError, CorruptFileError, DaxaError, Fault
from daxa_wf.files import set_aside
from daxa_wf.mission.registry import STEPS, pipelines
from daxa_wf.mission.step import ACQUIRE, REPORT, UNIT_PARTS, Step, load
from daxa_wf.report.finish import let_page_be_drawn
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.text import mask_secrets
from daxa_wf.units import Unit

STARTED_IN = "DAXA_WF_STARTED_IN"
"""Environment variable that passes the starting directory from Snakemake's main process to its jobs."""


def checked_config(data: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Config:
    """Return the configuration as models. A mistake in it ends the process with its message and exit code 2.

    `files` are Snakemake's configuration files, which are checked for values that YAML misreads.
    """
    try:
        for path in files:
            refuse_misread_file(Path(path))
        return parse_config(data)
    except ConfigError as error:
        give_up(error)


def started_in(is_main_process: bool) -> Path:
    """Return the directory that the run was started from, in which the configuration's relative paths start.

    The main process passes it to its jobs, also through SLURM, because a job may begin in the archive.
    """
    if is_main_process:
        os.environ[STARTED_IN] = str(Path.cwd())
    return Path(os.environ.get(STARTED_IN) or Path.cwd())


def give_up(error: DaxaError) -> NoReturn:
    """End the process with the error's message and exit code."""
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    sys.exit(error.exit_code)


class Plan:
    """The workflow's view of one archive. Made once when the Snakefile is read."""

    def __init__(self, config: Config, started_in: Path) -> None:
        self.config = config
        self.started_in = started_in
        self.missions = config.all_missions
        self.layout = Layout(started_in / config.archive)
        self._rows: dict[tuple[str, str], list[ManifestRow]] = {}

    def prepare(self) -> None:
        """Check the names in the configuration before a run, drop records whose products changed, and remove unfinished files.

        A mistake ends the process with its message and exit code.
        """
        try:
            check_before_a_run(self.config, self.started_in)
            if not self.processed():
                raise ConfigError(
                    "nothing can be processed: no mission has a key 'source' that says where its data are"
                )
            set_aside_damaged(self.layout)
            drop_due_records(self.layout, self.login_marks(), utc_now())
            drop_stale_records(self.layout)
            let_page_be_drawn(self.layout)
        except DaxaError as error:
            give_up(error)
        except OSError as error:
            give_up(Fault(f"{error.filename or 'the system'}: {error.strerror or error}"))
        clamp_times([self.layout.manifest, *(self.layout.root / name for name in self.simulation)])
        clear_staging(self.layout)

    def login_marks(self) -> dict[str, str]:
        """Return a digest of the user's credentials by mission. If it changes, proprietary data are requested again."""
        store, secrets = self.started_in / self.config.data, read_secrets(self.credentials())
        downloaded = [mission.name for mission in self.processed() if is_downloaded(mission)]
        return {
            name: mark_of_logins(store, secrets, self.config.archives_for(name, self.started_in)) for name in downloaded
        }

    def credentials(self) -> dict[str, str]:
        """Return the paths of the files with credentials, by data centre."""
        return {name: str(self.started_in / path) for name, path in self.config.credentials.items()}

    def mission(self, name: str) -> Mission:
        """Return a mission of the configuration."""
        return self.missions[name]

    def processed(self) -> list[Mission]:
        """Return the missions that have a source of data."""
        return [mission for mission in self.missions.values() if mission.section.source is not None]

    def source(self, mission: str) -> Path:
        """Return the directory of a mission's local files."""
        source = self.mission(mission).section.source
        assert source is not None  # noqa: S101 - only missions that have one are processed
        assert source.local is not None  # noqa: S101 - called only for missions with local files
        return self.started_in / source.local

    def source_of(self, mission: str, obsid: str) -> Path:
        """Return the directory in which the relative paths of an observation's manifest rows start."""
        if self.mission(mission).uses_raw_store:
            return self.layout.raw(Unit(mission, obsid))
        return self.source(mission)

    def record(self, name: str) -> str:
        """Return the pattern of a step's record, relative to the archive; only the step's own units match it."""
        step = STEPS[name]
        return f"records/{{mission}}/{{obsid}}/{name}/{{obsid}}{self._parts(step, constrained=True)}.json"

    def log(self, name: str) -> str:
        """Return the pattern of a step's log, relative to the archive."""
        return f"logs/{{mission}}/{{obsid}}/{name}_{{obsid}}{self._parts(STEPS[name])}.log"

    @staticmethod
    def _parts(step: Step, constrained: bool = False) -> str:
        """Return the wildcards that name a step's unit within its observation, with the values that they may take."""
        if not constrained:
            return "".join(f"{{{part}}}" for part in UNIT_PARTS[step.per])
        pipeline = next((each for each in pipelines() if step in each.steps), None)
        exposure = pipeline.exposure_pattern if pipeline else ""
        allowed = {"inst": "|".join(step.instruments), "exposure": exposure}
        return "".join(f"{{{part},{allowed[part]}}}" for part in UNIT_PARTS[step.per])

    def inputs(self, name: str) -> dict[str, Any]:
        """Return the input of a step's rule: the records that it needs or reads, by step."""
        from snakemake.io import ancient

        step = STEPS[name]
        earlier = step.earlier if step is not REPORT else tuple(each for each in STEPS if each != name)
        found: dict[str, Any] = {each: self.records_of(each) for each in earlier}
        if step.is_first:
            found["manifest"] = ancient(self.layout.manifest.name)
        if step.tasks:
            found["image"] = ancient(self.container_image)
        return found

    def params(self, name: str) -> dict[str, Any]:
        """Return the parameters of a step's rule: its options, its context on this machine, and its raw files."""
        step = STEPS[name]
        found: dict[str, Any] = {"options": self.options(name)} if step.section or step.job_options else {}
        if step.tasks or step is ACQUIRE:
            found["context"] = self.context(name)
        return found | ({"raw": self.raw(*step.raw)} if step.raw else {})

    def options(self, name: str) -> Callable[[Any], dict[str, Any]]:
        """Return a function of wildcards that gives a step's options as plain values."""
        step = STEPS[name]
        further = load(step.job_options) if step.job_options else lambda *_: {}

        def values(wildcards: Any) -> dict[str, Any]:
            mission, found = self.mission(wildcards.mission), dict[str, Any]()
            if step.section:
                section = getattr(mission.section, step.section)
                found = section.values() if step.options else section.plain_values()
                if "engine" in found:
                    found["engine"] = mission.step_engine(name)
            return found | further(self, wildcards)

        return values

    def context(self, name: str) -> Callable[[Any, Any], dict[str, Any]]:
        """Return a function that gives a step's context: facts about this machine that records do not keep.

        It depends on `resources`, so Snakemake leaves it out of the params trigger: a change does not repeat the step.
        """
        step = STEPS[name]

        def values(wildcards: Any, resources: Any) -> dict[str, Any]:
            del resources
            if step is ACQUIRE:
                return places_of(self, wildcards)
            engine = self.mission(wildcards.mission).engine
            if not engine.toolkit:
                return {}
            raw = load(engine.raw_data)(self, wildcards) if engine.raw_data else {}
            return {"toolkit": self.toolkit(engine.toolkit), **raw}

        return values

    def toolkit(self, name: str) -> dict[str, Any]:
        """Return a toolkit as plain data, its directories absolute."""
        section = self.config.toolkit(name)
        return {**section.started_in(self.started_in).plain_values(), "image_file": self.image_file(name)}

    def toolkit_tasks(self, name: str) -> list[str]:
        """Return the tasks of a toolkit that the configuration needs."""
        return sorted({task for mission in self.processed() for task in mission.toolkit_tasks(name)})

    def image_file(self, name: str) -> list[str]:
        """Return the file with the path of a toolkit's deployed container; empty if Snakemake deploys none."""
        return [f"toolkits/{name}.image"] if self.config.toolkit(name).is_deployed else []

    def container_image(self, wildcards: Any) -> list[str]:
        """Return the image_file of the toolkit that the mission's engine uses; empty if it uses none."""
        toolkit = self.mission(wildcards.mission).engine.toolkit
        return self.image_file(toolkit) if toolkit else []

    def rows(self, mission: str, obsid: str, **wildcards: str) -> list[ManifestRow]:
        """Return an observation's rows in the manifest that match. Usable after the checkpoint only."""
        rows = self._manifest().get((mission, obsid), [])
        return [row for row in rows if all(getattr(row, name) == value for name, value in wildcards.items())]

    def _manifest(self) -> dict[tuple[str, str], list[ManifestRow]]:
        if not self._rows:
            for row in read_manifest(self.layout.manifest):
                self._rows.setdefault((row.mission, row.obsid), []).append(row)
        return self._rows

    def raw(self, *roles: str) -> Callable[[Any], dict[str, list[str]]]:
        """Return a function of wildcards that gives the raw files of its unit by role (`events`, `attitude`).

        They are parameters and not inputs of a rule, because records vouch for their content. Snakemake would compare times,
        which copies change, and refuse files from the future. Files that no data centre had do not exist.
        """

        def files(wildcards: Any) -> dict[str, list[str]]:
            if self.mission(wildcards.mission).uses_raw_store:
                folder = self.layout.relative(self.layout.raw(Unit(wildcards.mission, wildcards.obsid)))
            else:
                folder = self.seen_from_archive(self.source(wildcards.mission))
            return {role: [f"{folder}/{name}" for name in self._named(role, wildcards)] for role in roles}

        return files

    def seen_from_archive(self, path: Path) -> str:
        """Return a path relative to the archive if the project holds both, so that it stays valid if the project moves."""
        real, project = path.resolve(), self.started_in.resolve()
        if not (real.is_relative_to(project) and self.layout.root.resolve().is_relative_to(project)):
            return str(path)
        return os.path.relpath(real, self.layout.root.resolve())

    def _named(self, role: str, wildcards: Any) -> list[str]:
        return sorted({getattr(row, role) for row in self.rows(**dict(wildcards.items()))} - {""})

    def records_of(self, step: str) -> Callable[[Any], list[str]]:
        """Return a function of wildcards that gives a step's records of all matching units."""

        def paths(wildcards: Any) -> list[str]:
            if step not in self.mission(wildcards.mission).steps:
                return []
            return self._paths(step, self.rows(**dict(wildcards.items())))

        return paths

    def all_records(self, *steps: str) -> list[str]:
        """Return the records of the named steps, by default of all steps, for every unit of the manifest."""
        return [
            path
            for (mission, _), rows in self._manifest().items()
            for step in steps or self.mission(mission).steps
            for path in self._paths(step, rows)
        ]

    def _paths(self, step: str, rows: list[ManifestRow]) -> list[str]:
        rows = [row for row in rows if STEPS[step].applies_to(row.inst)]
        units = dict.fromkeys(STEPS[step].unit_of(row.mission, row.obsid, row.inst, row.exposure) for row in rows)
        return [self.layout.relative(self.layout.record(step, unit)) for unit in units]

    def selection_options(self) -> dict[str, dict[str, Any]]:
        """Return the origin of the manifest by mission. It changes with the files of a local directory.

        A directory that cannot be read ends the process with its message and exit code.
        """
        try:
            return {mission.name: self._selection_options(mission) for mission in self.processed()}
        except DaxaError as error:
            give_up(error)

    def _selection_options(self, mission: Mission) -> dict[str, Any]:
        section, source = mission.section, mission.section.source
        is_read_whole = not mission.uses_raw_store
        # Snakemake compares these values, so paths are relative to the archive: a moved project repeats nothing.
        select = section.select.started_in(Path(self.seen_from_archive(self.started_in))) if section.select else None
        return {
            "source": self.seen_from_archive(self.source(mission.name)) if source and source.local else "",
            "obsids": section.obsids,
            "instruments": mission.instruments,
            "routes": mission.routes,
            "engine": mission.engine.name,
            "decompress": bool(source and source.decompress),
            "steps": list(mission.steps),
            "process_unscheduled": section.process_unscheduled,
            "listing": listing_digest(self.source(mission.name)) if is_read_whole else "",
            "select": select.plain_values() if select else None,
            "select_files": section.select.started_in(self.started_in).fingerprints() if section.select else [],
            "tables": self.seen_from_archive(self.started_in / self.config.tables),
            # Snakemake keeps parameters in the archive; `data_centres` has the URLs as they are.
            "services": {name: [mask_secrets(url) for url in urls] for name, urls in self.config.services.items()},
        }

    def tables_identity(self) -> str:
        """Return the parameter of the manifest's job that represents the missions' tables.

        It changes if the manifest was made from other tables, so that Snakemake makes the manifest again.
        """
        snapshots: dict[str, str] = {}
        for mission in self.processed():
            if mission.uses_raw_store or mission.section.select is not None:
                store = SnapshotStore(self.started_in / self.config.tables)
                snapshots |= store.identities(mission.spec)
        return identity_to_ask(read_origin(self.layout), snapshots, datetime.now(UTC))

    def data_centres(self, wildcards: Any, resources: Any) -> dict[str, dict[str, Any]]:
        """Return the addresses for the manifest's job by mission: URLs of services and listings, directories, limits.

        Depends on `resources`, so Snakemake leaves it out of the params trigger, and out of its own notes in the archive:
        URLs may hold passwords.
        """
        del wildcards, resources
        return {mission.name: self._data_centres(mission.name) for mission in self.processed()}

    def _data_centres(self, name: str) -> dict[str, Any]:
        mirrors = self.config.mirrors_for(name, self.started_in)
        return {
            "store": str(self.started_in / self.config.data),
            "archives": self.config.archives_for(name, self.started_in),
            "mirrors": {archive: [str(each) for each in places] for archive, places in mirrors.items()},
            "services": dict(self.config.services.items()),
            "limits": asdict(self.config.limits.limits()),
        }

    @property
    def simulation(self) -> list[str]:
        """Return the file that the simulator's rule makes, relative to the archive; empty without `simulator`."""
        complete = self.config.simulation(self.started_in)
        return [] if complete is None else [self.seen_from_archive(complete)]


def set_aside_damaged(layout: Layout) -> list[Path]:
    """Set aside an unreadable manifest and unreadable fault notes, so that the run makes them again. Return their paths."""
    damaged = []
    if layout.manifest.exists():
        try:
            read_manifest(layout.manifest)
        except CorruptFileError as error:
            damaged.append(set_aside(layout.manifest, str(error)))
    return damaged + [set_aside(note, "not a fault note") for note in damaged_notes(layout)]
