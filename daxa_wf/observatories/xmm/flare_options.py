"""Options of XMM-Newton's step espfilt: each flare filter has the options that it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from daxa_wf.config.image_sections import LARGEST_ENERGY
from daxa_wf.events.flare_parameters import FlareParameters
from daxa_wf.near import closest
from daxa_wf.observatories.xmm.options import EngineChoice
from daxa_wf.observatories.xmm.sas.methods import METHODS
from daxa_wf.options import RECORDED, KiloElectronVolt, Seconds, Section, increasing

USUAL = FlareParameters()
"""The defaults of the flare filters."""


EPIC_NAMES = {"PN": ("PN",), "M1": ("M1",), "M2": ("M2",), "MOS": ("M1", "M2")}
"""Name of a key for limits, in any case -> its instruments."""


def _epic_limits(value: object) -> object:
    """Return limits by instrument, from the names in EPIC_NAMES. Raise ValueError for other names."""
    if not isinstance(value, dict):
        return value
    limits: dict[str, object] = {}
    for key, limit in value.items():
        name = str(key).upper()
        if name not in EPIC_NAMES:
            allowed = "PN, M1, M2, and MOS for both MOS, in upper or lower case"
            raise ValueError(f"unknown instrument {str(key)!r}; allowed are {allowed}")
        for instrument in EPIC_NAMES[name]:
            if instrument in limits:
                raise ValueError(f"there is more than one limit for {instrument}")
            limits[instrument] = limit
    return limits


def _in_lower_case(value: object) -> object:
    """Return scales with the names `pn` and `mos` in lower case; unknown names stay as they are, for the message."""
    if not isinstance(value, dict):
        return value
    if len({str(key).lower() for key in value}) < len(value):
        raise ValueError("the same instrument is given twice")
    return {
        str(key).lower() if str(key).lower() in RangeScale.model_fields else key: scale for key, scale in value.items()
    }


def _within(name: str, value: float | bool, low: float, high: float) -> None:
    if not isinstance(value, bool) and not low <= value <= high:
        raise ValueError(f"{name} = {value:g} s must lie within {low:g} and {high:g} s")


def _seconds(value: float | bool, usual: float | None) -> float | None:
    """Return a time that may be switched off, None, or on with its usual value."""
    if isinstance(value, bool):
        return usual if value else None
    return value


EpicLimits = Annotated[
    dict[Literal["PN", "M1", "M2"], Annotated[float, Field(ge=0)]],
    Field(min_length=1),
    BeforeValidator(_epic_limits),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": "^([Pp][Nn]|[Mm]([12]|[Oo][Ss]))$"},
            "additionalProperties": {"type": "number", "minimum": 0},
            "minProperties": 1,
        }
    ),
]


class RangeScale(Section):
    """Scale of the fitted range around the histogram's peak; instruments in upper or lower case."""

    pn: float = Field(15.0, gt=0)
    mos: float = Field(USUAL.rangescale, gt=0)

    def of(self, instrument: str) -> float:
        """Return the scale of an instrument."""
        return self.pn if instrument == "PN" else self.mos


class FlareFilterOptions(EngineChoice):
    """The options that all flare filters share, with the names and defaults of DAXA's `espfilt`."""

    method: str
    keep_flare_free: bool = Field(
        False,
        description="keep the event lists without flares, and with all events beside, of each exposure (allevc, allevcoot) for "
        "ESAS's background tasks",
    )

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """Return what is wrong with a key that this filter does not have: other filters may have it."""
        methods = [method for method, branch in FLARE_FILTERS.items() if name in branch.model_fields]
        if not methods:
            return f"unknown key; allowed are {', '.join(cls.model_fields)}{closest(name, cls.model_fields)}"
        own = cls.model_fields["method"].default
        return f"the flare filter {own!r} does not use this option; remove it, or write method: {' or '.join(methods)}"

    @model_validator(mode="before")
    @classmethod
    def _without_options_of_others(cls, values: Any, info: ValidationInfo) -> Any:
        """Leave out the options of other filters, which records of earlier versions have too."""
        if not (isinstance(values, Mapping) and (info.context or {}).get(RECORDED)):
            return values
        others = {name for branch in FLARE_FILTERS.values() for name in branch.model_fields} - set(cls.model_fields)
        return {key: value for key, value in values.items() if key not in others}

    def parameters(self, instrument: str) -> FlareParameters:
        """Return the parameters of the algorithm for one instrument: keV as eV, the instrument's own values."""
        return FlareParameters(**self._own_parameters(instrument))

    def _own_parameters(self, instrument: str) -> dict[str, Any]:
        del instrument
        return {}


class _BinnedFilterOptions(FlareFilterOptions):
    """A filter that bins the light curve."""

    with_binning: Seconds | bool = Field(
        USUAL.binsize or False, description=f"bin the light curve: true ({USUAL.binsize:g} s), false or a time"
    )

    @property
    def binning(self) -> float | None:
        """Return the seconds of a bin, or None without binning."""
        return _seconds(self.with_binning, USUAL.binsize)

    @model_validator(mode="after")
    def _bin_in_range(self) -> Self:
        _within("with_binning", self.with_binning, 1, 1e5)
        return self

    def _own_parameters(self, instrument: str) -> dict[str, Any]:
        return {**super()._own_parameters(instrument), "binsize": self.binning}


class _BandFilterOptions(_BinnedFilterOptions):
    """A filter of the light curve in a band that can be chosen."""

    filter_lo_en: KiloElectronVolt = Field(USUAL.elow / 1000, description="lower edge of the light curve's band")
    filter_hi_en: KiloElectronVolt = Field(USUAL.ehigh / 1000, description="upper edge of the light curve's band")

    @model_validator(mode="after")
    def _edges_in_range(self) -> Self:
        increasing("filter_lo_en", self.filter_lo_en, "filter_hi_en", self.filter_hi_en)
        if self.filter_lo_en < 0.001 or self.filter_hi_en > LARGEST_ENERGY:
            raise ValueError(f"filter_lo_en and filter_hi_en must lie within 0.001 and {LARGEST_ENERGY} keV")
        return self

    def _own_parameters(self, instrument: str) -> dict[str, Any]:
        edges = {"elow": round(self.filter_lo_en * 1000), "ehigh": round(self.filter_hi_en * 1000)}
        return {**super()._own_parameters(instrument), **edges}


class HistogramOptions(_BandFilterOptions):
    """A Gaussian around the peak of the rates' histogram, as espfilt fits it since SAS 20."""

    method: Literal["histogram"] = Field("histogram", description="the flare filter (docs/flare_filters.md)")
    with_smoothing: Seconds | bool = Field(
        USUAL.smooth or False, description=f"smooth the 1-s light curve: true ({USUAL.smooth:g} s), false or a time"
    )
    range_scale: Annotated[RangeScale, BeforeValidator(_in_lower_case)] = RangeScale()
    allowed_sigma: float = Field(
        USUAL.allowsigma, gt=0, description="half width of the accepted band, in sigma of the fit"
    )
    gauss_fit_lims: tuple[float, float] = Field(USUAL.limits, description="range of the histogram, count/s")

    @property
    def smoothing(self) -> float | None:
        """Return the seconds of the moving mean, or None without smoothing."""
        return _seconds(self.with_smoothing, USUAL.smooth)

    @model_validator(mode="after")
    def _fit_in_range(self) -> Self:
        low, high = self.gauss_fit_lims
        increasing("gauss_fit_lims[0]", low, "gauss_fit_lims[1]", high)
        if not 0 <= low < high <= 10:
            raise ValueError(f"gauss_fit_lims = {[low, high]} must lie within 0 and 10 count/s")
        _within("with_smoothing", self.with_smoothing, 1, 60)
        return self

    def _own_parameters(self, instrument: str) -> dict[str, Any]:
        return {
            **super()._own_parameters(instrument),
            "smooth": self.smoothing,
            "rangescale": self.range_scale.of(instrument),
            "allowsigma": self.allowed_sigma,
            "limits": self.gauss_fit_lims,
        }


class Esas19Options(_BandFilterOptions):
    """The histogram method in the generation of SAS 19; the engine native alone offers it beside the newest generation."""

    method: Literal["esas19"] = "esas19"


class SnOptimalOptions(_BandFilterOptions):
    """The rate cut that is best for finding faint sources."""

    method: Literal["sn_optimal"] = "sn_optimal"


class RatioOptions(_BinnedFilterOptions):
    """The field of view against the unexposed corners."""

    method: Literal["ratio"] = "ratio"
    ratio: float = Field(USUAL.ratio, gt=0, description="limit of the method 'ratio'")

    def _own_parameters(self, instrument: str) -> dict[str, Any]:
        return {**super()._own_parameters(instrument), "ratio": self.ratio}


class ThresholdOptions(FlareFilterOptions):
    """A fixed limit on the rate above 10 keV."""

    method: Literal["threshold"] = "threshold"
    threshold: EpicLimits | None = Field(
        None,
        description="limits in count/s of the method 'threshold' by instrument, PN, M1, M2 or MOS for both, in any case; "
        "its own defaults if not given",
    )

    def _own_parameters(self, instrument: str) -> dict[str, Any]:
        limits: Mapping[str, float] = {str(name): limit for name, limit in (self.threshold or {}).items()}
        return {**super()._own_parameters(instrument), "threshold": limits.get(instrument)}


class SasEspfiltOptions(HistogramOptions):
    """Flare filtering by SAS's espfilt. It takes all of its options whichever the method, in the generation of the release."""

    engine: Literal["sas"] = "sas"
    method: Literal["histogram", "ratio"] = "histogram"  # type: ignore[assignment]
    ratio: float = Field(USUAL.ratio, gt=0, description="limit of the method 'ratio'")

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """Return what is wrong with a key that espfilt does not take."""
        if name in ThresholdOptions.model_fields:
            return (
                "SAS's espfilt does not use this option; remove it, or write engine: native there and method: threshold"
            )
        return f"unknown key; allowed are {', '.join(cls.model_fields)}{closest(name, cls.model_fields)}"


FLARE_FILTERS: dict[str, type[FlareFilterOptions]] = {
    "histogram": HistogramOptions, "esas19": Esas19Options, "threshold": ThresholdOptions, "sn_optimal": SnOptimalOptions,
    "ratio": RatioOptions,
}  # fmt: skip
"""Flare filter -> its options."""


def _branch(value: Any) -> str | None:
    """Return the tag of the options that a value must be: by its method, and by its engine."""
    given = value if isinstance(value, Mapping) else vars(value) if isinstance(value, FlareFilterOptions) else {}
    method = given.get("method", "histogram")
    if given.get("engine") == "sas" and method in METHODS:
        return "SAS"
    return f"method {method}" if method in FLARE_FILTERS else None


def _of_earlier_versions(value: Any, info: ValidationInfo) -> Any:
    """Return recorded options with today's name of the method, so that records of earlier versions keep their meaning."""
    if not (isinstance(value, Mapping) and (info.context or {}).get(RECORDED)):
        return value
    is_histogram = value.get("method") == "esas20" or (value.get("method"), value.get("engine")) == ("esas19", "sas")
    return {**value, "method": "histogram"} if is_histogram else value


EspfiltOptions = Annotated[
    Annotated[HistogramOptions, Tag("method histogram")]
    | Annotated[Esas19Options, Tag("method esas19")]
    | Annotated[ThresholdOptions, Tag("method threshold")]
    | Annotated[SnOptimalOptions, Tag("method sn_optimal")]
    | Annotated[RatioOptions, Tag("method ratio")]
    | Annotated[SasEspfiltOptions, Tag("SAS")],
    Discriminator(
        _branch,
        custom_error_type="unknown_branch",
        custom_error_message="unknown flare filter",
        custom_error_context={
            "key": "method",
            "expected": ", ".join(map(repr, FLARE_FILTERS)),
            "former name esas20": "histogram",
        },
    ),
    BeforeValidator(_of_earlier_versions),
]
"""Flare filtering: each method has the options that it uses."""
