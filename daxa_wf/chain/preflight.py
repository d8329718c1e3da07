"""Check before a run that all things named in a configuration exist, and that selections fit the missions' tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.chain.source_checks import source_problems
from daxa_wf.config.mission import Mission
from daxa_wf.config.model import Config
from daxa_wf.errors import ConfigError, NoObservationsError
from daxa_wf.files import why_unwritable
from daxa_wf.mission.registry import toolkits
from daxa_wf.mission.spec import MissionSpec

if TYPE_CHECKING:
    import pandas as pd

OWN = ("processed_data", "failed_data", "records", "raw", "work", "logs", "selection", "versions")
"""Directories of an archive in which runs move and delete files."""


def check_before_a_run(config: Config, started_in: Path) -> None:
    """Raise ConfigError that names each wrong directory, file, column and instrument."""
    problems = [*_directories(config, started_in), *_credentials(config, started_in), *_images(config, started_in)]
    for name, mission in config.all_missions.items():
        problems += [f"missions.{name}.{problem}" for problem in _source(config, mission, started_in)]
        problems += [f"missions.{name}.{problem}" for problem in source_problems(mission, config, started_in)]
        problems += [f"missions.{name}.select: {problem}" for problem in dict.fromkeys(_selection(mission, started_in))]
    if problems:
        raise ConfigError("\n  ".join(["the configuration cannot be used:", *problems]))


def _directories(config: Config, started_in: Path) -> Iterator[str]:
    keys = ("archive", "tables", "data", *(["simulator"] if config.simulator else []))
    for key in keys:
        if problem := why_unwritable(started_in / getattr(config, key)):
            yield f"{key}: {problem}"


def _credentials(config: Config, started_in: Path) -> Iterator[str]:
    from daxa_wf.download.credentials import read_secrets

    for obsid in sorted(config.obsids_with_credentials):
        for name, path in config.credentials_of(obsid).items():
            try:
                read_secrets({name: str(started_in / path)})
            except ConfigError as error:
                yield str(error)


def _images(config: Config, started_in: Path) -> Iterator[str]:
    for name in (toolkit.name for toolkit in toolkits()):
        toolkit = config.toolkit(name)
        image = toolkit.image_path(started_in)
        if image is not None and not image.exists():
            registry = f"docker://{toolkit.container}"
            yield f"{name}.container: {image} does not exist; write an image of a registry as {registry}"


def _source(config: Config, mission: Mission, started_in: Path) -> Iterator[str]:
    source = mission.section.source
    if source is None or source.local is None:
        return
    key = "source.local"
    directory, archive = (started_in / source.local).resolve(), (started_in / config.archive).resolve()
    try:
        is_directory = directory.is_dir()
    except OSError as error:
        yield f"{key}: {directory} cannot be read ({error.strerror}); check its permissions"
        return
    if not is_directory:
        yield f"{key}: {directory} is not a directory; choose the directory that contains your files"
    elif archive == directory:
        yield f"{key}: {directory} is the archive itself; choose a separate directory for the archive"
    elif archive.is_relative_to(directory):
        yield f"{key}: the archive {archive} is inside {directory}, which is searched for files; choose an archive outside it"
    elif directory.is_relative_to(archive) and directory.relative_to(archive).parts[0] in OWN:
        yield f"{key}: the archive {archive} keeps its own files in {directory}; move your files elsewhere"


def _selection(mission: Mission, started_in: Path) -> Iterator[str]:
    """Yield the conditions of the section `select` that do not fit the mission's table, without using the network."""
    if mission.section.select is None:
        return
    from daxa_wf.selection.options import filters_of, positions_of
    from daxa_wf.selection.select import select

    spec, options = mission.spec, mission.section.select.started_in(started_in)
    table = _no_observations(spec)

    def search_around() -> None:
        with suppress(NoObservationsError):
            select(table, spec, [], positions_of(options, spec, _anywhere))

    try:
        checks: list[Callable[[], object]] = [
            partial(cut.keep, table, spec) for cut in filters_of(options, _now(), _anywhere)
        ]
    except ConfigError as error:
        yield str(error)
        return
    for check in (*checks, search_around):
        try:
            check()
        except ConfigError as error:
            yield str(error)


def _now() -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp.now("UTC").tz_localize(None)


def _anywhere(name: str) -> tuple[float, float]:
    """Return a dummy position in place of the name service, because names are not checked before a run."""
    del name
    return (0.0, 0.0)


def _no_observations(spec: MissionSpec) -> pd.DataFrame:
    """Return a table without rows, with every column of the mission's tables."""
    import pandas as pd

    from daxa_wf.tables.observation_table import observation_table

    first, *others = (
        observation_table(spec, source, pd.DataFrame(columns=[column.source for column in source.columns])).rows
        for source in spec.tables
    )
    for other in others:
        first = first.join(other[[column for column in other if column not in first]])
    for instrument in spec.instruments if spec.exposures else ():
        first[f"{instrument.name.lower()}_mode"] = first[f"{instrument.name.lower()}_filter"] = ""
    return first
