"""The IN/OUT ratio of EPIC exposures, in the regions and bands of Fin_over_Fout (De Luca & Molendi 2004, A&A 419, 837)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.events.expression import BoundExpression
from daxa_wf.events.gti import Intervals, contains
from daxa_wf.events.in_out import InOut, in_out_ratio
from daxa_wf.observatories.xmm.native.event_list import EpicEventList, ExposureIdentity
from daxa_wf.observatories.xmm.native.regions import (
    FIN_FOUT,
    FIN_FOUT_AREA_ERROR,
    FIN_FOUT_AREA_RATIO,
    FIN_FOUT_LOWEST_PI,
)

PN_MODES = ("PrimeFullWindow", "PrimeFullWindowExtended")
"""Modes of pn that read out the whole chips, corners included."""
MOS1_WHOLE_UNTIL = 961
"""Revolution in which MOS1 lost CCD 6; from then on its area ratio is 10 per cent off (Fin_over_Fout 1.1)."""
MOS1_AREA_ERROR = 0.1


def epic_in_out_ratio(inside: int, outside: int, instrument: str, revolution: int = 0) -> InOut:
    """Return the IN/OUT ratio of counts in the regions and bands of Fin_over_Fout, with its error.

    Source: De Luca & Molendi 2004, A&A 419, 837; Fin_over_Fout 1.1. Raise ValueError unless both regions hold counts.
    """
    area, error = FIN_FOUT_AREA_RATIO[instrument], FIN_FOUT_AREA_ERROR[instrument]
    relative = error / area
    if instrument == "M1" and revolution >= MOS1_WHOLE_UNTIL:
        relative = MOS1_AREA_ERROR
    return in_out_ratio(inside, outside, area, relative)


def why_no_in_out(identity: ExposureIdentity) -> str:
    """Return why an exposure has no IN/OUT ratio, '' if it can have one."""
    if identity.instrument == "PN" and identity.submode not in PN_MODES:
        return f"{identity.submode} does not read out the corners"
    return ""


class HardEvents:
    """Collects the times of hard events in the outer field of view and in the corners, in a pass over the list."""

    def __init__(self, events: EpicEventList) -> None:
        self.identity = events.identity
        self.problem = why_no_in_out(self.identity)
        self._times: dict[str, list[NDArray[np.float64]]] = {"fov": [], "corner": []}
        self._bound: dict[str, BoundExpression] = {}
        if not self.problem:
            try:
                self._bound = _bound(events)
            except ConfigError as error:
                self.problem = str(error)

    def add(self, rows: NDArray[Any]) -> None:
        """Take the events of a chunk."""
        if not self._bound:
            return
        hard = rows[rows["PI"] >= FIN_FOUT_LOWEST_PI]
        for name, condition in self._bound.items():
            self._times[name].append(hard["TIME"][condition.mask(hard)].astype(float))

    def ratio(self, gti: Intervals) -> InOut | None:
        """Return the ratio within good times; None, with the reason in `problem`, if it cannot be known."""
        if not self._bound:
            return None
        counts = {name: sum(int(contains(gti, times).sum()) for times in parts) for name, parts in self._times.items()}
        if not (counts["fov"] and counts["corner"]):
            self.problem = "a region holds no hard event"
            return None
        return epic_in_out_ratio(counts["fov"], counts["corner"], self.identity.instrument, self.identity.revolution)


def _bound(events: EpicEventList) -> dict[str, BoundExpression]:
    selection = FIN_FOUT[events.identity.instrument]
    texts = {"fov": selection.fov, "corner": selection.corner}
    return {name: events.bind(f"(PATTERN <= {selection.pattern}) && {text}") for name, text in texts.items()}
