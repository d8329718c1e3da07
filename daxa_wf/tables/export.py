"""Turn observation tables into astropy Tables, and write them as CSV, ECSV, VOTable or FITS."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from daxa_wf.errors import ConfigError
from daxa_wf.files import write_bytes_atomically
from daxa_wf.mission.spec import MissionSpec
from daxa_wf.tables.schema import COMMON_COLUMNS
from daxa_wf.tables.snapshots import SnapshotStore

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from astropy.table import Table

TableFormat = Literal["csv", "ecsv", "votable", "fits"]
ASTROPY_FORMATS: dict[TableFormat, str] = {"ecsv": "ascii.ecsv", "votable": "votable", "fits": "fits"}
SUFFIXES: dict[str, TableFormat] = {
    ".csv": "csv", ".ecsv": "ecsv", ".vot": "votable", ".votable": "votable", ".xml": "votable", ".fits": "fits",
    ".fit": "fits",
}  # fmt: skip
"""Suffix of a file -> the format of its content, unless the user names a format."""


def mission_table(mission: str, tables: Path | str = "daxa_wf_tables") -> Table:
    """Return all observations of a mission as an astropy Table, from the snapshot in the directory `tables`.

    Columns have units and descriptions. Times are UTC, masked if they are unknown. The table of a mission that the package
    holds needs no snapshot. ServiceError if there is no snapshot, ConfigError if the mission is not known.

    >>> table = mission_table("erosita_calpv")
    >>> len(table), table["ra"].unit, table["start"][0].isot
    (170, Unit("deg"), '2019-11-03T02:42:50.000')
    """
    from daxa_wf.mission.registry import MISSIONS, why_unknown

    if mission not in MISSIONS:
        raise ConfigError(f"{mission}: {why_unknown(mission)}")
    spec = MISSIONS[mission]
    return as_table(mission_rows(spec, Path(tables)), spec)


def mission_rows(spec: MissionSpec, tables: Path) -> pd.DataFrame:
    """Return the observation table of a mission: of its snapshot, or of the package if it holds the mission's table."""
    from daxa_wf.tables.observation_table import observation_table, packaged_table

    store, (first, *_) = SnapshotStore(tables), spec.tables
    if first.service == "package" and store.latest(spec.name) is None:
        return observation_table(spec, first, packaged_table(first)).rows
    return store.observations(spec)


def as_table(rows: pd.DataFrame, spec: MissionSpec | None = None) -> Table:
    """Return observations as an astropy Table with units and descriptions. Times become astropy Times, UTC."""
    import pandas as pd
    from astropy.table import Table
    from astropy.time import Time

    table = Table()
    for name in rows.columns:
        values = rows[name]
        if pd.api.types.is_datetime64_any_dtype(values):
            table[name] = Time(values.to_numpy("datetime64[ms]"), format="datetime64", scale="utc")
            table[name].format = "isot"
        else:
            table[name] = _plain(values)
    return _described(table, spec)


def _plain(values: pd.Series) -> np.ndarray:
    """Return numbers and flags as they are, everything else as text."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.to_numpy()
    return values.where(values.notna(), "").to_numpy(dtype=object).astype("U")


def _described(table: Any, spec: MissionSpec | None) -> Any:
    """Add the units and descriptions of the common columns, and the unit of each instrument's exposure."""
    for column in COMMON_COLUMNS:
        if column.name not in table.colnames:
            continue
        table[column.name].info.description = column.description
        if column.unit:
            table[column.name].info.unit = column.unit
    for instrument in spec.instruments if spec is not None else ():
        if instrument.exposure_column in table.colnames:
            table[instrument.exposure_column].info.unit = "s"
    return table


def format_of(path: Path | None, advice: str = "") -> TableFormat:
    """Return the format that an output's suffix names. Raise ConfigError, which ends with the advice, for another suffix."""
    suffix = path.suffix.lower() if path is not None else ""
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise ConfigError(f"--output {path}: the suffix {suffix!r} names no format; use one of {known}{advice}")
    return SUFFIXES[suffix]


def table_bytes(rows: pd.DataFrame, form: TableFormat, spec: MissionSpec | None = None) -> bytes:
    """Return observations as the content of a file. Times are ISO text in UTC, '' if they are unknown."""
    texts = _with_times_as_text(rows)
    if form == "csv":
        return texts.to_csv(index=False, lineterminator="\n").encode()
    table, content = as_table(texts, spec), io.BytesIO()
    if form == "ecsv":
        text = io.StringIO()
        table.write(text, format=ASTROPY_FORMATS[form])
        return text.getvalue().encode()
    table.write(content, format=ASTROPY_FORMATS[form])
    return content.getvalue()


def _with_times_as_text(rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    times = [name for name in rows.columns if pd.api.types.is_datetime64_any_dtype(rows[name])]
    return rows.assign(**{name: rows[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str[:-3].fillna("") for name in times})


def deliver(content: bytes, output: Path | None) -> None:
    """Write a table to a file as a whole, or to the standard output. ConfigError if the file's directory does not exist."""
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    if not output.parent.is_dir():
        raise ConfigError(f"--output {output}: the directory {output.parent} does not exist")
    write_bytes_atomically(output, content)
