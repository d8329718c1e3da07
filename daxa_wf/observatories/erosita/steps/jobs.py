"""Options of a job of each step: those of the step's section, and those that follow from the manifest and the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from daxa_wf.config.image_sections import ExposureMaps
from daxa_wf.observatories.erosita.flare_options import FlareFilter, TelescopeModule
from daxa_wf.observatories.erosita.options import ErositaImages, Evtool
from daxa_wf.options import Section

if TYPE_CHECKING:
    from daxa_wf.chain.plan import Plan


class Job(Section):
    """Options of a job; in rules and records those of its section stand beside the other ones."""

    engine: Literal["native", "esass"]

    @property
    def with_esass(self) -> bool:
        """True if eSASS does the step, False if daxa_wf does."""
        return self.engine == "esass"

    @model_validator(mode="before")
    @classmethod
    def _gather_section(cls, values: Any) -> Any:
        """Gather the options of the section, which are all that do not belong to the job itself."""
        if not isinstance(values, Mapping) or "options" in values:
            return values
        own = {name: value for name, value in values.items() if name in cls.model_fields}
        return {**own, "options": {name: value for name, value in values.items() if name not in own}}

    @model_serializer(mode="wrap")
    def _in_one_row(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written = write(self)
        return {**written.pop("options"), **written}


class FlaregtiJob(Job):
    """A job of flaregti: the flare filter, the telescope modules, and what is known of the observation's lists."""

    options: FlareFilter
    instruments: tuple[TelescopeModule, ...]
    passed_over: tuple[str, ...] = ()
    """Names of local lists that were left aside."""
    problems: tuple[str, ...] = ()
    """Reasons why no local list of the observation can be opened."""


class EvtoolJob(Job):
    """A job of evtool."""

    options: Evtool


class ImagesJob(Job):
    """A job of erosita_images."""

    options: ErositaImages


class ExposureMapsJob(Job):
    """A job of erosita_exposure_maps."""

    options: ExposureMaps


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
