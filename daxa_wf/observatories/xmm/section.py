"""The sections of the configuration for XMM-Newton: a mission, and the toolkit SAS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from daxa_wf.config.mission_section import MissionSection
from daxa_wf.config.toolkit import Toolkit
from daxa_wf.observatories.xmm.flare_options import EspfiltOptions, HistogramOptions
from daxa_wf.observatories.xmm.options import (
    CifbuildOptions,
    EmanomOptions,
    EvselectOptions,
    ExposureMapsOptions,
    ImagesOptions,
    MergeOptions,
)
from daxa_wf.observatories.xmm.sas.methods import METHODS
from daxa_wf.options import Directory

if TYPE_CHECKING:
    from daxa_wf.config.mission import Mission

BY_ENGINE = ("espfilt", "evselect", "merge", "images", "exposure_maps")
"""Steps that more than one engine can do."""


class XmmSection(MissionSection):
    """The processing of XMM-Newton's observations."""

    engine: Literal["native", "sas", "preprocessed", "raw"] | None = Field(  # type: ignore[assignment]
        None,
        description="native cleans event lists; sas does it with the mission's own software, from raw data; preprocessed "
        "organises what the data centre made of the data; raw only fetches (default: native)",
    )
    instruments: tuple[str, ...] | None = Field(
        None, min_length=1, description="default: PN, M1 and M2 (engine sas can do R1 and R2)"
    )
    cifbuild: CifbuildOptions = CifbuildOptions()
    emanom: EmanomOptions = EmanomOptions()
    espfilt: EspfiltOptions = HistogramOptions()
    evselect: EvselectOptions = EvselectOptions()
    merge: MergeOptions = MergeOptions()
    images: ImagesOptions = ImagesOptions()
    exposure_maps: ExposureMapsOptions = ExposureMapsOptions()

    step_sections: ClassVar[dict[str, tuple[str, ...]]] = {
        **MissionSection.step_sections,
        **{name: (name,) for name in ("cifbuild", *BY_ENGINE)},
        "emanom": ("emanom", "anomalous_ccds"),
    }

    @model_validator(mode="before")
    @classmethod
    def _espfilt_of_the_engine(cls, values: Any) -> Any:
        """Let the mission's engine choose the options of espfilt, unless its section names another engine."""
        espfilt = values.get("espfilt", {}) if isinstance(values, dict) and values.get("engine") == "sas" else None
        return {**values, "espfilt": {"engine": "sas", **espfilt}} if isinstance(espfilt, dict) else values

    def problems(self, mission: Mission, instruments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield what the engines of the mission and of its steps ask of each other."""
        del instruments
        for step in BY_ENGINE:
            if mission.engine.name != "sas" and mission.step_engine(step) == "sas":
                yield f"{step}.engine", "sas needs what SAS made of raw data: write engine: sas for the mission"
        if mission.step_engine("espfilt") == "sas" and self.espfilt.method not in METHODS:
            method = self.espfilt.method
            yield "espfilt.method", f"SAS has {', '.join(METHODS)}; for {method} write engine: native there"


class SasToolkit(Toolkit):
    """Access to the tasks of SAS (default: the current shell)."""

    ccf_path: tuple[Directory, ...] = Field(
        (), description="directories of XMM-Newton's calibration files (SAS_CCFPATH)"
    )

    def started_in(self, directory: Path) -> Self:
        """Return the section with its directories, and with the calibration files as tasks and containers see them."""
        section = super().started_in(directory)
        places = tuple(directory / place for place in self.ccf_path)
        variables = {"SAS_CCFPATH": ":".join(map(str, places))} if places else {}
        changed = {"ccf_path": (), "binds": (*section.binds, *places), "variables": {**self.variables, **variables}}
        return section.model_copy(update=changed)
