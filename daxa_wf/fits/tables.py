"""Small FITS tables: read by name, by number or by the columns they have; written to files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.fits.headers import Card, describe
from daxa_wf.fits.stream import open_bytes, walk_hdus


def read_table(path: Path, extension: str | int | None = None, having: Sequence[str] = ()) -> tuple[Any, NDArray[Any]]:
    """Return header and big-endian rows of a table: of the given name or number, else the first with the columns.

    Raise ConfigError if the file or the table does not exist, CorruptFileError if the file is damaged.
    """
    names: list[str] = []
    try:
        with open_bytes(path) as stream:
            for number, hdu in enumerate(walk_hdus(stream, path)):
                if "TFIELDS" not in hdu.header:
                    continue
                names.append(hdu.name)
                is_chosen = (
                    extension in (hdu.name, number) if extension is not None else has_columns(hdu.header, having)
                )
                if is_chosen:
                    return hdu.header, hdu.table()
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    what = f"no table {extension!r}" if extension is not None else f"no table with {', '.join(having)}"
    raise ConfigError(f"{path} has {what}; its tables are {', '.join(names) or 'none'}")


def has_columns(header: Any, names: Sequence[str]) -> bool:
    """Return whether the header of a table has all of the columns, given in capitals."""
    columns = {str(header.get(card)).strip().upper() for card in header if card.startswith("TTYPE")}
    return columns >= set(names)


def write_tables(path: Path, tables: Sequence[Any], history: str, identity: Sequence[Card] = ()) -> None:
    """Write astropy HDUs to a file with checksums, after an empty primary HDU; every header gets `identity` and HISTORY."""
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    for hdu in (primary, *tables):
        hdu.header.extend(identity)
        describe(hdu.header, history)
    write_hdus(path, [primary, *tables])


def write_hdus(path: Path, hdus: Sequence[Any]) -> None:
    """Write astropy HDUs to a file with checksums. The same HDUs give the same bytes at any time.

    The comments of astropy's cards CHECKSUM and DATASUM otherwise hold the time of writing.
    """
    from astropy.io import fits

    content = fits.HDUList(list(hdus))
    content.update_extend()
    for hdu in content:
        hdu.add_checksum(when="ones' complement checksum (FITS 4.0)")
    content.writeto(path, overwrite=True)
