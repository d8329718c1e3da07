"""Cleaning of eROSITA event files as eSASS's evtool does it: pattern, flag, energy, good time, telescope modules.

Source: eSASS evtool 2.10 and 2.29, 'Description' and 'Input parameters'; docs/evtool.md says what was chosen where
they say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.events.erosita.event_file import ALL_MODULES, ErositaEventFile
from daxa_wf.events.erosita.gti_tables import read_gti_file
from daxa_wf.events.erosita.rewrite import Changes, rewrite
from daxa_wf.events.erosita.telescope_modules import available_modules, instrument_cards, of_modules
from daxa_wf.events.gti import NONE, Intervals, contains, intersection, total

DEFAULT_FLAG = 0xC0000000
"""CORRUPT_EVENT | CORRUPT_FRAME: evtool's default."""
HIGHEST_FLAG = 0xFFFFFFFF
ALL_PATTERNS = 15
KEV = 1000.0
"""PI is in eV, the parameters are in keV."""


@dataclass(frozen=True)
class EvtoolParameters:
    """evtool's parameters, under its names.

    `pattern`: bits 1, 2, 4, 8 for singles, doubles, triples, quadruples (0: not selected by). `flag`: bits of which an
    event may have none, or with `flag_invert` must have one (None: not selected by). `emin`, `emax` in keV, with
    emin <= PI < emax (None: no limit). `gti`: GTI, FLAREGTI or a file. `telid`: telescope modules. `region` and `rawxy`
    are refused.
    """

    pattern: int = ALL_PATTERNS
    flag: int | None = DEFAULT_FLAG
    flag_invert: bool = False
    emin: float | None = 0.2
    emax: float | None = 10.0
    gti: str | Path = "FLAREGTI"
    telid: tuple[int, ...] = ALL_MODULES
    region: str = ""
    rawxy: str = ""

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ConfigError(f"evtool: {problem}")


def _problems(p: EvtoolParameters) -> list[str]:
    low, high = p.emin or 0.0, float("inf") if p.emax is None else p.emax
    checks: dict[str, object] = {
        f"region {p.region!r}: selections by region are not made natively; leave it empty, or use engine esass": p.region,
        f"rawxy {p.rawxy!r}: selections by RAWX and RAWY are not made natively; leave it empty": p.rawxy,
        f"pattern {p.pattern}: allowed are 0 to {ALL_PATTERNS}, the sum of 1, 2, 4, 8": p.pattern & ~ALL_PATTERNS,
        f"flag {p.flag}: allowed are 0 to {HIGHEST_FLAG:#x}": p.flag is not None and not 0 <= p.flag <= HIGHEST_FLAG,
        f"emin {p.emin} keV must be less than emax {p.emax} keV": not low < high,
        f"telid {p.telid}: allowed are 1 to 7": not p.telid or not set(p.telid) <= set(ALL_MODULES),
    }
    return [text for text, wrong in checks.items() if wrong]


@dataclass
class EvtoolResult:
    """What a selection kept; seconds by telescope module; modules left out for want of good time in `warnings`."""

    rows: int
    selected: int
    ontime: dict[int, float]
    livetime: dict[int, float]
    warnings: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class ErositaSelection:
    """What an event must be to be kept: `good` times by telescope module, and the rest in `parameters`."""

    events: ErositaEventFile
    parameters: EvtoolParameters
    good: Mapping[int, Intervals]

    def mask(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """True for each row to keep; shape (rows,)."""
        p = self.parameters
        kept = of_modules(self.good)[rows["TM_NR"]]
        if p.pattern:
            kept &= pattern_mask(self.events.physical(rows, "PAT_TYP"), p.pattern)
        if p.flag is not None:
            kept &= flag_mask(self.events.flags(rows), p.flag, p.flag_invert)
        kept &= energy_mask(rows["PI"], p.emin, p.emax)
        for module, intervals in self.good.items():
            of_module = np.flatnonzero(kept & (rows["TM_NR"] == module))
            kept[of_module] = contains(intervals, rows["TIME"][of_module].astype(float))
        return kept


def pattern_mask(pat_typ: NDArray[Any], pattern: int) -> NDArray[np.bool_]:
    """True where PAT_TYP is 1 to 4 and its bit (1, 2, 4, 8) is in `pattern`; shape (rows,)."""
    kinds = pat_typ.astype(np.int64)
    valid = (kinds >= 1) & (kinds <= 4)
    return valid & ((pattern >> (np.where(valid, kinds, 1) - 1)) & 1).astype(bool)


def flag_mask(flags: NDArray[np.uint32], flag: int, invert: bool = False) -> NDArray[np.bool_]:
    """True where FLAG has none of the bits of `flag`, or with `invert` at least one; shape (rows,)."""
    raised = (flags & np.uint32(flag)) != 0
    return raised if invert else ~raised


def energy_mask(pi: NDArray[Any], emin: float | None, emax: float | None) -> NDArray[np.bool_]:
    """True where emin <= PI < emax, in keV for PI in eV, so that bands side by side share no event; shape (rows,)."""
    energies = pi.astype(np.float64)
    low = -np.inf if emin is None else round(emin * KEV, 6)
    high = np.inf if emax is None else round(emax * KEV, 6)
    return np.asarray((energies >= low) & (energies < high))


def selection_of(events: ErositaEventFile, parameters: EvtoolParameters) -> ErositaSelection:
    """The selection that parameters mean for a file. UnfitDataError `noInstrument` if it has none of the modules.

    ConfigError if `gti` is FLAREGTI and the file has no such table, or is a file without intervals.
    """
    modules = available_modules(events, parameters.telid)
    return ErositaSelection(events, parameters, selected_times(events, parameters.gti, modules))


def selected_times(events: ErositaEventFile, gti: str | Path, modules: tuple[int, ...]) -> dict[int, Intervals]:
    """Good times by telescope module: GTIn, or FLAREGTIn or those of a file within GTIn; none where GTIn is missing."""
    own = events.intervals("GTI")
    if str(gti) == "GTI":
        return {module: own.get(module, NONE) for module in modules}
    if str(gti) == "FLAREGTI":
        chosen = events.intervals("FLAREGTI")
        if not chosen:
            raise ConfigError(f"gti: FLAREGTI: {events.path.name} has no tables FLAREGTIn; run flaregti first")
    else:
        chosen = read_gti_file(Path(gti), modules)
    return {module: intersection(chosen.get(module, NONE), own.get(module, NONE)) for module in modules}


def evtool(events: ErositaEventFile, parameters: EvtoolParameters, output: Path) -> EvtoolResult:
    """Write the events that pass to `output`, in one pass over the list after one over its tables.

    GTIn becomes the good time that was selected; FLAREGTIn, DEADCORn, BADPIXn, CORRATTn, HKnm of the chosen modules
    are carried over. ONTIMEn and LIVETIn are seconds of module n; ONTIME and LIVETIME those of the longest.
    """
    selection = selection_of(events, parameters)
    ontime = {module: total(good) for module, good in selection.good.items()}
    livetime = {module: events.live_time(module, good) for module, good in selection.good.items()}
    written = rewrite(
        events,
        output,
        Changes(
            history=f"evtool: {command_line(parameters)} eventfiles={events.path.name}",
            keep=selection.mask,
            modules=frozenset(selection.good),
            tables={f"GTI{module}": good for module, good in selection.good.items()},
            cards=instrument_cards(selection.good),
            event_cards={**selection_cards(events.header, parameters), **time_cards(ontime, livetime)},
        ),
    )
    return EvtoolResult(written.rows, written.selected, ontime, livetime, without_good_time(selection))


def without_good_time(selection: ErositaSelection) -> list[dict[str, str]]:
    """A warning for each telescope module of which no event can be kept, since none of its time is good."""
    own = selection.events.intervals("GTI")
    texts = {
        module: f"TM{module} has no table GTI{module}" if module not in own else f"TM{module} has no good time"
        for module, good in selection.good.items()
        if len(good) == 0
    }
    return [
        {"task": "evtool", "name": "noGoodTime", "text": f"{text}: its events are left out"} for text in texts.values()
    ]


def command_line(parameters: EvtoolParameters) -> str:
    """The parameters as evtool's command line would have them."""
    p = parameters
    words = [f"gti={p.gti if str(p.gti) in ('GTI', 'FLAREGTI') else Path(p.gti).name}", f"pattern={p.pattern}"]
    words += [] if p.flag is None else [f"flag={p.flag:#x} flag_invert={'yes' if p.flag_invert else 'no'}"]
    words += [f"{name}={value}" for name, value in (("emin", p.emin), ("emax", p.emax)) if value is not None]
    return " ".join([*words, f"telid='{' '.join(str(module) for module in sorted(p.telid))}'"])


def selection_cards(header: Any, parameters: EvtoolParameters) -> dict[str, tuple[Any, str] | None]:
    """FLAGSEL, PAT_SEL, GTI_SEL, NENERGY, EMIN1, EMAX1 as a genuine evtool writes them, with earlier selections in."""
    p = parameters
    cards: dict[str, tuple[Any, str] | None] = {"GTI_SEL": (Path(p.gti).name, "GTI selection")}
    if p.flag is not None and not p.flag_invert:
        flag = p.flag | (int(header.get("FLAGSEL", 0)) & HIGHEST_FLAG)
        cards["FLAGSEL"] = (flag - (flag >> 31 << 32), f"Flag selection: 0x{flag:08X}")
    elif p.flag is not None:
        cards["FLAGINV"] = (p.flag - (p.flag >> 31 << 32), f"Flag selection, inverted: 0x{p.flag:08X}")
    if p.pattern:
        pattern = p.pattern & int(header.get("PAT_SEL", ALL_PATTERNS) or ALL_PATTERNS)
        cards["PAT_SEL"] = (pattern, "Pattern selection (1=s,3=s+d,7=s+d+t)")
    low, high = (float(header[card]) if card in header else None for card in ("EMIN1", "EMAX1"))
    limits = {
        "EMIN1": max((each for each in (p.emin, low) if each is not None), default=None),
        "EMAX1": min((each for each in (p.emax, high) if each is not None), default=None),
    }
    if None not in limits.values():
        cards["NENERGY"] = (1, "Number of energy intervals (0 .. 9)")
        cards |= {card: (value, "[keV] boundary of the energy interval") for card, value in limits.items()}
    return cards


def time_cards(ontime: Mapping[int, float], livetime: Mapping[int, float]) -> dict[str, tuple[Any, str] | None]:
    """ONTIMEn and LIVETIn of each telescope module, ONTIME and LIVETIME of the one with the longest good time."""
    cards: dict[str, tuple[Any, str] | None] = {}
    for key, name, values in (("ONTIME", "ONTIME", ontime), ("LIVETI", "LIVETIME", livetime)):
        cards[name] = (max(values.values()), "[s] of the telescope module with the longest")
        cards |= {f"{key}{module}": (value, f"[s] of TM{module}") for module, value in values.items()}
    return cards
