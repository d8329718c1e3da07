"""Convert a service's table to an observation table: common columns, the mission's own columns, and counts of dropped rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from importlib.resources import files
from typing import Any, Final

import numpy as np
import pandas as pd

from daxa_wf.errors import ServiceError
from daxa_wf.mission.spec import Column, MissionSpec, TableSource
from daxa_wf.tables.schema import COMMON_COLUMNS

MJD_EPOCH = pd.Timestamp("1858-11-17")
TIME: Final = "datetime64[ms]"
NO_INSTRUMENT = "NONE"
"""Value of a column of instruments for an observation without an instrument of its kind, such as a grating."""
USER = "user"
"""Service of a user's own table, whose columns already have the common names and forms."""
EXPECTED = {
    "utc": "a time such as 2010-12-31 or 2010-12-31T23:59:59.5 (UTC)", "number": "a number", "mjd": "a number of days (MJD)",
}  # fmt: skip
"""Kind of a column -> the form of its values, for messages."""
LEAP_SECOND = r":60(?:\.\d+)?$"
TRUE_WORDS = ("TRUE", "T", "Y", "YES", "1", "1.0")


@dataclass(frozen=True)
class Cut:
    """One cut on the service's rows: how many rows it dropped and left."""

    name: str
    description: str
    dropped: int
    left: int


@dataclass
class ObservationTable:
    """Observations in common columns, the cuts that were applied, and counts of unknown target types and instruments."""

    rows: pd.DataFrame
    cuts: list[Cut] = field(default_factory=list)
    unlisted_types: dict[str, int] = field(default_factory=dict)
    unlisted_instruments: dict[str, int] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """Report the dropped rows and the unknown values, one line each."""
        dropped = [
            f"{cut.dropped} rows dropped by the cut {cut.name!r} (kept: {cut.description})"
            for cut in self.cuts
            if cut.dropped
        ]
        unlisted = {"target types": self.unlisted_types, "instruments": self.unlisted_instruments}
        return [*dropped, *(f"unknown {what}: {counted(counts)}" for what, counts in unlisted.items() if counts)]


def counted(numbers: Mapping[str, int]) -> str:
    """List names with their counts.

    >>> counted({"WFC": 1, "HRI": 3})
    'WFC (1), HRI (3)'
    """
    return ", ".join(f"{name} ({number})" for name, number in numbers.items())


def packaged_table(source: TableSource) -> pd.DataFrame:
    """Read a table that the package holds, with all columns as text."""
    with (files(source.package) / "data" / source.table).open() as stream:
        return pd.read_csv(stream, dtype=str, keep_default_na=False)


def observation_table(spec: MissionSpec, source: TableSource, table: pd.DataFrame) -> ObservationTable:
    """Map a service's table to common columns, and apply the mission's row cuts.

    Names of columns match in upper and lower case. Positions become ICRS degrees, times UTC, ObsIDs text with leading
    zeros. ServiceError names the mission, the table and each missing column.

    >>> import pandas as pd
    >>> from daxa_wf.mission.registry import MISSIONS
    >>> spec = MISSIONS["ixpe"]
    >>> rows = pd.DataFrame({"obsid": ["01001301", ""], "ra": [83.63, 0.0], "dec": [22.01, 0.0], "time": [59000.0, 0.0],
    ...                      "end_time": [59001.0, 0.0], "exposure": [5e4, 0.0]})
    >>> table = observation_table(spec, spec.tables[0], rows)
    >>> table.rows[["obsid", "start", "duration"]]
          obsid      start  duration
    0  01001301 2020-05-31   86400.0
    >>> [(cut.name, cut.dropped) for cut in table.cuts]
    [('has_position', 1), ('obsid', 0)]
    """
    rows = mapped_columns(spec, source, table)
    result = ObservationTable(rows)
    if spec.instruments:
        _name_instruments(spec, result)
    is_users = source.service == USER
    _complete(spec, result, is_translated=is_users)
    _apply_cuts(spec, result, is_users)
    valid = result.rows["obsid"].map(spec.is_obsid).astype(bool)
    result.cuts.append(Cut("obsid", f"the ObsID is like {spec.obsid_pattern}", int((~valid).sum()), int(valid.sum())))
    rows = result.rows[valid]
    # Surrounding space has been removed, because a service may write an identifier in several ways.
    first = ~rows.duplicated("obsid")
    if not first.all():
        result.cuts.append(Cut("repeated", "the first row of each ObsID", int((~first).sum()), int(first.sum())))
    rows = rows[first] if is_users else _to_icrs(spec, rows[first])
    result.rows = _ordered(rows.reset_index(drop=True))
    return result


def _apply_cuts(spec: MissionSpec, result: ObservationTable, is_users: bool) -> None:
    """Drop the rows that the mission's cuts drop. A user's table may lack the column of a cut, which is then left out."""
    for cut in spec.row_cuts:
        try:
            keep = cut.keep(result.rows)
        except KeyError:
            if not is_users:
                raise
            continue
        kept = result.rows[keep]
        result.cuts.append(Cut(cut.name, cut.description, len(result.rows) - len(kept), len(kept)))
        result.rows = kept


def mapped_columns(spec: MissionSpec, source: TableSource, table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of a source by their common names, in common types. ServiceError names each missing column."""
    names = {str(name).strip().lower(): name for name in table.columns}
    missing = [column.source for column in source.columns if column.required and column.source.lower() not in names]
    if missing:
        raise ServiceError(
            f"{spec.name}: the table {source.table} of {source.service} has no column {', '.join(missing)}; "
            f"it has {', '.join(map(str, table.columns))}"
        )
    mapped = {
        column.name: _converted(spec, source, column, table[names[column.source.lower()]])
        for column in source.columns
        if column.source.lower() in names
    }
    return pd.DataFrame(mapped)


def _converted(spec: MissionSpec, source: TableSource, column: Column, values: pd.Series) -> pd.Series:
    try:
        match column.kind:
            case "number":
                return _numbers(values, column) * column.factor
            case "mjd":
                return _from_mjd(_numbers(values, column))
            case "utc":
                return _from_text(values)
            case "flag":
                return _texts(values).str.upper().isin(TRUE_WORDS)
        return _obsids(spec, values) if column.name == "obsid" else _texts(values)
    except (ValueError, TypeError) as error:
        place, wrong = f"{spec.name}: column {column.source} of {source.table}", _first_wrong(column, values)
        if wrong is None:
            raise ServiceError(f"{place} cannot be read as {column.kind}: {error}") from error
        row, text = wrong
        raise ServiceError(f"{place}, row {row}: {text[:60]!r} is not {EXPECTED[column.kind]}") from None


def _first_wrong(column: Column, values: pd.Series) -> tuple[int, str] | None:
    """Return the number, from 1, and the text of the first row that is not of the column's kind; None if none is found."""
    texts = _texts(values)
    if column.kind == "utc":
        read = pd.to_datetime(
            texts.str.replace(LEAP_SECOND, ":59", regex=True), format="ISO8601", utc=True, errors="coerce"
        )
    elif column.kind in EXPECTED:
        read = pd.to_numeric(texts, errors="coerce")
    else:
        return None
    wrong = (read.isna() & (texts != "")).to_numpy()
    return (int(wrong.argmax()) + 1, str(texts.iloc[int(wrong.argmax())])) if wrong.any() else None


def _decoded(values: pd.Series) -> pd.Series:
    """Decode bytes, which some services send, to text."""
    if values.dtype != object:
        return values
    return values.map(lambda value: value.decode() if isinstance(value, bytes) else value)


def _texts(values: pd.Series) -> pd.Series:
    plain = _decoded(values)
    if pd.api.types.is_float_dtype(plain) and (plain.dropna() % 1 == 0).all():
        # A whole number in a column with missing values arrives as a float: class 7 as 7.0.
        plain = plain.astype("Int64").astype(object)
    return plain.where(plain.notna(), "").astype(str).str.strip()


def _obsids(spec: MissionSpec, values: pd.Series) -> pd.Series:
    """Convert ObsIDs to text: whole numbers without a fraction, with leading zeros if the pattern has one length."""
    if pd.api.types.is_float_dtype(values):
        values = values.astype("Int64")
    texts = _texts(values)
    length = _fixed_length(spec.obsid_pattern)
    return texts.where(~texts.str.isdigit(), texts.str.zfill(length)) if length else texts


def _fixed_length(pattern: str) -> int:
    """Return the length of ObsIDs of a pattern such as `[0-9]{10}`, or 0 if lengths may differ."""
    import re

    match = re.fullmatch(r"(9?)\[0-9\]\{(\d+)\}", pattern)
    return int(match[2]) + len(match[1]) if match else 0


def _numbers(values: pd.Series, column: Column) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values):
        numbers = values.astype(float)
    else:
        numbers = pd.to_numeric(_decoded(values).replace("", np.nan), errors="raise").astype(float)
    return numbers.mask(numbers.isin([float(null) for null in column.null_values]))


def _from_mjd(days: pd.Series) -> pd.Series:
    milliseconds = (days * 86_400_000).round()
    return (MJD_EPOCH + pd.to_timedelta(milliseconds, unit="ms")).astype(TIME)


def _from_text(values: pd.Series) -> pd.Series:
    """Convert ISO texts to times. A second 60, which occurs in the eRASS1 table, becomes the first of the next minute."""
    texts = _texts(values)
    sixty = texts.str.contains(LEAP_SECOND, regex=True)
    times = pd.to_datetime(
        texts.str.replace(LEAP_SECOND, ":59", regex=True).replace("", None), format="ISO8601", utc=True
    )
    return (times.dt.tz_localize(None) + pd.to_timedelta(sixty.astype(int), unit="s")).astype(TIME)


def _name_instruments(spec: MissionSpec, result: ObservationTable) -> None:
    """Fill the column of instruments with data, from the table's own names or else from exposures above zero.

    An instrument without an exposure column is assumed to have data. Rows whose exposures are all unknown keep ''.
    """
    rows = result.rows
    exposed = [instrument for instrument in spec.instruments if instrument.exposure_column in rows]
    naming = [column for column in spec.instrument_columns if column in rows]
    if naming:
        named = [_named(spec, rows[column]) for column in naming]
        rows["instruments"] = reduce(lambda one, other: (one + " " + other).str.strip(), [texts for texts, _ in named])
        result.unlisted_instruments = {text: count for _, unknown in named for text, count in unknown.items()}
    elif exposed:
        names = [instrument.name for instrument in spec.instruments]
        known = np.zeros(len(rows), bool)
        code = np.zeros(len(rows), np.int64)
        for bit, instrument in enumerate(spec.instruments):
            if instrument in exposed:
                known |= rows[instrument.exposure_column].notna().to_numpy()
                code |= rows[instrument.exposure_column].gt(0).to_numpy().astype(np.int64) << bit
            else:
                code |= 1 << bit
        rows["instruments"] = instrument_texts(np.where(known, code, 0), names).to_numpy(object)


def instrument_texts(codes: np.ndarray, names: Sequence[str]) -> pd.Categorical:
    """Translate the bits of each code to the names of instruments, separated by spaces.

    >>> import numpy as np
    >>> list(instrument_texts(np.array([1, 3, 0]), ["PN", "M1"]))
    ['PN', 'PN M1', '']
    """
    different, index = np.unique(codes, return_inverse=True)
    texts = [" ".join(name for bit, name in enumerate(names) if code >> bit & 1) for code in different.tolist()]
    return pd.Categorical.from_codes(index, pd.Index(texts, dtype=object))


def _named(spec: MissionSpec, values: pd.Series) -> tuple[pd.Series, dict[str, int]]:
    """Return the instruments named by the texts of a column, and the counts of texts that name an unknown instrument."""
    names: dict[Any, str] = {NO_INSTRUMENT: ""}
    unknown = {}
    for text, count in values[values != NO_INSTRUMENT].value_counts().items():
        try:
            names[text] = " ".join(dict.fromkeys(spec.instrument(word).name for word in _words(spec, str(text))))
        except KeyError:
            names[text] = ""
            unknown[str(text)] = int(count)
    return values.map(names), unknown


def _words(spec: MissionSpec, text: str) -> list[str]:
    return [text] if not spec.simultaneous else text.split()


def _complete(spec: MissionSpec, result: ObservationTable, is_translated: bool) -> None:
    """Fill the missing common columns, from other columns if possible, else with empty values.

    `is_translated` is True if the target types are codes already.
    """
    rows = result.rows
    for name, value in spec.constants.items():
        rows[name] = value
    if "exposure" not in rows:
        columns = [known.exposure_column for known in spec.instruments if known.exposure_column in rows]
        rows["exposure"] = rows[columns].max(axis=1) if columns else np.nan
    if "end" not in rows:
        length = rows["duration"] if "duration" in rows else rows["exposure"]
        rows["end"] = (rows["start"] + pd.to_timedelta((length * 1000).round(), unit="ms")).astype(TIME)
    if "duration" not in rows:
        rows["duration"] = (rows["end"] - rows["start"]).dt.total_seconds()
    if "target_type" in rows and spec.target_types and not is_translated:
        native = rows["target_type"].str.upper()
        known = {name.upper(): code for name, code in spec.target_types.items()}
        unlisted = native[~native.isin(known) & (native != "")]
        result.unlisted_types = {str(name): int(count) for name, count in unlisted.value_counts().items()}
        rows["target_type"] = native.map(known).fillna(spec.other_target_type)
        if spec.further_target_types and (column := spec.further_target_types[0]) in rows:
            further = rows[column].str.upper().map(spec.further_target_types[1])
            is_other = rows["target_type"] == spec.other_target_type
            rows["target_type"] = further.where(is_other & further.notna(), rows["target_type"])
    for name, missing in (("proprietary_end", pd.NaT), ("target", ""), ("target_type", ""), ("instruments", "")):
        if name not in rows:
            rows[name] = missing
    if "science_usable" not in rows:
        rows["science_usable"] = rows["exposure"].isna() | (rows["exposure"] > 0)


def _to_icrs(spec: MissionSpec, rows: pd.DataFrame) -> pd.DataFrame:
    """Convert FK5 positions (equinox 2000) to ICRS; they differ by some 0.02 arcsec."""
    rows = rows.copy()
    if spec.frame == "fk5" and len(rows):
        from astropy.coordinates import SkyCoord

        known = rows["ra"].between(-180, 360) & rows["dec"].between(-90, 90)
        sky = SkyCoord(
            rows.loc[known, "ra"].to_numpy(), rows.loc[known, "dec"].to_numpy(), unit="deg", frame="fk5"
        ).icrs
        rows.loc[known, "ra"], rows.loc[known, "dec"] = sky.ra.deg, sky.dec.deg
    return rows


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """Put the common columns first, in their types, and the mission's own columns after them."""
    common: dict[str, Any] = {column.name: column.dtype for column in COMMON_COLUMNS}
    rest = [name for name in rows.columns if name not in common]
    return rows[[*common, *rest]].astype({name: kind for name, kind in common.items() if kind != "str"})
