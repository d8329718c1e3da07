"""Cards that every FITS product has: its identity, its program, its history."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import Any

import daxa_wf

Card = tuple[str, Any, str]
"""Keyword, value, comment."""

HISTORY_WIDTH = 72
"""Characters of a HISTORY card."""


def repeated_cards(header: Any, names: Iterable[str]) -> list[Card]:
    """Return the named cards that a header has; RADESYS also from RADECSYS, which FITS 4.0 has replaced."""
    cards = []
    for name in names:
        source = "RADECSYS" if name == "RADESYS" and name not in header else name
        if source in header:
            cards.append((name, header[source], header.comments[source]))
    return cards


def describe(header: Any, history: str) -> None:
    """Add CREATOR and HISTORY cards to a header, and RADESYS to one that has RADECSYS only. Remove DATE.

    DATE would differ between runs that make the same file; the record holds the time. RADECSYS stays in event lists,
    because the observatories' own software looks for it there.
    """
    if "RADECSYS" in header and "RADESYS" not in header:
        header.insert_after("RADECSYS", "RADESYS", header["RADECSYS"], "system of sky coordinates")
    header["CREATOR"] = (f"daxa_wf {daxa_wf.__version__}", "program that made this file")
    if "DATE" in header:
        del header["DATE"]
    for line in history.encode("ascii", "replace").decode("ascii").splitlines():
        for part in wrap(line, HISTORY_WIDTH, break_on_hyphens=False):
            header.add_history(part)
