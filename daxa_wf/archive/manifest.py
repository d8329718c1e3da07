"""The manifest: the selection as work, one row an exposure."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from daxa_wf.archive.tables import write_table
from daxa_wf.errors import CorruptFileError, UnsafePathError
from daxa_wf.files import checked_relative, decompressed_name
from daxa_wf.units import Unit


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One exposure to process. Files are relative to the mission's source, or to the observation if that is downloaded.

    `problem` states why a header could not be read. If there are no `events` (or `odf`) beside it, the file cannot be
    opened or identified at all and is not an input of any step; the identity is then that of its name. `passed_over`
    lists other files of the exposure that were left aside.
    """

    mission: str
    obsid: str
    inst: str
    exposure: str
    data_mode: str = ""
    submode: str = ""
    filter: str = ""
    events: str = ""
    ootevents: str = ""
    attitude: str = ""
    problem: str = ""
    passed_over: str = ""
    odf: str = ""
    """Directory of the observation's raw data, if these are to be processed."""
    facts: str = ""
    """Columns of the observation table that the paths of data centres need, as JSON, if it is to be downloaded."""

    @property
    def is_unscheduled(self) -> bool:
        """Return True for an exposure that was not scheduled: its identifier begins with U."""
        return self.exposure.startswith("U")

    @property
    def unit(self) -> Unit:
        """Return the exposure as a unit."""
        return Unit(self.mission, self.obsid, self.inst, self.exposure)


IDENTIFIERS = ("mission", "obsid", "inst", "exposure")
"""Columns that become parts of paths and are compared with others."""


def decompressed(row: ManifestRow) -> ManifestRow:
    """Return a row with the names that its files have in a raw store that unpacks them."""
    names = {name: decompressed_name(getattr(row, name)) for name in ("events", "ootevents", "attitude")}
    return replace(row, **names)


COLUMNS = tuple(column.name for column in fields(ManifestRow))


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    """Write the manifest, sorted, as tab-separated text and as ECSV."""
    write_table(
        path, COLUMNS, [asdict(row) for row in sorted(rows, key=lambda row: (row.mission, row.unit.identifier))]
    )


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read a manifest. Raise CorruptFileError if it is not a manifest, UnsafePathError if one of its paths is not plain."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="\t", strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise CorruptFileError(f"{path} is not a manifest: its columns are {reader.fieldnames}, not {COLUMNS}")
            return [_complete(path, reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorruptFileError(f"{path} is not a manifest: {error}") from None


def _complete(path: Path, line: int, row: dict[str, Any]) -> ManifestRow:
    if None in row or not all(isinstance(cell, str) and cell.isprintable() for cell in row.values()):
        raise CorruptFileError(
            f"{path}, line {line}: expected {len(COLUMNS)} columns of plain text; delete it, the next run makes it"
        )
    return _checked(ManifestRow(**row), path)


def _checked(row: ManifestRow, manifest: Path) -> ManifestRow:
    """Return a row without space around its identifiers. Raise UnsafePathError if one of its paths is not plain."""
    origin = f"{manifest}, {row.mission} {row.obsid}"
    for value in (row.events, row.ootevents, row.attitude, row.odf):
        if value and value != ".":
            checked_relative(value, origin)
    row = replace(row, **{name: getattr(row, name).strip() for name in IDENTIFIERS})
    for name in IDENTIFIERS:
        if (value := getattr(row, name)) and "/" in checked_relative(value, origin):
            raise UnsafePathError(f"{origin}: {name} is {value!r}, which is not a plain name: refused")
    return row
