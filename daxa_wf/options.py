"""Options of the steps, as typed sections of the configuration."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from daxa_wf.errors import ExpressionError
from daxa_wf.limits import Limits
from daxa_wf.near import closest
from daxa_wf.units import Band

FlareFilterName = Literal["esas20", "esas19", "threshold", "sn_optimal", "ratio"]
StepEngine = Literal["native", "sas"]
CcdState = Literal["G", "I", "B", "O", "U"]


UNITS = {
    "keV": ("eV", "keV", "MeV"), "s": ("ms", "s", "ks", "min", "h", "d", "yr"), "deg": ("deg", "arcmin", "arcsec"),
    "arcsec": ("deg", "arcmin", "arcsec"),
}  # fmt: skip
"""Unit of an option -> units that its value may be written in, which a misspelt one may mean."""

NUMBER_AND_WORD = re.compile(r"\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?\s*([A-Za-z]+)\s*")
BAND_TEXT = re.compile(r"\s*([\d.]+)\s*([A-Za-z]*)\s*(?:-|\u2013|to|:|,)\s*([\d.]+)\s*([A-Za-z]+)\s*")
"""A band in one text, as in '0.5-2.0 keV' or '500 eV to 2 keV'."""


def _unknown_unit(text: str, unit: str) -> str:
    """Return that the unit of a quantity does not exist, and the one that may be meant; '' if it exists."""
    from astropy import units

    match = NUMBER_AND_WORD.fullmatch(text)
    if match is None:
        return ""
    try:
        units.Unit(match[1])
    except ValueError:
        return f"{match[1]!r} is not a unit; upper and lower case matter{closest(match[1], UNITS.get(unit, (unit,)))}"
    return ""


def _not_a_band(text: str) -> str:
    """Return how to write a band that is given as one text."""
    match = BAND_TEXT.fullmatch(text)
    low, low_unit, high, high_unit = match.groups() if match else ("0.5", "", "2.0", "keV")
    return f"{text!r} is not a band; write [{low} {low_unit or high_unit}, {high} {high_unit}], each band a list of two"


def to_number(value: object, unit: str) -> float:
    """The number of `value` (text such as '0.5 keV') in `unit`, not negative; ValueError says what is wrong."""
    from astropy import units

    if not isinstance(value, str):
        number = value if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf else 5
        raise ValueError(f"write a number with a unit, such as '{number} {unit}'")
    try:
        found = float(units.Quantity(value).to_value(unit))
    except (TypeError, ValueError) as error:
        reason = _unknown_unit(value, unit) or str(error)
        raise ValueError(
            f"{value!r} is not a quantity that {unit} can measure, such as '5 {unit}' ({reason})"
        ) from None
    if not 0 <= found < inf:
        raise ValueError(f"{value!r} cannot be used; expected 0 {unit} or more")
    # 2300 eV is 2.3 keV, not 2.3000000000000003: bands are compared, and their edges are in file names.
    return float(f"{found:.12g}")


def _number_or_quantity(value: object, unit: str) -> object:
    """Return the number of a text with a unit in `unit`; plain numbers are in it already."""
    return to_number(value, unit) if isinstance(value, str) else value


def _place(value: object) -> object:
    if value == "":
        raise ValueError("the path is empty; '.' is the directory where you run from")
    return Path(value).expanduser() if isinstance(value, str) else value


def _without_braces(path: Path) -> Path:
    if set("{}") & set(str(path)):
        raise ValueError(f"{str(path)!r} has a brace in it, which Snakemake takes for a wildcard; rename it")
    return path


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


def _schema(unit: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": f"a quantity convertible to {unit}", "unit": unit})


def _bytes(value: object) -> int:
    return round(to_number(value, "byte"))


def _either(unit: str) -> WithJsonSchema:
    described = f"a number in {unit}, or a quantity convertible to it"
    return WithJsonSchema({"type": ["number", "string"], "description": described, "unit": unit})


def _checked_expression(text: str, of_epic: bool = False) -> str:
    from daxa_wf.events.expression import check_expression
    from daxa_wf.observatories.xmm.native.expressions import EPIC_KINDS

    try:
        check_expression(text, EPIC_KINDS if of_epic else {})
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


def _increasing(low_name: str, low: float, high_name: str, high: float) -> None:
    if not low < high:
        raise ValueError(f"{low_name} = {low} must be below {high_name} = {high}")


def _within(name: str, value: float | bool, low: float, high: float) -> None:
    if not isinstance(value, bool) and not low <= value <= high:
        raise ValueError(f"{name} = {value:g} s must lie within {low:g} and {high:g} s")


File = Annotated[Path, BeforeValidator(_place)]
Directory = Annotated[File, AfterValidator(_without_braces)]
Seconds = Annotated[float, BeforeValidator(partial(to_number, unit="s")), _schema("s")]
Bytes = Annotated[int, BeforeValidator(_bytes), _schema("byte")]
BytesPerSecond = Annotated[float, BeforeValidator(partial(to_number, unit="byte / s")), _schema("byte / s")]
KiloElectronVolt = Annotated[float, BeforeValidator(partial(to_number, unit="keV")), _schema("keV")]
ArcSeconds = Annotated[float, BeforeValidator(partial(to_number, unit="arcsec")), _schema("arcsec")]
PlainArcSeconds = Annotated[float, BeforeValidator(partial(_number_or_quantity, unit="arcsec")), _either("arcsec")]
PlainArcMinutes = Annotated[float, BeforeValidator(partial(_number_or_quantity, unit="arcmin")), _either("arcmin")]
EpicLimits = Annotated[
    dict[Literal["PN", "M1", "M2"], Annotated[float, Field(ge=0)]],
    Field(min_length=1),
    BeforeValidator(_epic_limits),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "number", "minimum": 0}, "minProperties": 1}),
]
SelectionExpression = Annotated[str, AfterValidator(_checked_expression)]
EpicExpression = Annotated[str, AfterValidator(partial(_checked_expression, of_epic=True))]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError("expected a number")
        return value


class LimitsSection(Section):
    """Limits on what comes from servers and files: what goes beyond them is given up or refused, by name.

    They are generous; raise one only for data that you know.
    """

    listing: Bytes = Field(Limits.listing, gt=0, description="a page of a listing, unpacked")
    table: Bytes = Field(Limits.table, gt=0, description="a mission's table from a service, unpacked")
    answer_time: Seconds = Field(
        Limits.answer_time, gt=0, description="from a request to the end of a listing or table"
    )
    pages: int = Field(Limits.pages, gt=0, description="requests for the listing of one observation")
    entries: int = Field(Limits.entries, gt=0, description="files of an observation's listing, members of a tar file")
    depth: int = Field(Limits.depth, gt=0, description="directories within one another in a listing")
    file: Bytes = Field(Limits.file, gt=0, description="a download whose size no listing gives")
    unpacked: Bytes = Field(Limits.unpacked, gt=0, description="what any packed file may unpack to")
    ratio: int = Field(
        Limits.ratio, gt=0, description="beyond that, how many times its size a packed file may unpack to"
    )
    header: Bytes = Field(Limits.header, ge=2880, description="a FITS header, or the header of a member of a tar file")
    speed: BytesPerSecond = Field(Limits.speed, ge=0, description="a slower transfer is broken off")
    speed_time: Seconds = Field(Limits.speed_time, gt=0, description="time over which the speed is measured")
    retry_after: Seconds = Field(Limits.retry_after, ge=0, description="the longest wait that a server may ask for")

    def values(self) -> Limits:
        """Return the limits as all code uses them."""
        return Limits(**self.model_dump())


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
        _increasing("filter_lo_en", self.filter_lo_en, "filter_hi_en", self.filter_hi_en)
        low, high = self.gauss_fit_lims
        _increasing("gauss_fit_lims[0]", low, "gauss_fit_lims[1]", high)
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
            _increasing("lo_en", self.lo_en, "hi_en", self.hi_en)
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


class EnergyRange(Section):
    """One energy band."""

    lo_en: KiloElectronVolt
    hi_en: KiloElectronVolt

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(_not_a_band(value))
        if isinstance(value, list | tuple):
            if len(value) != 2:
                raise ValueError(f"{list(value)} is not a band: write [0.5 keV, 2.0 keV]")
            return {"lo_en": value[0], "hi_en": value[1]}
        return value

    @model_validator(mode="after")
    def _ordered(self) -> EnergyRange:
        _increasing("lower edge", self.lo_en, "upper edge", self.hi_en)
        if self.hi_en - self.lo_en < 0.001:
            raise ValueError(f"the band {self.lo_en} to {self.hi_en} keV is narrower than 1 eV, the unit of PI")
        if not 0 < self.hi_en <= 32.767:
            raise ValueError(f"the upper edge {self.hi_en} keV is beyond EPIC's 32.767 keV")
        return self

    @property
    def band(self) -> Band:
        """As file names have it."""
        return Band(self.lo_en, self.hi_en)


DEFAULT_BANDS = (
    EnergyRange(lo_en="0.5 keV", hi_en="2.0 keV"),
    EnergyRange(lo_en="2.0 keV", hi_en="10.0 keV"),
)


class Images(ByEngine):
    """Images and exposure maps: the same bands and pixels for both."""

    bands: tuple[EnergyRange, ...] = Field(DEFAULT_BANDS, min_length=1, description="energy bands, [low, high]")
    pixel_size: ArcSeconds = Field(4.35, ge=0.05, le=600, description="a multiple of 0.05 arcsec")

    @field_validator("bands", mode="before")
    @classmethod
    def _list_of_bands(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(_not_a_band(value))
        return value

    @model_validator(mode="after")
    def _checks(self) -> Images:
        labels = [bounds.band.label for bounds in self.bands]
        if len(set(labels)) != len(labels):
            raise ValueError("the same band is there twice")
        if abs(self.pixel_size / 0.05 - round(self.pixel_size / 0.05)) > 1e-6:
            raise ValueError(f"pixel_size = {self.pixel_size} arcsec is not a multiple of 0.05 arcsec")
        return self


class ExposureMaps(ByEngine):
    """How exposure maps are weighted."""

    vignetting: Literal["measured", "none"] = Field("measured", description="see docs/exposure_maps.md")


def section_in(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation such as `tuple[EnergyRange, ...]` or `dict[str, Mission]` is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := section_in(each))), None)
