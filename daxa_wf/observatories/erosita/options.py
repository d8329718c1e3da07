"""Options of eROSITA's steps: one model from the configuration to the algorithm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from daxa_wf.config.image_sections import EnergyRange, ExposureMaps, Images
from daxa_wf.config.mission_section import MissionSection
from daxa_wf.errors import ConfigError
from daxa_wf.options import ArcSeconds, KiloElectronVolt, PlainArcMinutes, PlainArcSeconds, Seconds, Section

if TYPE_CHECKING:
    from daxa_wf.config.mission import Mission

TelescopeModule = Literal["TM1", "TM2", "TM3", "TM4", "TM5", "TM6", "TM7"]


def _checked_region(text: str) -> str:
    from daxa_wf.observatories.erosita.native.region import parse_region

    try:
        return str(parse_region(text)) if text else ""
    except ConfigError as error:
        raise ValueError(str(error)) from None


SkyRegion = Annotated[str, AfterValidator(_checked_region)]


def _bits(value: object) -> object:
    try:
        return int(value, 0) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{value!r} is not a whole number, such as 0xC0000000") from None


FlagMask = Annotated[int, BeforeValidator(_bits)]


OWN_BANDS = {"threshold": ("6 keV", "10 keV"), "gaussian": ("5 keV", "10 keV")}
"""Default bands of the light curve for methods that eSASS lacks (docs/flaregti.md)."""


NATIVE_ONLY = ("method", "thresholds", "sigma", "edge_like")
"""Options of flaregti that eSASS lacks."""


class Flaregti(Section):
    """eSASS flaregti: flare-free times, with the names and defaults of DAXA's `flaregti`."""

    gtitype: Literal["GTI", "FLAREGTI"] = Field(
        "GTI", description="tables of good time to start from; FLAREGTI: the flare-free times in the raw list"
    )
    pimin: KiloElectronVolt = Field(0.2, description="lower edge of the light curve's band")
    pimax: KiloElectronVolt = Field(10.0, description="upper edge of the light curve's band")
    mask_pimin: KiloElectronVolt = Field(0.2, description="lower edge of the band in which sources are masked")
    mask_pimax: KiloElectronVolt = Field(10.0, description="upper edge of the band in which sources are masked")
    xmin: int = Field(-108000, description="edge of the analysed area, in sky pixels of 0.05 arcsec")
    xmax: int = 108000
    ymin: int = -108000
    ymax: int = 108000
    gridsize: int = Field(18, ge=1, description="regions along each axis, each with its own threshold")
    binsize: int = Field(1200, ge=1, description="pixels of the mask, in sky pixels")
    detml: float = Field(10, gt=0, description="smallest likelihood of a masked pixel")
    timebin: Seconds = Field(20.0, gt=0, description="bins of the light curve")
    source_size: PlainArcSeconds = Field(
        25, gt=0, description="diameter in arcsec, or with a unit, of the source to detect"
    )
    source_like: float = Field(10, gt=0, description="likelihood of its detection")
    fov_radius: PlainArcMinutes = Field(30, gt=0, description="radius of the field of view in arcmin, or with a unit")
    threshold: float = Field(-1, description="limit in count/s/deg2; negative: computed for each region")
    max_threshold: float = Field(-1, description="largest limit; negative: none")
    mask_iter: int = Field(3, ge=1, description="number of iterations for mask and limits")
    method: Literal["flaregti", "threshold", "gaussian"] = Field(
        "flaregti",
        description="method to find flares; all but the first are native only, with their own bands (docs/flaregti.md)",
    )
    thresholds: dict[TelescopeModule, float] = Field(
        default_factory=dict, description="limits in count/s/deg2 of the method 'threshold', by telescope module"
    )
    sigma: float = Field(
        3.0, gt=0, description="limit of the method 'gaussian', standard deviations above the flare-free rate"
    )
    edge_like: float = Field(-1, description="smallest likelihood of excluded bins beside a flare; negative: none")

    @property
    def native_only(self) -> list[str]:
        """Return the given options that eSASS's flaregti lacks."""
        defaults = {name: Flaregti.model_fields[name].get_default(call_default_factory=True) for name in NATIVE_ONLY}
        return [name for name, usual in defaults.items() if getattr(self, name) != usual]

    @model_validator(mode="before")
    @classmethod
    def _band_of_the_method(cls, values: Any) -> Any:
        own = OWN_BANDS.get(str(values.get("method"))) if isinstance(values, dict) else None
        return values if own is None else {"pimin": own[0], "pimax": own[1], **values}

    @model_validator(mode="after")
    def _ordered(self) -> Flaregti:
        for low, high in (("pimin", "pimax"), ("mask_pimin", "mask_pimax"), ("xmin", "xmax"), ("ymin", "ymax")):
            if not getattr(self, low) < getattr(self, high):
                raise ValueError(f"{low} = {getattr(self, low)} must be below {high} = {getattr(self, high)}")
        if self.method == "threshold" and self.threshold < 0 and not self.thresholds:
            raise ValueError("method: threshold needs 'thresholds' by telescope module, or one 'threshold' for all")
        return self


class Evtool(Section):
    """eSASS evtool: the kept events, with the defaults of DAXA's `cleaned_evt_lists`; `flagged` replaces `flag_invert`."""

    lo_en: KiloElectronVolt = Field(0.2, ge=0.2, le=10.0, description="keep events above this energy")
    hi_en: KiloElectronVolt = Field(10.0, ge=0.2, le=10.0, description="keep events below this energy")
    pattern: int = Field(15, ge=1, le=15, description="sum of 1 (singles), 2 (doubles), 4 (triples), 8 (quadruples)")
    flag: FlagMask = Field(
        0xC0000000, ge=0, le=0xFFFFFFFF, description="an event with any of these bits is flagged (0xC0000000: corrupt)"
    )
    flagged: Literal["drop", "only"] = Field(
        "drop", description="drop the flagged events, or keep only them; replaces 'flag_invert'"
    )
    gti: Literal["FLAREGTI", "GTI"] = Field(
        "FLAREGTI", description="good times: FLAREGTI without flares, or GTI with flares"
    )
    modules: tuple[TelescopeModule, ...] = Field((), description="only these telescope modules; default: all")
    region: SkyRegion = Field(
        "",
        description="only this part of the sky, as in 'fk5; circle(133.237, 5.461, 0.1)'; default: all (docs/evtool.md)",
    )

    @model_validator(mode="before")
    @classmethod
    def _flag_invert_is_ambiguous(cls, values: Any) -> Any:
        if isinstance(values, dict) and "flag_invert" in values:
            raise ValueError(
                "flag_invert means opposite things: true drops the flagged events in DAXA (its default) and keeps only "
                "them in eSASS. Remove it, and write 'flagged: drop' (the default) or 'flagged: only'"
            )
        return values

    @model_validator(mode="after")
    def _ordered(self) -> Evtool:
        if not self.lo_en < self.hi_en:
            raise ValueError(f"lo_en = {self.lo_en} must be below hi_en = {self.hi_en}")
        return self


BANDS = tuple(
    EnergyRange(lo_en=f"{low} keV", hi_en=f"{high} keV") for low, high in ((0.2, 2.3), (2.3, 5.0), (5.0, 8.0))
)
"""The bands of eRASS1 (Merloni et al. 2024, A&A 682, A34)."""


class ErositaImages(Images):
    """Counts images, and the bands and pixels of exposure maps; the defaults are those of eRASS1."""

    bands: tuple[EnergyRange, ...] = Field(BANDS, min_length=1, description="energy bands, [low, high]")
    pixel_size: ArcSeconds = Field(4.0, ge=0.05, le=600, description="a multiple of 0.05 arcsec")


FLARE_OPTIONS = {
    "threshold": ("flaregti", "threshold"),
    "thresholds": ("threshold",),
    "sigma": ("gaussian",),
    "source_size": ("flaregti",),
    "source_like": ("flaregti",),
}
"""Option of a flare filter -> the methods that use it, if not all do (docs/flaregti.md)."""


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
    flaregti: Flaregti = Flaregti()
    evtool: Evtool = Evtool()
    images: ErositaImages = ErositaImages()
    exposure_maps: ExposureMaps = ExposureMaps()

    step_sections: ClassVar[dict[str, tuple[str, ...]]] = {
        **MissionSection.step_sections,
        "flaregti": ("flaregti",),
        "evtool": ("evtool",),
        "images": ("erosita_images",),
        "exposure_maps": ("erosita_exposure_maps",),
    }

    def problems(self, mission: Mission, instruments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield options that the engine or the chosen flare filter does not use, and missing thresholds of modules."""
        if mission.engine.name == "esass" and self.flaregti.native_only:
            ours = ", ".join(self.flaregti.native_only)
            yield "flaregti", f"eSASS's flaregti has no {ours}; leave it out, or write engine: native"
        yield from self._telescope_modules(instruments)
        for option, methods in FLARE_OPTIONS.items():
            if option in self.flaregti.model_fields_set and self.flaregti.method not in methods:
                yield (
                    f"flaregti.{option}",
                    f"the flare filter {self.flaregti.method!r} does not use this option; remove it, or write method: "
                    f"{' or '.join(methods)}",
                )

    def _telescope_modules(self, chosen: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield the telescope modules without a threshold, and the error that no module remains."""
        if chosen and self.evtool.modules and not set(self.evtool.modules) & set(chosen):
            yield "evtool.modules", f"none of them is among the instruments that are processed: {', '.join(chosen)}"
        lacking = [name for name in chosen if name not in self.flaregti.thresholds]
        if self.flaregti.method == "threshold" and self.flaregti.threshold < 0 and lacking:
            yield (
                "flaregti.thresholds",
                f"there is none for {', '.join(lacking)}; name them, or give one 'threshold' for all",
            )
