"""The steps of the workflow, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Per = Literal["observation", "instrument", "exposure"]


@dataclass(frozen=True)
class Step:
    """One step: the unit it acts on, the product kinds it owns, and which earlier steps must be done for it.

    Every record of the steps in `needs`, and at least one of those in `needs_one_of`.
    """

    name: str
    per: Per
    kinds: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()
    description: str = ""


STEPS = {
    step.name: step
    for step in (
        Step("acquire", "observation", description="what is needed of it, fetched and verified"),
        Step(
            "preprocessed",
            "observation",
            ("events", "image", "expmap", "background"),
            needs=("acquire",),
            description="the archive's own products, by our names",
        ),
        Step(
            "inventory",
            "observation",
            needs=("acquire",),
            description="which exposures are here and fit for science",
        ),
        Step(
            "espfilt",
            "exposure",
            ("gti", "lightcurve", "cornerlightcurve", "hist"),
            needs=("inventory",),
            description="good time intervals without soft-proton flares",
        ),
        Step(
            "evselect",
            "exposure",
            ("cleanevents", "cleanootevents"),
            needs=("espfilt",),
            description="events kept by the filters and the GTIs",
        ),
        Step(
            "merge",
            "instrument",
            ("finalevents", "finalootevents"),
            needs_one_of=("evselect",),
            description="one event list an instrument",
        ),
        Step("images", "instrument", ("image",), needs=("merge",), description="counts images in energy bands"),
        Step(
            "exposure_maps",
            "instrument",
            ("expmap",),
            needs=("merge", "images"),
            description="exposure maps in the same bands",
        ),
        Step(
            "flaregti",
            "observation",
            ("events", "lightcurve", "maskimage", "thresholdimage"),
            needs=("acquire",),
            description="times of eROSITA without flares",
        ),
        Step(
            "evtool",
            "observation",
            ("finalevents",),
            needs=("flaregti",),
            description="eROSITA's events kept by the filters and these times",
        ),
        Step(
            "erosita_images",
            "observation",
            ("image",),
            needs=("evtool",),
            description="counts images of eROSITA in energy bands",
        ),
        Step(
            "erosita_exposure_maps",
            "observation",
            ("expmap",),
            needs=("evtool", "erosita_images"),
            description="exposure maps of eROSITA in the same bands",
        ),
        Step("report", "observation", description="the observation's page"),
    )
}

CHAINS = {
    "native": ("inventory", "espfilt", "evselect", "merge", "images", "exposure_maps", "report"),
    "erosita": ("flaregti", "evtool", "erosita_images", "erosita_exposure_maps", "report"),
    "preprocessed": ("preprocessed", "report"),
    "raw": ("report",),
}
"""Engine (or chain of MissionSpec.chains) -> the steps that an observation goes through; downloaded ones begin with `acquire`."""

FINAL = ("merge", "evtool")
"""Steps of which one must be done for an observation to be worth keeping, where it goes through them."""
