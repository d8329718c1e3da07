"""Small FITS tables: found by name, by number or by the columns they have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.fits.stream import open_bytes, walk_hdus


def read_table(path: Path, extension: str | int | None = None, having: Sequence[str] = ()) -> tuple[Any, NDArray[Any]]:
    """Header and big-endian rows of a table: the extension named or numbered, else the first one with the columns.

    ConfigError if the file or the table is not there, CorruptFileError if the file is damaged.
    """
    found: list[str] = []
    try:
        with open_bytes(path) as stream:
            for number, hdu in enumerate(walk_hdus(stream, path)):
                if "TFIELDS" not in hdu.header:
                    continue
                columns = {str(hdu.header.get(card)).strip().upper() for card in hdu.header if card.startswith("TTYPE")}
                found.append(hdu.name)
                wanted = extension in (hdu.name, number) if extension is not None else columns >= set(having)
                if wanted:
                    return hdu.header, hdu.table()
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    what = f"no table {extension!r}" if extension is not None else f"no table with {', '.join(having)}"
    raise ConfigError(f"{path} has {what}; its tables are {', '.join(found) or 'none'}")
