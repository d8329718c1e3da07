"""Commands that show the versions of an archive, and the differences between two of them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.cli.shared import ArchivePlace, AsJson, archive_at, print_json

commands = typer.Typer()

FirstVersion = Annotated[str, typer.Argument(metavar="V1", help="a version, such as 1.0.0", show_default=False)]
SecondVersion = Annotated[
    str,
    typer.Argument(metavar="V2", help="another version, or 'now' for the archive as it is", show_default=False),
]


@commands.command()
def history(config: ArchivePlace = Path(), as_json: AsJson = False) -> None:
    """List the versions of an archive: when, by whom and why each was made, and how many products changed."""
    from daxa_wf.archive.history import read_history
    from daxa_wf.archive.layout import Layout
    from daxa_wf.text import fit_to_show

    layout = Layout(archive_at(config))
    versions = read_history(layout)
    if as_json:
        damaged = [layout.relative(path) for path in versions.damaged]
        print_json({"versions": [asdict(version) for version in versions.versions], "damaged": damaged})
        return
    for version in versions.versions:
        message = f": {version.message}" if version.message else ""
        print(
            fit_to_show(f"{version.line()}, {version.after.products} in all; {version.time} {version.author}{message}")
        )
        print("".join(f"  {fit_to_show(note)}\n" for note in version.notes), end="")
    if not (versions.versions or versions.damaged):
        print("The archive has no version yet; the next run that changes it makes one.")
    for path in versions.damaged:
        print(f"daxa-wf: {path} is damaged; products and other versions are not affected", file=sys.stderr)


@commands.command()
def diff(first: FirstVersion, second: SecondVersion, config: ArchivePlace = Path(), as_json: AsJson = False) -> None:
    """List the products that were added, removed or changed between two versions, each with the cause."""
    from daxa_wf.archive.layout import Layout
    from daxa_wf.archive.versions import differences
    from daxa_wf.text import fit_to_show

    layout = Layout(archive_at(config))
    changes = differences(layout, first, second)
    if as_json:
        print_json([asdict(change) for change in changes])
        return
    number = 0
    for number, change in enumerate(changes, 1):  # noqa: B007 - the number is printed at the end
        print(fit_to_show(f"{change.change}: {change.product}: {change.cause}"))
    print(f"{number} products differ between {first} and {second}")
