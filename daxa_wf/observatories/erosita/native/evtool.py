"""Cleans eROSITA's event lists as eSASS's evtool does: the selected events, in a file whose tables agree with them.

Source: eSASS evtool 2.10 and 2.29, 'Description' and 'Input parameters'; docs/evtool.md lists the choices that they
leave open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_wf.events.findings import Finding
from daxa_wf.events.gti import total
from daxa_wf.events.rewrite import Changes, rewrite
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.region import parse_region
from daxa_wf.observatories.erosita.native.selection import (
    ALL_PATTERNS,
    HIGHEST_FLAG,
    ErositaSelection,
    EvtoolParameters,
    selection_of,
)
from daxa_wf.observatories.erosita.native.telescope_modules import instrument_cards, keeps_modules


@dataclass(frozen=True)
class EvtoolResult:
    """A selection: numbers of events, seconds by telescope module, and findings on modules without good time."""

    rows: int
    selected: int
    ontime: Mapping[int, float]
    livetime: Mapping[int, float]
    findings: tuple[Finding, ...] = ()


def evtool(events: ErositaEventList, parameters: EvtoolParameters, output: Path) -> EvtoolResult:
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
            keep_table=keeps_modules(selection.good),
            tables={f"GTI{module}": good for module, good in selection.good.items()},
            cards=instrument_cards(selection.good),
            event_cards={
                **selection_cards(events.header, parameters),
                **time_cards(ontime, livetime, "EXPOSURE" in events.header),
            },
        ),
    )
    return EvtoolResult(written.rows, written.selected, ontime, livetime, without_good_time(selection))


def without_good_time(selection: ErositaSelection) -> tuple[Finding, ...]:
    """Return a finding for each telescope module whose events are all left out, because none of its time is good."""
    own = selection.events.intervals("GTI")
    texts = {
        module: f"TM{module} has no table GTI{module}" if module not in own else f"TM{module} has no good time"
        for module, good in selection.good.items()
        if len(good) == 0
    }
    return tuple(Finding("noGoodTime", f"{text}: its events are left out") for text in texts.values())


def command_line(parameters: EvtoolParameters) -> str:
    """Return the parameters in the form of evtool's command line."""
    p = parameters
    words = [f"gti={p.gti if str(p.gti) in ('GTI', 'FLAREGTI') else Path(p.gti).name}", f"pattern={p.pattern}"]
    words += [] if p.flag is None else [f"flag={p.flag:#x} flag_invert={'yes' if p.flag_invert else 'no'}"]
    words += [f"{name}={value}" for name, value in (("emin", p.emin), ("emax", p.emax)) if value is not None]
    words += [f"region='{parse_region(p.region)}'"] if p.region else []
    return " ".join([*words, f"telid='{' '.join(str(module) for module in sorted(p.telid))}'"])


def selection_cards(header: Any, parameters: EvtoolParameters) -> dict[str, tuple[Any, str] | None]:
    """Return FLAGSEL, PAT_SEL, GTI_SEL, NENERGY, EMIN1, EMAX1 as a genuine evtool writes them, with earlier selections in."""
    p = parameters
    earlier = [card for card in ("FLAGSEL", "FLAGINV", "PAT_SEL") if card in header]
    cards: dict[str, tuple[Any, str] | None] = {card: (header[card], header.comments[card]) for card in earlier}
    cards["GTI_SEL"] = (Path(p.gti).name, "GTI selection")
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
        "EMIN1": max((edge for edge in (p.emin, low) if edge is not None), default=None),
        "EMAX1": min((edge for edge in (p.emax, high) if edge is not None), default=None),
    }
    if None not in limits.values():
        cards["NENERGY"] = (1, "Number of energy intervals (0 .. 9)")
        cards |= {card: (value, "[keV] boundary of the energy interval") for card, value in limits.items()}
    return cards


def time_cards(
    ontime: Mapping[int, float], livetime: Mapping[int, float], with_exposure: bool = False
) -> dict[str, tuple[Any, str] | None]:
    """Return ONTIMEn and LIVETIn of each telescope module, ONTIME and LIVETIME of the one with the longest good time.

    `with_exposure`: the list has a card EXPOSURE, which becomes LIVETIME.
    """
    cards: dict[str, tuple[Any, str] | None] = {}
    if with_exposure:
        cards["EXPOSURE"] = (max(livetime.values()), "[s] of the telescope module with the longest")
    for key, name, values in (("ONTIME", "ONTIME", ontime), ("LIVETI", "LIVETIME", livetime)):
        cards[name] = (max(values.values()), "[s] of the telescope module with the longest")
        cards |= {f"{key}{module}": (value, f"[s] of TM{module}") for module, value in values.items()}
    return cards
