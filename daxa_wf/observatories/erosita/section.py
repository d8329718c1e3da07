"""The section of eROSITA's missions in the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from daxa_wf.config.image_sections import ExposureMaps
from daxa_wf.config.mission_section import MissionSection
from daxa_wf.observatories.erosita.flare_options import AnyFlareOptions, FixedLimits, FlaregtiOptions
from daxa_wf.observatories.erosita.options import ErositaImagesOptions, EvtoolOptions

if TYPE_CHECKING:
    from daxa_wf.config.mission import Mission


def _three_digits(text: str) -> str:
    if not re.fullmatch(r"[0-9]{3}", text, re.ASCII):
        raise ValueError("expected three digits in quotes, such as '010'")
    return text


class ErositaSection(MissionSection):
    """The processing of eROSITA's observations."""

    engine: Literal["native", "esass", "preprocessed", "raw"] | None = Field(  # type: ignore[assignment]
        None,
        description="native cleans event lists; esass does it with the mission's own software; preprocessed organises what "
        "the data centre made of the data; raw only fetches (default: native)",
    )
    instruments: tuple[str, ...] | None = Field(
        None, min_length=1, description="default: all of TM1 to TM7 (TM8 and TM9 are groups of them)"
    )
    pipeline_version: Annotated[str, AfterValidator(_three_digits)] | None = Field(
        None,
        description="version of eSASS at the data centre that made the downloaded files of eRASS1, in quotes, such as '010' "
        "(default: the newest of each product)",
    )
    flaregti: AnyFlareOptions = FlaregtiOptions()
    evtool: EvtoolOptions = EvtoolOptions()
    images: ErositaImagesOptions = ErositaImagesOptions()
    exposure_maps: ExposureMaps = ExposureMaps()

    step_sections: ClassVar[dict[str, tuple[str, ...]]] = {
        **MissionSection.step_sections,
        "flaregti": ("flaregti",),
        "evtool": ("evtool",),
        "images": ("erosita_images",),
        "exposure_maps": ("erosita_exposure_maps",),
    }

    @property
    def processing_version(self) -> str:
        """Return the version of the data centre's processing to download, or '' for the newest."""
        return self.pipeline_version or ""

    def problems(self, mission: Mission, instruments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield options without effect, a selection without telescope modules, and modules without a threshold."""
        if self.pipeline_version and not mission.spec.has_versions:
            yield "pipeline_version", f"the data centre has one version of {mission.name}; remove it"
        elif self.pipeline_version and not mission.uses_raw_store:
            yield "pipeline_version", "it selects what to download, but 'source.local' downloads nothing; remove it"
        ours = ", ".join(self.flaregti.not_in_esass)
        if mission.engine.name == "esass" and ours:
            yield "flaregti", f"eSASS's flaregti has no {ours}; leave it out, or write engine: native"
        if instruments and self.evtool.modules and not set(self.evtool.modules) & set(instruments):
            yield (
                "evtool.modules",
                f"none of them is among the instruments that are processed: {', '.join(instruments)}",
            )
        lacking = self.flaregti.without_limit(instruments) if isinstance(self.flaregti, FixedLimits) else []
        if lacking:
            yield (
                "flaregti.thresholds",
                f"there is none for {', '.join(lacking)}; name them, or give one 'threshold' for all",
            )
