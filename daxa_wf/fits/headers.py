"""Cards that every FITS product has: its identity, its program, its history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any

import daxa_wf

Card = tuple[str, Any, str]
"""Keyword, value, comment."""

HISTORY_WIDTH = 72
"""Characters of a HISTORY card."""


def repeated_cards(header: Any, names: Iterable[str]) -> list[Card]:
    """Return the named cards that a header has; RADESYS also from RADECSYS, which FITS 4.0 has replaced."""
    found = []
    for name in names:
        source = "RADECSYS" if name == "RADESYS" and name not in header else name
        if source in header:
            found.append((name, header[source], header.comments[source]))
    return found


def describe(header: Any, history: str) -> None:
    """Add CREATOR, DATE and HISTORY cards to a header, and RADESYS to one that has RADECSYS only.

    RADECSYS stays in event lists, because the observatories' own software looks for it there.
    """
    if "RADECSYS" in header and "RADESYS" not in header:
        header.insert_after("RADECSYS", "RADESYS", header["RADECSYS"], "system of sky coordinates")
    header["CREATOR"] = (f"daxa_wf {daxa_wf.__version__}", "program that made this file")
    header["DATE"] = (datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "creation date (UTC)")
    for line in history.encode("ascii", "replace").decode("ascii").splitlines():
        for part in wrap(line, HISTORY_WIDTH, break_on_hyphens=False):
            header.add_history(part)
