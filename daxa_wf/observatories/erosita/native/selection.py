"""The selection of evtool: events by pattern, flag, energy, good time and telescope module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.events.gti import NONE, Intervals, contains, intersection
from daxa_wf.observatories.erosita.native.event_list import ALL_MODULES, ErositaEventList
from daxa_wf.observatories.erosita.native.gti_tables import read_gti_file
from daxa_wf.observatories.erosita.native.region import Region, parse_region
from daxa_wf.observatories.erosita.native.telescope_modules import available_modules, of_modules

HIGHEST_FLAG = 0xFFFFFFFF
ALL_PATTERNS = 15
KEV = 1000.0
"""PI is in eV, the parameters are in keV."""


@dataclass(frozen=True)
class EvtoolParameters:
    """evtool's parameters, under its names. Without parameters, every event in good time is selected.

    `pattern`: bits 1, 2, 4, 8 for singles, doubles, triples, quadruples (0: not selected by). `flag`: bits of which an
    event may have none, or with `flag_invert` must have one (None: not selected by). `emin`, `emax` in keV, with
    emin <= PI < emax (None: no limit). `gti`: GTI, FLAREGTI or a file. `telid`: telescope modules. `region`: of the sky,
    as parse_region reads it ('': everywhere). EvtoolOptions.parameters returns those of the configuration.
    """

    pattern: int = 0
    flag: int | None = None
    flag_invert: bool = False
    emin: float | None = None
    emax: float | None = None
    gti: str | Path = "GTI"
    telid: tuple[int, ...] = ALL_MODULES
    region: str = ""

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ConfigError(f"evtool: {problem}")
        if self.region:
            parse_region(self.region)


def _problems(p: EvtoolParameters) -> list[str]:
    low, high = p.emin or 0.0, float("inf") if p.emax is None else p.emax
    checks: dict[str, object] = {
        f"pattern {p.pattern}: allowed are 0 to {ALL_PATTERNS}, the sum of 1, 2, 4, 8": p.pattern & ~ALL_PATTERNS,
        f"flag {p.flag}: allowed are 0 to {HIGHEST_FLAG:#x}": p.flag is not None and not 0 <= p.flag <= HIGHEST_FLAG,
        f"emin {p.emin} keV must be less than emax {p.emax} keV": not low < high,
        f"telid {p.telid}: allowed are 1 to 7": not p.telid or not set(p.telid) <= set(ALL_MODULES),
    }
    return [text for text, wrong in checks.items() if wrong]


@dataclass(frozen=True)
class ErositaSelection:
    """The conditions that kept events meet: `good` times by telescope module, `region` of the sky, and `parameters`."""

    events: ErositaEventList
    parameters: EvtoolParameters
    good: Mapping[int, Intervals]
    region: Region | None = None

    def mask(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Return True for each row to keep; shape (rows,)."""
        p = self.parameters
        kept = of_modules(self.good)[rows["TM_NR"]]
        if p.pattern:
            kept &= pattern_mask(self.events.physical(rows, "PAT_TYP"), p.pattern)
        if p.flag is not None:
            kept &= flag_mask(self.events.flags(rows), p.flag, p.flag_invert)
        kept &= energy_mask(rows["PI"], p.emin, p.emax)
        if self.region is not None:
            kept &= self.region.contains(self.events.physical(rows, "RA"), self.events.physical(rows, "DEC"))
        for module, intervals in self.good.items():
            of_module = np.flatnonzero(kept & (rows["TM_NR"] == module))
            kept[of_module] = contains(intervals, rows["TIME"][of_module].astype(float))
        return kept


def pattern_mask(pat_typ: NDArray[Any], pattern: int) -> NDArray[np.bool_]:
    """Return True where PAT_TYP is 1 to 4 and its bit (1, 2, 4, 8) is in `pattern`; shape (rows,)."""
    kinds = pat_typ.astype(np.int64)
    valid = (kinds >= 1) & (kinds <= 4)
    return valid & ((pattern >> (np.where(valid, kinds, 1) - 1)) & 1).astype(bool)


def flag_mask(flags: NDArray[np.uint32], flag: int, invert: bool = False) -> NDArray[np.bool_]:
    """Return True where FLAG lacks all bits of `flag`, or with `invert` at least one; shape (rows,)."""
    raised = (flags & np.uint32(flag)) != 0
    return raised if invert else ~raised


def energy_mask(pi: NDArray[Any], emin: float | None, emax: float | None) -> NDArray[np.bool_]:
    """Return True where emin <= PI < emax, in keV for PI in eV, so that bands side by side share no event; shape (rows,)."""
    energies = pi.astype(np.float64)
    low = -np.inf if emin is None else round(emin * KEV, 6)
    high = np.inf if emax is None else round(emax * KEV, 6)
    return np.asarray((energies >= low) & (energies < high))


def selection_of(events: ErositaEventList, parameters: EvtoolParameters) -> ErositaSelection:
    """Return the selection of parameters for a list; UnfitDataError `noInstrument` if it lacks all of the modules.

    Raise ConfigError if `gti` is FLAREGTI and the file has no such table, or is a file without intervals; CorruptFileError if
    it is to be selected by region and has no RA or DEC.
    """
    modules = available_modules(events, parameters.telid)
    region = parse_region(parameters.region) if parameters.region else None
    if region is not None and not {"RA", "DEC"} <= set(events.column_names):
        raise CorruptFileError(f"{events.path}[EVENTS] has no columns RA and DEC to select a region by")
    return ErositaSelection(events, parameters, selected_times(events, parameters.gti, modules), region)


def selected_times(events: ErositaEventList, gti: str | Path, modules: tuple[int, ...]) -> dict[int, Intervals]:
    """Return good times by telescope module: GTIn, or FLAREGTIn or a file's within GTIn; empty if GTIn is missing."""
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
