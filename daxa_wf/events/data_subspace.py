"""The data subspace: header cards that state by which columns and values a list was selected (SAS selectlib, dsslib).

Its components are the detectors (CCDs), each with its table of good times. `detector` is the column with their number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daxa_wf.events.expression.restrictions import Restriction

UNITS = {"PI": "CHAN", "TIME": "s"}
PREFIX = re.compile(r"(\d*)DS(TYP|VAL|REF|UNI|FORM)(\d+)")


def gti_references(header: Any, detector: str, number_of: Callable[[int], int] = int) -> dict[int, str]:
    """Return detector -> name of its GTI table, from the components that restrict the detector and TIME.

    `number_of` turns a value of the column into the number of the detector.
    """
    types = {card[5:]: str(header[card]).strip() for card in header if re.fullmatch(r"DSTYP\d+", card)}
    numbers = {kind: [number for number in types if types[number] == kind] for kind in (detector, "TIME")}
    if not all(numbers.values()):
        return {}
    components = sorted(
        {match[1] for card in header if (match := PREFIX.fullmatch(card))}, key=lambda text: int(text or 1)
    )
    gti_tables: dict[int, str] = {}
    for component in components:
        ccds = [str(header.get(f"{component}DSVAL{number}", "")).strip() for number in numbers[detector]]
        tables = [str(header.get(f"{component}DSREF{number}", "")).strip().lstrip(":") for number in numbers["TIME"]]
        # A list that was selected by these columns may have them twice: the component's own value, and that of the selection.
        ccd, table = next(filter(str.isdigit, ccds), ""), next(filter(None, tables), "")
        if ccd and table:
            gti_tables[number_of(int(ccd))] = table
    return gti_tables


def kept_restrictions(header: Any, detector: str) -> list[Restriction]:
    """Return the restrictions of a list in other columns than the detector and TIME, from its first component."""
    numbers = sorted(int(card[5:]) for card in header if re.fullmatch(r"DSTYP\d+", card))
    return [
        Restriction(name, str(header[f"DSVAL{number}"]), str(header.get(f"DSFORM{number}", "")))
        for number in numbers
        if (name := str(header[f"DSTYP{number}"]).strip()) not in (detector, "TIME")
        and f"DSVAL{number}" in header
        and header[f"DSVAL{number}"] != "TABLE"
    ]


def replace_subspace(
    header: Any, detector: str, gti_tables: Mapping[int, str], restrictions: Sequence[Restriction]
) -> None:
    """Write a header's data subspace anew: a component for each detector with its GTI table, and common restrictions.

    Restrictions of the detector and TIME are left out, because the components and their GTI tables hold them.
    """
    for card in {card for card in header if PREFIX.fullmatch(card)}:
        del header[card]
    common = [
        restriction for restriction in dict.fromkeys(restrictions) if restriction.column not in (detector, "TIME")
    ]
    time = len(common) + 2
    for number, name in enumerate([detector, *(restriction.column for restriction in common), "TIME"], start=1):
        header[f"DSTYP{number}"] = (name, "data subspace descriptor: name")
        if name in UNITS:
            header[f"DSUNI{number}"] = (UNITS[name], "data subspace descriptor: units")
    for component, (ccd, table) in enumerate(gti_tables.items(), start=1):
        prefix = "" if component == 1 else str(component)
        header[f"{prefix}DSVAL1"] = (str(ccd), "data subspace descriptor: value")
        if component == 1:
            _write_common(header, common)
            header[f"DSVAL{time}"] = ("TABLE", "data subspace descriptor: value")
        header[f"{prefix}DSREF{time}"] = (f":{table}", "data subspace descriptor: reference")


def _write_common(header: Any, restrictions: Sequence[Restriction]) -> None:
    for number, restriction in enumerate(restrictions, start=2):
        if restriction.form:
            header[f"DSFORM{number}"] = (restriction.form, "data subspace descriptor: data type")
        header[f"DSVAL{number}"] = (restriction.values, "data subspace descriptor: value")
