"""What a task of SAS or eSASS may be told, as data, and a command made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from daxa_wf.errors import ConfigError

Kind = Literal["bool", "int", "real", "text", "file"]
Value = bool | int | float | str | Path | Sequence[int] | Sequence[float] | Sequence[str]

SPOKEN = {"yes": True, "true": True, "y": True, "no": False, "false": False, "n": False}
"""Booleans as SAS tasks take them, whatever the case of the letters."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a task. `default` is the task's own, as it prints it; None where it is not known or not there.

    `many`: a list, written with blanks between; `unit` and `note` are for people.
    """

    name: str
    kind: Kind
    default: str | None = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    many: bool = False
    unit: str = ""
    note: str = ""

    def written(self, value: Value, booleans: tuple[str, str]) -> str:
        """`value` as the command line has it; ValueError says what is allowed."""
        if self.many:
            items = [value] if isinstance(value, str | Path | bool | int | float) else list(value)
            words = " ".join(self._one(item, booleans) for item in items).split()
        else:
            words = [self._one(value, booleans)]
        for word in words:
            self._check(word)
        return " ".join(words)

    def read(self, text: str) -> str:
        """`text` as the task understands it, with booleans as 'yes' or 'no'; ValueError says what is allowed."""
        for word in text.split() if self.many else [text]:
            self._check(word)
        return text if self.kind != "bool" else ("yes" if SPOKEN[text.lower()] else "no")

    def _one(self, value: object, booleans: tuple[str, str]) -> str:
        if self.kind == "bool":
            spoken = SPOKEN.get(str(value).lower())
            if spoken is None:
                raise ValueError(f"yes or no is allowed, not {value!r}")
            return booleans[spoken]
        if isinstance(value, bool):
            raise ValueError(f"a {self.kind} is needed, not {value!r}")
        return format(value, ".12g") if isinstance(value, float) else str(value)

    def _check(self, word: str) -> None:
        if self.kind == "bool" and word.lower() not in SPOKEN:
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
    """A task: its parameters in the order it prints them, how it writes booleans, the variables it cannot do without.

    `dialect` tells interfaces of one task apart. `done_line`: what it prints last when it succeeded, if it says so.
    """

    name: str
    toolkit: Literal["sas", "esass"]
    parameters: tuple[Parameter, ...]
    booleans: tuple[str, str] = ("no", "yes")
    needs: tuple[str, ...] = ()
    dialect: str = ""
    done_line: str = ""

    @property
    def by_name(self) -> dict[str, Parameter]:
        """Its parameters by name."""
        return {parameter.name: parameter for parameter in self.parameters}

    def command(
        self,
        parameters: Mapping[str, Value],
        environment: Mapping[str, str | Path] | None = None,
        products: Mapping[str, str] | None = None,
        **other: object,
    ) -> Command:
        """A command that this task takes; ConfigError naming the task and the parameter otherwise.

        `other` are further fields of Command.
        """
        known, written = self.by_name, []
        for name, value in parameters.items():
            if name not in known:
                raise ConfigError(f"{self.label} has no parameter {name!r}; it knows {', '.join(known)}")
            try:
                written.append((name, known[name].written(value, self.booleans)))
            except ValueError as error:
                raise ConfigError(f"{self.label}: {name}={value}: {error}") from None
        missing = [each.name for each in self.parameters if each.required and each.name not in parameters]
        if missing:
            raise ConfigError(f"{self.label} needs {', '.join(missing)}")
        variables = {name: str(value) for name, value in (environment or {}).items()}
        return Command(self, tuple(written), variables, dict(products or {}), **other)  # type: ignore[arg-type]

    def check(self, argv: Sequence[str]) -> dict[str, str]:
        """The values of all parameters that `argv` gives, booleans as 'yes' or 'no'.

        ValueError naming what the task would refuse: an argument that is no `name=value`, a name it does not know,
        a value it does not allow, or a required parameter that is not there.
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
        """The task's name, and which of its interfaces it is."""
        return f"{self.name} ({self.dialect})" if self.dialect else self.name


@dataclass(frozen=True)
class Command:
    """One call of a task, as data; nothing in it is a place but what its values say.

    `environment`: variables that it needs beside those of its toolkit. `products`: kind of product -> file name or
    pattern in the working directory; it failed if one is not there. `extras`: the same, where they may be missing.
    `links` and `copies`: names in the working directory -> files that must be there before it runs, the copies because
    the task writes into them. `unfit_warnings`: warnings of its own that say that the data are unfit.
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
        """Name of the task."""
        return self.spec.name

    @property
    def argv(self) -> list[str]:
        """The command line."""
        return [self.task, *(f"{name}={value}" for name, value in self.parameters)]
