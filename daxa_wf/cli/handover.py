"""Commands that hand an archive to other programs and people, and take one: citations, SAMP, archives of DAXA."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.shared import ArchivePlace, AsJson, archive_at, archive_of, given_band, print_json
from daxa_wf.errors import ConfigError

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

    if bibtex and as_json:
        raise ConfigError("--bibtex and --json are two forms of the answer; give one of them")
    credits_to_give = credits_of(ArchiveState(Layout(archive_at(config))))
    if as_json:
        print_json(as_values(credits_to_give))
    else:
        print((as_bibtex if bibtex else as_text)(credits_to_give), end="")


@commands.command()
def send(
    config: ArchivePlace = Path(),
    mission: Annotated[str | None, typer.Option(help="only products of this mission")] = None,
    obsid: Annotated[list[str] | None, typer.Option(help="only products of this observation; may be repeated")] = None,
    instrument: Annotated[str | None, typer.Option(help="only products of this instrument or group")] = None,
    exposure: Annotated[str | None, typer.Option(help="only products of this exposure, such as S003 or ALL")] = None,
    kind: Annotated[str, typer.Option(help="the kind, such as image, 'event list' or gti")] = "image",
    band: Annotated[str | None, typer.Option(help="only this energy band in keV, such as 0.5-2.0")] = None,
    to: Annotated[str | None, typer.Option(help="only to the program with this name, such as DS9")] = None,
) -> None:
    """Send products by SAMP to TOPCAT, DS9, Aladin and other programs that run: images, event lists, tables."""
    from daxa_wf.archive.access import Archive
    from daxa_wf.handover.samp import send_products

    archive = Archive(archive_at(config))
    products = archive.find_products(obsid, mission, instrument, kind, given_band(band), exposure)
    for delivery in send_products([product for product in products if product.requested], to):
        print(f"{delivery.path.name}: {', '.join(delivery.receivers)}")


@commands.command()
def adopt(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="the archive that DAXA made: .../archives/<name>", show_default=False)
    ],
    to: Annotated[Path, typer.Option(help="the archive to make: a new directory, or a configuration that names it")],
    link: Annotated[bool, typer.Option("--link", help="link to DAXA's products in place of copies")] = False,
) -> None:
    """Make an archive of the products of an archive of DAXA, which is not changed: records, status, report, regions."""
    from daxa_wf.archive.access import Archive
    from daxa_wf.handover.adopt import adopt as adopt_archive

    layout = Layout(archive_of(to) if to.is_file() else Path.cwd() / to)
    for note in adopt_archive(directory, layout, link):
        print(note)
    print(f"{layout.root}: {len(Archive(layout.root).find_products())} products")
