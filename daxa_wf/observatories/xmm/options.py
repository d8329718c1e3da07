"""Options of XMM-Newton's steps: one model from the configuration to the algorithm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from daxa_wf.config.image_sections import ExposureMaps as ExposureMapsSection
from daxa_wf.config.image_sections import Images as ImagesSection
from daxa_wf.config.mission_section import MissionSection
from daxa_wf.config.toolkit import Toolkit
from daxa_wf.errors import ExpressionError
from daxa_wf.observatories.xmm.sas.methods import METHODS
from daxa_wf.options import Directory, KiloElectronVolt, Seconds, Section, increasing

if TYPE_CHECKING:
    from daxa_wf.config.mission import Mission

FlareFilterName = Literal["esas20", "esas19", "threshold", "sn_optimal", "ratio"]
StepEngine = Literal["native", "sas"]
CcdState = Literal["G", "I", "B", "O", "U"]
BY_ENGINE = ("espfilt", "evselect", "merge", "images", "exposure_maps")
"""Steps that more than one engine can do."""


def _epic_limits(value: object) -> object:
    """Limits by instrument from names in any case, 'mos' for both MOS."""
    if not isinstance(value, dict):
        return value
    found: dict[str, object] = {}
    for key, limit in value.items():
        for name in ("M1", "M2") if str(key).upper() == "MOS" else (str(key).upper(),):
            if name in found:
                raise ValueError(f"there is more than one limit for {name}")
            found[name] = limit
    return found


def _in_lower_case(value: object) -> object:
    if not isinstance(value, dict):
        return value
    if len({str(key).lower() for key in value}) < len(value):
        raise ValueError("the same instrument is there twice")
    return {str(key).lower(): scale for key, scale in value.items()}


def _checked_expression(text: str) -> str:
    from daxa_wf.events.expression import check_expression
    from daxa_wf.observatories.xmm.native.expressions import EPIC_KINDS

    try:
        check_expression(text, EPIC_KINDS)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


def _within(name: str, value: float | bool, low: float, high: float) -> None:
    if not isinstance(value, bool) and not low <= value <= high:
        raise ValueError(f"{name} = {value:g} s must lie within {low:g} and {high:g} s")


EpicLimits = Annotated[
    dict[Literal["PN", "M1", "M2"], Annotated[float, Field(ge=0)]],
    Field(min_length=1),
    BeforeValidator(_epic_limits),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "number", "minimum": 0}, "minProperties": 1}),
]
EpicExpression = Annotated[str, AfterValidator(_checked_expression)]


class ByEngine(Section):
    """A step that more than one engine can do."""

    engine: StepEngine | None = Field(None, description="what does this step (default: the mission's engine)")


class RangeScale(Section):
    """Scale of the range around the histogram's peak that is fitted; instruments in any case."""

    pn: float = Field(15.0, gt=0)
    mos: float = Field(6.0, gt=0)


class Espfilt(ByEngine):
    """Flare filtering, with the names and defaults of DAXA's `espfilt`."""

    method: FlareFilterName = Field("esas20", description="the flare filter; docs/flare_filters.md has them all")
    with_smoothing: Seconds | bool = Field(51.0, description="smooth the 1-s light curve: true (51 s), false or a time")
    with_binning: Seconds | bool = Field(60.0, description="bin the light curve: true (60 s), false or a time")
    ratio: float = Field(1.2, gt=0, description="limit of the method 'ratio'")
    filter_lo_en: KiloElectronVolt = Field(2.5, description="lower edge of the light curve's band")
    filter_hi_en: KiloElectronVolt = Field(8.5, description="upper edge of the light curve's band")
    range_scale: Annotated[RangeScale, BeforeValidator(_in_lower_case)] = RangeScale()
    allowed_sigma: float = Field(3.0, gt=0, description="half width of the accepted band, in sigma of the fit")
    gauss_fit_lims: tuple[float, float] = Field((0.1, 6.5), description="range of the histogram, count/s")
    threshold: EpicLimits | None = Field(
        None,
        description="limits in count/s of the method 'threshold' by instrument, PN, M1, M2 or MOS for both, in any case; "
        "its own defaults if not given",
    )

    @model_validator(mode="after")
    def _ranges(self) -> Espfilt:
        increasing("filter_lo_en", self.filter_lo_en, "filter_hi_en", self.filter_hi_en)
        low, high = self.gauss_fit_lims
        increasing("gauss_fit_lims[0]", low, "gauss_fit_lims[1]", high)
        if not 0 <= low < high <= 10:
            raise ValueError(f"gauss_fit_lims = {[low, high]} must lie within 0 and 10 count/s")
        if self.filter_lo_en < 0.001 or self.filter_hi_en > 32.767:
            raise ValueError("filter_lo_en and filter_hi_en must lie within 0.001 and 32.767 keV")
        _within("with_smoothing", self.with_smoothing, 1, 60)
        _within("with_binning", self.with_binning, 1, 1e5)
        return self


class Evselect(ByEngine):
    """Cleaning of event lists, with the names and defaults of DAXA's `cleaned_evt_lists`."""

    pn_filt_expr: EpicExpression = "#XMMEA_EP && (PATTERN <= 4) && (FLAG .eq. 0)"
    mos_filt_expr: EpicExpression = "#XMMEA_EM && (PATTERN <= 12) && (FLAG .eq. 0)"
    lo_en: KiloElectronVolt | None = Field(None, description="keep events above this energy only")
    hi_en: KiloElectronVolt | None = Field(None, description="keep events below this energy only")

    @model_validator(mode="after")
    def _both_energies(self) -> Evselect:
        if (self.lo_en is None) != (self.hi_en is None):
            raise ValueError("give both lo_en and hi_en, or neither")
        if self.lo_en is not None and self.hi_en is not None:
            increasing("lo_en", self.lo_en, "hi_en", self.hi_en)
        return self


class Cifbuild(Section):
    """SAS cifbuild: which calibration is used."""

    analysis_date: date | None = Field(None, description="calibration as of this day (default: the day of the run)")


class Emanom(Section):
    """SAS emanom: CCDs of MOS with too much noise at low energies, and whether they are left out."""

    run: bool = Field(False, description="run it, and keep only CCDs that are in an acceptable state")
    acceptable_states: tuple[CcdState, ...] = Field(
        ("G", "I", "U"),
        min_length=1,
        description="good, intermediate, bad, off, undetermined; a CCD it does not judge is kept",
    )


class Merge(ByEngine):
    """Merging the cleaned exposures of an instrument."""


class Images(ImagesSection, ByEngine):
    """Counts images, and the bands and pixels of exposure maps."""


class ExposureMaps(ExposureMapsSection, ByEngine):
    """How exposure maps are weighted."""


FLARE_OPTIONS = {
    "with_smoothing": ("esas20",),
    "with_binning": ("esas20", "esas19", "sn_optimal", "ratio"),
    "ratio": ("ratio",),
    "filter_lo_en": ("esas20", "esas19", "sn_optimal"),
    "filter_hi_en": ("esas20", "esas19", "sn_optimal"),
    "range_scale": ("esas20",),
    "allowed_sigma": ("esas20",),
    "gauss_fit_lims": ("esas20",),
    "threshold": ("threshold",),
}
"""Option of a flare filter -> the methods that heed it, where not all do (docs/flare_filters.md).

SAS's espfilt is told all but the threshold, whichever the method.
"""


class XmmSection(MissionSection):
    """What to do with the observations of XMM-Newton."""

    engine: Literal["native", "sas", "preprocessed", "raw"] | None = Field(  # type: ignore[assignment]
        None,
        description="native cleans event lists; sas does it with the mission's own software, from raw data; preprocessed "
        "organises what the data centre made of the data; raw only fetches (default: native)",
    )
    instruments: tuple[str, ...] | None = Field(
        None, min_length=1, description="default: PN, M1 and M2 (engine sas can do R1 and R2)"
    )
    cifbuild: Cifbuild = Cifbuild()
    emanom: Emanom = Emanom()
    espfilt: Espfilt = Espfilt()
    evselect: Evselect = Evselect()
    merge: Merge = Merge()
    images: Images = Images()
    exposure_maps: ExposureMaps = ExposureMaps()

    step_sections: ClassVar[dict[str, tuple[str, ...]]] = {
        **MissionSection.step_sections,
        **{name: (name,) for name in ("cifbuild", "emanom", *BY_ENGINE)},
    }

    def problems(self, mission: Mission, instruments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield what the engines of the mission and of its steps ask of each other, and of the options."""
        del instruments
        for step in BY_ENGINE:
            if mission.engine.name != "sas" and mission.step_engine(step) == "sas":
                yield f"{step}.engine", "sas needs what SAS made of raw data: write engine: sas for the mission"
        yield from self._flare_options(mission.step_engine("espfilt") == "sas")

    def _flare_options(self, with_sas: bool) -> Iterator[tuple[str, str]]:
        """Yield options of a flare filter that is not the chosen one, and a filter that SAS does not have."""
        method = self.espfilt.method
        if with_sas and method not in METHODS:
            yield "espfilt.method", f"SAS has {', '.join(METHODS)}; for {method} write engine: native there"
            return
        for option, methods in FLARE_OPTIONS.items():
            if with_sas and option not in ("ratio", "threshold"):
                continue
            if option in self.espfilt.model_fields_set and method not in methods:
                yield (
                    f"espfilt.{option}",
                    f"the flare filter {method!r} does not heed it; leave it out, or write method: {' or '.join(methods)}",
                )


class SasToolkit(Toolkit):
    """Where the tasks of SAS are; with nothing given, in the current shell."""

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
