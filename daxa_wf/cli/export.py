"""Commands that write an archive, or facts about it, in the forms of other programs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.shared import ArchivePlace, archive_at, snakefile

commands = typer.Typer()
export = typer.Typer(no_args_is_help=True, help="Write an archive in the form of other programs.")
commands.add_typer(export, name="export")


@export.command()
def table(
    config: ArchivePlace = Path(),
    output: Annotated[
        Path, typer.Option("--output", "-o", help="the file to write: .csv, .ecsv, .vot or .fits")
    ] = Path("products.ecsv"),
) -> None:
    """Write a table of all products: mission, ObsID, instrument, exposure, kind, energies, step, size, path."""
    from daxa_wf.archive.access import Archive
    from daxa_wf.handover.table_files import write_table_file

    products = Archive(archive_at(config)).products()
    write_table_file(products, output)
    print(f"{output}: {len(products)} products")


@export.command()
def xga(
    config: ArchivePlace = Path(),
    output: Annotated[
        Path, typer.Option("--output", "-o", help="the directory to make, for the variable XGA_CONFIG_DIR")
    ] = Path("xga"),
) -> None:
    """Write the configuration of XGA for an archive: `xga.cfg` and links to event lists, images, maps and regions."""
    from daxa_wf.archive.access import Archive
    from daxa_wf.handover.xga import write_xga

    written = write_xga(Archive(archive_at(config)), output)
    for note in written.notes:
        print(note)
    print(f"{output / 'xga.cfg'}: {written.event_lists} event lists of {', '.join(sorted(written.telescopes))}")
    print(f"Use it with: export XGA_CONFIG_DIR={shlex.quote(str(output.absolute()))}")


@export.command("ro-crate")
def ro_crate(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="the configuration, an archive, or a lock of 'daxa-wf lock'")
    ] = Path(),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the directory of the crate [default: the archive]")
    ] = None,
    name: Annotated[str | None, typer.Option(help="name of the archive [default: its directory]")] = None,
    date: Annotated[
        str | None, typer.Option(help="when the archive was complete, ISO [default: the last version or record]")
    ] = None,
) -> None:
    """Write the metadata of a Workflow Run RO-Crate: products with the steps, options, sources and software behind them."""
    from daxa_wf.handover.crate_files import archive_to_crate, lock_to_crate

    if config.name.endswith(".lock.json"):
        path = lock_to_crate(config, output, snakefile(), name, date)
    else:
        path = archive_to_crate(Layout(archive_at(config)), output, snakefile(), name, date)
    print(path)
