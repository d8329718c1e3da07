"""Options of eROSITA's steps: one model from the configuration to the algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from daxa_wf.config.image_sections import EnergyRange, Images
from daxa_wf.errors import ConfigError
from daxa_wf.observatories.erosita.flare_options import TelescopeModule
from daxa_wf.observatories.erosita.native.sky_pixels import PIXEL_ARCSEC
from daxa_wf.options import ArcSeconds, KiloElectronVolt, Section, increasing

if TYPE_CHECKING:
    from daxa_wf.observatories.erosita.native.selection import EvtoolParameters


def _checked_region(text: str) -> str:
    from daxa_wf.observatories.erosita.native.region import parse_region

    try:
        return str(parse_region(text)) if text else ""
    except ConfigError as error:
        raise ValueError(str(error)) from None


RegionText = Annotated[str, AfterValidator(_checked_region)]


def _bits(value: object) -> object:
    try:
        return int(value, 0) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{value!r} is not a whole number, such as 0xC0000000") from None


FlagMask = Annotated[int, BeforeValidator(_bits)]


class EvtoolOptions(Section):
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
    region: RegionText = Field(
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
    def _ordered(self) -> EvtoolOptions:
        increasing("lo_en", self.lo_en, "hi_en", self.hi_en)
        return self

    def parameters(self, modules: tuple[int, ...]) -> EvtoolParameters:
        """Return the parameters of the native evtool, for telescope modules by number."""
        from daxa_wf.observatories.erosita.native.selection import EvtoolParameters

        return EvtoolParameters(
            pattern=self.pattern, flag=self.flag, flag_invert=self.flagged == "only", emin=self.lo_en, emax=self.hi_en,
            gti=self.gti, telid=modules, region=self.region,
        )  # fmt: skip


BANDS = tuple(
    EnergyRange(lo_en=f"{low} keV", hi_en=f"{high} keV") for low, high in ((0.2, 2.3), (2.3, 5.0), (5.0, 8.0))
)
"""The bands of eRASS1 (Merloni et al. 2024, A&A 682, A34)."""


class ErositaImagesOptions(Images):
    """Counts images, and the bands and pixels of exposure maps; the defaults are those of eRASS1."""

    bands: tuple[EnergyRange, ...] = Field(BANDS, min_length=1, description="energy bands, [low, high]")
    pixel_size: ArcSeconds = Field(4.0, ge=0.05, le=600, description="a multiple of 0.05 arcsec")

    @property
    def bin_size(self) -> int:
        """Sky pixels along a side of an image pixel."""
        return round(self.pixel_size / PIXEL_ARCSEC)
