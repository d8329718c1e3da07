"""The index of an archive's records: a file with the parts of records that are read often, derived from the records.

Records stay the truth. A row holds for the record with the same inode, size and time; any other record is read itself. A
missing, damaged or locked index, or an archive that cannot be written to, costs time and nothing else.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Self, TypeVar
from urllib.parse import quote

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, names_in
from daxa_wf.errors import CorruptFileError, UnsafePathError

INDEX = ".daxa_wf_index.sqlite"
LARGEST_ROW = 32 << 20
"""Largest number of bytes of a row."""
LARGEST_INTEGER = 2**63 - 1
"""Largest integer of SQLite. Some file systems have larger inodes."""
WAIT = 0.5
"""Seconds to wait for another process that writes the index."""
UNSETTLED = 2_000_000_000
"""Nanoseconds for which a new record is not indexed: it may change again without a change of its time."""
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, UnsafePathError)
"""Exceptions of a row of another form, from a damaged or foreign index."""

PartType = TypeVar("PartType", covariant=True)
RecordStamp = tuple[int, int, int]
"""Inode, size in bytes and modification time (ns) of a record."""
RecordPlace = tuple[str, str, str, str]
"""Mission, ObsID, step, and name of the record's file."""
IndexRow = tuple[str, str, str, str, int, int, int, str]
"""Mission, ObsID, step, name of the record's file, stamp, and the part as text."""


@dataclass(frozen=True)
class IndexTable(Generic[PartType]):
    """A part of every record in the index. Another form of it needs another name."""

    name: str
    load: Callable[[Path], Record]
    """Function that reads a record, and raises CorruptFileError if it is damaged."""
    write: Callable[[Record], str]
    read: Callable[[str, str, str, str], PartType]
    """Function of mission, ObsID, step and text."""


def read_parts(
    layout: Layout, table: IndexTable[PartType], mission: str = "*", obsid: str = "*", step: str = "*",
    keeps_index: bool = True,
) -> Iterator[tuple[RecordPlace, PartType | Exception]]:  # fmt: skip
    """Yield the place of each record with its part, or with the CorruptFileError or OSError of a damaged record, sorted.

    A record that a run replaces meanwhile is left out. Records that the index lacks are added to it at the end, unless
    `keeps_index` is False.
    """
    with PartReader(layout, table, keeps_index) as reader:
        for one_mission, one_obsid in _observations(layout, mission, obsid):
            yield from reader.parts(one_mission, one_obsid, step)
    reader.update()


class PartReader(Generic[PartType]):
    """Read a part of the records of one observation after another, with one connection to the index.

    Nothing is kept of observations that were read, except the rows that the index lacks, if `keeps_index` is True.
    """

    def __init__(self, layout: Layout, table: IndexTable[PartType], keeps_index: bool) -> None:
        self._layout, self._table, self._keeps_index = layout, table, keeps_index
        self._new, self._gone = list[IndexRow](), list[RecordPlace]()
        self._connection = _open(layout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def parts(self, mission: str, obsid: str, step: str = "*") -> Iterator[tuple[RecordPlace, PartType | Exception]]:
        """Yield the places and parts of an observation's records like `read_parts`."""
        rows = _rows(self._connection, self._table.name, mission, obsid, step)
        for one_step, name, stamp in _records(self._layout, mission, obsid, step):
            place = (mission, obsid, one_step, name)
            part = _indexed(self._table, place, stamp, rows.pop((one_step, name), None))
            if part is not None:
                yield place, part
                continue
            fresh, text = _fresh(self._table, self._layout, place)
            if text is not None and self._keeps_index:
                self._new.append((*place, *stamp, text))
            if fresh is not None:
                yield place, fresh
        if self._keeps_index:
            self._gone += [(mission, obsid, *rest) for rest in rows]

    def update(self) -> None:
        """Write the rows that the index lacks, and delete those of records that are gone, if `keeps_index` is True."""
        if self._new or self._gone:
            _update(self._layout, self._table.name, self._new, self._gone)


def _fresh(
    table: IndexTable[PartType], layout: Layout, place: RecordPlace
) -> tuple[PartType | Exception | None, str | None]:
    """Read a record. Return its part and the text of it, or an error and None, or None twice if the record is gone."""
    try:
        text = table.write(table.load(layout.root.joinpath("records", *place)))
        return table.read(*place[:3], text), text
    except FileNotFoundError:
        return None, None
    except (CorruptFileError, OSError) as error:
        return error, None


def _observations(layout: Layout, mission: str, obsid: str) -> Iterator[tuple[str, str]]:
    root = f"{layout.root}/records"
    for one_mission in names_in(root) if mission == "*" else [mission]:
        for one_obsid in names_in(f"{root}/{one_mission}") if obsid == "*" else [obsid]:
            yield one_mission, one_obsid


def _records(layout: Layout, mission: str, obsid: str, step: str) -> Iterator[tuple[str, str, RecordStamp]]:
    """Yield the step, the file's name and the stamp of an observation's records, sorted."""
    folder = f"{layout.root}/records/{mission}/{obsid}"
    for one_step in names_in(folder) if step == "*" else [step]:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(f"{folder}/{one_step}") as entries:
            for entry in sorted((item for item in entries if item.name.endswith(".json")), key=lambda item: item.name):
                with suppress(FileNotFoundError):
                    stat = entry.stat()
                    yield one_step, entry.name, (stat.st_ino & LARGEST_INTEGER, stat.st_size, stat.st_mtime_ns)


def _indexed(
    table: IndexTable[PartType], place: RecordPlace, stamp: RecordStamp, row: tuple[RecordStamp, str] | None
) -> PartType | None:
    """Return the part of a record in its row, or None if the row is missing, of another state of the record, or damaged."""
    if row is None or row[0] != stamp:
        return None
    try:
        return table.read(*place[:3], row[1])
    except UNREADABLE:
        return None


def _open(layout: Layout) -> sqlite3.Connection | None:
    """Open the index for reading. Return None if it does not exist or cannot be opened."""
    path = layout.root / INDEX
    if not path.is_file():
        return None
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=WAIT)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW)
        connection.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error:
        return None
    return connection


def _rows(
    connection: sqlite3.Connection | None, table: str, mission: str, obsid: str, step: str
) -> dict[tuple[str, str], tuple[RecordStamp, str]]:
    """Return the stamp and text of the rows of an observation by step and name; none if the index cannot be read."""
    if connection is None:
        return {}
    query = f"SELECT step, name, inode, size, mtime_ns, part FROM {table} WHERE mission = ? AND obsid = ?"
    only = ("", ()) if step == "*" else (" AND step = ?", (step,))
    try:
        rows = connection.execute(query + only[0], (mission, obsid, *only[1]))
        return {row[:2]: (row[2:5], row[5]) for row in rows}
    except (sqlite3.Error, UnicodeError):
        return {}


def _update(layout: Layout, table: str, new: Iterable[IndexRow], gone: Iterable[RecordPlace]) -> None:
    """Write rows and delete others, in one transaction. If that is impossible, leave the index as it is, or remove it."""
    path = layout.root / INDEX
    latest = time.time_ns() - UNSETTLED
    settled = [row for row in new if row[6] < latest]
    try:
        with closing(sqlite3.connect(path, timeout=WAIT)) as connection, connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_ROW)
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (mission TEXT, obsid TEXT, step TEXT, name TEXT, inode INTEGER, "
                "size INTEGER, mtime_ns INTEGER, part TEXT, PRIMARY KEY (mission, obsid, step, name))"
            )
            where = "mission = ? AND obsid = ? AND step = ? AND name = ?"
            connection.executemany(f"DELETE FROM {table} WHERE {where}", gone)
            connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", settled)
    except sqlite3.OperationalError:
        return  # locked by another process, or not writable
    except (sqlite3.Error, UnicodeError, OverflowError):
        with suppress(OSError):
            path.unlink()
