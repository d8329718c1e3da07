"""The command that runs one step on one unit, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()


@commands.command()
def step(
    step: Annotated[
        str, typer.Argument(metavar="STEP", help="a step, as `daxa-wf status` lists them", show_default=False)
    ],
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="a unit, such as 0201903501PNS003", show_default=False)],
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="the configuration, YAML")] = Path(
        "config/config.yaml"
    ),
    into: Annotated[
        Path | None, typer.Option(help="work on a copy of the observation in this directory, not in the archive")
    ] = None,
    mission: Annotated[str, typer.Option(help="the unit's mission, if several have such a unit")] = "",
) -> None:
    """Run one step on one unit in this process, with its log on the terminal: the way to debug a step.

    The exit code is 1 if the step does not end as done.
    """
    from daxa_wf.chain.by_hand import run_by_hand
    from daxa_wf.chain.plan import Plan
    from daxa_wf.config.reading import read_config

    record = run_by_hand(Plan(read_config(config), Path.cwd()), step, unit, into, mission)
    print(f"{record.step} of {unit}: {' '.join(filter(None, (record.status, record.reason, record.message)))}")
    for stamp in record.products:
        print(f"  {(into or Path()) / stamp.path}" if into else f"  {stamp.path}")
    raise typer.Exit(0 if record.done else 1)
