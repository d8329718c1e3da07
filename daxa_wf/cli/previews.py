"""Commands that show what a configuration selects, and what a run would do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.cli.shared import ConfigFile

commands = typer.Typer()


@commands.command("select")
def select_command(config: ConfigFile) -> None:
    """Select observations with the configuration, print a summary, and write the selections to <archive>/selection."""
    import pandas as pd

    from daxa_wf.cli.preview import LocalObservations, MissionSelection, exit_code, find, report_problem, sizes
    from daxa_wf.config.reading import read_config
    from daxa_wf.selection.outputs import summary, write_selection
    from daxa_wf.selection.plots import draw_sky, draw_timeline

    checked = read_config(config)
    folder, now = Path.cwd() / checked.archive / "selection", pd.Timestamp.now("UTC").tz_localize(None)
    problems, selected, any_local = [], dict[str, MissionSelection](), False
    for name, result in find(checked, Path.cwd()):
        if isinstance(result, LocalObservations):
            any_local = True
            print(
                "\n".join(
                    [*result.lines(), "  a local directory without 'select' needs no tables, and none are written"]
                )
            )
            continue
        if not isinstance(result, MissionSelection):
            report_problem(name, result)
            problems.append(result)
            continue
        write_selection(folder, name, result.selection)
        selected[name] = result
        amount = sizes(checked, result, Path.cwd())
        lines = summary(result.spec, result.selection, now)
        print("\n".join([*lines, *(amount.lines() if amount else [])]))
    drawn = {name: result for name, result in selected.items() if "start" in result.selection.rows}
    if drawn:
        rows = {name: (result.spec, result.selection.rows) for name, result in drawn.items()}
        sought = {name: result.positions for name, result in drawn.items() if result.positions is not None}
        draw_sky(folder / "sky.png", rows, sought)
        draw_timeline(folder / "timeline.png", rows)
        print(f"Plots: {folder / 'sky.png'}, {folder / 'timeline.png'}")
    raise typer.Exit(exit_code(problems, bool(selected) or any_local))


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
    """Show the observations, exposures, downloads and steps of a run, without running anything."""
    from daxa_wf.cli.preview import (
        LocalObservations,
        MissionSelection,
        exit_code,
        find,
        report_problem,
        sizes,
        steps_line,
        work,
    )
    from daxa_wf.config.reading import read_config

    checked, problems, any_selected = read_config(config), [], False
    for name, result in find(checked, Path.cwd()):
        if isinstance(result, LocalObservations):
            any_selected = True
            print("\n".join([*result.lines(), steps_line(result.mission)]))
            continue
        if not isinstance(result, MissionSelection):
            report_problem(name, result)
            problems.append(result)
            continue
        any_selected = True
        amount = sizes(checked, result, Path.cwd(), listings)
        print(f"{result.spec.pretty_name}: {len(result.selection.rows)} observations")
        print("\n".join([*(amount.lines() if amount else []), *work(result, Path.cwd() / checked.tables)]))
    raise typer.Exit(exit_code(problems, any_selected))
