"""The steps of the workflow, as a table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Literal

from daxa_wf.units import Unit

Per = Literal["observation", "instrument", "exposure"]
MOS = ("M1", "M2")
EPIC = ("PN", *MOS)
RGS = ("R1", "R2")
NO_INSTRUMENT = ""


@dataclass(frozen=True)
class Step:
    """One step: the unit it acts on, the product kinds it owns, and which earlier steps must be done for it.

    Every record of the steps in `needs`, and at least one of those in `needs_one_of`. `instruments`: only their units
    go through it; all if none is named. `sas_tasks`: what it calls of SAS if that does it.
    """

    name: str
    per: Per
    kinds: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    sas_tasks: tuple[str, ...] = ()
    description: str = ""

    def applies_to(self, instrument: str) -> bool:
        """True if units of the instrument ('' for whole observations) go through this step."""
        return self.per == "observation" or not self.instruments or instrument in self.instruments

    def unit_of(self, mission: str, obsid: str, instrument: str, exposure: str) -> Unit:
        """Return the unit that the step acts on, of which an exposure is a part."""
        parts = {"observation": (), "instrument": (instrument,), "exposure": (instrument, exposure)}
        return Unit(mission, obsid, *parts[self.per])


STEPS = {
    step.name: step
    for step in (
        Step("acquire", "observation", description="what is needed of it, fetched and verified"),
        Step(
            "preprocessed",
            "observation",
            # `events` and `background` are names of earlier releases, removed when the step runs again.
            ("finalevents", "image", "expmap", "backmap", "events", "background"),
            needs=("acquire",),
            description="the archive's own products, by our names",
        ),
        Step(
            "cifbuild",
            "observation",
            ("cif",),
            needs=("acquire",),
            sas_tasks=("cifbuild",),
            description="the calibration files for its date",
        ),
        Step(
            "odfingest",
            "observation",
            ("summary",),
            needs=("acquire", "cifbuild"),
            sas_tasks=("odfingest",),
            description="the summary of its raw data",
        ),
        Step(
            "inventory",
            "observation",
            needs=("acquire", "odfingest"),
            description="which exposures are here and fit for science",
        ),
        Step(
            "epchain",
            "exposure",
            ("events", "ootevents", "attitude"),
            needs=("inventory",),
            instruments=("PN",),
            sas_tasks=("epchain",),
            description="calibrated events of pn, and its out-of-time list",
        ),
        Step(
            "emchain",
            "exposure",
            ("events", "attitude"),
            needs=("inventory",),
            instruments=MOS,
            sas_tasks=("emchain",),
            description="calibrated events of a MOS",
        ),
        Step(
            "emanom",
            "exposure",
            ("anomalies",),
            needs=("emchain",),
            instruments=MOS,
            sas_tasks=("emanom",),
            description="CCDs of a MOS in an anomalous state",
        ),
        Step(
            "espfilt",
            "exposure",
            ("gti", "lightcurve", "cornerlightcurve", "hist"),
            needs=("inventory", "epchain", "emchain"),
            instruments=EPIC,
            sas_tasks=("espfilt",),
            description="good time intervals without soft-proton flares",
        ),
        Step(
            "evselect",
            "exposure",
            ("cleanevents", "cleanootevents"),
            needs=("espfilt", "emanom"),
            instruments=EPIC,
            sas_tasks=("evselect",),
            description="events kept by the filters and the GTIs",
        ),
        Step(
            "merge",
            "instrument",
            ("finalevents", "finalootevents"),
            needs_one_of=("evselect",),
            instruments=EPIC,
            sas_tasks=("merge",),
            description="one event list an instrument",
        ),
        Step(
            "images",
            "instrument",
            ("image",),
            needs=("merge",),
            instruments=EPIC,
            sas_tasks=("evselect",),
            description="counts images in energy bands",
        ),
        Step(
            "exposure_maps",
            "instrument",
            ("expmap",),
            needs=("merge", "images"),
            instruments=EPIC,
            sas_tasks=("eexpmap", "atthkgen"),
            description="exposure maps in the same bands",
        ),
        Step(
            "rgs_events",
            "exposure",
            needs=("inventory",),
            instruments=RGS,
            sas_tasks=("rgsproc",),
            description="calibrated events of an RGS",
        ),
        Step(
            "rgs_angles",
            "exposure",
            needs=("rgs_events",),
            instruments=RGS,
            sas_tasks=("rgsproc",),
            description="their dispersion angles",
        ),
        Step(
            "rgs_filter",
            "exposure",
            ("finalevents",),
            needs=("rgs_angles",),
            instruments=RGS,
            sas_tasks=("rgsproc",),
            description="events of an RGS that are kept",
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
    "sas": (
        "cifbuild", "odfingest", "inventory", "epchain", "emchain", "emanom", "espfilt", "evselect", "merge", "images",
        "exposure_maps", "rgs_events", "rgs_angles", "rgs_filter", "report",
    ),
    "erosita": ("flaregti", "evtool", "erosita_images", "erosita_exposure_maps", "report"),
    "preprocessed": ("preprocessed", "report"),
    "raw": ("report",),
}  # fmt: skip
"""Engine (or chain of MissionSpec.chains) -> the steps that an observation goes through; downloaded ones begin with `acquire`."""

OPTIONAL = ("emanom",)
"""Steps that are done only where their section of the configuration says `run: true`."""

FINAL = ("merge", "rgs_filter", "evtool")
"""Steps of which one must be done for an observation to be worth keeping, where it goes through them."""


def processed_instruments(engine: str) -> tuple[str, ...]:
    """The instruments that a chain's steps act on; () if that does not depend on the instrument."""
    named = [each for name in CHAINS[engine] for each in STEPS[name].instruments]
    return tuple(dict.fromkeys(named))


def steps_for(engine: str, instruments: Collection[str], optional: Collection[str] = ()) -> tuple[str, ...]:
    """The steps of a chain that units of the instruments go through; of the optional ones those that are named."""
    chain = (STEPS[name] for name in CHAINS[engine] if name not in OPTIONAL or name in optional)
    return tuple(step.name for step in chain if any(step.applies_to(each) for each in (*instruments, NO_INSTRUMENT)))


@cache
def earlier_steps(step: str) -> frozenset[str]:
    """The steps that a step needs, and those that these need."""
    direct = frozenset((*STEPS[step].needs, *STEPS[step].needs_one_of))
    return direct.union(*(earlier_steps(name) for name in direct))


XMM_STEPS = frozenset(each for chain in ("native", "sas") for each in CHAINS[chain]) - {"report"}
EROSITA_STEPS = frozenset(CHAINS["erosita"]) - {"report"}


def module_of(step: str) -> str:
    """Return the module whose function `run` does a step."""
    if step == "report":
        return "daxa_wf.report.step"
    for steps, package in ((XMM_STEPS, "xmm"), (EROSITA_STEPS, "erosita")):
        if step in steps:
            return f"daxa_wf.observatories.{package}.steps.{step}"
    return f"daxa_wf.chain.{step}"
