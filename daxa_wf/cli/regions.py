"""Commands on the region files of an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.archive.layout import Layout
from daxa_wf.cli.shared import ArchivePlace, AsJson, archive_at, print_json

commands = typer.Typer()
regions = typer.Typer(no_args_is_help=True, help="Store, list and remove regions of observations.")
commands.add_typer(regions, name="regions")

ObsId = Annotated[str | None, typer.Option("--obsid", help="only regions of this observation")]
OfMission = Annotated[str | None, typer.Option("--mission", help="only regions of this mission")]
SetName = Annotated[str | None, typer.Option("--name", help="only sets of regions with this name")]


@regions.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a region file of DS9", show_default=False)],
    config: ArchivePlace = Path(),
    obsid: Annotated[str, typer.Option(help="the observation that the regions belong to")] = ...,  # type: ignore[assignment]
    mission: Annotated[str | None, typer.Option(help="its mission, if several have such an observation")] = None,
    name: Annotated[str | None, typer.Option(help="name of the set of regions [default: the name of the file]")] = None,
    image: Annotated[
        Path | None, typer.Option(help="the image of the archive whose pixels the regions count, for image coordinates")
    ] = None,
) -> None:
    """Store the regions of a DS9 file with an observation, in sky coordinates (ICRS).

    Nothing is stored if one of them lies wholly outside of the observation's field. A set with the same name is replaced.
    """
    from daxa_wf.archive.access import Archive
    from daxa_wf.archive.region_checks import add_regions

    stored = add_regions(Archive(archive_at(config)), file, obsid, mission, name=name, image=image)
    print(f"{stored.path}: {stored.number} regions")


@regions.command("list")
def list_regions(
    config: ArchivePlace = Path(),
    obsid: ObsId = None,
    mission: OfMission = None,
    name: SetName = None,
    as_json: AsJson = False,
) -> None:
    """List the stored sets of regions: mission, ObsID, name, number of regions."""
    from daxa_wf.archive.region_files import region_files

    files = region_files(Layout(archive_at(config)), obsid, mission, name)
    if as_json:
        keys = ("mission", "obsid", "name", "number")
        print_json([{**{key: getattr(file, key) for key in keys}, "path": str(file.path)} for file in files])
        return
    for file in files:
        print(f"{file.mission} {file.obsid} {file.name}: {file.number} regions")
    if not files:
        print("No regions are stored.")


@regions.command("path")
def path_of_regions(
    config: ArchivePlace = Path(), obsid: ObsId = None, mission: OfMission = None, name: SetName = None
) -> None:
    """Print the paths of the stored region files. The exit code is 1 if no file matches."""
    from daxa_wf.archive.region_files import region_files

    files = region_files(Layout(archive_at(config)), obsid, mission, name)
    print("".join(f"{file.path}\n" for file in files), end="")
    if not files:
        raise typer.Exit(1)


@regions.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="the set of regions", show_default=False)],
    config: ArchivePlace = Path(),
    obsid: ObsId = None,
    mission: OfMission = None,
) -> None:
    """Delete a set of regions, of one observation or of all that have it."""
    from daxa_wf.archive.region_files import remove_region_files

    for file in remove_region_files(Layout(archive_at(config)), name, obsid, mission):
        print(f"{file.path} removed")
