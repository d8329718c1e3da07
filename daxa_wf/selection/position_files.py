"""Positions of objects from files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from daxa_wf.errors import ConfigError
from daxa_wf.selection.filters import Positions


def read_positions(table: Any, radius: float | Mapping[str, float] | None, instruments: tuple[str, ...]) -> Positions:
    """Positions of a table file (a PositionTable), in ICRS; ConfigError names the file, the column or the row."""
    rows = _read(table.file)
    wanted = [name for name in (table.ra, table.dec, table.name, table.radius, table.start, table.end) if name]
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        raise ConfigError(
            f"{table.file} has no column {', '.join(missing)}; it has {', '.join(map(str, rows.columns))}"
        )
    names = tuple(rows[table.name].astype(str)) if table.name else tuple(str(number + 1) for number in range(len(rows)))
    ra, dec = _icrs(rows[table.ra].to_numpy(float), rows[table.dec].to_numpy(float), table.frame)
    if (table.start is None) != (table.end is None):
        raise ConfigError(f"{table.file}: give columns for both ends of the windows of time, or for neither")
    start, end = (_times(rows, column, table.file) for column in (table.start, table.end))
    reach = rows[table.radius].to_numpy(float) if table.radius else radius
    return Positions(names, ra, dec, reach, start, end, instruments)


def _times(rows: Any, column: str | None, path: Any) -> Any:
    """Times of a column, UTC: text, or days (MJD) if they are numbers."""
    import pandas as pd

    if column is None:
        return None
    values = rows[column]
    try:
        if pd.api.types.is_numeric_dtype(values):
            times = pd.Timestamp("1858-11-17") + pd.to_timedelta(values, unit="D")
        else:
            times = pd.to_datetime(values, utc=True, format="ISO8601").dt.tz_localize(None)
    except ValueError as error:
        raise ConfigError(f"{path}: column {column} holds no times: {error}") from None
    return times.to_numpy("datetime64[ms]")


def _read(path: Any) -> Any:
    import warnings

    import pandas as pd
    from astropy.table import Table

    try:
        if path.suffix in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if path.suffix == ".csv":
            return pd.read_csv(path, dtype=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Table.read(path).to_pandas()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is no table of a known kind (CSV, ECSV, FITS, VOTable, Parquet): {error}") from None


def _icrs(lon: np.ndarray, lat: np.ndarray, frame: str) -> tuple[np.ndarray, np.ndarray]:
    if frame == "icrs":
        return lon, lat
    from astropy.coordinates import SkyCoord

    try:
        sky = SkyCoord(lon, lat, unit="deg", frame=frame).icrs
    except ValueError as error:
        raise ConfigError(f"frame: {frame!r} cannot be used: {error}") from None
    return sky.ra.deg, sky.dec.deg
