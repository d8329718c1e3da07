"""What every FITS product says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import daxa_wf


def describe(header: Any, history: str) -> None:
    """Add CREATOR, DATE and HISTORY cards to an astropy Header."""
    header["CREATOR"] = (f"daxa_wf {daxa_wf.__version__}", "program that made this file")
    header["DATE"] = (datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "creation date (UTC)")
    for line in history.splitlines():
        header.add_history(line)
