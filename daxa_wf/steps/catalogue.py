"""The steps of the workflow, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Per = Literal["observation", "instrument", "exposure"]
Needs = Literal["all", "any", "none"]


@dataclass(frozen=True)
class Step:
    """One step: the unit it acts on, the product kinds it owns, how many of its earlier steps must be done."""

    name: str
    per: Per
    kinds: tuple[str, ...] = ()
    needs: Needs = "all"
    description: str = ""


STEPS = {
    step.name: step
    for step in (
        Step("inventory", "observation", description="which exposures are here and fit for science"),
        Step(
            "espfilt",
            "exposure",
            ("gti", "lightcurve", "cornerlightcurve", "hist"),
            description="good time intervals without soft-proton flares",
        ),
        Step("evselect", "exposure", ("cleanevents",), description="events kept by the filters and the GTIs"),
        Step("merge", "instrument", ("finalevents",), needs="any", description="one event list an instrument"),
        Step("images", "instrument", ("image",), description="counts images in energy bands"),
        Step("exposure_maps", "instrument", ("expmap",), description="exposure maps in the same bands"),
        Step("report", "observation", needs="none", description="the observation's page"),
    )
}
