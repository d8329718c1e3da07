"""Commands that hand an archive to other programs and people: citations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.shared import ArchivePlace, AsJson, archive_at, print_json

commands = typer.Typer()


@commands.command()
def cite(
    config: ArchivePlace = Path(),
    bibtex: Annotated[bool, typer.Option("--bibtex", help="print only the publications, as BibTeX")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what to acknowledge and cite: the missions, data centres and software that an archive used."""
    from daxa_wf.archive.state import ArchiveState
    from daxa_wf.handover.citations import as_bibtex, as_text, as_values, credits_of

    credits_to_give = credits_of(ArchiveState(Layout(archive_at(config))))
    if as_json:
        print_json(as_values(credits_to_give))
    else:
        print((as_bibtex if bibtex else as_text)(credits_to_give), end="")
