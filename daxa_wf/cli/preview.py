"""Preview a configuration: select observations, count exposures, and estimate the bytes to download."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from daxa_wf.chain.local_products import (
    LocalProducts,
    local_products,
    rows_by_name,
    rows_of_products,
    with_local_files,
)
from daxa_wf.chain.manifest import ignored_files
from daxa_wf.chain.source_checks import local_rows
from daxa_wf.config.mission import Mission
from daxa_wf.config.model import Config
from daxa_wf.errors import ConfigError, DaxaError, NoObservationsError
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.text import some_of

if TYPE_CHECKING:
    import pandas as pd

    from daxa_wf.archive.manifest import ManifestRow
    from daxa_wf.download.sizes import Estimate
    from daxa_wf.selection.positions import Positions
    from daxa_wf.selection.select import Selection


@dataclass
class MissionSelection:
    """The observations that a mission's section selects."""

    mission: Mission
    selection: Selection
    positions: Positions | None

    @property
    def spec(self) -> MissionSpec:
        """Return the facts of the mission."""
        return self.mission.spec


@dataclass(frozen=True)
class LocalObservations:
    """The observations that a mission takes from a local directory without a selection, and so without tables."""

    mission: Mission
    directory: Path
    rows: Sequence[ManifestRow]
    ignored: Sequence[str]
    """Sentences on files that were not recognised."""
    products: LocalProducts | None = None
    """The products of a mission whose products are organised."""

    def table(self) -> pd.DataFrame:
        """Return one row for each observation: its ObsID, and its instruments where files have them."""
        import pandas as pd

        instruments: dict[str, list[str]] = {}
        for row in self.rows:
            instruments.setdefault(row.obsid, []).append(row.inst)
        texts = [" ".join(sorted({name for name in names if name})) for names in instruments.values()]
        return pd.DataFrame({"obsid": list(instruments), "instruments": texts})

    def files(self) -> list[str]:
        """Return lines on the files: their number and bytes, unusable ones with the reason, files that are passed over."""
        from daxa_wf.cli.source_preview import file_lines, product_file_lines

        if self.products is not None:
            return product_file_lines(self.mission.spec, self.products, [row.obsid for row in self.rows])
        return file_lines(self.rows, self.directory)

    def lines(self) -> list[str]:
        """Return the numbers of observations and of exposures, where files have them, and the ignored files."""
        observations = len({row.obsid for row in self.rows})
        exposures = len({row.unit for row in self.rows if row.exposure})
        amount = f"{observations} observations" + (f", {exposures} exposures" if exposures else "")
        return [
            f"{self.mission.spec.pretty_name}: {amount} in {self.directory}",
            *(f"  {sentence}" for sentence in self.ignored),
        ]


def _in_a_directory(config: Config, mission: Mission, started_in: Path) -> LocalObservations | None:
    """Return the observations of a mission that are taken from a local directory without a table, None for other missions.

    Raise ConfigError if the directory does not contain them.
    """
    source, spec = mission.section.source, mission.spec
    if source is None or source.local is None:
        return None
    directory = started_in / source.local
    if not mission.uses_raw_store and mission.section.select is None:
        rows = local_rows(mission, directory)
        return LocalObservations(mission, directory, rows, ignored_files(directory, mission.engine))
    if mission.uses_raw_store and mission.reads_whole_directory:
        products = local_products(spec, directory)
        rows = rows_of_products(mission.name, spec, directory, None, products)
        return LocalObservations(mission, directory, rows, products.sentences(directory), products)
    if "preprocessed" in mission.steps and (obsids := _obsids_without_table(config, mission, started_in)):
        by_name = rows_by_name(mission.name, directory, config.mirrors_for(mission.name, started_in), obsids)
        return LocalObservations(mission, directory, by_name[0], (), by_name[1]) if by_name else None
    return None


def _obsids_without_table(config: Config, mission: Mission, started_in: Path) -> tuple[str, ...]:
    """Return the ObsIDs of a mission that is chosen by them alone and whose table was never fetched, or ()."""
    from daxa_wf.selection.options import Select
    from daxa_wf.tables.snapshots import SnapshotStore

    if SnapshotStore(started_in / config.tables).latest(mission.name) is not None:
        return ()
    return (mission.section.select or Select()).only(mission.section.obsids).listed_obsids()


def is_query(text: str) -> bool:
    """Return True if the argument of `select` is a name or a query, and not a configuration's path."""
    return not (Path(text).exists() or Path(text).suffix.lower() in (".yaml", ".yml", ".json"))


def query_config(text: str, missions: Sequence[str], tables: Path) -> Config:
    """Return a configuration that selects by one query from fetched tables. ConfigError if no table has been fetched."""
    from daxa_wf.config.reading import parse_config
    from daxa_wf.mission.registry import MISSIONS
    from daxa_wf.tables.snapshots import SnapshotStore

    store = SnapshotStore(tables)
    names = missions or [name for name in MISSIONS if store.latest(name) is not None]
    if not names:
        raise ConfigError(
            f"{text!r} is not a configuration's path, so it is taken as a name or a query, but {tables} holds no table to "
            "search; run 'daxa-wf fetch-tables', or name a mission with --mission"
        )
    sections = {name: {"select": {"query": text}} for name in names}
    return parse_config({"archive": ".", "tables": str(tables), "missions": sections}, f"the query {text!r}")


def find(config: Config, started_in: Path) -> Iterator[tuple[str, MissionSelection | LocalObservations | DaxaError]]:
    """Yield the observations of each mission, or its error, so that one mission does not stop the others.

    Raise ConfigError if the run has yet to simulate the observations and their tables.
    """
    simulation = config.simulation(started_in)
    if simulation is not None and not simulation.exists():
        raise ConfigError(
            f"simulator: {simulation.parent} holds no simulated observations yet; 'daxa-wf run' makes them, or "
            f"'python -m daxa_wf_simulator {config.simulator}'"
        )
    for name, mission in config.all_missions.items():
        try:
            yield name, _in_a_directory(config, mission, started_in) or _selected(config, mission, started_in)
        except DaxaError as error:
            yield name, error


def _selected(config: Config, mission: Mission, started_in: Path) -> MissionSelection:
    """Return the observations that a mission's section selects from its table."""
    from daxa_wf.chain.select import find_observations
    from daxa_wf.selection.options import Select, positions_of
    from daxa_wf.tables.names import NameStore

    tables, section = started_in / config.tables, mission.section
    options = (section.select or Select()).only(section.obsids)
    selection = find_observations(
        mission.name, options, tables, dict(config.services.items()), mission.instruments_with_data,
        config.mirrors_for(mission.name, started_in), config.limits.limits(),
    )  # fmt: skip
    return MissionSelection(mission, selection, positions_of(options, mission.spec, NameStore(tables).resolve))


def sizes(config: Config, selected: MissionSelection, started_in: Path, ask: int = 0) -> Estimate | None:
    """Estimate the bytes to download and to keep of a mission's selection. Return None if it is not downloaded."""
    from daxa_wf.chain.planned import observation_facts
    from daxa_wf.download.file_request import FileRequest
    from daxa_wf.download.observation import Fetcher
    from daxa_wf.download.sizes import estimate
    from daxa_wf.tables.http import session

    mission, section, spec = selected.mission, selected.mission.section, selected.spec
    if section.source is None or not mission.uses_raw_store:
        return None
    fetcher = Fetcher(
        started_in / config.data, session(retries=1, limits=config.limits.limits()), config.archives_for(spec.name, started_in),
        decompress=section.source.decompress,
    )  # fmt: skip
    facts = [observation_facts(row) for _, row in selected.selection.rows.iterrows()]
    is_local = section.source.local is not None
    if section.source.local is not None and "preprocessed" in mission.steps:
        facts = with_local_files(spec, started_in / section.source.local, facts)
    requests = [
        FileRequest(
            spec, known, mission.routes, mission.instruments, section.processing_version, section.products.further
        )
        for known in facts
    ]
    return estimate(requests, fetcher, ask, is_local)


def steps_line(mission: Mission) -> str:
    """Return a line with a mission's engine and steps."""
    return f"  engine {mission.engine.name}: {' -> '.join(mission.steps)}"


def product_lines(mission: Mission) -> list[str]:
    """Return a line on the data centre's products that the archive will hold, with instruments and energy bands."""
    if "preprocessed" not in mission.steps:
        return []
    chosen, texts = set(mission.instruments), dict[str, list[str]]()
    for (instrument, kind), bands in mission.spec.product_bands.items():
        if chosen & set(mission.spec.groups.get(instrument, (instrument,))):
            edges = f" in {', '.join(f'{low:g}-{high:g}' for low, high in bands)} keV" if bands else ""
            texts.setdefault(f"{kind}{edges}", []).append(instrument)
    return [f"  products: {'; '.join(f'{text} of {some_of(names, 9)}' for text, names in texts.items())}"]


def _in_the_source(selected: MissionSelection, started_in: Path) -> list[str]:
    """Return lines on the selected observations in the local directory of a mission that is not downloaded."""
    from daxa_wf.cli.source_preview import selected_lines

    mission, source = selected.mission, selected.mission.section.source
    if source is None or source.local is None or mission.uses_raw_store:
        return []
    directory, obsids = started_in / source.local, selected.selection.rows["obsid"].tolist()
    rows = local_rows(mission, directory)
    return selected_lines(obsids, rows, directory, ignored_files(directory, mission.engine))


def work(selected: MissionSelection, tables: Path, started_in: Path) -> list[str]:
    """Return lines about the processing of a selection: engine, steps, and exposures where they are known."""
    from daxa_wf.chain.planned import planned_exposures
    from daxa_wf.tables.snapshots import SnapshotStore

    mission, section, spec = selected.mission, selected.mission.section, selected.spec
    if section.source is None:
        return ["  no source: it is selected only"]
    lines = [steps_line(mission), *product_lines(mission)]
    if (held := _in_the_source(selected, started_in)) or not mission.uses_raw_store:
        return [*lines, *held]
    exposures = SnapshotStore(tables).exposures(spec)
    if not mission.engine.planned_files or not spec.exposures:
        return lines
    planned, without = planned_exposures(
        spec, selected.selection.rows, exposures, mission.instruments, mission.engine
    )  # fmt: skip
    planned = [row for row in planned if section.process_unscheduled or not row.is_unscheduled]
    if exposures is not None:
        unfit = exposures[exposures["unfit"] != ""].set_index(["obsid", "inst", "exposure"]).index
        rejected = sum((row.obsid, row.inst, row.exposure) in unfit for row in planned)
        lines.append(f"  exposures: {len(planned)}, of which {rejected} are not fit for science")
    if without:
        lines.append(f"  observations whose exposures a run looks up in the archives' listings: {len(without)}")
    return lines


def report_problem(name: str, error: DaxaError) -> None:
    """Print what went wrong with a mission."""
    message = str(error) if str(error).startswith(name) else f"{name}: {error}"
    print(f"daxa-wf: {message}", file=sys.stderr)


def exit_code(errors: Sequence[DaxaError], any_selected: bool) -> int:
    """Return the exit code of a preview. A mission without a match is a mistake only if no mission has a match."""
    return max(
        (error.exit_code for error in errors if not (any_selected and isinstance(error, NoObservationsError))),
        default=0,
    )
