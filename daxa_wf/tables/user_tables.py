"""Take a table of observations that a user has as a mission's snapshot, with its origin and SHA-256."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from daxa_wf.errors import ConfigError, ServiceError
from daxa_wf.files import sha256_of
from daxa_wf.mission.spec import Column, ColumnKind, MissionSpec, TableSource
from daxa_wf.tables.observation_table import MJD_EPOCH, USER, observation_table
from daxa_wf.tables.schema import COMMON_COLUMNS

if TYPE_CHECKING:
    from daxa_wf.tables.observation_table import ObservationTable
    from daxa_wf.tables.snapshots import Snapshot, SnapshotStore

USER_TABLE = "observations"
"""Name of a user's table with the common columns."""
REQUIRED = ("obsid", "ra", "dec", "start")
LENGTHS = ("end", "duration", "exposure")
"""Columns of which a table must have one, because they state how long an observation was."""
SYNONYMS = {
    "obs_id": "obsid", "observation_id": "obsid", "target_category": "target_type", "target_name": "target",
    "proprietary_end_date": "proprietary_end", "public_date": "proprietary_end", "active_insts": "instruments",
    "field_name": "field",
}  # fmt: skip
"""Other names of columns, DAXA's among them, in lower case -> the name of the common column."""
KINDS: dict[str, ColumnKind] = {"str": "text", "float64": "number", "datetime64[ms]": "utc", "bool": "flag"}


def users_source(spec: MissionSpec) -> TableSource:
    """Return the columns of a table of a mission's observations in this package's names, as `daxa-wf table` writes them."""
    columns = {
        known.name: Column(known.name, known.name, KINDS[known.dtype], required=False) for known in COMMON_COLUMNS
    }
    for own in (column for source in spec.tables for column in source.columns):
        kind: ColumnKind = {"mjd": "utc", "instrument": "text"}.get(own.kind, own.kind)  # type: ignore[assignment]
        columns.setdefault(own.name, Column(own.name, own.name, kind, required=False))
    for instrument in spec.instruments:
        if instrument.exposure_column:
            name = instrument.exposure_column
            columns.setdefault(name, Column(name, name, "number", required=False))
        for name in (f"{instrument.name.lower()}_{fact}" for fact in ("mode", "filter") if spec.exposures):
            columns.setdefault(name, Column(name, name, required=False))
    required = {name: Column(name, name, columns[name].kind) for name in REQUIRED}
    return TableSource(USER, USER_TABLE, tuple((columns | required).values()))


def import_table(
    spec: MissionSpec, rows: pd.DataFrame, path: Path, store: SnapshotStore
) -> tuple[Snapshot, ObservationTable]:
    """Keep the rows of the file at `path` as a mission's snapshot. Return the snapshot, and the table that it stands for.

    The rows have the columns of one of the mission's services, or this package's names. ConfigError names missing columns,
    wrong values, and a table without any observation of the mission.
    """
    source, fitting = _fitting_source(spec, rows, path)
    try:
        table = observation_table(spec, source, fitting)
    except ServiceError as error:
        raise ConfigError(f"{path} cannot be imported: {error}") from None
    if len(table.rows) == 0:
        notes = "; ".join(table.notes)
        has_wrong_obsids = any(cut.name == "obsid" and cut.dropped for cut in table.cuts)
        expected = f"; expected ObsIDs like {spec.obsid_pattern}" if has_wrong_obsids else ""
        raise ConfigError(
            f"{path} holds no observation of {spec.pretty_name}: its {len(rows)} rows are dropped "
            f"({notes or 'it is empty'}){expected}"
        )
    snapshot = store.write(spec.name, source, fitting, path.absolute().as_uri(), "", sha256_of(path))
    return snapshot, table


def _fitting_source(spec: MissionSpec, rows: pd.DataFrame, path: Path) -> tuple[TableSource, pd.DataFrame]:
    """Return the source whose columns a table has, and the rows in its names. ConfigError lists what each source lacks."""
    names = {str(name).strip().lower() for name in rows.columns}
    is_own = {column.name for column in COMMON_COLUMNS} <= names
    for source in () if is_own else spec.tables:
        if not _missing(source, names):
            return source, rows
    renamed = _in_common_names(rows)
    own = users_source(spec)
    lacks = _missing(own, renamed.columns)
    if not lacks and not set(LENGTHS).isdisjoint(renamed.columns):
        return own, _in_common_form(spec, renamed, path)
    lacks = lacks or [f"one of {', '.join(LENGTHS)}"]
    others = [
        f"the table {source.table} of {source.service} has {', '.join(_missing(source, names))}"
        for source in spec.tables
    ]
    raise ConfigError(
        f"{path} is not a table of {spec.pretty_name}: it lacks {', '.join(lacks)} (beside these, {'; '.join(others)}); "
        f"it has {', '.join(map(str, rows.columns))}"
    )


def _missing(source: TableSource, names: Iterable[str]) -> list[str]:
    present = set(names)
    return [column.source for column in source.columns if column.required and column.source.lower() not in present]


def _in_common_names(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with names of columns in lower case, and synonyms replaced where the common name is free."""
    lower = [str(name).strip().lower() for name in rows.columns]
    names = [SYNONYMS[name] if name in SYNONYMS and SYNONYMS[name] not in lower else name for name in lower]
    renamed = rows.set_axis(names, axis=1)
    return renamed.loc[:, ~renamed.columns.duplicated()].copy()


def _in_common_form(spec: MissionSpec, rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return times as ISO text in UTC, lengths in seconds, and instruments by the mission's names."""
    for column in users_source(spec).columns:
        if column.name in rows and column.kind == "utc":
            rows[column.name] = _iso_texts(rows[column.name], column.name, path)
    for name in ("duration", "exposure"):
        if name in rows:
            rows[name] = _seconds(rows[name], name, path)
    if "instruments" in rows:
        texts = rows["instruments"].fillna("").astype(str)
        named = {text: _instruments(spec, text, path) for text in texts.unique()}
        rows["instruments"] = texts.map(named)
    return rows


def _iso_texts(values: pd.Series, name: str, path: Path) -> pd.Series:
    """Return times as text. Numbers are days (MJD, UTC). ConfigError names the row of a date among numbers."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        days = pd.to_numeric(values, errors="coerce")
        if not days.notna().any():
            return values
        texts = values.fillna("").astype(str).str.strip()
        wrong = texts[days.isna() & (texts != "")]
        if len(wrong):
            raise ConfigError(
                f"{path}: column {name}, row {wrong.index[0] + 1}: {wrong.iloc[0][:60]!r} is no number, but others are; "
                "write all times as days (MJD), or all as dates"
            )
        values = MJD_EPOCH + pd.to_timedelta((days * 86_400_000).round(), unit="ms")
    elif getattr(values.dtype, "tz", None) is not None:
        values = values.dt.tz_convert("UTC")
    return values.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").fillna("")


def _seconds(values: pd.Series, name: str, path: Path) -> pd.Series:
    """Return lengths of time in seconds: numbers are seconds; text such as '0 days 03:00:00' is what pandas writes."""
    if pd.api.types.is_timedelta64_dtype(values):
        return values.dt.total_seconds()
    if pd.api.types.is_numeric_dtype(values):
        return values
    texts = values.fillna("").astype(str).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce")
    spans = pd.to_timedelta(texts.where(numbers.isna() & (texts != "")), errors="coerce").dt.total_seconds()
    seconds = numbers.fillna(spans)
    wrong = texts[seconds.isna() & (texts != "")]
    if len(wrong):
        raise ConfigError(
            f"{path}: column {name}, row {wrong.index[0] + 1}: {wrong.iloc[0][:60]!r} is not a length of time"
        )
    return seconds


def _instruments(spec: MissionSpec, text: str, path: Path) -> str:
    try:
        return " ".join(dict.fromkeys(spec.instrument(word).name for word in text.replace(",", " ").split()))
    except KeyError as error:
        raise ConfigError(f"{path}: column instruments: {error.args[0]}") from None
