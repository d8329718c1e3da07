"""Columns that many of HEASARC's tables share."""

from daxa_wf.mission.spec import Column

POSITION = (Column("ra", "ra", "number"), Column("dec", "dec", "number"))


def times(start: str, end: str, kind: str = "mjd") -> tuple[Column, Column]:
    """Return the columns of start and end, in days (MJD, UTC) by default."""
    return Column(start, "start", kind), Column(end, "end", kind)  # type: ignore[arg-type]


def public_date(*unknown: float, source: str = "public_date") -> Column:
    """Return the column of the date when data become public. 0 and the values in `unknown` are placeholders."""
    return Column(source, "proprietary_end", "mjd", null_values=(0.0, *unknown), required=False)


def numbers(*names: str) -> tuple[Column, ...]:
    """Return columns of numbers that keep their names."""
    return tuple(Column(name, name, "number") for name in names)


def texts(*names: str) -> tuple[Column, ...]:
    """Return optional columns of texts that keep their names."""
    return tuple(Column(name, name, required=False) for name in names)
