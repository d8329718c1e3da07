"""Options as typed sections: quantities with units, and the base class of every section of the configuration.

Importing this module is cheap: astropy is loaded when the first quantity is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from math import inf
from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    SerializationInfo,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from daxa_wf.near import closest

UNITS = {
    "keV": ("eV", "keV", "MeV"), "s": ("ms", "s", "ks", "min", "h", "d", "yr"), "deg": ("deg", "arcmin", "arcsec"),
    "arcsec": ("deg", "arcmin", "arcsec"),
}  # fmt: skip
"""Unit of an option -> the units that may be written instead, as suggestions for a misspelt unit."""

PLAIN_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
NUMBER_AND_WORD = re.compile(r"\s*[-+]?[\d.]+(?:[eE][-+]?\d+)?\s*([A-Za-z]+)\s*")
BAND_TEXT = re.compile(r"\s*([\d.]+)\s*([A-Za-z]*)\s*(?:-|\u2013|to|:|,)\s*([\d.]+)\s*([A-Za-z]+)\s*")
"""A band in one text, as in '0.5-2.0 keV' or '500 eV to 2 keV'."""


def _unknown_unit(text: str, unit: str) -> str:
    """Return a message that the unit of a quantity does not exist, with the nearest unit, or '' if it exists."""
    from astropy import units

    match = NUMBER_AND_WORD.fullmatch(text)
    if match is None:
        return ""
    try:
        units.Unit(match[1])
    except ValueError:
        return f"{match[1]!r} is not a unit; upper and lower case matter{closest(match[1], UNITS.get(unit, (unit,)))}"
    return ""


def not_a_band(text: str) -> str:
    """Return a message on how to write a band that is given as one text."""
    match = BAND_TEXT.fullmatch(text)
    low, low_unit, high, high_unit = match.groups() if match else ("0.5", "", "2.0", "keV")
    return f"{text!r} is not a band; write [{low} {low_unit or high_unit}, {high} {high_unit}], each band a list of two"


def to_number(value: object, unit: str) -> float:
    """Return the number of a quantity (text such as '0.5 keV') in `unit`. ValueError if it is wrong or negative.

    >>> to_number("500 eV", "keV")
    0.5
    """
    if not isinstance(value, str):
        number = value if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf else 5
        raise ValueError(f"write a number with a unit, such as '{number} {unit}'")
    number = _converted(value, unit)
    if not 0 <= number < inf:
        raise ValueError(f"{value!r} cannot be used; expected 0 {unit} or more")
    # 2300 eV is 2.3 keV, not 2.3000000000000003: bands are compared, and their edges are in file names.
    return float(f"{number:.12g}")


def _converted(text: str, unit: str) -> float:
    """Return the number of a text in `unit`. astropy is loaded only for other units: jobs read what needs no conversion."""
    if match := re.fullmatch(rf"\s*({PLAIN_NUMBER})\s*{re.escape(unit)}\s*", text, re.ASCII):
        return float(match[1])
    from astropy import units

    try:
        return float(units.Quantity(text).to_value(unit))
    except (TypeError, ValueError) as error:
        reason = _unknown_unit(text, unit) or str(error)
        raise ValueError(f"{text!r} is not a quantity that {unit} can measure, such as '5 {unit}' ({reason})") from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


RECORDED = "recorded"
"""Validation context of options from a record or a job: plain numbers are in the option's own unit."""


def read_quantity(value: object, info: ValidationInfo, unit: str) -> float:
    """Return the number of a quantity in `unit`. A plain number is allowed only in a record of an earlier version."""
    if isinstance(value, int | float) and not isinstance(value, bool) and (info.context or {}).get(RECORDED):
        return value
    return to_number(value, unit)


def _read_either(value: object, unit: str) -> object:
    """Return the number of a quantity in `unit`. Plain numbers are in this unit already."""
    return to_number(value, unit) if isinstance(value, str) else value


def _write(value: Any, info: SerializationInfo, unit: str) -> Any:
    """Write a number with its unit, in the form of a configuration, or unchanged in the context PLAIN."""
    return value if not _is_number(value) or (info.context or {}).get(PLAIN) else f"{value:.12g} {unit}"


PLAIN = "plain"
"""Serialisation context in which quantities are numbers in the option's own unit."""


def _place(value: object) -> object:
    if value == "":
        raise ValueError("the path is empty; '.' is the directory where you run from")
    return Path(value).expanduser() if isinstance(value, str) else value


def _without_braces(path: Path) -> Path:
    if set("{}") & set(str(path)):
        raise ValueError(f"{str(path)!r} has a brace in it, which Snakemake takes for a wildcard; rename it")
    return path


def _schema(unit: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": f"a quantity convertible to {unit}", "unit": unit})


def _either(unit: str) -> WithJsonSchema:
    described = f"a number in {unit}, or a quantity convertible to it"
    return WithJsonSchema({"type": ["number", "string"], "description": described, "unit": unit})


def _whole(value: object, info: ValidationInfo, unit: str) -> int:
    return round(read_quantity(value, info, unit))


def _reader(unit: str) -> BeforeValidator:
    return BeforeValidator(partial(read_quantity, unit=unit))


def quantity_writer(unit: str) -> PlainSerializer:
    """Return the serializer that writes a number with its unit when options become JSON."""
    return PlainSerializer(partial(_write, unit=unit), when_used="json")


def increasing(low_name: str, low: float, high_name: str, high: float) -> None:
    """Raise ValueError unless the lower edge of a range is below the upper one."""
    if not low < high:
        raise ValueError(f"{low_name} = {low} must be below {high_name} = {high}")


File = Annotated[Path, BeforeValidator(_place)]
Directory = Annotated[File, AfterValidator(_without_braces)]
Seconds = Annotated[float, _reader("s"), quantity_writer("s"), _schema("s")]
Bytes = Annotated[int, BeforeValidator(partial(_whole, unit="byte")), quantity_writer("byte"), _schema("byte")]
BytesPerSecond = Annotated[float, _reader("byte / s"), quantity_writer("byte / s"), _schema("byte / s")]
KiloElectronVolt = Annotated[float, _reader("keV"), quantity_writer("keV"), _schema("keV")]
ArcSeconds = Annotated[float, _reader("arcsec"), quantity_writer("arcsec"), _schema("arcsec")]
PlainArcSeconds = Annotated[
    float, BeforeValidator(partial(_read_either, unit="arcsec")), quantity_writer("arcsec"), _either("arcsec")
]
PlainArcMinutes = Annotated[
    float, BeforeValidator(partial(_read_either, unit="arcmin")), quantity_writer("arcmin"), _either("arcmin")
]


class Section(BaseModel):
    """A part of the configuration. Unknown keys are errors, and the values cannot change after reading."""

    # Models are built when they are first used: a job reads the options of one step only.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float):
            raise ValueError("expected a number")
        return value

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Read the options of a record or a job. ValidationError (a ValueError) if they do not fit this section."""
        return cls.model_validate(values, context={RECORDED: True})

    def values(self) -> dict[str, Any]:
        """Return the options for JSON, quantities with their units. `from_values` reads them."""
        return self.model_dump(mode="json")

    def plain_values(self) -> dict[str, Any]:
        """Return the options for JSON, quantities as numbers in their own units."""
        return self.model_dump(mode="json", context={PLAIN: True})


def section_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section inside an annotation such as `tuple[EnergyRange, ...]` or `dict[str, Mission]`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((section for part in get_args(annotation) if (section := section_in(part))), None)


def branches_of(annotation: Any) -> dict[str, type[BaseModel]]:
    """Map tags to the possible sections of a value; empty if the value has only one type."""
    branches: dict[str, type[BaseModel]] = {}
    for argument in get_args(annotation):
        tags = [metadata.tag for metadata in getattr(argument, "__metadata__", ()) if isinstance(metadata, Tag)]
        section = section_in(argument)
        if tags and section is not None:
            branches[tags[0]] = section
        else:
            branches |= branches_of(argument)
    return branches


def branch_of(annotation: Any, tag: object) -> type[BaseModel] | None:
    """Return the section of a value with a tag, or None if the tag is unknown."""
    return branches_of(annotation).get(str(tag))
