"""Find values that YAML reads differently from their intended meaning, before YAML converts them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from daxa_wf.errors import ConfigError

NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
TIMESTAMP = "tag:yaml.org,2002:timestamp"


def refuse_misread_values(root: Any, path: Path) -> None:
    """Raise ConfigError with the key of each value that YAML would misread in a composed document."""
    problems = [f"  {'.'.join(place)}: {problem}" for place, problem in _problems(root)]
    if problems:
        raise ConfigError("\n".join([f"{path} cannot be used:", *problems]))


def refuse_misread_file(path: Path) -> None:
    """Raise ConfigError for the values of a file that YAML would misread. Ignore other mistakes, which readers find."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError):
        return
    refuse_misread_values(root, path)


def _problems(root: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the keys that lead to a misread value, and the problem. A value with several aliases counts once."""
    pending: list[tuple[tuple[str, ...], Any]] = [((), root)]
    seen: set[int] = set()
    while pending:
        place, node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            pending += [((*place, str(key.value)), value) for key, value in reversed(node.value)]
        elif isinstance(node, yaml.SequenceNode):
            pending += [((*place, str(number)), value) for number, value in reversed(list(enumerate(node.value)))]
        elif isinstance(node, yaml.ScalarNode) and (problem := _misread(node)):
            yield place, f"{problem} (line {node.start_mark.line + 1})"


def _misread(node: Any) -> str:
    """Return why YAML would misread a scalar, or ''."""
    if node.tag in NUMBERS and ":" in node.value:
        return (
            f"YAML reads {node.value} without quotes as the number {yaml.safe_load(node.value)}, in base 60; write it in "
            f"quotes, '{node.value}'"
        )
    if node.tag in (*NUMBERS, TIMESTAMP):
        try:
            yaml.safe_load(node.value)
        except (ValueError, OverflowError) as error:
            is_time = node.tag == TIMESTAMP
            expected = "a day of the calendar, as year-month-day: 2019-12-31" if is_time else "a shorter number"
            return f"{node.value[:40]} cannot be read ({error}); expected {expected}"
    return ""
