"""Read the positions of objects from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from daxa_wf.errors import ConfigError
from daxa_wf.selection.positions import Positions, degrees_of_texts, distinct, to_icrs
from daxa_wf.selection.table_files import read_table_file

NO_VALUE = ("", "nan", "null", "none", "--")
"""Texts that stand for 'no value', whatever their case."""


def read_positions(
    table: Any,
    radius: float | Mapping[str, float] | None,
    instruments: tuple[str, ...],
    footprint: bool = False,
) -> Positions:
    """Read the positions of a table file (a PositionTable), in ICRS. ConfigError names the file, the column or the row.

    Columns with a unit (FITS, VOTable, ECSV) are converted to degrees. Columns without a unit are in degrees.
    """
    if (table.start is None) != (table.end is None):
        raise ConfigError(f"{table.file}: give columns for both ends of the windows of time, or for neither")
    rows = _read(table)
    names = [str(number) for number in range(1, len(rows) + 1)]
    if table.name:
        names = [str(name).strip() or number for name, number in zip(rows[table.name], names, strict=True)]
    lon, lat = _coordinates(rows, table)
    start, end = (_times(rows, column, table.file) for column in (table.start, table.end))
    if table.time:
        moments = _times(rows, table.time, table.file)
        start, end = moments - _milliseconds(table.before), moments + _milliseconds(table.after)
    reach = _numbers(rows, table.radius, table.file) if table.radius else radius
    try:
        ra, dec = to_icrs(lon, lat, table.frame)
        return Positions(distinct(names), ra, dec, reach, start, end, instruments, footprint)
    except ConfigError as error:
        raise ConfigError(f"{table.file}: {error}") from None


def _read(table: Any) -> pd.DataFrame:
    """Return the columns that the section names. Text stays text."""
    named = (table.ra, table.dec, table.name, table.radius, table.start, table.end, table.time)
    columns = tuple(dict.fromkeys(name for name in named if name))
    angles = {name: "deg" for name in (table.ra, table.dec, table.radius) if name}
    return read_table_file(table.file, columns, angles)


def _coordinates(rows: pd.DataFrame, table: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        return _numbers(rows, table.ra, table.file), _numbers(rows, table.dec, table.file)
    except ConfigError:
        texts = [list(rows[name].astype(str)) for name in (table.ra, table.dec)]
    try:
        return degrees_of_texts(*texts)
    except ValueError as error:
        raise ConfigError(f"{table.file}: columns {table.ra}, {table.dec}: {error}") from None


def _numbers(rows: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """Convert a column to numbers, with NaN for missing values. ConfigError names the row of a text that is not a number."""
    values = rows[column]
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(float, na_value=np.nan)
    texts = values.astype(str).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce")
    wrong = np.flatnonzero(numbers.isna() & ~texts.str.lower().isin(NO_VALUE))
    if len(wrong):
        raise ConfigError(f"{path}: column {column}, row {wrong[0] + 1}: {texts.iloc[wrong[0]]!r} is not a number")
    return numbers.to_numpy(float)


def _milliseconds(seconds: float) -> np.timedelta64:
    return np.timedelta64(round(seconds * 1000), "ms")


def _times(rows: pd.DataFrame, column: str | None, path: Path) -> Any:
    """Return the times of a column, UTC. Numbers are days (MJD)."""
    if column is None:
        return None
    values = rows[column]
    days = pd.to_numeric(values, errors="coerce") if not pd.api.types.is_datetime64_any_dtype(values) else None
    try:
        if days is not None and days.notna().any():
            times = pd.Timestamp("1858-11-17") + pd.to_timedelta(pd.to_numeric(values.replace("", None)), unit="D")
        else:
            times = pd.to_datetime(values.replace("", None), utc=True, format="ISO8601").dt.tz_localize(None)
    except ValueError as error:
        raise ConfigError(f"{path}: column {column} holds no times: {error}") from None
    return times.to_numpy("datetime64[ms]")
