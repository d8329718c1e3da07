"""Commands about the tables of observations: show or write a whole one, or import one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daxa_wf.cli.listing import Format, Output, show_or_write
from daxa_wf.errors import ConfigError

commands = typer.Typer()

TableMission = Annotated[
    str, typer.Argument(metavar="MISSION", help="a mission, as `daxa-wf missions` lists them", show_default=False)
]
Tables = Annotated[Path, typer.Option(help="directory of the tables")]


@commands.command("table")
def table_command(
    mission: TableMission,
    tables: Tables = Path("daxa_wf_tables"),
    form: Format = None,
    output: Output = None,
    values: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="count the values of this column, such as field or detector")
    ] = None,
) -> None:
    """Show all observations of a mission's fetched table, or write them to a file."""
    from daxa_wf.mission.registry import MISSIONS, why_unknown
    from daxa_wf.tables.export import mission_rows

    if mission not in MISSIONS:
        raise ConfigError(f"{mission}: {why_unknown(mission)}")
    rows = mission_rows(MISSIONS[mission], tables)
    if values is not None:
        from daxa_wf.selection.filters import column_of

        rows = column_of(rows, MISSIONS[mission], values).value_counts().reset_index()
        rows.columns = [values, "observations"]
        print(rows.to_string(index=False))
        return
    show_or_write(rows, form, output, MISSIONS[mission])


@commands.command("import-table")
def import_table_command(
    mission: TableMission,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="the table: VOTable, FITS, ECSV, CSV, TSV or Parquet", show_default=False),
    ],
    tables: Tables = Path("daxa_wf_tables"),
) -> None:
    """Take a table of a mission's observations that you have, in place of a fetched one. Selections then use it."""
    from daxa_wf.mission.registry import MISSIONS, why_unknown
    from daxa_wf.selection.table_files import read_table_file
    from daxa_wf.tables.snapshots import SnapshotStore
    from daxa_wf.tables.user_tables import import_table

    if mission not in MISSIONS:
        raise ConfigError(f"{mission}: {why_unknown(mission)}")
    spec = MISSIONS[mission]
    rows = read_table_file(file, units={"ra": "deg", "dec": "deg", "duration": "s", "exposure": "s"})
    snapshot, table = import_table(spec, rows, file, SnapshotStore(tables))
    print(
        f"{mission}: {len(table.rows)} observations from {snapshot.rows} rows of {file}, SHA-256 {snapshot.file_sha256}"
    )
    print("".join(f"  {note}\n" for note in table.notes), end="")
