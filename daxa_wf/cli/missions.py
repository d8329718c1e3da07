"""Commands about missions and their tables of observations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.errors import ConfigError
from daxa_wf.limits import Limits

commands = typer.Typer()


@commands.command()
def missions(
    markdown: Annotated[bool, typer.Option("--markdown", help="print the page docs/missions.md")] = False,
    band: Annotated[
        str | None,
        typer.Option(
            metavar="LOW-HIGH", help="list the instruments with products that contain this band in keV: 0.5-2.0"
        ),
    ] = None,
) -> None:
    """List the missions: instruments, fields of view, where their tables come from."""
    if band is not None:
        _list_products_in(band)
        return
    if markdown:
        from daxa_wf.chain.missions_page import missions_page

        print(missions_page(), end="")
        return
    from rich.console import Console
    from rich.table import Table

    from daxa_wf.mission.registry import MISSIONS

    table = Table()
    for heading in ("mission", "ObsID", "instruments (field of view, arcmin)", "table"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("mission", "table"))
    for spec in MISSIONS.values():
        fields = ", ".join(f"{instrument.name} {instrument.field_of_view * 60:g}" for instrument in spec.instruments)
        table.add_row(spec.name, spec.obsid_pattern, fields, f"{spec.tables[0].service}\n{spec.tables[0].table}")
    Console().print(table)


def _list_products_in(band: str) -> None:
    """Print the instruments whose products have a band of exactly these edges, or one that contains it."""
    from rich.console import Console
    from rich.table import Table

    from daxa_wf.cli.shared import band_edges
    from daxa_wf.mission.registry import MISSIONS

    low, high = band_edges(band)
    table = Table("mission", "instrument", "products", "in this band", "in wider bands (keV)")
    for name, spec in MISSIONS.items():
        for (instrument, kind), bands in spec.product_bands.items():
            wider = [edges for edges in bands if edges[0] <= low and high <= edges[1] and edges != (low, high)]
            if wider or (low, high) in bands:
                listed = ", ".join(f"{edges[0]:g}-{edges[1]:g}" for edges in wider)
                table.add_row(name, instrument, kind, "yes" if (low, high) in bands else "no", listed)
    console = Console()
    console.print(table if table.rows else f"no mission has products that contain {low:g}-{high:g} keV", soft_wrap=True)


@commands.command("show-target-types")
def show_target_types() -> None:
    """List the codes of target types, and the missions whose tables have them."""
    from rich.console import Console
    from rich.table import Column, Table

    from daxa_wf.mission.registry import MISSIONS
    from daxa_wf.mission.taxonomy import TARGET_TYPES

    table = Table(Column("code", no_wrap=True), "what it is", Column("missions", overflow="fold"))
    for code, meaning in TARGET_TYPES.items():
        having = [name for name, spec in MISSIONS.items() if code in spec.known_target_types]
        table.add_row(code, meaning, ", ".join(having))
    Console().print(table)


@commands.command("object")
def object_command(name: Annotated[str, typer.Argument(metavar="NAME", help="a name, such as 'Abell 907'")]) -> None:
    """Show an object's position, kind and other names, from SIMBAD or NED (over the network)."""
    from daxa_wf.tables.objects import look_up

    known = look_up(name)
    if known is None:
        raise ConfigError(f"neither SIMBAD nor NED knows an object {name!r}; check its spelling")
    print(f"{known.name} ({known.service}): {known.ra:.6f}, {known.dec:.6f} ICRS degrees; {', '.join(known.kinds)}")
    print("\n".join(f"  {alias}" for alias in known.aliases))


@dataclass
class _TableRequest:
    """The tables to fetch: their missions, the directory `tables` to put them in, and the services' URLs."""

    missions: list[str]
    tables: Path
    endpoints: dict[str, tuple[str, ...]]
    limits: Limits = field(default_factory=Limits)


@commands.command("fetch-tables")
def fetch_tables_command(
    mission: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="only this mission; may be repeated (default: all missions)"),
    ] = None,
    tables: Annotated[Path, typer.Option(help="directory of the tables")] = Path("daxa_wf_tables"),
    max_age: Annotated[
        str, typer.Option(metavar="TIME", help="keep tables that are younger than this, such as '7 d'")
    ] = "0 d",
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="CONFIG",
            help="take missions, directory of tables and services from this configuration; --tables is then not used",
        ),
    ] = None,
) -> None:
    """Fetch or update the missions' observation tables. Selections then work offline."""
    from daxa_wf.mission.registry import MISSIONS
    from daxa_wf.tables.http import session
    from daxa_wf.tables.snapshots import SnapshotStore, fetch_tables

    request = _table_request(mission or [], tables, config)
    age = _age(max_age)
    specs = [MISSIONS[name] for name in request.missions]
    store, failed = SnapshotStore(request.tables), False
    for name, fetched in fetch_tables(specs, store, request.endpoints, session(limits=request.limits), age).items():
        kept = fetched.snapshot
        state = f"{kept.rows} rows of {kept.fetched}" if kept else "no table"
        print(f"{name}: {state}{' (new)' if fetched.new else ''}{f': {fetched.problem}' if fetched.problem else ''}")
        print("".join(f"  {note}\n" for note in fetched.notes), end="")
        failed |= kept is None and name in MISSIONS
    raise typer.Exit(1 if failed else 0)


def _table_request(names: list[str], tables: Path, config: Path | None) -> _TableRequest:
    """Return the tables that the options of the command ask for. Raise ConfigError if a mission is not known."""
    from daxa_wf.mission.registry import MISSIONS, why_unknown
    from daxa_wf.tables.endpoints import ENDPOINTS

    request = _TableRequest(names, tables, dict(ENDPOINTS))
    if config is not None:
        from daxa_wf.config.reading import read_config

        checked = read_config(config)
        request.missions = names or list(checked.all_missions)
        request.tables, request.limits = Path.cwd() / checked.tables, checked.limits.limits()
        request.endpoints |= dict(checked.services.items())
    unknown = sorted(set(request.missions) - set(MISSIONS))
    if unknown:
        raise ConfigError(f"--mission {unknown[0]}: {why_unknown(unknown[0])}")
    request.missions = request.missions or list(MISSIONS)
    return request


def _age(text: str) -> timedelta:
    """Return the age that an option gives, such as `7 d`. Raise ConfigError if it is not a time."""
    from daxa_wf.options import to_number

    try:
        return timedelta(seconds=to_number(text, "s"))
    except ValueError as error:
        raise ConfigError(f"--max-age: {error}") from None


@commands.command()
def show(
    obsid: Annotated[str, typer.Argument(metavar="OBSID", help="an ObsID, such as 0201903501")],
    tables: Annotated[Path, typer.Option(help="directory of the tables")] = Path("daxa_wf_tables"),
) -> None:
    """Show an observation's rows in the fetched tables."""
    from daxa_wf.mission.registry import MISSIONS
    from daxa_wf.tables.snapshots import SnapshotStore

    possible = [spec for spec in MISSIONS.values() if spec.is_obsid(obsid)]
    if not possible:
        raise ConfigError(
            f"{obsid!r} does not look like an ObsID of any mission; 'daxa-wf missions' shows what they look like"
        )
    store, has_rows = SnapshotStore(tables), False
    fetched = [spec for spec in possible if store.latest(spec.name) is not None]
    for spec in fetched:
        rows = store.observations(spec)
        for _, row in rows[rows["obsid"] == obsid].iterrows():
            has_rows = True
            print(f"{spec.pretty_name}\n{row.to_string()}")
    if has_rows:
        return
    where = f"the tables of {', '.join(spec.name for spec in fetched)}" if fetched else "any of the tables"
    others = ", ".join(spec.name for spec in possible if spec not in fetched)
    more = f"; it may be an ObsID of {others}, whose tables 'daxa-wf fetch-tables' fetches" if others else ""
    raise ConfigError(f"{obsid} is not in {where} in {tables}{more}")
