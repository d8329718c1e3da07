"""Commands that show what an archive holds: its overview, the logs of a unit, the paths of products."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from daxa_wf.cli.shared import ArchivePlace, AsJson, archive_at, given_band, print_json

commands = typer.Typer()


@commands.command()
def info(config: ArchivePlace = Path(), as_json: AsJson = False) -> None:
    """Show an archive: its missions, observations and exposures, and how many observations are usable."""
    from rich.console import Console
    from rich.text import Text

    from daxa_wf.archive.access import Archive
    from daxa_wf.archive.overview import overview

    archive = Archive(archive_at(config))
    facts = overview(archive.state)
    if as_json:
        print_json(facts)
        return
    console = Console()
    console.print(archive)
    lines = [f"{row['mission']}: {', '.join(row['steps'])}" for row in facts["missions"] if row["steps"]]
    if facts["no_longer_requested"]:
        lines.append(f"{facts['no_longer_requested']} observations of an earlier configuration are no longer requested")
    lines += [*facts["notes"], f"Report: {facts['report']}" if facts["report"] else "No report yet"]
    for line in lines:
        console.print(Text(line), soft_wrap=True)


@commands.command()
def logs(
    step: Annotated[
        str, typer.Argument(metavar="STEP", help="a step, as `daxa-wf status` lists them", show_default=False)
    ],
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="a unit, such as 0201903501PNS003", show_default=False)],
    config: ArchivePlace = Path(),
    mission: Annotated[str | None, typer.Option(help="the unit's mission, if several have such a unit")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the logs of a step of a unit."""
    from daxa_wf.archive.process_views import log_text
    from daxa_wf.archive.units_by_name import logs_of_unit
    from daxa_wf.text import make_printable

    paths = logs_of_unit(archive_at(config), step, unit, mission)
    texts = {str(path): log_text(path) for path in paths}
    if as_json:
        print_json([{"path": path, "text": text} for path, text in texts.items()])
        return
    for path, text in texts.items():
        print(f"==> {path}")
        print(make_printable(text, len(text) + 1).rstrip("\n"))


@commands.command()
def path(
    config: ArchivePlace = Path(),
    mission: Annotated[str | None, typer.Option(help="only products of this mission")] = None,
    obsid: Annotated[list[str] | None, typer.Option(help="only products of this observation; may be repeated")] = None,
    instrument: Annotated[str | None, typer.Option(help="only products of this instrument or group")] = None,
    exposure: Annotated[str | None, typer.Option(help="only products of this exposure, such as S003 or ALL")] = None,
    kind: Annotated[str | None, typer.Option(help="only this kind, such as 'event list', image or gti")] = None,
    band: Annotated[str | None, typer.Option(help="only this energy band in keV, such as 0.5-2.0")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the paths of the products that match all options and that the configuration requests.

    The exit code is 1 if no product matches.
    """
    from daxa_wf.archive.access import Archive

    archive = Archive(archive_at(config))
    products = archive.find_products(obsid, mission, instrument, kind, given_band(band), exposure)
    requested = [product for product in products if product.requested]
    if as_json:
        print_json([_values(product) for product in requested])
    else:
        print("".join(f"{product.path}\n" for product in requested), end="")
    if not requested:
        raise typer.Exit(1)


def _values(product: Any) -> dict[str, Any]:
    return {
        "mission": product.mission, "obsid": product.obsid, "instrument": product.instrument,
        "exposure": product.exposure, "kind": product.kind, "band": product.band, "step": product.step,
        "size": product.size, "path": str(product.path),
    }  # fmt: skip
