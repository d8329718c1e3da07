"""Options of a job of each step: its section, and facts from the manifest and about the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Tag

from daxa_wf.config.image_sections import ExposureMaps
from daxa_wf.observatories.erosita.flare_options import (
    BY_METHOD,
    FixedLimits,
    FlaregtiOptions,
    GaussianLimits,
    TelescopeModule,
)
from daxa_wf.observatories.erosita.options import ErositaImagesOptions, EvtoolOptions
from daxa_wf.options import Section

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan


class EngineJob(Section):
    """Options of every job."""

    engine: Literal["native", "esass"]

    @property
    def with_esass(self) -> bool:
        """Return whether eSASS does the step, and not daxa_wf."""
        return self.engine == "esass"


class FlareJob(EngineJob):
    """Options of a job of flaregti that its flare filter does not have."""

    instruments: tuple[TelescopeModule, ...]
    passed_over: tuple[str, ...] = ()
    """Names of local lists that were left aside."""
    problems: tuple[str, ...] = ()
    """Reasons why no local list of the observation can be opened."""


class OptimalLimitJob(FlaregtiOptions, FlareJob):
    """A job of flaregti with the filter `flaregti`."""


class FixedLimitsJob(FixedLimits, FlareJob):
    """A job of flaregti with the filter `threshold`."""


class GaussianLimitsJob(GaussianLimits, FlareJob):
    """A job of flaregti with the filter `gaussian`."""


FlaregtiJob = Annotated[
    Annotated[OptimalLimitJob, Tag("method flaregti")]
    | Annotated[FixedLimitsJob, Tag("method threshold")]
    | Annotated[GaussianLimitsJob, Tag("method gaussian")],
    BY_METHOD,
]
"""A job of flaregti."""


class EvtoolJob(EvtoolOptions, EngineJob):
    """A job of evtool."""


class ImagesJob(ErositaImagesOptions, EngineJob):
    """A job of erosita_images."""


class ExposureMapsJob(ExposureMaps, EngineJob):
    """A job of erosita_exposure_maps."""


def engine(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the engine that does the mission's steps."""
    return {"engine": plan.mission(wildcards.mission).engine.name}


def flares(plan: Plan, wildcards: Any) -> dict[str, Any]:
    """Return the chosen telescope modules, the lists that were left aside, and problems.

    The key `problems` exists only if no list of the observation can be opened.
    """
    rows = plan.rows(wildcards.mission, wildcards.obsid)
    problems = sorted({row.problem for row in rows} - {""})
    return {
        **engine(plan, wildcards),
        **({"problems": problems} if problems else {}),
        "instruments": list(plan.mission(wildcards.mission).instruments),
        "passed_over": sorted({row.passed_over for row in rows} - {""}),
    }
