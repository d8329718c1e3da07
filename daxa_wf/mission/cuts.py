"""Row cuts that several missions share. They use the common names of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daxa_wf.mission.spec import RowCut

if TYPE_CHECKING:
    import pandas as pd


def one_of(column: str, *values: str) -> RowCut:
    """Keep rows whose `column` has one of the values, in upper or lower case."""
    accepted = {value.upper() for value in values}

    def keep(table: pd.DataFrame) -> pd.Series:
        return table[column].str.upper().isin(accepted)

    return RowCut(column, f"{column} is {' or '.join(values)}", keep)


def any_positive(name: str, *columns: str) -> RowCut:
    """Keep rows in which any of the columns is above zero."""

    def keep(table: pd.DataFrame) -> pd.Series:
        return (table[list(columns)] > 0).any(axis=1)

    return RowCut(name, f"{' or '.join(columns)} above zero", keep)


def not_starting(column: str, prefix: str, name: str) -> RowCut:
    """Keep rows whose text in `column` does not begin with a prefix."""

    def keep(table: pd.DataFrame) -> pd.Series:
        return ~table[column].str.startswith(prefix)

    return RowCut(name, f"{column} does not begin with {prefix}", keep)


def _placed(table: pd.DataFrame) -> pd.Series:
    possible = table["ra"].between(-180, 360) & table["dec"].between(-90, 90)
    return possible & ~((table["ra"] == 0) & (table["dec"] == 0))


HAS_POSITION = RowCut(
    "has_position", "right ascension and declination are possible, and not both exactly zero", _placed
)
PROCESSED = one_of("status", "processed", "archived")
