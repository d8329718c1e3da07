"""Commands that show what a configuration selects, and what a run would do."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daxa_wf.cli.listing import Format, Output
from daxa_wf.cli.shared import ConfigFile
from daxa_wf.errors import ConfigError, DaxaError

if TYPE_CHECKING:
    import pandas as pd

    from daxa_wf.cli.preview import LocalObservations, MissionSelection
    from daxa_wf.config.model import Config
    from daxa_wf.download.sizes import Estimate

commands = typer.Typer()


ConfigOrQuery = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="the configuration, YAML; or an object's name or a query in quotes, such as 'Abell 1689'",
        show_default=False,
    ),
]
QueriedMissions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="with a query: only this mission; may be repeated (default: all with a fetched table)"
    ),
]


@commands.command("select")
def select_command(
    config: ConfigOrQuery,
    as_list: Annotated[bool, typer.Option("--list", help="show the selected observations as a table")] = False,
    form: Format = None,
    output: Output = None,
    mission: QueriedMissions = None,
    tables: Annotated[Path, typer.Option(help="with a query: directory of the tables")] = Path("daxa_wf_tables"),
) -> None:
    """Select observations with the configuration, print a summary, and write the selections to <archive>/selection.

    A name or a query in place of a configuration selects from the fetched tables, lists the observations, and writes only
    what --output names.
    """
    from daxa_wf.cli.listing import joined_rows, show_or_write
    from daxa_wf.cli.preview import exit_code, is_query, query_config
    from daxa_wf.config.reading import read_config
    from daxa_wf.mission.registry import MISSIONS

    if not config.strip():
        raise ConfigError("CONFIG is empty; give a configuration's path, or an object's name or a query in quotes")
    queried = is_query(config)
    if mission and not queried:
        raise ConfigError(f"--mission is for a query; {config} is a configuration, which names its missions itself")
    checked = query_config(config, mission or [], tables) if queried else read_config(Path(config))
    selecting = _Selecting(None if queried else Path.cwd() / checked.archive / "selection")
    # A table in a named format has the standard output to itself.
    with redirect_stdout(sys.stderr if form is not None and output is None else sys.stdout):
        selecting.select(checked)
    if selecting.rows and (as_list or queried or form is not None or output is not None):
        only = next(iter(selecting.rows)) if len(selecting.rows) == 1 else ""
        show_or_write(joined_rows(selecting.rows), form, output, MISSIONS.get(only))
    raise typer.Exit(exit_code(selecting.problems, bool(selecting.rows)))


@dataclass
class _Selecting:
    """The selections of a configuration's missions: rows to list, and errors. `folder` receives files; None for none."""

    folder: Path | None
    rows: dict[str, pd.DataFrame] = field(default_factory=dict)
    selected: dict[str, MissionSelection] = field(default_factory=dict)
    problems: list[DaxaError] = field(default_factory=list)

    def select(self, config: Config) -> None:
        """Select the observations of each mission, print summaries, and write and draw the selections."""
        from daxa_wf.cli.preview import find, sizes

        for name, result in find(config, Path.cwd()):
            self._take(name, result, partial(sizes, config, started_in=Path.cwd()))
        self._draw()

    def _take(self, name: str, result: MissionSelection | LocalObservations | DaxaError, sizes: Any) -> None:
        from daxa_wf.cli.preview import LocalObservations, MissionSelection, report_problem

        if isinstance(result, LocalObservations):
            self.rows[name] = result.table()
            lines = [*result.lines(), "  a local directory without 'select' needs no tables, and none are written"]
            print("\n".join(lines))
        elif isinstance(result, MissionSelection):
            self._selection(name, result, sizes(result))
        else:
            report_problem(name, result)
            self.problems.append(result)

    def _selection(self, name: str, result: MissionSelection, amount: Estimate | None) -> None:
        import pandas as pd

        from daxa_wf.selection.outputs import summary, write_selection

        if self.folder is not None:
            write_selection(self.folder, name, result.selection)
        self.selected[name], self.rows[name] = result, result.selection.rows
        lines = summary(result.spec, result.selection, pd.Timestamp.now("UTC").tz_localize(None))
        print("\n".join([*lines, *(amount.lines() if amount else [])]))

    def _draw(self) -> None:
        from daxa_wf.selection.plots import draw_sky, draw_timeline

        drawn = {name: result for name, result in self.selected.items() if "start" in result.selection.rows}
        if self.folder is None or not drawn:
            return
        rows = {name: (result.spec, result.selection.rows) for name, result in drawn.items()}
        sought = {name: result.positions for name, result in drawn.items() if result.positions is not None}
        draw_sky(self.folder / "sky.png", rows, sought)
        draw_timeline(self.folder / "timeline.png", rows)
        print(f"Plots: {self.folder / 'sky.png'}, {self.folder / 'timeline.png'}")


@commands.command()
def plan(
    config: ConfigFile,
    listings: Annotated[
        int,
        typer.Option(
            "--list",
            metavar="NUMBER",
            help="list the files of this number of observations of each mission at the data centres, for their sizes",
            min=0,
        ),
    ] = 0,
) -> None:
    """Show the observations, exposures, files, downloads and steps of a run, without running anything."""
    from daxa_wf.cli.preview import exit_code, find, report_problem
    from daxa_wf.config.reading import read_config

    checked, problems, any_selected = read_config(config), [], False
    for name, result in find(checked, Path.cwd()):
        try:
            print("\n".join(_plan_lines(checked, result, listings)))
            any_selected = True
        except DaxaError as error:
            report_problem(name, error)
            problems.append(error)
    raise typer.Exit(exit_code(problems, any_selected))


def _plan_lines(config: Config, result: MissionSelection | LocalObservations | DaxaError, listings: int) -> list[str]:
    """Return the lines of `plan` about a mission. Raise the error if it has one."""
    from daxa_wf.cli.preview import LocalObservations, MissionSelection, product_lines, sizes, steps_line, work

    if isinstance(result, LocalObservations):
        return [*result.lines(), *result.files(), steps_line(result.mission), *product_lines(result.mission)]
    if not isinstance(result, MissionSelection):
        raise result
    amount = sizes(config, result, Path.cwd(), listings)
    lines = [*(amount.lines() if amount else []), *work(result, Path.cwd() / config.tables, Path.cwd())]
    notes = [f"  {note}" for note in result.selection.notes]
    return [f"{result.spec.pretty_name}: {len(result.selection.rows)} observations", *notes, *lines]
