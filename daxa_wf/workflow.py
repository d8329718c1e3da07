"""What the Snakefile asks: paths of records, units of the manifest, options of steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from daxa_wf.acquire.local import listing_digest
from daxa_wf.acquire.manifest import ManifestRow, read_manifest
from daxa_wf.archive.layout import Layout, Unit
from daxa_wf.archive.records import drop_stale_records
from daxa_wf.config import Config, Mission, parse_config
from daxa_wf.demo import TRUTH_FILE
from daxa_wf.errors import ConfigError
from daxa_wf.steps.catalogue import STEPS, Per
from daxa_wf.steps.runner import clear_staging

WILDCARDS: Mapping[Per, str] = {
    "observation": "{obsid}",
    "instrument": "{obsid}{inst}",
    "exposure": "{obsid}{inst}{exposure}",
}
"""The unit's identifier, by what a step acts on."""


DEFAULT_INSTRUMENTS = ("PN", "M1", "M2")


def checked_config(data: Mapping[str, Any]) -> Config:
    """The configuration as models; a mistake in it ends the process with its message and exit code 2."""
    try:
        return parse_config(data)
    except ConfigError as error:
        give_up(error)


def give_up(error: ConfigError) -> NoReturn:
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

    def check_sources(self) -> None:
        """Before anything runs: a local directory must be there; else the process ends with exit code 2."""
        for name, mission in self._processed():
            if mission.source and mission.source.local and not self.source(name).is_dir():
                give_up(ConfigError(f"missions.{name}.source.local: {self.source(name)} is not a directory"))

    def prepare(self) -> None:
        """Before a run: drop records that no longer vouch for their products, and what was left unfinished."""
        drop_stale_records(self.layout)
        clear_staging(self.layout)

    def mission(self, name: str) -> Mission:
        """A mission's section of the configuration."""
        return self.config.missions[name]

    def _processed(self) -> list[tuple[str, Mission]]:
        """The missions that have a source of event lists."""
        return [(name, mission) for name, mission in self.config.missions.items() if mission.source is not None]

    def source(self, mission: str) -> Path:
        """Directory of a mission's raw data."""
        source = self.mission(mission).source
        assert source is not None  # noqa: S101 - only missions that have one are processed
        return self.started_in / source.directory

    def record(self, step: str) -> str:
        """The record of a step as a pattern, relative to the archive."""
        return f"records/{{mission}}/{{obsid}}/{step}/{WILDCARDS[STEPS[step].per]}.json"

    def log(self, step: str) -> str:
        """The log of a step as a pattern, relative to the archive."""
        return f"logs/{{mission}}/{{obsid}}/{step}_{WILDCARDS[STEPS[step].per]}.log"

    def options(self, section: str) -> Callable[[Any], dict[str, Any]]:
        """A function of wildcards that gives a section of the mission's configuration as plain values."""
        return lambda wildcards: getattr(self.mission(wildcards.mission), section).model_dump(mode="json")

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
        """A function of wildcards that gives the raw files of a role (`events`, `attitude`) for its unit."""

        def files(wildcards: Any) -> list[str]:
            named = {getattr(row, role) for row in self.rows(**dict(wildcards.items()))} - {""}
            return [str(self.source(wildcards.mission) / name) for name in sorted(named)]

        return files

    def records_of(self, step: str) -> Callable[[Any], list[str]]:
        """A function of wildcards that gives a step's records of every unit that the wildcards hold."""

        def paths(wildcards: Any) -> list[str]:
            return self._paths(step, self.rows(**dict(wildcards.items())))

        return paths

    def all_records(self, *steps: str) -> list[str]:
        """The records of steps (all, if none is named) of every unit of the manifest."""
        return [
            path for rows in self._manifest().values() for step in steps or STEPS for path in self._paths(step, rows)
        ]

    def _paths(self, step: str, rows: list[ManifestRow]) -> list[str]:
        per = STEPS[step].per
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
        """What the manifest depends on, by mission: it is made again when the files of a local directory change."""
        return {name: self._selection_options(name, mission) for name, mission in self._processed()}

    def _selection_options(self, name: str, mission: Mission) -> dict[str, Any]:
        source = self.source(name)
        select = mission.select.started_in(self.started_in) if mission.select else None
        return {
            "source": str(source),
            "obsids": mission.obsids,
            "instruments": mission.instruments or DEFAULT_INSTRUMENTS,
            "listing": listing_digest(source) if mission.source and mission.source.local else "embedded",
            "select": select.model_dump(mode="json") if select else None,
            "select_files": select.fingerprints() if select else {},
            "tables": str(self.started_in / self.config.tables),
        }

    def observatories(self) -> list[str]:
        """The embedded observatories that the configuration asks for, by the file that says they are complete."""
        return [
            str(self.source(name) / TRUTH_FILE)
            for name, mission in self._processed()
            if mission.source and mission.source.embedded
        ]
