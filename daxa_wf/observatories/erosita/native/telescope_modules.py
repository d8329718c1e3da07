"""Subsets of telescope modules: the events and the tables of some of the seven, in a new file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, UnfitDataError
from daxa_wf.events.rewrite import Changes, RowCounts, rewrite
from daxa_wf.observatories.erosita.native.event_list import ALL_MODULES, MODULE_TABLE, ErositaEventList

GROUPS = {8: (1, 2, 3, 4, 6), 9: (5, 7)}
"""Digits of file names for groups: 8 with the on-chip filter, 9 without it (eROSITA EDR, 'EventFile naming')."""


def parse_modules(names: Iterable[str | int]) -> tuple[int, ...]:
    """Return telescope modules from `TM1`, `1` or numbers, in order; 8 and 9 are the groups. ConfigError for other names."""
    numbers: set[int] = set()
    for name in names:
        digit = str(name).strip().upper().removeprefix("TM")
        if not digit.isdigit() or int(digit) not in (*ALL_MODULES, *GROUPS):
            raise ConfigError(f"telescope module {name!r}: allowed are TM1 to TM7, TM8 (1,2,3,4,6) and TM9 (5,7)")
        numbers.update(GROUPS.get(int(digit), (int(digit),)))
    return tuple(sorted(numbers))


def available_modules(events: ErositaEventList, requested: Iterable[int]) -> tuple[int, ...]:
    """Return the requested modules that the list has, in order; UnfitDataError `noInstrument` if it lacks them all."""
    in_order = sorted(set(requested))
    available = tuple(module for module in in_order if module in events.observation.modules)
    if not available:
        names = ", ".join(f"TM{module}" for module in in_order)
        has = ", ".join(f"TM{module}" for module in events.observation.modules)
        raise UnfitDataError("noInstrument", f"{events.path.name} has no events of {names}; it has {has}")
    return available


def instrument_cards(modules: Iterable[int]) -> Mapping[str, tuple[Any, str] | None]:
    """Return INSTRUME, NINST and INSTRUMn for a file of these modules; None removes a card."""
    names = [f"TM{module}" for module in sorted(modules)]
    cards: dict[str, tuple[Any, str] | None] = {
        "INSTRUME": (names[0] if len(names) == 1 else "merged", "Instrument"),
        "NINST": (len(names), "Number of merged instruments"),
    }
    for number in ALL_MODULES:
        cards[f"INSTRUM{number}"] = (names[number - 1], "Name of instrument") if number <= len(names) else None
    return cards


def keeps_modules(modules: Iterable[int]) -> Callable[[str], bool]:
    """Return the test of a table's name that keeps the tables of these modules, and tables of no module."""
    chosen = frozenset(modules)

    def keeps(name: str) -> bool:
        match = MODULE_TABLE.fullmatch(name)
        return match is None or int(match["module"]) in chosen

    return keeps


def of_modules(modules: Iterable[int]) -> NDArray[np.bool_]:
    """Return a table of shape (256,): True at each TM_NR of the modules."""
    is_chosen = np.zeros(256, dtype=bool)
    is_chosen[list(modules)] = True
    return is_chosen


def write_subset(event_list: Path, names: Iterable[str], output: Path) -> None:
    """Write the events of the telescope modules `TM1`, `TM2` ... of a list to a file; errors of `select_modules`."""
    select_modules(ErositaEventList.open(event_list), parse_modules(names), output)


def select_modules(events: ErositaEventList, modules: Iterable[int], output: Path) -> RowCounts:
    """Write the events of some telescope modules, with their tables and corrected INSTRUM* and NINST cards.

    Modules that the file lacks are passed over. UnfitDataError `noInstrument` if it lacks them all; ConfigError if
    `output` is the file itself.
    """
    chosen = available_modules(events, modules)
    is_chosen = of_modules(chosen)
    history = f"select_modules: {' '.join(f'TM{module}' for module in chosen)} of {events.path.name}"
    return rewrite(
        events,
        output,
        Changes(
            history=history,
            keep=lambda rows: is_chosen[rows["TM_NR"]],
            keep_table=keeps_modules(chosen),
            cards=instrument_cards(chosen),
        ),
    )
