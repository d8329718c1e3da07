"""Sections of the configuration for what is done with SAS and eSASS: where the tools are, what they are told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from daxa_wf.errors import ConfigError
from daxa_wf.options import Directory, KiloElectronVolt, PlainArcMinutes, PlainArcSeconds, Seconds, Section

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
        raise ValueError(f"{value!r} is no whole number, such as 0xC0000000") from None


FlagMask = Annotated[int, BeforeValidator(_bits)]


def _checked_image(image: str) -> str:
    """Snakemake writes it into a shell's command line as it is; ValueError for what a shell would take for its own."""
    if not re.fullmatch(r"[\w.+:/@%~-]*", image):
        raise ValueError(f"{image!r} cannot be a container image: use letters, digits and . + : / @ % ~ _ - only")
    return image


ContainerImage = Annotated[str, AfterValidator(_checked_image)]


class Toolkit(Section):
    """Where the tasks of SAS or eSASS are; with nothing given, in the current shell."""

    setup_scripts: tuple[Directory, ...] = Field((), description="scripts to source, in order: HEASoft's before SAS's")
    modules: tuple[str, ...] = Field((), description="environment modules to load, in order")
    container: ContainerImage = Field(
        "", description="container image that has the tasks: a file, or such as docker://erosita/esass-x64:latest"
    )
    runtime: Literal["apptainer", "singularity", "docker"] = Field("apptainer", description="what runs the container")
    binds: tuple[Directory, ...] = Field((), description="directories that the container must see")
    prefix: tuple[str, ...] = Field((), description="words to put in front of every command")
    ccf_path: tuple[Directory, ...] = Field(
        (), description="directories of XMM-Newton's calibration files (SAS_CCFPATH)"
    )
    variables: dict[str, str] = Field(default_factory=dict, description="environment variables to set")
    time_limit: Seconds | None = Field(None, gt=0, description="longest time that one task may take")

    @property
    def is_deployed(self) -> bool:
        """True if Snakemake's software deployment is to provide the container image."""
        return bool(self.container) and self.runtime != "docker"

    def image_path(self, started_in: Path) -> Path | None:
        """The file or directory that the container image is; None if it is to be fetched, or there is none."""
        is_path = self.is_deployed and "://" not in self.container
        return started_in / Path(self.container).expanduser() if is_path else None


OWN_BANDS = {"threshold": ("6 keV", "10 keV"), "gaussian": ("5 keV", "10 keV")}
"""Bands of the light curve for methods that are not eSASS's, where none is given (docs/flaregti.md)."""


NATIVE_ONLY = ("method", "thresholds", "sigma", "edge_like")
"""Options of flaregti that eSASS does not have."""


class Flaregti(Section):
    """eSASS flaregti: flare-free times, with the names and defaults of DAXA's `flaregti`."""

    gtitype: Literal["GTI", "FLAREGTI"] = Field(
        "GTI", description="tables of good time to start from; FLAREGTI: those that the list has already"
    )
    pimin: KiloElectronVolt = Field(0.2, description="lower edge of the light curve's band")
    pimax: KiloElectronVolt = Field(10.0, description="upper edge of the light curve's band")
    mask_pimin: KiloElectronVolt = Field(0.2, description="lower edge of the band in which sources are masked")
    mask_pimax: KiloElectronVolt = Field(10.0, description="upper edge of the band in which sources are masked")
    xmin: int = Field(-108000, description="edge of the area looked at, in sky pixels of 0.05 arcsec")
    xmax: int = 108000
    ymin: int = -108000
    ymax: int = 108000
    gridsize: int = Field(18, ge=1, description="places along each axis that have a threshold of their own")
    binsize: int = Field(1200, ge=1, description="pixels of the mask, in sky pixels")
    detml: float = Field(10, gt=0, description="likelihood from which on a pixel is masked")
    timebin: Seconds = Field(20.0, gt=0, description="bins of the light curve")
    source_size: PlainArcSeconds = Field(
        25, gt=0, description="diameter in arcsec, or with a unit, of the source that is to be detected"
    )
    source_like: float = Field(10, gt=0, description="likelihood of its detection")
    fov_radius: PlainArcMinutes = Field(30, gt=0, description="radius of the field of view in arcmin, or with a unit")
    threshold: float = Field(-1, description="limit in count/s/deg2; negative: found for every place")
    max_threshold: float = Field(-1, description="largest limit; negative: none")
    mask_iter: int = Field(3, ge=1, description="how often mask and limits are found anew")
    method: Literal["flaregti", "threshold", "gaussian"] = Field(
        "flaregti",
        description="how flares are told; all but the first are native only, in their own bands: docs/flaregti.md",
    )
    thresholds: dict[TelescopeModule, float] = Field(
        default_factory=dict, description="limits in count/s/deg2 of the method 'threshold', by telescope module"
    )
    sigma: float = Field(
        3.0, gt=0, description="limit of the method 'gaussian', standard deviations above the quiet rate"
    )
    edge_like: float = Field(
        -1, description="likelihood from which on a bin beside a flare is cut too; negative: never"
    )

    @property
    def native_only(self) -> list[str]:
        """What it asks for that eSASS's flaregti does not have."""
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
    """eSASS evtool: which events are kept, as DAXA's `cleaned_evt_lists` by default; `flagged` replaces `flag_invert`."""

    lo_en: KiloElectronVolt = Field(0.2, ge=0.2, le=10.0, description="keep events above this energy")
    hi_en: KiloElectronVolt = Field(10.0, ge=0.2, le=10.0, description="keep events below this energy")
    pattern: int = Field(15, ge=1, le=15, description="sum of 1 (singles), 2 (doubles), 4 (triples), 8 (quadruples)")
    flag: FlagMask = Field(
        0xC0000000, ge=0, le=0xFFFFFFFF, description="an event with any of these bits is flagged (0xC0000000: corrupt)"
    )
    flagged: Literal["drop", "only"] = Field(
        "drop", description="drop the flagged events, or keep only them; written in place of 'flag_invert'"
    )
    gti: Literal["FLAREGTI", "GTI"] = Field(
        "FLAREGTI", description="good times: those without flares, or GTI: flares are kept"
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
