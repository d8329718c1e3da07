"""Explain pydantic's errors in a configuration by the keys that its author wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from daxa_wf.near import closest
from daxa_wf.options import branch_of, section_in
from daxa_wf.text import shown

EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "path_type": "a path, as text",
    "dict_type": "keys with values",
    "model_type": "keys, such as {keys}",
    "date_type": "a day, such as 2010-01-31",
    "date_parsing": "a day, such as 2010-01-31",
    "date_from_datetime_parsing": "a day, such as 2010-01-31",
    "date_from_datetime_inexact": "a day, such as 2010-01-31",
    "literal_error": "{expected}",
    "greater_than": "more than {gt:.12g}",
    "greater_than_equal": "{ge:.12g} or more",
    "less_than": "less than {lt:.12g}",
    "less_than_equal": "{le:.12g} or less",
    "too_long": "{max_length} values, not {actual_length}",
}
"""Kind of mistake -> the expected value, with pydantic's details."""

OF_ANOTHER_BRANCH = ("dict_type", "model_type", "bool_type", "bool_parsing")
"""Kinds of mistakes in a value with several possible types, which are dropped if another mistake explains more."""

Problem = Any
KeyPath = tuple[str | int, ...]


def explain(error: ValidationError, data: Mapping[str, Any], root: type[BaseModel]) -> list[str]:
    """Return one line for each wrong value: the key, the problem, the expected value."""
    by_place = _by_place(error, data)
    return [line for place, problems in by_place.items() for line in _lines(place, problems, root)]


def explain_hidden(error: ValidationError, data: Mapping[str, Any], root: type[BaseModel]) -> list[str]:
    """Return lines for contradictions within a section that pydantic skips if a value is wrong.

    The section is checked again without its wrong keys. Contradictions with wrong keys are left out.
    """
    wrong = [_key_of(place, data) for place in _by_place(error, data)]
    sections = {
        place[:-1]: [str(other[-1]) for other in wrong if other[:-1] == place[:-1]] for place in wrong if place[1:]
    }
    kept: dict[KeyPath, list[Problem]] = {}
    pruned = without(data, wrong)
    try:
        root.model_validate(pruned)
    except ValidationError as second:
        for place, problems in _by_place(second, pruned).items():
            hidden = [
                problem
                for problem in problems
                if problem["type"] == "value_error" and not _names_any(problem["msg"], sections.get(place, ()))
            ]
            if place in sections and hidden:
                kept[place] = hidden
            elif not place:
                kept[place] = [_without_lines(problem, wrong) for problem in hidden]
    return [line for place, problems in kept.items() for line in _lines(place, problems, root)]


def _without_lines(problem: Problem, places: Iterable[KeyPath]) -> Problem:
    """Return a problem of the whole configuration without its lines about keys that are already reported."""
    keys = [".".join(map(str, place)) for place in places]
    lines = [line for line in problem["msg"].splitlines() if not any(f"{key}:" in line for key in keys)]
    return {**problem, "msg": "\n".join(lines)}


def _names_any(message: str, keys: Iterable[str]) -> bool:
    return any(re.search(rf"\b{re.escape(key)}\b", message) for key in keys)


def _by_place(error: ValidationError, data: Mapping[str, Any]) -> dict[KeyPath, list[Problem]]:
    """Return the problems by the keys that lead to them."""
    by_place: dict[KeyPath, list[Problem]] = {}
    for problem in error.errors():
        by_place.setdefault(_place(problem, data), []).append(problem)
    # If a value within the section is wrong, a problem of the whole section belongs to another type of the value.
    inner = {place[:length] for place in by_place for length in range(1, len(place))}
    return {place: problems for place, problems in by_place.items() if place not in inner}


def _key_of(place: KeyPath, data: Any) -> KeyPath:
    """Return a place up to the first key whose value is not a section, so that a list is removed as a whole."""
    for length, part in enumerate(place):
        if not isinstance(data, Mapping) or part not in data:
            return place[:length]
        data = data[part]
    return place


def without(data: Mapping[str, Any], places: Iterable[KeyPath]) -> dict[str, Any]:
    """Return a configuration without the keys at some places."""
    first = {place[0] for place in places if len(place) == 1}
    deeper = [place for place in places if len(place) > 1]
    return {
        key: without(value, [place[1:] for place in deeper if place[0] == key]) if isinstance(value, Mapping) else value
        for key, value in data.items()
        if key not in first
    }


def _place(problem: Problem, data: Any) -> KeyPath:
    """Return the keys that lead to a mistake, without pydantic's names for the types of a value."""
    kept: list[str | int] = []
    for part in problem["loc"]:
        is_present = (
            part in data if isinstance(data, Mapping) else isinstance(part, int) and isinstance(data, list | tuple)
        )
        if is_present and not (isinstance(data, list | tuple) and part >= len(data)):
            kept.append(part)
            data = data[part]
    if problem["type"] == "unknown_branch":
        return (*kept, problem["ctx"]["key"])
    last = problem["loc"][-1:]
    return (*kept, *last) if problem["type"] == "missing" and isinstance(last[0], str) else tuple(kept)


def _lines(place: KeyPath, problems: list[Problem], root: type[BaseModel]) -> list[str]:
    keys = [problem for problem in problems if problem["loc"][-1:] == ("[key]",)]
    best = keys or [problem for problem in problems if problem["type"] not in OF_ANOTHER_BRANCH] or problems[:1]
    reasons = list(dict.fromkeys(_reason(problem, place, root) for problem in best))
    text = ", or ".join([*reasons[:1], *(reason.removeprefix("expected ") for reason in reasons[1:])])
    where = ".".join(map(str, place))
    return [f"{where}: {line}" if where else line for line in text.splitlines()[:1]] + text.splitlines()[1:]


def _reason(problem: Problem, place: KeyPath, root: type[BaseModel]) -> str:
    kind, given, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind == "extra_forbidden":
        model = _model_along(problem["loc"][:-1], root)
        if (explained := getattr(model, "unknown_key", None)) is not None:
            return str(explained(str(place[-1])))
        allowed = list(model.model_fields)
        return f"unknown key; allowed are {', '.join(allowed)}{closest(str(place[-1]), allowed)}"
    if kind == "unknown_branch":
        value = given.get(context["key"]) if isinstance(given, Mapping) else given
        present_name = context.get(f"former name {value}")
        hint = f" - it is now called '{present_name}'" if present_name else _closest_of(value, context["expected"])
        return f"expected one of {context['expected']}{_got(value)}{hint}"
    if kind == "missing":
        return "this key is required" if place[-1:] == problem["loc"][-1:] else f"expected more values{_got(given)}"
    if kind == "literal_error" and problem["loc"][-1] == "[key]":
        return f"unknown key; allowed are {context['expected']}{_closest_of(given, context['expected'])}"
    if problem["loc"][-1:] == ("[key]",) or kind == "invalid_key":
        return "a key must be text; put it in quotes"
    if given is None:
        return "the value is missing; write a value, or remove the key if it is optional"
    if kind == "too_short":
        return _too_short(given, context)
    if kind in ("tuple_type", "list_type"):
        return f"expected a list, such as [{shown(given)}]" if _is_single(given) else f"expected a list{_got(given)}"
    if kind in EXPECTED:
        hint = _closest_of(given, context["expected"]) if kind == "literal_error" else ""
        keys = ", ".join(_keys_at(place, root)[:4])
        return f"expected {EXPECTED[kind].format(**context, keys=keys)}{_got(given)}{hint}"
    text: str = problem["msg"].removeprefix("Value error, ")
    has_value = isinstance(given, dict) or "\n" in text or str(given).strip("[]'") in text
    return text if has_value else f"{text}{_got(given)}"


def _too_short(given: Any, context: Mapping[str, Any]) -> str:
    if len(given):
        return f"expected {context['min_length']} or more values, got {len(given)}"
    return "it is empty; write at least one value, or remove the key"


def _is_single(given: Any) -> bool:
    return isinstance(given, str | int | float) and not isinstance(given, bool)


def _closest_of(given: Any, expected: str) -> str:
    return closest(given, re.findall(r"'([^']*)'", expected)) if isinstance(given, str) else ""


def _got(given: Any) -> str:
    return f" (got {shown(given)})"


def _model_at(place: KeyPath, root: type[BaseModel]) -> type[BaseModel]:
    model = root
    for part in place:
        if part in model.model_fields:
            model = section_in(model.model_fields[str(part)].annotation) or model
    return model


def _model_along(loc: Sequence[Any], root: type[BaseModel]) -> type[BaseModel]:
    """Return the model at a location of pydantic, which includes the branch of a value with several possible sections."""
    model: type[BaseModel] = root
    annotation: Any = None
    for part in loc:
        if part in model.model_fields:
            annotation = model.model_fields[str(part)].annotation
            model = section_in(annotation) or model
        elif (branch := branch_of(annotation, part)) is not None:
            model = branch
    return model


def _keys_at(place: KeyPath, root: type[BaseModel]) -> list[str]:
    return list(_model_at(place, root).model_fields)
