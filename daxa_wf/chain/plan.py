"""What the Snakefile asks: paths of records, units of the manifest, options of steps."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NoReturn

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest
from daxa_wf.archive.origin import identity_to_ask, read_origin
from daxa_wf.archive.status import damaged_notes
from daxa_wf.archive.vouching import clamp_times
from daxa_wf.chain.local import listing_digest
from daxa_wf.chain.planned import facts_from
from daxa_wf.chain.preflight import check_before_a_run
from daxa_wf.chain.runner import clear_staging
from daxa_wf.config.model import Config, Mission, parse_config
from daxa_wf.config.yaml_values import refuse_misread_file
from daxa_wf.download.credentials import read_secrets
from daxa_wf.download.release import drop_due_records, mark_of_logins, utc_now
from daxa_wf.errors import ConfigError, CorruptFileError, DaxaError, Fault
from daxa_wf.files import set_aside
from daxa_wf.mission.catalogue import STEPS, Per
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.options import ByEngine
from daxa_wf.report.finish import let_page_be_drawn
from daxa_wf.tables.endpoints import TRANSFERS
from daxa_wf.tables.snapshots import SnapshotStore
from daxa_wf.text import mask_secrets
from daxa_wf.units import Unit
from daxa_wf_simulator import TRUTH_FILE

WILDCARDS: Mapping[Per, str] = {
    "observation": "{obsid}",
    "instrument": "{obsid}{inst}",
    "exposure": "{obsid}{inst}{exposure}",
}
"""The unit's identifier, by what a step acts on."""

ToolkitName = Literal["sas", "esass"]

STARTED_IN = "DAXA_WF_STARTED_IN"
"""Environment variable through which the main process of Snakemake tells its jobs' processes where it was started."""


def checked_config(data: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Config:
    """Return the configuration as models; a mistake in it ends the process with its message and exit code 2.

    `files`: those that Snakemake read it from, in which values may mean something else than Snakemake read.
    """
    try:
        for path in files:
            refuse_misread_file(Path(path))
        return parse_config(data)
    except ConfigError as error:
        give_up(error)


def started_in(is_main_process: bool) -> Path:
    """Where relative paths of the configuration start: the directory that the run was started from.

    The main process tells those that it starts, also through SLURM: there a job's process may begin in the archive.
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
        self.layout = Layout(started_in / config.archive)
        self._rows: dict[tuple[str, str], list[ManifestRow]] = {}

    def prepare(self) -> None:
        """Before a run: see that all is there that the configuration names, drop records that no longer vouch for their
        products, and what was left unfinished. A mistake ends the process with its message and exit code.
        """
        try:
            check_before_a_run(self.config, self.started_in)
            if not self.processed():
                raise ConfigError(
                    "nothing can be processed: no mission has a key 'source' that says where its data are"
                )
            set_aside_damaged(self.layout)
            drop_due_records(self.layout, self.login_marks(), utc_now())

            let_page_be_drawn(self.layout)
        except DaxaError as error:
            give_up(error)
        except OSError as error:
            give_up(Fault(f"{error.filename or 'the system'}: {error.strerror or error}"))
        clamp_times([self.layout.manifest, *(self.layout.root / name for name in self.observatories())])
        clear_staging(self.layout)

    def login_marks(self) -> dict[str, str]:
        """The mark of the user's credentials by mission: data that were not public are asked for again if it changes."""
        store, secrets = self.started_in / self.config.data, read_secrets(self._credentials())
        downloaded = [name for name, mission in self.processed() if mission.source and mission.source.archives]
        return {
            name: mark_of_logins(store, secrets, self.config.archives_for(name, self.started_in)) for name in downloaded
        }

    def _credentials(self) -> dict[str, str]:
        return {name: str(self.started_in / path) for name, path in self.config.credentials.items()}

    def mission(self, name: str) -> Mission:
        """A mission's section of the configuration."""
        return self.config.missions[name]

    def processed(self) -> list[tuple[str, Mission]]:
        """The missions that have a source of event lists."""
        return [(name, mission) for name, mission in self.config.missions.items() if mission.source is not None]

    def source(self, mission: str) -> Path:
        """Directory of a mission's local files, or of its embedded observatory."""
        source = self.mission(mission).source
        assert source is not None  # noqa: S101 - only missions that have one are processed
        assert source.directory is not None  # noqa: S101 - asked only of those that have one
        return self.started_in / source.directory

    def chain(self, mission: str) -> tuple[str, ...]:
        """The steps that a mission's observations go through."""
        return self.mission(mission).steps_for(mission)

    def record(self, step: str) -> str:
        """The record of a step as a pattern, relative to the archive."""
        return f"records/{{mission}}/{{obsid}}/{step}/{WILDCARDS[STEPS[step].per]}.json"

    def log(self, step: str) -> str:
        """The log of a step as a pattern, relative to the archive."""
        return f"logs/{{mission}}/{{obsid}}/{step}_{WILDCARDS[STEPS[step].per]}.log"

    def options(self, step: str) -> Callable[[Any], dict[str, Any]]:
        """A function of wildcards that gives a step's section of the configuration as plain values, with its engine."""

        def values(wildcards: Any) -> dict[str, Any]:
            section = getattr(self.mission(wildcards.mission), step)
            said: dict[str, Any] = section.model_dump(mode="json")
            if isinstance(section, ByEngine):
                said["engine"] = self.mission(wildcards.mission).step_engine(wildcards.mission, step)
            return said

        return values

    def toolkit(self, name: ToolkitName) -> dict[str, Any]:
        """A toolkit as plain data, its directories absolute."""
        section: dict[str, Any] = getattr(self.config, name).model_dump(mode="json")
        for key in ("setup_scripts", "binds", "ccf_path"):
            section[key] = [str(self.started_in / place) for place in section[key]]
        if image := getattr(self.config, name).image_path(self.started_in):
            section["container"] = str(image)
        section["image_file"] = self.image_file(name)
        return section

    def image_file(self, name: ToolkitName) -> list[str]:
        """The file that says where Snakemake put a toolkit's container image; none if Snakemake has none to put."""
        return [f"toolkits/{name}.image"] if getattr(self.config, name).is_deployed else []

    def image(self, name: ToolkitName) -> Callable[[Any], list[str]]:
        """A function of wildcards that gives a toolkit's image_file, for missions whose engine it is."""

        def file(wildcards: Any) -> list[str]:
            engine = self.mission(wildcards.mission).engine_for(wildcards.mission)
            return self.image_file(name) if engine == name else []

        return file

    def rows(self, mission: str, obsid: str, **wildcards: str) -> list[ManifestRow]:
        """An observation's rows in the manifest, those that match; only after the checkpoint."""
        rows = self._manifest().get((mission, obsid), [])
        return [row for row in rows if all(getattr(row, name) == value for name, value in wildcards.items())]

    def _manifest(self) -> dict[tuple[str, str], list[ManifestRow]]:
        if not self._rows:
            for row in read_manifest(self.layout.manifest):
                self._rows.setdefault((row.mission, row.obsid), []).append(row)
        return self._rows

    def raw(self, *roles: str) -> Callable[[Any], dict[str, list[str]]]:
        """A function of wildcards that gives, by role (`events`, `attitude`), the raw files of its unit.

        These are parameters and not inputs of a rule: records vouch for them by content, while Snakemake compares times,
        which copies change, and refuses files from the future. Of downloaded files only those exist that an archive had.
        """

        def files(wildcards: Any) -> dict[str, list[str]]:
            if self.mission(wildcards.mission).uses_raw_store(wildcards.mission):
                folder = self.layout.relative(self.layout.raw(Unit(wildcards.mission, wildcards.obsid)))
            else:
                folder = self.seen_from_archive(self.source(wildcards.mission))
            return {role: [f"{folder}/{name}" for name in self._named(role, wildcards)] for role in roles}

        return files

    def seen_from_archive(self, path: Path) -> str:
        """Return a path relative to the archive if the project holds both, so that it stays the same where that moves."""
        real, project = path.resolve(), self.started_in.resolve()
        if not (real.is_relative_to(project) and self.layout.root.resolve().is_relative_to(project)):
            return str(path)
        return os.path.relpath(real, self.layout.root.resolve())

    def _named(self, role: str, wildcards: Any) -> list[str]:
        return sorted({getattr(row, role) for row in self.rows(**dict(wildcards.items()))} - {""})

    def acquisition(self, wildcards: Any) -> dict[str, Any]:
        """What is to be fetched of an observation."""
        section = self.mission(wildcards.mission)
        (facts,) = {row.facts for row in self.rows(wildcards.mission, wildcards.obsid)}
        return {
            "facts": facts,
            "routes": section.routes_for(wildcards.mission),
            "instruments": section.instruments_for(wildcards.mission),
            "decompress": bool(section.source and section.source.decompress),
        }

    def places(self, wildcards: Any, resources: Any) -> dict[str, Any]:
        """Where archives, raw store and credentials are.

        Snakemake runs nothing again when these change, because this is said to depend on `resources` too.
        """
        del resources
        source = self.mission(wildcards.mission).source
        embedded = source.embedded if source else None
        return {
            "store": str(self.started_in / self.config.data),
            "archives": self.config.archives_for(wildcards.mission, self.started_in),
            "transfers": {**TRANSFERS, **self.config.transfers},
            "credentials": self._credentials(),
            "tables": str(self.started_in / self.config.tables),
            "limits": asdict(self.config.limits.values()),
            "embedded": str(self.started_in / embedded) if embedded else "",
        }

    def product_options(self, wildcards: Any) -> dict[str, Any]:
        """Which products come into the archive, and how."""
        section = self.mission(wildcards.mission)
        rows = self.rows(wildcards.mission, wildcards.obsid)
        listed = " ".join(str(facts_from(row.facts).get("instruments", "")) for row in rows if row.facts)
        return {
            **section.products.model_dump(mode="json"),
            "instruments": section.instruments_for(wildcards.mission),
            "observed_with": MISSIONS[wildcards.mission].named_instruments(listed),
        }

    def records_of(self, step: str) -> Callable[[Any], list[str]]:
        """A function of wildcards that gives a step's records of every unit that the wildcards hold."""

        def paths(wildcards: Any) -> list[str]:
            if step not in self.chain(wildcards.mission):
                return []
            return self._paths(step, self.rows(**dict(wildcards.items())))

        return paths

    def all_records(self, *steps: str) -> list[str]:
        """The records of steps (all, if none is named) of every unit of the manifest."""
        return [
            path
            for (mission, _), rows in self._manifest().items()
            for step in steps or self.chain(mission)
            for path in self._paths(step, rows)
        ]

    def _paths(self, step: str, rows: list[ManifestRow]) -> list[str]:
        rows = [row for row in rows if STEPS[step].applies_to(row.inst)]
        units = dict.fromkeys(STEPS[step].unit_of(row.mission, row.obsid, row.inst, row.exposure) for row in rows)
        return [self.layout.relative(self.layout.record(step, unit)) for unit in units]

    def selection_options(self) -> dict[str, dict[str, Any]]:
        """Return what the manifest depends on, by mission: it is made again when the files of a local directory change.

        A directory that cannot be read ends the process with its message and exit code.
        """
        try:
            return {name: self._selection_options(name, mission) for name, mission in self.processed()}
        except DaxaError as error:
            give_up(error)

    def _selection_options(self, name: str, mission: Mission) -> dict[str, Any]:
        is_read_whole = not mission.uses_raw_store(name)
        # Snakemake compares these, so paths are relative to the archive: a project that moves stays as it is.
        select = mission.select.started_in(Path(self.seen_from_archive(self.started_in))) if mission.select else None
        return {
            "source": self.seen_from_archive(self.source(name)) if mission.source and mission.source.directory else "",
            "obsids": mission.obsids,
            "instruments": mission.instruments_for(name),
            "routes": mission.routes_for(name),
            "engine": mission.engine_for(name),
            "decompress": bool(mission.source and mission.source.decompress),
            "steps": list(self.chain(name)),
            "process_unscheduled": mission.process_unscheduled,
            "listing": listing_digest(self.source(name)) if is_read_whole else "",
            "embedded": bool(mission.source and mission.source.embedded),
            "select": select.model_dump(mode="json") if select else None,
            "select_files": mission.select.started_in(self.started_in).fingerprints() if mission.select else [],
            "tables": self.seen_from_archive(self.config.tables_for(name, self.started_in)),
            # Snakemake keeps parameters in the archive; `data_centres` has the URLs as they are.
            "services": {name: [mask_secrets(url) for url in urls] for name, urls in self.config.services.items()},
        }

    def tables_identity(self) -> str:
        """Return what stands for the missions' tables among the parameters of the manifest's job.

        It changes when the tables are others than those that the manifest was made from, so that Snakemake makes it again.
        """
        snapshots: dict[str, str] = {}
        for name, mission in self.processed():
            if mission.uses_raw_store(name) or mission.select is not None:
                snapshots |= SnapshotStore(self.config.tables_for(name, self.started_in)).identities(MISSIONS[name])
        return identity_to_ask(read_origin(self.layout), snapshots, datetime.now(UTC))

    def data_centres(self, wildcards: Any, resources: Any) -> dict[str, dict[str, Any]]:
        """Return how the manifest's job reaches services and listings, by mission: URLs, directories, limits.

        Depends on `resources`, so Snakemake leaves it out of the params trigger, and out of its own notes in the archive:
        URLs may hold passwords.
        """
        del wildcards, resources
        return {name: self._data_centres(name) for name, _ in self.processed()}

    def _data_centres(self, name: str) -> dict[str, Any]:
        mirrors = self.config.mirrors_for(name, self.started_in)
        return {
            "store": str(self.started_in / self.config.data),
            "archives": self.config.archives_for(name, self.started_in),
            "mirrors": {archive: [str(each) for each in places] for archive, places in mirrors.items()},
            "services": dict(self.config.services.items()),
            "limits": asdict(self.config.limits.values()),
        }

    def observatories(self) -> list[str]:
        """The embedded observatories that the configuration asks for, by the file that says they are complete."""
        found = [
            self.seen_from_archive(self.source(name) / TRUTH_FILE)
            for name, mission in self.processed()
            if mission.source and mission.source.embedded
        ]
        return list(dict.fromkeys(found))


def set_aside_damaged(layout: Layout) -> list[Path]:
    """Set aside a manifest and fault notes that cannot be read, so that the run makes them anew; return where they are."""
    damaged = []
    if layout.manifest.exists():
        try:
            read_manifest(layout.manifest)
        except CorruptFileError as error:
            damaged.append(set_aside(layout.manifest, str(error)))
    return damaged + [set_aside(note, "not a fault note") for note in damaged_notes(layout)]
