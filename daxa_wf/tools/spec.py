"""Describe external tasks as data: their parameters, and commands made from them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from daxa_wf.errors import ConfigError
from daxa_wf.tools.environment import ToolkitVariables

ParameterKind = Literal["bool", "int", "real", "text", "file"]
ParameterValue = bool | int | float | str | Path | Sequence[int] | Sequence[float] | Sequence[str]

BOOLEANS = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}
"""Booleans as SAS tasks accept them, in upper or lower case."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a task. `default` is the task's own, in the form that it prints; None if it is unknown or absent.

    `many` marks a list, written with blanks between its items. `unit` and `note` are for people.
    """

    name: str
    kind: ParameterKind
    default: str | None = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    many: bool = False
    unit: str = ""
    note: str = ""

    def written(self, value: ParameterValue, booleans: tuple[str, str]) -> str:
        """Return `value` in the form of the command line. ValueError if it is not allowed."""
        if self.many:
            items = [value] if isinstance(value, str | Path | bool | int | float) else list(value)
            words = " ".join(self._one(item, booleans) for item in items).split()
        else:
            words = [self._one(value, booleans)]
        for word in words:
            self._check(word)
        return " ".join(words)

    def read(self, text: str) -> str:
        """Return `text` in the form that the task sees, booleans as 'yes' or 'no'. ValueError if it is not allowed."""
        for word in text.split() if self.many else [text]:
            self._check(word)
        return text if self.kind != "bool" else ("yes" if BOOLEANS[text.lower()] else "no")

    def _one(self, value: object, booleans: tuple[str, str]) -> str:
        if self.kind == "bool":
            truth = BOOLEANS.get(str(value).lower())
            if truth is None:
                raise ValueError(f"yes or no is allowed, not {value!r}")
            return booleans[truth]
        if isinstance(value, bool):
            raise ValueError(f"a {self.kind} is needed, not {value!r}")
        return format(value, ".12g") if isinstance(value, float) else str(value)

    def _check(self, word: str) -> None:
        if self.kind == "bool" and word.lower() not in BOOLEANS:
            raise ValueError(f"yes or no is allowed, not {word!r}")
        if self.allowed and word not in self.allowed:
            raise ValueError(f"{word!r} is none of {', '.join(self.allowed)}")
        if self.kind == "file" and not word:
            raise ValueError("a file name is needed")
        if self.kind in ("int", "real"):
            self._check_number(word)

    def _check_number(self, word: str) -> None:
        try:
            number = int(word, 0) if self.kind == "int" else float(word)
        except ValueError:
            raise ValueError(f"{word!r} is not {'a whole' if self.kind == 'int' else 'a'} number") from None
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            bounds = f"{'' if self.low is None else format(self.low, 'g')}..{'' if self.high is None else format(self.high, 'g')}"
            raise ValueError(f"{word} is outside of {bounds} {self.unit}".rstrip())


@dataclass(frozen=True)
class TaskSpec:
    """A task: its toolkit, its parameters in the order that it prints, how it writes booleans, variables that it needs.

    `dialect` distinguishes interfaces of one task. `done_line` is the last line that it prints on success, if it has
    one. `unfit_errors` are the names of errors that declare the data unfit, and not the task failed.
    """

    name: str
    toolkit: ToolkitVariables
    parameters: tuple[Parameter, ...]
    booleans: tuple[str, str] = ("no", "yes")
    needs: tuple[str, ...] = ()
    dialect: str = ""
    done_line: str = ""
    unfit_errors: tuple[str, ...] = ()

    @property
    def by_name(self) -> dict[str, Parameter]:
        """Map names to its parameters."""
        return {parameter.name: parameter for parameter in self.parameters}

    def command(
        self,
        parameters: Mapping[str, ParameterValue],
        environment: Mapping[str, str | Path] | None = None,
        products: Mapping[str, str] | None = None,
        **other: object,
    ) -> Command:
        """Make a command of this task. `other` are further fields of Command.

        ConfigError names the task and the parameter if the task would refuse it.
        """
        known, written = self.by_name, []
        for name, value in parameters.items():
            if name not in known:
                raise ConfigError(f"{self.label} has no parameter {name!r}; it knows {', '.join(known)}")
            try:
                written.append((name, known[name].written(value, self.booleans)))
            except ValueError as error:
                raise ConfigError(f"{self.label}: {name}={value}: {error}") from None
        missing = [option.name for option in self.parameters if option.required and option.name not in parameters]
        if missing:
            raise ConfigError(f"{self.label} needs {', '.join(missing)}")
        variables = {name: str(value) for name, value in (environment or {}).items()}
        return Command(self, tuple(written), variables, dict(products or {}), **other)  # type: ignore[arg-type]

    def check(self, argv: Sequence[str]) -> dict[str, str]:
        """Return the values of all parameters in `argv`, booleans as 'yes' or 'no'.

        ValueError names the argument that the task would refuse: it is not `name=value`, its name is unknown, its value
        is not allowed, or a required parameter is missing.
        """
        known, values = self.by_name, {}
        for argument in argv:
            match = re.fullmatch(r"(\w+)=(.*)", argument, re.DOTALL)
            if match is None:
                raise ValueError(f"{argument!r} is not name=value")
            name, text = match.groups()
            if name not in known:
                raise ValueError(f"unknown parameter {name!r}")
            if name in values:
                raise ValueError(f"parameter {name!r} is given twice")
            try:
                values[name] = known[name].read(text)
            except ValueError as error:
                raise ValueError(f"parameter {name}: {error}") from None
        for parameter in self.parameters:
            if parameter.required and parameter.name not in values:
                raise ValueError(f"parameter {parameter.name!r} is required")
        return values

    @property
    def label(self) -> str:
        """Return the task's name, with its interface if it has several."""
        return f"{self.name} ({self.dialect})" if self.dialect else self.name


@dataclass(frozen=True)
class Command:
    """One call of a task, as data.

    `environment`: variables that it needs beside those of its toolkit. `products`: kind of product -> file name or
    pattern in the working directory; the command failed if one is missing. `extras`: the same for optional products.
    `links` and `copies`: names in the working directory -> files that it needs there; the task writes into the copies.
    `unfit_warnings`: names of the task's warnings that declare the data unfit.
    """

    spec: TaskSpec
    parameters: tuple[tuple[str, str], ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)
    extras: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Path] = field(default_factory=dict)
    copies: Mapping[str, Path] = field(default_factory=dict)
    unfit_warnings: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """Return the name of the task."""
        return self.spec.name

    @property
    def argv(self) -> list[str]:
        """Return the command line."""
        return [self.task, *(f"{name}={value}" for name, value in self.parameters)]
