"""The data subspace: header cards in which SAS says what a list was selected by (SAS selectlib, dsslib)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

PREFIX = re.compile(r"(\d*)DS(TYP|VAL|REF|UNI|FORM)(\d+)")


def gti_references(header: Any) -> dict[int, str]:
    """CCD -> name of its GTI table, from the components that restrict CCDNR and TIME."""
    types = {card[5:]: str(header[card]).strip() for card in header if re.fullmatch(r"DSTYP\d+", card)}
    numbers = {kind: number for number, kind in types.items() if kind in ("CCDNR", "TIME")}
    if len(numbers) < 2:
        return {}
    components = sorted({match[1] for card in header if (match := PREFIX.fullmatch(card))}, key=lambda text: int(text or 1))
    found: dict[int, str] = {}
    for component in components:
        ccd = str(header.get(f"{component}DSVAL{numbers['CCDNR']}", "")).strip()
        table = str(header.get(f"{component}DSREF{numbers['TIME']}", "")).strip().lstrip(":")
        if ccd.isdigit() and table:
            found[int(ccd) % 10 if int(ccd) > 12 else int(ccd)] = table
    return found


def subspace_cards(
    ccds: Sequence[int], gti_tables: Mapping[int, str], ranges: Mapping[str, str], units: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Cards (key, value, comment) of a subspace with one component a CCD: its number, its GTI table, common ranges."""
    entries = [("CCDNR", "", ""), ("TIME", "TABLE", "s"), *((name, text, units.get(name, "")) for name, text in ranges.items())]
    cards: list[tuple[str, str, str]] = []
    for number, (name, _, unit) in enumerate(entries, start=1):
        cards.append((f"DSTYP{number}", name, "data subspace descriptor: name"))
        if unit:
            cards.append((f"DSUNI{number}", unit, "data subspace descriptor: units"))
    for component, ccd in enumerate(ccds, start=1):
        prefix = "" if component == 1 else str(component)
        cards.append((f"{prefix}DSVAL1", str(ccd), "data subspace descriptor: value"))
        if component == 1:
            for number, (_, text, _) in enumerate(entries[1:], start=2):
                cards.append((f"DSVAL{number}", text, "data subspace descriptor: value"))
        cards.append((f"{prefix}DSREF2", f":{gti_tables[ccd]}", "data subspace descriptor: reference"))
    return cards


def is_subspace_card(card: str) -> bool:
    """True for a card of the data subspace."""
    return PREFIX.fullmatch(card) is not None
