"""What the Snakefile asks: paths of records, units of the manifest, options of steps."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn

from daxa_wf.acquire.local import listing_digest
from daxa_wf.acquire.manifest import ManifestRow, read_manifest
from daxa_wf.archive.layout import Layout, Unit
from daxa_wf.archive.raw_files import drop_records_of_changed_files
from daxa_wf.archive.records import drop_stale_records
from daxa_wf.config import Config, Mission, parse_config
from daxa_wf.demo import TRUTH_FILE
from daxa_wf.errors import ConfigError, DaxaError
from daxa_wf.options import ByEngine
from daxa_wf.preflight import check_before_a_run
from daxa_wf.services.endpoints import TRANSFERS
from daxa_wf.steps.catalogue import STEPS, Per
from daxa_wf.steps.runner import clear_staging

WILDCARDS: Mapping[Per, str] = {
    "observation": "{obsid}",
    "instrument": "{obsid}{inst}",
    "exposure": "{obsid}{inst}{exposure}",
}
"""The unit's identifier, by what a step acts on."""

ToolkitName = Literal["sas", "esass"]

STARTED_IN = "DAXA_WF_STARTED_IN"
"""Environment variable through which the main process of Snakemake tells its jobs' processes where it was started."""


def checked_config(data: Mapping[str, Any]) -> Config:
    """The configuration as models; a mistake in it ends the process with its message and exit code 2."""
    try:
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
            drop_stale_records(self.layout)
            self._drop_records_of_changed_files()
        except DaxaError as error:
            give_up(error)
        clear_staging(self.layout)

    def _drop_records_of_changed_files(self) -> None:
        """Delete records whose raw files have changed, and print which."""
        for record, files in drop_records_of_changed_files(self.layout, self._raw_directory).items():
            unit, step = record.stem, record.parent.name
            sys.stderr.write(f"{', '.join(files)}: changed since {step} of {unit}, which is done again\n")

    def _raw_directory(self, unit: Unit) -> Path | None:
        """Return where an observation's raw files are; None if the configuration has no source for its mission."""
        mission = self.config.missions.get(unit.mission)
        if mission is None or mission.source is None:
            return None
        return self.layout.raw(unit) if mission.is_downloaded else self.source(unit.mission)

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

    def raw(self, role: str) -> Callable[[Any], list[str]]:
        """A function of wildcards that gives the local files of a role (`events`, `attitude`) for its unit."""

        def files(wildcards: Any) -> list[str]:
            if self.mission(wildcards.mission).is_downloaded:
                return []
            return [str(self.source(wildcards.mission) / name) for name in self._named(role, wildcards)]

        return files

    def fetched(self, *roles: str) -> Callable[[Any], dict[str, list[str]]]:
        """A function of wildcards that gives, by role, where downloaded files of its unit are, if the archives had them."""

        def files(wildcards: Any) -> dict[str, list[str]]:
            if not self.mission(wildcards.mission).is_downloaded:
                return {}
            raw = self.layout.relative(self.layout.raw(Unit(wildcards.mission, wildcards.obsid)))
            return {role: [f"{raw}/{name}" for name in self._named(role, wildcards)] for role in roles}

        return files

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
            "archives": self.config.archives_for(wildcards.mission),
            "transfers": {**TRANSFERS, **self.config.transfers},
            "credentials": {name: str(self.started_in / path) for name, path in self.config.credentials.items()},
            "embedded": str(self.started_in / embedded) if embedded else "",
        }

    def product_options(self, wildcards: Any) -> dict[str, Any]:
        """Which products come into the archive, and how."""
        section = self.mission(wildcards.mission)
        return {**section.products.model_dump(mode="json"), "instruments": section.instruments_for(wildcards.mission)}

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
        per = STEPS[step].per
        rows = [row for row in rows if STEPS[step].applies_to(row.inst)]
        units = {
            Unit(
                row.mission,
                row.obsid,
                "" if per == "observation" else row.inst,
                row.exposure * (per == "exposure"),
            ): None
            for row in rows
        }
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
        local = bool(mission.source and mission.source.local)
        select = mission.select.started_in(self.started_in) if mission.select else None
        return {
            "source": str(self.source(name)) if mission.source and mission.source.directory else "",
            "obsids": mission.obsids,
            "instruments": mission.instruments_for(name),
            "engine": mission.engine_for(name),
            "process_unscheduled": mission.process_unscheduled,
            "listing": listing_digest(self.source(name)) if local else "",
            "embedded": bool(mission.source and mission.source.embedded),
            "select": select.model_dump(mode="json") if select else None,
            "select_files": select.fingerprints() if select else {},
            "tables": str(self.started_in / self.config.tables),
            "services": dict(self.config.services.items()),
        }

    def observatories(self) -> list[str]:
        """The embedded observatories that the configuration asks for, by the file that says they are complete."""
        found = [
            str(self.source(name) / TRUTH_FILE)
            for name, mission in self.processed()
            if mission.source and mission.source.embedded
        ]
        return list(dict.fromkeys(found))
