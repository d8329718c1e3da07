"""Types of the values in the section `select`, which check them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from daxa_wf.errors import ConfigError, ExpressionError
from daxa_wf.options import quantity_writer, read_quantity
from daxa_wf.text import shown


def moment(text: str | None) -> Any:
    """Return the time that a text states, as pandas's Timestamp, or None. ConfigError if the text is not a time."""
    import pandas as pd

    try:
        value: Any = None if text is None else pd.Timestamp(text)
    except ValueError:
        value = pd.NaT
    if value is pd.NaT:
        raise ConfigError(f"time: {text!r} is not a time; write 2010-01-01 or 2010-01-01T12:00")
    return value


def _radius(value: object, info: ValidationInfo) -> float:
    degrees = read_quantity(value, info, "deg")
    if not 0 < degrees <= 180:
        raise ValueError(f"{value!r} is not a radius; expected more than 0 and at most 180 degrees")
    return degrees


def _coordinates(value: Any) -> Any:
    """Convert one pair of coordinates or several, numbers or sexagesimal text, to a list of pairs in degrees."""
    from daxa_wf.selection.positions import degrees_of_texts

    if not isinstance(value, list | tuple) or not value:
        raise ValueError("expected [ra, dec], [[ra, dec], ...] or a table")
    pairs = [value] if len(value) == 2 and not isinstance(value[0], list | tuple) else value
    for number, pair in enumerate(pairs, start=1):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"position {number} is {shown(pair)}; expected two coordinates, such as [10.68, 41.27]")
    lon, lat = degrees_of_texts(*([str(pair[axis]) for pair in pairs] for axis in (0, 1)))
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


def _coordinate(value: Any) -> Any:
    """Refuse a value that is neither a number nor sexagesimal text."""
    from daxa_wf.selection.positions import degrees_of_texts

    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{shown(value)} is not a coordinate; write degrees (10.68), or text such as '00 42 44.3'")
    degrees_of_texts([str(value)], ["0"])
    return value


def _texts(value: Any) -> Any:
    """Refuse ObsIDs that are numbers, because YAML drops leading zeros or reads the number as octal."""
    for obsid in value if isinstance(value, list | tuple) else ():
        if isinstance(obsid, int | float):
            raise ValueError(f"YAML reads {obsid!r} as a number; put ObsIDs in quotes, because leading zeros count")
    if isinstance(value, int | float):
        raise ValueError("expected a list of ObsIDs in quotes, such as ['0201903501']")
    return value


Degrees = Annotated[
    float,
    BeforeValidator(_radius),
    quantity_writer("deg"),
    WithJsonSchema({"type": "string", "description": "a quantity convertible to deg", "unit": "deg"}),
]
Coordinate = Annotated[
    float | str,
    BeforeValidator(_coordinate),
    WithJsonSchema({"type": ["number", "string"]}),
]
"""A number of degrees, or sexagesimal text, which is converted later: its meaning depends on the axis."""
Corner = tuple[float, float]
Coordinates = Annotated[
    tuple[Corner, ...],
    BeforeValidator(_coordinates),
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": ["array", "number", "string"]}}),
]
ObsIds = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_texts)]


def _checked_query(text: str) -> str:
    from daxa_wf.selection.query import compile_query

    try:
        compile_query(text, lambda _: (0.0, 0.0))
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return text


def _checked_moment(text: str) -> str:
    try:
        moment(text)
    except ConfigError as error:
        raise ValueError(str(error).removeprefix("time: ")) from None
    return text


def _date_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _checked_types(codes: tuple[str, ...]) -> tuple[str, ...]:
    from daxa_wf.mission.taxonomy import TARGET_TYPES

    unknown = [code for code in codes if code not in TARGET_TYPES]
    if unknown:
        raise ValueError(f"unknown {', '.join(unknown)}; choose from {', '.join(TARGET_TYPES)}")
    return codes


Moment = Annotated[str, BeforeValidator(_date_text), AfterValidator(_checked_moment)]
TargetTypes = Annotated[tuple[str, ...], AfterValidator(_checked_types)]
QueryText = Annotated[str, AfterValidator(_checked_query)]


def _checked_expression(text: str) -> str:
    from daxa_wf.events.expression import check_expression

    try:
        check_expression(text, {})
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


SelectionExpression = Annotated[str, AfterValidator(_checked_expression)]
"""A condition in the language of expressions."""
