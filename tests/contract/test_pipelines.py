"""Every name in a pipeline exists, and the rules of the workflow follow the steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from daxa_wf.mission.pipeline import Pipeline
from daxa_wf.mission.registry import STEPS, pipelines
from daxa_wf.mission.step import COMMON_ENGINES, REPORT, Step, load
from tests.contract.source import ROOT

REFERENCE = re.compile(r"daxa_wf(\.\w+)+:\w+")


def references_in(value: Any) -> Iterator[str]:
    """Yield every reference `module:name` in a tree of dataclasses, mappings and tuples."""
    if isinstance(value, str):
        yield from [value] if REFERENCE.fullmatch(value) else []
    elif isinstance(value, tuple):
        yield from (reference for item in value for reference in references_in(item))
    elif hasattr(value, "values"):
        yield from (reference for item in value.values() for reference in references_in(item))
    elif is_dataclass(value):
        for field in fields(value):
            yield from references_in(getattr(value, field.name))


@pytest.mark.parametrize("pipeline", pipelines(), ids=lambda pipeline: pipeline.missions[0].name)
def test_references_lead_to_objects(pipeline: Pipeline) -> None:
    references = list(references_in(pipeline))
    assert all(load(reference) is not None for reference in references)
    assert references, "a pipeline has the section of its missions at least"


def test_references_of_the_common_steps_lead_to_objects() -> None:
    common = [step for step in STEPS.values() if not any(step in pipeline.steps for pipeline in pipelines())]
    assert {step.name for step in common} == {"acquire", "preprocessed", "report"}
    assert all(callable(load(step.run)) for step in common)


@pytest.mark.parametrize("step", STEPS.values(), ids=lambda step: step.name)
def test_a_step_follows_steps_that_exist_and_come_before_it(step: Step) -> None:
    names = list(STEPS)
    assert [name for name in step.earlier if name not in names[: names.index(step.name)]] == []


def test_every_step_of_an_engine_exists_and_belongs_to_its_pipeline() -> None:
    for pipeline in pipelines():
        own = {step.name for step in pipeline.steps}
        assert {name for engine in pipeline.engines for name in engine.steps} == own
    assert {name for engine in COMMON_ENGINES for name in engine.steps} == {"preprocessed"}


def rules() -> dict[str, str]:
    """Map the rules of the workflow to their texts."""
    texts = [path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk"))]
    parts = re.split(r"^rule (\w+):\n", "\n".join(texts), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("step", STEPS.values(), ids=lambda step: step.name)
def test_each_step_has_a_rule_that_reads_everything_from_it(step: Step) -> None:
    text = rules()[step.name]
    assert ("**observations.inputs()" if step is REPORT else f'**plan.inputs("{step.name}")') in text
    assert f'plan.record("{step.name}")' in text
    assert ("params:" in text) == bool(step.has_options or step.tasks or step.raw or step is REPORT)


@pytest.mark.parametrize("step", STEPS.values(), ids=lambda step: step.name)
def test_the_docstring_of_a_rule_names_the_steps_before_it(step: Step) -> None:
    """A reader of the rule file sees the flow: each rule names the last steps that it needs, or that it can be the first."""
    docstring = rules()[step.name].split('"""')[1]
    before = {*step.needs, *step.needs_one_of} or (
        {"all of its other steps"} if step.name == "report" else {"manifest"}
    )
    assert any(re.search(rf"\b{name}\b", docstring) for name in before), docstring
    if step.is_first and step.needs:
        assert "First" in docstring
