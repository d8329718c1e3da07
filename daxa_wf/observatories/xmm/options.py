"""Options of XMM-Newton's steps: one model from the configuration to the algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from daxa_wf.config.image_sections import LARGEST_ENERGY, ExposureMaps, Images
from daxa_wf.errors import ExpressionError
from daxa_wf.events.flare_parameters import FlareParameters
from daxa_wf.near import closest
from daxa_wf.observatories.xmm.sas.methods import METHODS
from daxa_wf.options import RECORDED, KiloElectronVolt, Seconds, Section, increasing
from daxa_wf.units import Band

StepEngine = Literal["native", "sas"]
CcdState = Literal["G", "I", "B", "O", "U"]
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


def _joined_conditions(value: object) -> object:
    """Return one expression for a list of them, joined by `&&`. Raise ValueError that names a wrong one by its number."""
    if not isinstance(value, list | tuple) or not all(isinstance(condition, str) for condition in value):
        return value
    if not value:
        raise ValueError("the list is empty; write at least one expression, or remove the key")
    return " && ".join(
        _in_parentheses(condition, f"expression {row} of the list") for row, condition in enumerate(value, 1)
    )


def _in_parentheses(condition: str, name: str) -> str:
    """Return an expression in parentheses if `&&` beside it would split it."""
    from daxa_wf.events.expression.parser import ExpressionParser
    from daxa_wf.events.expression.tree import Or

    try:
        return f"({condition})" if isinstance(ExpressionParser(condition).parse(), Or) else condition
    except ExpressionError as error:
        raise ValueError(f"{name}: {error}") from None


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
EpicExpression = Annotated[
    str,
    BeforeValidator(_joined_conditions),
    AfterValidator(_checked_expression),
    WithJsonSchema(
        {
            "type": ["string", "array"],
            "items": {"type": "string"},
            "minItems": 1,
            "description": "an expression (docs/expressions.md), or a list of expressions that must all hold",
        }
    ),
]


class EngineChoice(Section):
    """A step that more than one engine can do."""

    engine: StepEngine | None = Field(None, description="engine of this step (default: the mission's engine)")


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


class Esas20Options(_BandFilterOptions):
    """A Gaussian around the peak of the rates' histogram, as espfilt of SAS 20 fits it."""

    method: Literal["esas20"] = Field("esas20", description="the flare filter (docs/flare_filters.md)")
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
    """A Gaussian around the peak of the rates' histogram, as ESAS of SAS 19 fits it."""

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


class SasEspfiltOptions(Esas20Options):
    """Flare filtering by SAS's espfilt, which takes all of its options whichever the method."""

    engine: Literal["sas"] = "sas"
    method: Literal["esas20", "esas19", "ratio"] = "esas20"  # type: ignore[assignment]
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
    "esas20": Esas20Options, "esas19": Esas19Options, "threshold": ThresholdOptions, "sn_optimal": SnOptimalOptions,
    "ratio": RatioOptions,
}  # fmt: skip
"""Flare filter -> its options."""


def _branch(value: Any) -> str | None:
    """Return the tag of the options that a value must be: by its method, and by its engine."""
    given = value if isinstance(value, Mapping) else vars(value) if isinstance(value, FlareFilterOptions) else {}
    method = given.get("method", "esas20")
    if given.get("engine") == "sas" and method in METHODS:
        return "SAS"
    return f"method {method}" if method in FLARE_FILTERS else None


EspfiltOptions = Annotated[
    Annotated[Esas20Options, Tag("method esas20")]
    | Annotated[Esas19Options, Tag("method esas19")]
    | Annotated[ThresholdOptions, Tag("method threshold")]
    | Annotated[SnOptimalOptions, Tag("method sn_optimal")]
    | Annotated[RatioOptions, Tag("method ratio")]
    | Annotated[SasEspfiltOptions, Tag("SAS")],
    Discriminator(
        _branch,
        custom_error_type="unknown_branch",
        custom_error_message="unknown flare filter",
        custom_error_context={"key": "method", "expected": ", ".join(map(repr, FLARE_FILTERS))},
    ),
]
"""Flare filtering: each method has the options that it uses."""


class EvselectOptions(EngineChoice):
    """Cleaning of event lists, with the names and defaults of DAXA's `cleaned_evt_lists`."""

    pn_filt_expr: EpicExpression = "#XMMEA_EP && (PATTERN <= 4) && (FLAG .eq. 0)"
    mos_filt_expr: EpicExpression = "#XMMEA_EM && (PATTERN <= 12) && (FLAG .eq. 0)"
    lo_en: KiloElectronVolt | None = Field(None, description="keep events above this energy only")
    hi_en: KiloElectronVolt | None = Field(None, description="keep events below this energy only")

    @model_validator(mode="after")
    def _both_energies(self) -> EvselectOptions:
        if (self.lo_en is None) != (self.hi_en is None):
            raise ValueError("give both lo_en and hi_en, or neither")
        if self.lo_en is not None and self.hi_en is not None:
            increasing("lo_en", self.lo_en, "hi_en", self.hi_en)
        return self


class EvselectJob(EvselectOptions):
    """The options of evselect for one exposure."""

    acceptable_states: tuple[CcdState, ...] | None = None
    """States of the CCDs that are kept; None if no step judges the CCDs."""

    @property
    def band(self) -> Band | None:
        """Return the energies that a list keeps, or None if it keeps all."""
        return None if self.lo_en is None or self.hi_en is None else Band(self.lo_en, self.hi_en)


class CifbuildOptions(Section):
    """SAS cifbuild: the date of the calibration."""

    analysis_date: date | None = Field(None, description="date of the calibration (default: the day of the run)")


class CifbuildJob(CifbuildOptions):
    """The options of cifbuild for one observation."""

    observation_date: str = ""
    """Day of the observation as the mission's table has it; '' if that is not known."""


class InventoryJob(Section):
    """The planned exposures that the inventory compares with the raw data, and the problems of unusable lists."""

    problems: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    process_unscheduled: bool = True


class EmanomOptions(Section):
    """SAS emanom: the treatment of MOS's CCDs with too much noise at low energies."""

    run: bool = Field(False, description="run emanom, and keep only CCDs in an acceptable state")
    acceptable_states: tuple[CcdState, ...] = Field(
        ("G", "I", "U"),
        min_length=1,
        description="good, intermediate, bad, off, undetermined; CCDs without a verdict are kept",
    )


class MergeOptions(EngineChoice):
    """Merging the cleaned exposures of an instrument."""


class ImagesOptions(Images, EngineChoice):
    """Counts images, and the bands and pixels of exposure maps."""


class ExposureMapsOptions(ExposureMaps, EngineChoice):
    """The weighting of exposure maps."""
