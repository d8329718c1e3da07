"""Defaults of a user, for values that a configuration does not give."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PositiveInt

from daxa_wf.options import Directory, Section

FILE_NAME = "daxa_wf.yaml"


def _not_relative(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError(f"{str(path)!r} is relative; write a path that begins with / or ~")
    return path


AbsoluteDirectory = Annotated[Directory, AfterValidator(_not_relative)]


class UserDefaults(Section):
    """Values of `~/.config/daxa_wf.yaml`, which apply where a configuration or a command does not give them."""

    output: AbsoluteDirectory | None = Field(
        None,
        description="directory of your archives: a configuration without 'archive', such as `virgo.yaml`, makes the archive "
        "`virgo` in it",
    )
    data: AbsoluteDirectory | None = Field(None, description="'data' of configurations without it")
    cores: PositiveInt | None = Field(None, description="cores of `daxa-wf run` without --cores and --profile")


def user_defaults_file() -> Path:
    """Return the path of the user's defaults, which need not exist. A relative XDG_CONFIG_HOME does not count.

    Source: XDG Base Directory Specification 0.8.
    """
    home = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    return (home if home.is_absolute() else Path("~/.config").expanduser()) / FILE_NAME


def filled_values(values: Mapping[str, Any], defaults: UserDefaults, name: str) -> dict[str, Any]:
    """Return a configuration's values and the defaults of keys without a value. `name` names an archive in `output`.

    >>> filled_values({"missions": {}}, UserDefaults(output="/archives"), "virgo")
    {'archive': '/archives/virgo', 'missions': {}}
    """
    return {**_defaults(defaults, name), **values}


def used_defaults(values: Mapping[str, Any], defaults: UserDefaults, name: str) -> dict[str, str]:
    """Return the defaults that a configuration without some keys takes, by key."""
    return {key: value for key, value in _defaults(defaults, name).items() if key not in values}


def _defaults(defaults: UserDefaults, name: str) -> dict[str, str]:
    places = {"archive": defaults.output / name if defaults.output and name else None, "data": defaults.data}
    return {key: str(place) for key, place in places.items() if place is not None}
