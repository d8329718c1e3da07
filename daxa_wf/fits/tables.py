"""Small FITS tables: read by name, by number or by the columns they have; written to files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.fits.headers import Card, describe
from daxa_wf.fits.new_hdus import NewHdu, primary_hdu, write_hdus
from daxa_wf.fits.stream import Hdu, open_bytes, walk_hdus


def read_table(path: Path, extension: str | int | None = None, having: Sequence[str] = ()) -> tuple[Any, NDArray[Any]]:
    """Return header and big-endian rows of a table: of the given name or number, else the first with the columns.

    Raise ConfigError if the file or the table does not exist, CorruptFileError if the file is damaged.
    """
    try:
        with open_bytes(path) as stream:
            hdu = _table_in(stream, path, extension, having)
            return hdu.header, hdu.table()
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def _table_in(stream: IO[bytes], path: Path, extension: str | int | None, having: Sequence[str]) -> Hdu:
    names: list[str] = []
    for number, hdu in enumerate(walk_hdus(stream, path)):
        if not hdu.is_table:
            continue
        names.append(hdu.name)
        if extension in (hdu.name, number) if extension is not None else has_columns(hdu.cards, having):
            return hdu
    what = f"no table {extension!r}" if extension is not None else f"no table with {', '.join(having)}"
    raise ConfigError(f"{path} has {what}; its tables are {', '.join(names) or 'none'}")


def has_columns(header: Any, names: Sequence[str]) -> bool:
    """Return whether the header of a table has all of the columns, given in capitals."""
    columns = {str(header.get(card)).strip().upper() for card in header if card.startswith("TTYPE")}
    return columns >= set(names)


def write_tables(path: Path, tables: Sequence[NewHdu], history: str, identity: Sequence[Card] = ()) -> None:
    """Write tables to a file with checksums, after an empty primary HDU; every header gets `identity` and HISTORY."""
    hdus = (primary_hdu(), *tables)
    for hdu in hdus:
        hdu.header.extend(identity)
        describe(hdu.header, history)
    write_hdus(path, hdus)
