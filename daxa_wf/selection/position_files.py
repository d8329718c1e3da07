"""Read the positions of objects from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from daxa_wf.errors import ConfigError, CorruptFileError, DaxaError, ServiceError
from daxa_wf.selection.positions import Positions, degrees_of_texts, distinct, to_icrs

SEPARATORS = {".csv": ",", ".tsv": "\t"}
KINDS = "CSV, ECSV, FITS, VOTable, Parquet"
LARGEST_XML = 1 << 30
"""Largest number of bytes of a VOTable that are inspected."""
EXCERPT = 300
"""Characters of an error of a table reader that messages quote."""
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
    columns = dict.fromkeys(
        name for name in (table.ra, table.dec, table.name, table.radius, table.start, table.end, table.time) if name
    )
    angles = {name for name in (table.ra, table.dec, table.radius) if name}
    path, suffix = table.file, table.file.suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            return _chosen(pd.read_parquet(path), columns, path)
        if suffix in SEPARATORS:
            text = pd.read_csv(path, sep=SEPARATORS[suffix], dtype=str, keep_default_na=False, skipinitialspace=True)
            return _chosen(text, columns, path)
        return _from_astropy(path, columns, angles)
    except DaxaError:
        raise
    except FileNotFoundError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except MemoryError:
        raise ConfigError(f"{path} cannot be read: its tables do not fit into memory") from None
    except Exception as error:  # noqa: BLE001 - readers of tables raise whatever their many layers raise
        unreadable = isinstance(error, OSError) and error.errno
        what = "cannot be read" if unreadable else f"is not a table of a known kind ({KINDS})"
        # Messages of astropy may have a hundred lines, with every format that was tried.
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConfigError(f"{path} {what}: {reason[:EXCERPT]}") from None


def _chosen(rows: pd.DataFrame, columns: Mapping[str, None], path: Path) -> pd.DataFrame:
    missing = [name for name in columns if name not in rows.columns]
    if missing:
        raise ConfigError(f"{path} has no column {', '.join(missing)}; it has {', '.join(map(str, rows.columns))}")
    return rows[list(columns)]


def _from_astropy(path: Path, columns: Mapping[str, None], angles: set[str]) -> pd.DataFrame:
    import warnings

    from astropy.table import Table

    _check_before_astropy(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = Table.read(path, format="ascii") if path.suffix.lower() in (".txt", ".dat") else Table.read(path)
        missing = [name for name in columns if name not in read.colnames]
        if missing:
            raise ConfigError(f"{path} has no column {', '.join(missing)}; it has {', '.join(read.colnames)}")
        for name in angles:
            _to_degrees(read, name, path)
        chosen = read[list(columns)]
        chosen.convert_bytestring_to_unicode()
        return chosen.to_pandas()


def _check_before_astropy(path: Path) -> None:
    """Raise ConfigError for files that astropy must not open: FITS headers with false sizes, XML with references."""
    from daxa_wf.fits.stream import check_structure, open_bytes
    from daxa_wf.tables.xml import refuse_more_than_data

    try:
        with open_bytes(path) as stream:
            head = stream.read(100)
            if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
                refuse_more_than_data(head + stream.read(LARGEST_XML), str(path))
        if head.startswith(b"SIMPLE"):
            check_structure(path)
    except (CorruptFileError, ServiceError) as error:
        raise ConfigError(f"{path} is not a table of a known kind ({KINDS}): {error}") from None


def _to_degrees(table: Any, name: str, path: Path) -> None:
    unit = table[name].unit
    if unit is None or table[name].dtype.kind not in "fiu":
        return
    from astropy.units import UnitConversionError

    try:
        factor = unit.to("deg")
    except (UnitConversionError, TypeError, ValueError):
        raise ConfigError(f"{path}: column {name} is in {unit}, which is not an angle") from None
    plain = table[name].value if hasattr(table[name], "value") else table[name]
    table[name] = np.ma.filled(np.ma.asarray(plain, dtype=float), np.nan) * factor


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
