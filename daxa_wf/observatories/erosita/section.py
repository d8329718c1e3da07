"""The section of eROSITA's missions in the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from daxa_wf.config.image_sections import ExposureMaps
from daxa_wf.config.mission_section import MissionSection
from daxa_wf.observatories.erosita.flare_options import AnyFlareOptions, FixedLimits, FlaregtiOptions
from daxa_wf.observatories.erosita.options import ErositaImagesOptions, EvtoolOptions

if TYPE_CHECKING:
    from daxa_wf.config.mission import Mission


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

    def problems(self, mission: Mission, instruments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield options that eSASS does not have, a selection without telescope modules, and modules without a threshold."""
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
