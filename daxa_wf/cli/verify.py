"""The command that verifies an archive."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import typer

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.shared import ArchivePlace, AsJson, archive_at, print_json
from daxa_wf.errors import ConfigError
from daxa_wf.text import printable_name

commands = typer.Typer()


@commands.command()
def verify(
    config: ArchivePlace,
    as_json: AsJson = False,
) -> None:
    """Compare every product with the SHA-256 in its record: missing, altered and unrecorded files, and damaged records.

    The next run makes missing and altered products again. The exit code is 1 if a discrepancy is found.
    """
    from rich.console import Console
    from rich.progress import Progress

    from daxa_wf.archive.records import has_records
    from daxa_wf.archive.verification import mark_altered, recorded_files
    from daxa_wf.archive.verification import verify as compare

    layout = Layout(archive_at(config))
    if not has_records(layout):
        raise ConfigError(f"{layout.root} holds no records yet; 'daxa-wf run {config}' makes them")
    recorded = recorded_files(layout)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("verifying", total=recorded.bytes)
        discrepancies = compare(layout, lambda size: bar.advance(task, size), recorded)
    unmarked = mark_altered(layout, discrepancies)
    if as_json:
        print_json([asdict(discrepancy) for discrepancy in discrepancies])
    else:
        for discrepancy in discrepancies:
            detail = f" ({discrepancy.detail})" if discrepancy.detail else ""
            print(printable_name(f"{discrepancy.problem}: {discrepancy.path}{detail}"))
        counts = Counter(discrepancy.problem for discrepancy in discrepancies)
        print(", ".join(f"{number} {problem}" for problem, number in counts.items()) or "every product is as recorded")
    for path in unmarked:
        print(
            f"daxa-wf: {path} could not be marked, so delete it before the next run",
            file=typer.get_text_stream("stderr"),
        )
    if discrepancies:
        raise typer.Exit(1)
