"""Places on the detector and on the sky at which the expression of a cleaned list lets events pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError, ExpressionError, StepFailedError
from daxa_wf.events.expression import BoundExpression, parse
from daxa_wf.events.expression.passable import columns_of, mixed_columns, part_about, passable
from daxa_wf.events.findings import Finding
from daxa_wf.events.gti import NONE
from daxa_wf.observatories.xmm.native.detector import POSITION_COLUMNS
from daxa_wf.observatories.xmm.native.event_list import EpicEventList


@dataclass(frozen=True)
class SelectedPlaces:
    """The conditions on positions that every event of a list has met; `findings` if they cannot all be applied."""

    conditions: BoundExpression | None
    findings: tuple[Finding, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the position columns by which the list was selected."""
        if self.conditions is None:
            return ()
        named = columns_of(self.conditions, self.conditions.tree)
        return tuple(column for column in POSITION_COLUMNS if column in named)

    def include_ccd(self, ccd: int) -> bool:
        """Return whether events on a CCD can pass."""
        return self.conditions is None or bool(passable(self.conditions, {"CCDNR": np.array([ccd])})[0])

    def include(self, ccd: int, **columns: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return True for each point of a CCD at which events can pass; columns in lower case, of shape (points,)."""
        points = {name.upper(): np.rint(values).astype(np.int32) for name, values in columns.items()}
        size = len(next(iter(points.values())))
        if self.conditions is None:
            return np.ones(size, bool)
        return passable(self.conditions, {**points, "CCDNR": np.full(size, ccd)})


def selected_places(events: EpicEventList) -> SelectedPlaces:
    """Return the places where events of a list can be, by the expression in its SLCTEXPR card.

    Raise StepFailedError `selectionNotInMap` if the expression selects by a region file that cannot be read.
    """
    text = str(events.header.get("SLCTEXPR", "")).strip()
    if not text:
        return SelectedPlaces(None)
    try:
        bound = parse(text).bind(
            events.header, events.column_names, load_gti=lambda _: NONE, attributes=events.ATTRIBUTES
        )
    except ExpressionError as error:
        return SelectedPlaces(None, (_finding(events, f"SLCTEXPR is not understood ({error})"),))
    except ConfigError as error:
        raise StepFailedError(
            "selectionNotInMap", f"{events.path.name} was selected by a region that cannot be applied to a map: {error}"
        ) from error
    part = part_about(bound, POSITION_COLUMNS)
    others = sorted(mixed_columns(bound, POSITION_COLUMNS))
    if part is None or not others:
        return SelectedPlaces(part)
    text = (
        f"which places are selected depends on {', '.join(others)} too: the map has exposure wherever events can pass"
    )
    return SelectedPlaces(part, (_finding(events, text),))


def _finding(events: EpicEventList, text: str) -> Finding:
    return Finding("selectionNotInMap", f"{events.path.name}: {text}")
