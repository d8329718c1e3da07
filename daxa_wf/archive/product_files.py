"""Read a product as the object that people work with: an event list, a table, or an image with WCS and unit."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

from daxa_wf.errors import ConfigError, CorruptFileError

Form = Literal["", "stingray", "table"]
"""How an event list is returned: by stingray if it is installed (''), by stingray always, or as a Table."""

EVENT_LISTS = (
    "events", "ootevents", "cleanevents", "cleanootevents", "finalevents", "finalootevents", "allgoodevents", "allgoodootevents",
)  # fmt: skip
NATIVE_UNITS = {"image": "count", "centreimage": "count", "maskimage": ""}
"""Unit of an image without BUNIT, where the kind of product decides it."""


def read_product(path: Path, kind: str, form: Form = "") -> Any:
    """Read a product of a kind.

    Event lists become a `stingray.EventList` if stingray is installed, otherwise an `astropy.table.Table`. Good times,
    light curves and other tables become a Table. Images and maps become `CCDData` with the header, the celestial WCS and
    the unit in BUNIT (`count` for images without it), or `NDData` if the unit is unknown.

    Raise ConfigError if stingray is requested and missing, or if the product is not FITS, and CorruptFileError if the file
    cannot be read.
    """
    if form not in ("", "stingray", "table"):
        raise ConfigError(f"form {form!r}: expected 'stingray' or 'table'")
    if form == "stingray" and kind not in EVENT_LISTS:
        raise ConfigError(f"{path.name} is a product of the kind {kind}; stingray reads event lists only")
    if not path.name.removesuffix(".gz").endswith((".fits", ".cif")):
        raise ConfigError(f"{path} is not a FITS file; open it by its path")
    if kind in EVENT_LISTS and form != "table" and (reader := _stingray(form)) is not None:
        return _read(path, lambda: reader.read(str(path), fmt="hea"))
    return _read(path, lambda: _read_fits(path, kind))


def _read(path: Path, read: Any) -> Any:
    with warnings.catch_warnings():
        # Astropy and stingray warn of old keywords and of optional packages, which a user cannot change.
        warnings.simplefilter("ignore")
        try:
            return read()
        except FileNotFoundError:
            raise ConfigError(f"{path} does not exist; 'daxa-wf run' makes lost products again") from None
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError) as error:
            raise CorruptFileError(
                f"{path} cannot be read ({error}); 'daxa-wf verify' finds damaged products"
            ) from None


def _stingray(form: Form) -> Any:
    """Return stingray's class of event lists, or None if it is not installed and not requested."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from stingray import EventList
    except ImportError:
        if form != "stingray":
            return None
        raise ConfigError(
            "stingray is not installed, and reads event lists; 'pip install daxa-wf[stingray]' adds it, or use form='table'"
        ) from None
    return EventList


def _read_fits(path: Path, kind: str) -> Any:
    from astropy.io import fits
    from astropy.table import Table

    with fits.open(path, memmap=False) as hdus:
        table = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU) and not _is_compressed(hdu)), None)
        if kind in EVENT_LISTS:
            table = next((hdu for hdu in hdus if hdu.name in ("EVENTS", "STDEVT")), table)
        image = next((hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS", 0) >= 2), None)
        if image is not None and (table is None or kind not in EVENT_LISTS):
            return _image(image, kind)
        if table is None:
            raise CorruptFileError(f"{path} holds neither an image nor a table")
        return Table.read(table)


def _is_compressed(hdu: Any) -> bool:
    return "ZIMAGE" in hdu.header


def _image(hdu: Any, kind: str) -> Any:
    from astropy.nddata import CCDData, NDData
    from astropy.wcs import WCS

    wcs = WCS(hdu.header)
    celestial = wcs.celestial if wcs.has_celestial and hdu.data.ndim == 2 else None
    unit = _unit(str(hdu.header.get("BUNIT", "")), kind)
    if unit is None:
        return NDData(hdu.data, wcs=celestial, meta=dict(hdu.header))
    return CCDData(hdu.data, unit=unit, wcs=celestial, meta=hdu.header)


def _unit(text: str, kind: str) -> Any:
    """Return the unit that a header names, or the unit of a kind of product, or None."""
    from astropy import units

    common = {"counts": "count", "cts": "count", "sec": "s", "seconds": "s", "cts/s": "count/s", "counts/s": "count/s"}
    named = common.get(text.strip().lower(), text.strip()) or NATIVE_UNITS.get(kind)
    if named is None:
        return None
    unit = units.Unit(named, parse_strict="silent")
    return None if isinstance(unit, units.UnrecognizedUnit) else unit
