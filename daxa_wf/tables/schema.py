"""The common columns of an observation table, with units and descriptions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CommonColumn:
    """One common column: its pandas dtype, unit and description."""

    name: str
    dtype: str
    unit: str
    description: str


COMMON_COLUMNS = (
    CommonColumn("obsid", "str", "", "observation identifier, always text"),
    CommonColumn("ra", "float64", "deg", "right ascension of the pointing, ICRS"),
    CommonColumn("dec", "float64", "deg", "declination of the pointing, ICRS"),
    CommonColumn("start", "datetime64[ms]", "", "start, UTC"),
    CommonColumn("end", "datetime64[ms]", "", "end, UTC"),
    CommonColumn("duration", "float64", "s", "end minus start"),
    CommonColumn("exposure", "float64", "s", "exposure of the observation as the mission's table gives it"),
    CommonColumn("target", "str", "", "name of the target"),
    CommonColumn("target_type", "str", "", "code of mission.taxonomy, empty if unknown"),
    CommonColumn("proprietary_end", "datetime64[ms]", "", "when the data become public, UTC; NaT if unknown"),
    CommonColumn("instruments", "str", "", "instruments with data, space separated"),
    CommonColumn("science_usable", "bool", "", "the mission marks it as fit for science"),
)
