"""The plan of a run, which the Snakefile queries: paths of records, units of the manifest, options of steps."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.archive.origin import identity_to_ask, read_origin
from daxa_wf.chain.describing import MESSAGE
from daxa_wf.chain.local import listing_digest
from daxa_wf.chain.preflight import check_before_a_run
from daxa_wf.chain.step_options import context_of, is_downloaded
from daxa_wf.config.mission import Mission
from daxa_wf.config.model import Config
from daxa_wf.config.reading import parse_config, read_user_defaults
from daxa_wf.config.user_defaults import filled_values
from daxa_wf.config.yaml_values import refuse_misread_file
from daxa_wf.download.credentials import read_secrets
from daxa_wf.download.release import login_key, mark_of_logins
from daxa_wf.errors import ConfigError, DaxaError, Fault
from daxa_wf.mission.registry import STEPS, pipelines
from daxa_wf.mission.step import ACQUIRE, REPORT, UNIT_PARTS, Step, load
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.text import mask_secrets
from daxa_wf.units import Unit

WHOLE_FROM = 500
"""Number of observations from which `one_job_per: auto` means one job for each: Python needs half a second to start."""

REMAKE_OUTDATED = "remake_outdated"
"""Value for Snakemake's --config: true makes again what an older version of daxa_wf made."""


def checked_config(data: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Config:
    """Return the configuration as models; a mistake in it ends the process with its message and exit code 2.

    `files` are Snakemake's configuration files, which are checked for values that YAML misreads. The last one names the archive
    if the user's defaults say where. REMAKE_OUTDATED and MESSAGE belong to one run, and are not a part of the configuration.
    """
    data = {key: value for key, value in data.items() if key not in (REMAKE_OUTDATED, MESSAGE)}
    paths = [Path(path) for path in files]
    try:
        for path in paths:
            refuse_misread_file(path)
        return parse_config(filled_values(data, read_user_defaults(), paths[-1].stem if paths else ""))
    except ConfigError as error:
        give_up(error)


def give_up(error: DaxaError) -> NoReturn:
    """End the process with the error's message and exit code."""
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    sys.exit(error.exit_code)


class Plan:
    """The workflow's view of one archive. Made once when the Snakefile is read."""

    def __init__(self, config: Config, started_in: Path, is_module: bool = False) -> None:
        self.config = config
        self.is_module = is_module
        """True where another workflow uses this one. Its rules may take any record as input."""
        self.started_in = started_in
        self.missions = config.all_missions
        self.layout = Layout(started_in / config.archive)
        self.when_manifest_is_needed: Callable[[], None] = lambda: None
        self.await_manifest: Callable[[], Any] = lambda: None
        """Function that raises Snakemake's IncompleteCheckpointException until the manifest of this run is complete."""
        self.stale: Collection[str] = ()
        """Existing records that this run makes again, as paths for Snakemake."""
        self.when_manifest_is_read: Callable[[], None] = lambda: None
        self._is_manifest_needed = self._is_manifest_final = False
        self._seen_from_archive: dict[Path, str] = {}
        self._rows: dict[tuple[str, str], list[ManifestRow]] = {}
        self._read_manifest: tuple[int, int] | None = None

    def check(self) -> None:
        """Check that all things that the configuration names exist. A mistake ends the process with exit code 2."""
        try:
            check_before_a_run(self.config, self.started_in)
            if not self.processed():
                raise ConfigError("nothing can be processed: no mission has a key 'source' for its data")
        except DaxaError as error:
            give_up(error)
        except OSError as error:
            give_up(Fault(f"{error.filename or 'the system'}: {error.strerror or error}"))

    def place(self, path: Path) -> str:
        """Return a path of the archive in Snakemake's form: relative to the starting directory, if the archive is."""
        return os.path.normpath(self.config.archive / path.relative_to(self.layout.root))

    @property
    def manifest(self) -> str:
        """Return the manifest's path in Snakemake's form."""
        return self.place(self.layout.manifest)

    def login_marks(self) -> dict[str, str]:
        """Return a digest of the user's credentials by mission, or by mission and ObsID for observations with their own.

        If it changes, proprietary data are requested again.
        """
        store, downloaded = (
            self.started_in / self.config.data,
            [item for item in self.processed() if is_downloaded(item)],
        )
        places = {mission.name: self.config.archives_for(mission.name, self.started_in) for mission in downloaded}
        return {
            login_key(name, obsid): mark_of_logins(
                store, read_secrets(self.credentials(obsid)), centres, makes_key=False
            )
            for name, centres in places.items()
            for obsid in self.config.obsids_with_credentials
        }

    def credentials(self, obsid: str) -> dict[str, str]:
        """Return the paths of the files with an observation's credentials, by data centre."""
        return {name: str(self.started_in / path) for name, path in self.config.credentials_of(obsid).items()}

    def mission(self, name: str) -> Mission:
        """Return a mission of the configuration."""
        return self.missions[name]

    def processed(self) -> list[Mission]:
        """Return the missions that have a source of data."""
        return [mission for mission in self.missions.values() if mission.section.source is not None]

    def source(self, mission: str) -> Path:
        """Return the directory of a mission's local files."""
        source = self.mission(mission).section.source
        assert source is not None  # noqa: S101 - only missions with a source are processed
        assert source.local is not None  # noqa: S101 - called only for missions with local files
        return self.started_in / source.local

    def source_of(self, mission: str, obsid: str) -> Path:
        """Return the directory in which the relative paths of an observation's manifest rows start."""
        if self.mission(mission).uses_raw_store:
            return self.layout.raw(Unit(mission, obsid))
        return self.source(mission)

    def record(self, name: str) -> str:
        """Return the pattern of a step's record. Only the step's own units match the pattern."""
        step = STEPS[name]
        folder = self.place(self.layout.root / "records")
        return f"{folder}/{{mission}}/{{obsid}}/{name}/{{obsid}}{self._parts(step, constrained=True)}.json"

    def log(self, name: str) -> str:
        """Return the pattern of a step's log."""
        folder = self.place(self.layout.root / "logs")
        return f"{folder}/{{mission}}/{{obsid}}/{name}_{{obsid}}{self._parts(STEPS[name])}.log"

    @staticmethod
    def _parts(step: Step, constrained: bool = False) -> str:
        """Return the wildcards that name a step's unit within its observation, with the values that they may take."""
        if not constrained:
            return "".join(f"{{{part}}}" for part in UNIT_PARTS[step.per])
        pipeline = next((pipeline for pipeline in pipelines() if step in pipeline.steps), None)
        exposure = pipeline.exposure_pattern if pipeline else ""
        allowed = {"inst": "|".join(step.instruments), "exposure": exposure}
        return "".join(f"{{{part},{allowed[part]}}}" for part in UNIT_PARTS[step.per])

    def earlier(self, step: Step) -> tuple[str, ...]:
        """Return the steps whose records a step takes as input. The step `report` takes the records of all other steps."""
        return step.earlier if step is not REPORT else tuple(name for name in STEPS if name != step.name)

    def inputs(self, name: str) -> dict[str, Any]:
        """Return the input of a step's rule: the records that it needs or reads, by step."""
        from snakemake.io import ancient

        step = STEPS[name]
        inputs: dict[str, Any] = {
            earlier: self._own_job(step, self.records_of(earlier)) for earlier in self.earlier(step)
        }
        if step.is_first:
            inputs["manifest"] = ancient(self._own_job(step, self.manifest_of))
        if step.tasks:
            inputs["image"] = ancient(self.container_image)
        return inputs

    def _own_job(self, step: Step, values: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return an input function of a step's own rule, which ends the process where one job runs all steps.

        Two jobs would otherwise make the same record at the same time, if another rule or the user takes it as a target.
        """

        def checked(wildcards: Any) -> Any:
            if step is not ACQUIRE and self.is_whole(wildcards.mission):
                unit = Unit(wildcards.mission, wildcards.obsid)
                give_up(ConfigError(
                    f"{step.name} of {wildcards.mission} {wildcards.obsid} has no job of its own: one job runs all steps of an "
                    f"observation; take {self.place(self.layout.record(REPORT.name, unit))} as input, or set 'one_job_per: step'"
                ))  # fmt: skip
            return values(wildcards)

        return checked

    def is_whole(self, mission: str) -> bool:
        """Return True if one job runs all steps of an observation of a mission. Usable after the checkpoint only."""
        if self.config.one_job_per != "auto":
            return self.config.one_job_per == "observation"
        if self.is_module:
            return False
        return len(self._manifest()) >= WHOLE_FROM and not self.mission(mission).engine.toolkit

    def manifest_of(self, wildcards: Any) -> str:
        """Return the manifest, for a first step of one of its observations."""
        self.rows(wildcards.mission, wildcards.obsid)
        return self.manifest

    def params(self, name: str) -> dict[str, Any]:
        """Return the parameters of a step's rule: its options, its context on this machine, and its raw files."""
        step = STEPS[name]
        params: dict[str, Any] = {"options": self.options(name)} if step.has_options else {}
        if step.tasks or step is ACQUIRE or self.config.limits.seconds_of(name):
            params["context"] = self.context(name)
        if step not in (ACQUIRE, REPORT):
            from daxa_wf.chain.observation import restored_for

            params["restore"] = partial(restored_for, self, step)
        return params | ({"raw": self.raw(*step.raw)} if step.raw else {})

    def resources(self, name: str) -> dict[str, Any]:
        """Return the resources of a step's rule: memory in MB and time in minutes, as functions of wildcards and attempt."""
        from daxa_wf.chain.resources import Resources

        resources = Resources(self, STEPS[name])
        return {"mem_mb": resources.memory, "runtime": resources.minutes}

    def options(self, name: str) -> Callable[[Any], dict[str, Any]]:
        """Return a function of wildcards that gives a step's options as plain values."""
        step = STEPS[name]
        further = load(step.job_options) if step.job_options else lambda *_: {}

        def values(wildcards: Any) -> dict[str, Any]:
            mission, options = self.mission(wildcards.mission), dict[str, Any]()
            if step.section and step.has_options:
                section = getattr(mission.section, step.section)
                options = section.values() if step.options else section.plain_values()
                if "engine" in options:
                    options["engine"] = mission.step_engine(name)
            return options | further(self, wildcards)

        return values

    def context(self, name: str) -> Callable[[Any, Any], dict[str, Any]]:
        """Return a function that gives a step's context: facts about this machine that records do not keep.

        It depends on `resources`, so Snakemake leaves it out of the params trigger: a change does not repeat the step.
        """
        return partial(context_of, self, STEPS[name])

    def toolkit(self, name: str) -> dict[str, Any]:
        """Return a toolkit as plain data. Paths of directories and of the container image are absolute."""
        values = self.config.toolkit(name).started_in(self.started_in).plain_values()
        for image in self.image_file(name):
            values["container"] = str(self.started_in / image)
        return values

    def toolkit_tasks(self, name: str) -> list[str]:
        """Return the tasks of a toolkit that the configuration needs."""
        return sorted({task for mission in self.processed() for task in mission.toolkit_tasks(name)})

    def image_file(self, name: str) -> list[str]:
        """Return the file for the container image of a toolkit, or an empty list if no image is fetched.

        The file name depends on the image, so a change of the image fetches the new one and keeps the old one.
        """
        section = self.config.toolkit(name)
        digest = hashlib.sha256(section.container.encode()).hexdigest()[:12]
        return [self.place(self.layout.root / "containers" / f"{name}_{digest}.sif")] if section.is_fetched else []

    def container_image(self, wildcards: Any) -> list[str]:
        """Return the image_file of the toolkit that the mission's engine uses. Empty if the engine uses no toolkit."""
        toolkit = self.mission(wildcards.mission).engine.toolkit
        return self.image_file(toolkit) if toolkit else []

    def rows(self, mission: str, obsid: str, **wildcards: str) -> list[ManifestRow]:
        """Return an observation's rows in the manifest that match. Usable after the checkpoint only."""
        rows = self._manifest().get((mission, obsid), [])
        return [row for row in rows if all(getattr(row, name) == value for name, value in wildcards.items())]

    def _manifest(self) -> dict[tuple[str, str], list[ManifestRow]]:
        """Return the rows by observation. They are read again after the checkpoint has made a new manifest."""
        if not self._is_manifest_needed:
            self._is_manifest_needed = True
            self.when_manifest_is_needed()
        if not self._is_manifest_final:
            self.await_manifest()
            self._is_manifest_final = True
        stat = self.layout.manifest.stat()
        if self._read_manifest != (stat.st_mtime_ns, stat.st_ino):
            self._read_manifest, self._rows = (stat.st_mtime_ns, stat.st_ino), {}
            for row in read_manifest(self.layout.manifest):
                self._rows.setdefault((row.mission, row.obsid), []).append(row)
            self.when_manifest_is_read()
        return self._rows

    def observed(self) -> Mapping[tuple[str, str], list[ManifestRow]]:
        """Return the rows of every observation in the manifest, by mission and ObsID."""
        return self._manifest()

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
        if path not in self._seen_from_archive:
            real, project, archive = path.resolve(), self.started_in.resolve(), self.layout.root.resolve()
            is_inside = real.is_relative_to(project) and archive.is_relative_to(project)
            self._seen_from_archive[path] = os.path.relpath(real, archive) if is_inside else str(path)
        return self._seen_from_archive[path]

    def _named(self, role: str, wildcards: Any) -> list[str]:
        return sorted({getattr(row, role) for row in self.rows(**dict(wildcards.items()))} - {""})

    def records_of(self, step: str) -> Callable[[Any], list[str]]:
        """Return a function of wildcards that returns a step's records of all units that match the wildcards."""
        return lambda wildcards: [self._input(path) for path in self.paths_of(step, wildcards)]

    def _input(self, record: Path) -> str:
        """Return a record as an input: `ancient`, unless this run makes it again, so Snakemake does not compare times.

        `chain.staleness` decides from contents which records are made again. If an input is not ancient and is made again,
        Snakemake also makes the records of later steps again.
        """
        from snakemake.io import ancient

        place = self.place(record)
        as_input: str = place if place in self.stale else ancient(place)
        return as_input

    def paths_of(self, step: str, wildcards: Any) -> list[Path]:
        """Return the paths of a step's records of all units that match the wildcards."""
        if step not in self.mission(wildcards.mission).steps:
            return []
        return self._paths(step, self.rows(**dict(wildcards.items())))

    def all_records(self, *steps: str) -> list[str]:
        """Return the records of the named steps, by default of all steps, for every unit of the manifest."""
        return [
            self._input(path)
            for (mission, _), rows in self._manifest().items()
            for step in steps or self._targets(mission)
            for path in self._paths(step, rows)
        ]

    def _targets(self, mission: str) -> tuple[str, ...]:
        return (REPORT.name,) if self.is_whole(mission) else self.mission(mission).steps

    def _paths(self, step: str, rows: list[ManifestRow]) -> list[Path]:
        return [self.layout.record(step, unit) for unit in self.units(STEPS[step], rows)]

    @staticmethod
    def units(step: Step, rows: list[ManifestRow]) -> list[Unit]:
        """Return the units of rows of the manifest that a step acts on."""
        rows = [row for row in rows if step.applies_to(row.inst)]
        return list(dict.fromkeys(step.unit_of(row.mission, row.obsid, row.inst, row.exposure) for row in rows))

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
        # Paths are relative to the archive, because a move of the project must not make the manifest again.
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
            "listing": listing_digest(self.source(mission.name)) if mission.reads_whole_directory else "",
            "select": select.plain_values() if select else None,
            "select_files": section.select.started_in(self.started_in).fingerprints() if section.select else [],
            "tables": self.seen_from_archive(self.started_in / self.config.tables),
            # The archive records these URLs, so passwords are masked. `data_centres` returns the complete URLs.
            "services": {name: [mask_secrets(url) for url in urls] for name, urls in self.config.services.items()},
        }

    def tables_identity(self) -> str:
        """Return a text that identifies the missions' present tables.

        It differs from the text in the manifest's origin if the manifest was made from other tables.
        """
        return identity_to_ask(read_origin(self.layout), self.snapshots(), datetime.now(UTC))

    def snapshots(self) -> dict[str, str]:
        """Return the SHA-256 of the present tables of the missions that select from tables, by name."""
        store = SnapshotStore(self.started_in / self.config.tables)
        selecting = (
            item for item in self.processed() if not item.reads_whole_directory or item.section.select is not None
        )
        return {name: digest for mission in selecting for name, digest in store.identities(mission.spec).items()}

    def data_centres(self, wildcards: Any, resources: Any) -> dict[str, dict[str, Any]]:
        """Return the addresses for the manifest's job by mission: URLs of services and listings, directories, limits.

        It depends on `resources`, so Snakemake leaves it out of the params trigger and out of its own notes in the archive:
        URLs may contain passwords.
        """
        del wildcards, resources
        return {mission.name: self._data_centres(mission.name) for mission in self.processed()}

    def _data_centres(self, name: str) -> dict[str, Any]:
        mirrors = self.config.mirrors_for(name, self.started_in)
        return {
            "store": str(self.started_in / self.config.data),
            "archives": self.config.archives_for(name, self.started_in),
            "mirrors": {data_centre: [str(path) for path in paths] for data_centre, paths in mirrors.items()},
            "services": dict(self.config.services.items()),
            "limits": asdict(self.config.limits.limits()),
        }

    @property
    def simulation(self) -> list[str]:
        """Return the file that the simulator's rule makes, in Snakemake's form; empty without `simulator`."""
        complete = self.config.simulation(Path())
        return [] if complete is None else [str(complete)]
