"""Read tables from files of users: CSV, TSV, ECSV, FITS, VOTable, Parquet and plain text. Their content is not trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from daxa_wf.errors import ConfigError, CorruptFileError, DaxaError, ServiceError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
KINDS = "CSV, ECSV, FITS, VOTable, Parquet"
LARGEST_FILE = 1 << 30
"""Largest number of bytes of a table, and of a VOTable that are inspected."""
EXCERPT = 300
"""Characters of an error of a table reader that messages quote."""


def read_table_file(
    path: Path, columns: Collection[str] | None = None, units: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return columns of a table file, all if `columns` is None. The text of CSV and TSV stays text.

    Columns of numbers with a unit are converted to their unit in `units`. ConfigError names the file, or the missing column.
    """
    suffix = path.suffix.lower()
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{path} has more than {LARGEST_FILE} bytes; leave out columns or rows")
        if suffix in (".parquet", ".pq"):
            return _chosen(pd.read_parquet(path), columns, path)
        if suffix in SEPARATORS:
            text = pd.read_csv(path, sep=SEPARATORS[suffix], dtype=str, keep_default_na=False, skipinitialspace=True)
            return _chosen(text, columns, path)
        return _from_astropy(path, columns, units or {})
    except DaxaError:
        raise
    except FileNotFoundError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except MemoryError:
        raise ConfigError(f"{path} cannot be read: its tables do not fit into memory") from None
    except Exception as error:  # noqa: BLE001 - readers of tables raise whatever their many layers raise
        unreadable = isinstance(error, OSError) and error.errno
        what = "cannot be read" if unreadable else f"is not a table of a known kind ({KINDS})"
        # Messages of astropy may have a hundred lines, with every format that was tried.
        message = (error.strerror if isinstance(error, OSError) else None) or str(error)
        reason = next((line.strip() for line in message.splitlines() if line.strip()), type(error).__name__)
        raise ConfigError(f"{path} {what}: {reason[:EXCERPT]}") from None


def _chosen(rows: pd.DataFrame, columns: Collection[str] | None, path: Path) -> pd.DataFrame:
    if columns is None:
        return rows
    _require(columns, rows.columns, path)
    return rows[list(columns)]


def _require(columns: Collection[str], present: Collection[Any], path: Path) -> None:
    missing = [name for name in columns if name not in present]
    if missing:
        raise ConfigError(f"{path} has no column {', '.join(missing)}; it has {', '.join(map(str, present))}")


def _from_astropy(path: Path, columns: Collection[str] | None, units: Mapping[str, str]) -> pd.DataFrame:
    import warnings

    from astropy.table import Table

    _check_before_astropy(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = Table.read(path, format="ascii") if path.suffix.lower() in (".txt", ".dat") else Table.read(path)
        if columns is not None:
            _require(columns, read.colnames, path)
        for name in read.colnames:
            if name in units:
                _convert(read, name, units[name], path)
        # A column of arrays has no place in a table of one value a row.
        plain = [name for name in read.colnames if read[name].ndim == 1] if columns is None else list(columns)
        chosen = read[plain]
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
                refuse_more_than_data(head + stream.read(LARGEST_FILE), str(path))
        if head.startswith(b"SIMPLE"):
            check_structure(path)
    except (CorruptFileError, ServiceError) as error:
        raise ConfigError(f"{path} is not a table of a known kind ({KINDS}): {error}") from None


def _convert(table: Any, name: str, to_unit: str, path: Path) -> None:
    unit = table[name].unit
    if unit is None or table[name].dtype.kind not in "fiu":
        return
    from astropy.units import UnitConversionError

    try:
        factor = unit.to(to_unit)
    except (UnitConversionError, TypeError, ValueError):
        measure = {"deg": "an angle", "s": "a time"}[to_unit]
        raise ConfigError(f"{path}: column {name} is in {unit}, which is not {measure}") from None
    plain = table[name].value if hasattr(table[name], "value") else table[name]
    table[name] = np.ma.filled(np.ma.asarray(plain, dtype=float), np.nan) * factor
