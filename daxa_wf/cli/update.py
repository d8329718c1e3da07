"""The command that compares an archive with the missions' present tables and the data centres."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daxa_wf.cli.shared import AsJson, ConfigFile, made_archive, plan_of, print_json
from daxa_wf.errors import ConfigError
from daxa_wf.text import make_printable

if TYPE_CHECKING:
    from daxa_wf.chain.update import Update

commands = typer.Typer()


@commands.command()
def update(
    config: ConfigFile,
    apply: Annotated[bool, typer.Option("--apply", help="take the changes over; the next run does the work")] = False,
    run: Annotated[bool, typer.Option("--run", help="with --apply: run at once")] = False,
    cores: Annotated[int | None, typer.Option(help="with --run: cores to use (default: all)", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the tables anew, repeat the selection, and show what is new, gone, changed, public or reprocessed upstream.

    Nothing changes without --apply.
    """
    from daxa_wf.archive.running import held
    from daxa_wf.chain.update import apply_update, find_update

    if run and not apply:
        raise ConfigError("--run works only with --apply")
    made_archive(config)
    plan = plan_of(config)
    with tempfile.TemporaryDirectory(prefix="daxa_wf_update_") as folder:
        changes = find_update(plan, Path(folder))
        if apply:
            with held(plan.layout.root):
                apply_update(plan, changes, Path(folder))
    if as_json:
        print_json(changes.values())
    else:
        _print(changes, _ending(changes, config, apply, run))
    if run:
        chosen = ["--cores", str(cores)] if cores else []
        raise typer.Exit(subprocess.run([sys.executable, "-m", "daxa_wf", "run", *chosen, str(config)]).returncode)


def _print(changes: Update, ending: str) -> None:
    lines = [
        *map(str, changes.changes),
        *(f"new table: {name}" for name in changes.tables),
        *(f"not compared: {problem}" for problem in changes.problems),
    ]
    for line in lines:
        print(make_printable(line))
    counts = Counter(change.change for change in changes.changes)
    numbers = ", ".join(f"{number} {name}" for name, number in counts.items()) or "no observation has changed"
    print(f"{numbers}{ending}")


def _ending(changes: Update, config: Path, apply: bool, run: bool) -> str:
    if not (changes.changes or changes.tables):
        return ""
    if apply:
        return "; taken over" if run else f"; taken over, and 'daxa-wf run {config}' does the work"
    return f"; 'daxa-wf update {config} --apply' takes this over"
