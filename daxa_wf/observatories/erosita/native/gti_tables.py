"""Good time intervals of telescope modules in files: GTIn and FLAREGTIn as evtool and flaregti write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from daxa_wf.errors import ConfigError
from daxa_wf.events.gti import Intervals
from daxa_wf.events.gti_files import intervals_of
from daxa_wf.fits.stream import open_bytes, walk_hdus
from daxa_wf.fits.tables import has_columns

GTI_NAME = re.compile(r"(?:FLARE)?GTI([1-7])")


def read_gti_file(path: Path, modules: Iterable[int]) -> dict[int, Intervals]:
    """Read good times by telescope module from tables GTIn or FLAREGTIn, or from one table for all modules.

    FLAREGTIn counts where a file has both. Raise ConfigError if the file is missing or has no such table.
    """
    requested, of_module, for_all = tuple(modules), {}, None
    try:
        with open_bytes(path) as stream:
            for hdu in walk_hdus(stream, path):
                match = GTI_NAME.fullmatch(hdu.name)
                if not hdu.is_table or not (match or has_columns(hdu.header, ("START", "STOP"))):
                    continue
                if match is None:
                    for_all = intervals_of(hdu.table(), f"{path}[{hdu.name}]") if for_all is None else for_all
                elif hdu.name.startswith("FLARE") or int(match[1]) not in of_module:
                    of_module[int(match[1])] = intervals_of(hdu.table(), f"{path}[{hdu.name}]")
    except FileNotFoundError:
        raise ConfigError(f"gti: {path} is not there") from None
    except (IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise ConfigError(f"gti: {path} cannot be read: {error.strerror}") from None
    if of_module:
        return {module: of_module[module] for module in requested if module in of_module}
    if for_all is None:
        raise ConfigError(f"gti: {path} has no table with START and STOP")
    return dict.fromkeys(requested, for_all)
