"""Options of the flare filters: eSASS's flaregti under the names of its manual, and two filters that it does not have.

Source of names and defaults: eSASS flaregti 1.26.2, 'Input parameters'. docs/flaregti.md describes the filters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, ValidationInfo, model_validator

from daxa_wf.near import closest
from daxa_wf.options import (
    RECORDED,
    KiloElectronVolt,
    PlainArcMinutes,
    PlainArcSeconds,
    Seconds,
    Section,
    increasing,
)

TelescopeModule = Literal["TM1", "TM2", "TM3", "TM4", "TM5", "TM6", "TM7"]
EV = 1000.0
"""Options are in keV, PI in eV."""


class FlareOptions(Section):
    """Options that all flare filters share."""

    method: Literal["flaregti", "threshold", "gaussian"]
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
    detml: float = Field(10.0, gt=0, description="smallest likelihood of a masked pixel")
    timebin: Seconds = Field(20.0, gt=0, description="bins of the light curve")
    fov_radius: PlainArcMinutes = Field(30.0, gt=0, description="radius of the field of view in arcmin, or with a unit")
    max_threshold: float = Field(-1.0, description="largest limit in count/s/deg2; negative: none")
    mask_iter: int = Field(3, ge=1, description="number of iterations for mask and limits")
    edge_like: float = Field(
        -1.0, description="smallest likelihood of excluded bins beside a flare, native only; negative: none"
    )

    by_module: ClassVar[bool] = True
    """True if each telescope module is judged by a light curve of its own, False if one curve judges all."""

    @property
    def band(self) -> tuple[float, float]:
        """Return the light curve's band in eV."""
        return round(self.pimin * EV, 3), round(self.pimax * EV, 3)

    @property
    def mask_band(self) -> tuple[float, float]:
        """Return the mask's band in eV."""
        return round(self.mask_pimin * EV, 3), round(self.mask_pimax * EV, 3)

    @property
    def not_in_esass(self) -> list[str]:
        """Return the options that eSASS's flaregti does not have and that differ from their defaults."""
        method = [] if self.method == "flaregti" else [f"method {self.method}"]
        return [*method, *(["edge_like"] if self.edge_like != type(self).model_fields["edge_like"].default else [])]

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """Return what is wrong with a key that is not an option of this filter."""
        methods = [method for method, model in FLARE_FILTERS.items() if name in model.model_fields]
        if methods:
            own = cls.model_fields["method"].default
            return (
                f"the flare filter {own!r} does not use this option; remove it, or write method: {' or '.join(methods)}"
            )
        return f"unknown key; allowed are {', '.join(cls.model_fields)}{closest(name, cls.model_fields)}"

    @model_validator(mode="before")
    @classmethod
    def _drop_unused(cls, values: Any, info: ValidationInfo) -> Any:
        """Drop the options of other filters from a record: those of earlier versions have the options of all."""
        if not isinstance(values, Mapping) or not (info.context or {}).get(RECORDED):
            return values
        every = {name for model in FLARE_FILTERS.values() for name in model.model_fields}
        return {name: value for name, value in values.items() if name in cls.model_fields or name not in every}

    @model_validator(mode="after")
    def _ordered(self) -> FlareOptions:
        for low, high in (("pimin", "pimax"), ("mask_pimin", "mask_pimax"), ("xmin", "xmax"), ("ymin", "ymax")):
            increasing(low, getattr(self, low), high, getattr(self, high))
        return self


class FlaregtiOptions(FlareOptions):
    """eSASS flaregti, with the names and defaults of DAXA's `flaregti`: the cut with which the faintest source is found."""

    method: Literal["flaregti"] = Field(
        "flaregti", description="method to find flares; all but flaregti are native only (docs/flaregti.md)"
    )
    source_size: PlainArcSeconds = Field(
        25.0, gt=0, description="diameter in arcsec, or with a unit, of the source to detect"
    )
    source_like: float = Field(10.0, gt=0, description="likelihood of its detection")
    threshold: float = Field(-1.0, description="limit in count/s/deg2; negative: computed for each region")

    by_module: ClassVar[bool] = False


METHOD_REQUIRED = ConfigDict(json_schema_extra={"required": ["method"]})
"""A section without `method` is flaregti's: in the JSON schema, every other filter requires the key."""


class FixedLimits(FlareOptions):
    """A fixed limit for each telescope module, in the band that public reductions of eROSITA's data use for it."""

    model_config = METHOD_REQUIRED

    method: Literal["threshold"] = Field("threshold", description="method to find flares")
    pimin: KiloElectronVolt = Field(6.0, description="lower edge of the light curve's band")
    thresholds: dict[TelescopeModule, float] = Field(
        default_factory=dict, description="limits in count/s/deg2 by telescope module"
    )
    threshold: float = Field(-1.0, description="limit in count/s/deg2 of modules without their own; negative: none")

    def limit(self, module: str) -> float:
        """Return the limit of a telescope module in count/s/deg2, negative if it has none."""
        limits = {str(name): limit for name, limit in self.thresholds.items()}
        return limits.get(module, self.threshold)

    def without_limit(self, modules: Iterable[str]) -> list[str]:
        """Return those of some telescope modules that have no limit."""
        return [module for module in modules if self.limit(module) < 0]

    @model_validator(mode="after")
    def _has_a_limit(self) -> FixedLimits:
        if self.threshold < 0 and not self.thresholds:
            raise ValueError("method: threshold needs 'thresholds' by telescope module, or one 'threshold' for all")
        return self


class GaussianLimits(FlareOptions):
    """A limit above the flare-free rate of each telescope module, in the band that public reductions use for it."""

    model_config = METHOD_REQUIRED

    method: Literal["gaussian"] = Field("gaussian", description="method to find flares")
    pimin: KiloElectronVolt = Field(5.0, description="lower edge of the light curve's band")
    sigma: float = Field(3.0, gt=0, description="limit in standard deviations above the flare-free rate")


FLARE_FILTERS: dict[str, type[FlareOptions]] = {
    "flaregti": FlaregtiOptions,
    "threshold": FixedLimits,
    "gaussian": GaussianLimits,
}
"""The flare filters by method, the default first."""


def _tag(values: Any) -> str | None:
    """Return the tag of the filter that options choose, or None if the filter is unknown."""
    given = values if isinstance(values, Mapping) else {"method": getattr(values, "method", "flaregti")}
    method = given.get("method", "flaregti")
    return f"method {method}" if method in tuple(FLARE_FILTERS) else None


BY_METHOD = Discriminator(
    _tag,
    custom_error_type="unknown_branch",
    custom_error_message="unknown flare filter",
    custom_error_context={"key": "method", "expected": ", ".join(map(repr, FLARE_FILTERS))},
)
"""Chooses the branch of a union whose tags are `method <name>`."""

AnyFlareOptions = Annotated[
    Annotated[FlaregtiOptions, Tag("method flaregti")]
    | Annotated[FixedLimits, Tag("method threshold")]
    | Annotated[GaussianLimits, Tag("method gaussian")],
    BY_METHOD,
]
"""Options of a flare filter; each method has the options that it heeds."""
