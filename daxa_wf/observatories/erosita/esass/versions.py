"""Releases of eSASS and of its CALDB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def esass_version(text: str) -> str:
    """Return the release of eSASS in a task's output or path, such as `eSASSusers_211214`; '' if it has none."""
    match = re.search(r"eSASSusers_\w+|eSASS4\w+", text)
    return match.group(0) if match else ""


def caldb_label(variables: Mapping[str, str]) -> str:
    """Return the directory of the CALDB and the names of eROSITA's index files; '' if $CALDB is not set."""
    directory = variables.get("CALDB", "")
    if not directory:
        return ""
    indices = sorted({path.resolve().name for path in Path(directory).glob("data/erosita/*/caldb.indx*")})
    return " ".join([directory, *indices])
