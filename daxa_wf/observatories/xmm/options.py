"""Options of XMM-Newton's steps: one model from the configuration to the algorithm."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)

from daxa_wf.config.image_sections import ExposureMaps, Images
from daxa_wf.errors import ExpressionError
from daxa_wf.options import KiloElectronVolt, Section, increasing
from daxa_wf.units import Band

StepEngine = Literal["native", "sas"]
CcdState = Literal["G", "I", "B", "O", "U"]


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
    """The treatment of MOS's CCDs with too much noise at low energies, by SAS's emanom or by its published criteria (native)."""

    run: bool = Field(False, description="judge the CCDs, and keep only those in an acceptable state (docs/sas.md)")
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
