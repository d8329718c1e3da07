"""Make docs/configuration.md from the models, so that both agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from daxa_wf.config.image_sections import EnergyRange
from daxa_wf.config.mission_section import MissionSection
from daxa_wf.config.model import Missions, config_model
from daxa_wf.config.user_defaults import UserDefaults
from daxa_wf.options import branches_of, section_in

HEAD = """# Configuration

Made from the models in `daxa_wf/config` and of the observatories by `daxa-wf config-docs`; do not edit.

Quantities are text with a unit: `0.5 keV`, `60 s`, `4.35 arcsec`; any unit that measures the same will do. ObsIDs are
put in quotes. Paths may begin with `~`. Unknown keys are errors. Sections and options without effect are errors too: those of a
step that the engine lacks, and those of other flare filters than the chosen one.
`daxa-wf check-config FILE` reports mistakes in a file, and missing things that it names. `config/schema.json` is the same
as a JSON schema, for editors (`# yaml-language-server: $schema=.../config/schema.json` on the first line).
Your own defaults are in `~/.config/daxa_wf.yaml` (or in `$XDG_CONFIG_HOME`), the last section of this page. `check-config` and
`doctor` show the values that they give, and a lock records them.

"""


def configuration_page() -> str:
    """Return the page: one table for each section, in the order of a configuration."""
    sections = (*_section("(top level)", config_model()), *_section("~/.config/daxa_wf.yaml", UserDefaults))
    return HEAD + "\n".join(sections).rstrip() + "\n"


def _section(name: str, model: type[BaseModel], beside: type[BaseModel] | None = None) -> Iterator[str]:
    """Yield the table of a section and of its subsections, without the keys that it shares with the section `beside`."""
    fields = model.model_fields
    if beside is not None:
        fields = {key: field for key, field in fields.items() if _differs(field, beside.model_fields.get(key))}
    if issubclass(model, Missions):
        yield from _missions(name, model)
        return
    yield from (f"## `{name}`", "", " ".join((model.__doc__ or "").split()), "")
    yield from ("| key | default | what |", "|---|---|---|")
    for key, field in fields.items():
        yield f"| `{key}` | {_default(field)} | {_description(field)} |"
    yield ""
    for key, field in fields.items():
        branches = branches_of(field.annotation)
        for tag, branch in branches.items():
            yield from _section(f"{name}.{key} ({tag})", branch)
        section = section_in(field.annotation)
        if section is not None and not branches:
            yield from _section(key if name == "(top level)" else f"{name}.{key}", section)


def _differs(field: FieldInfo, other: FieldInfo | None) -> bool:
    return other is None or (field.description, field.annotation) != (other.description, other.annotation)


def _missions(name: str, model: type[Missions]) -> Iterator[str]:
    """Yield the section that every mission has, then the additional keys of some missions."""
    yield from _section(f"{name}.<mission>", MissionSection)
    alike: dict[type[BaseModel], list[str]] = {}
    for mission, field in model.model_fields.items():
        section = section_in(field.annotation)
        if section is not None and section is not MissionSection:
            alike.setdefault(section, []).append(mission)
    for section, missions in alike.items():
        yield from _section(f"{name}.{' and '.join(missions)}", section, beside=MissionSection)


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "none"
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, BaseModel):
        return "see below"
    if field.default is None:
        return "none"
    unit = _extras(field).get("unit")
    return f"`{_plain(field.default)}{f' {unit}' if unit else ''}`"


def _plain(value: Any) -> str:
    if isinstance(value, EnergyRange):
        return f"[{value.lo_en} keV, {value.hi_en} keV]"
    if isinstance(value, tuple):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _description(field: FieldInfo) -> str:
    choices = [f"`{choice}`" for choice in get_args(field.annotation) if isinstance(choice, str)]
    words = field.description or _extras(field).get("description", "")
    return "; ".join(filter(None, (words, ", ".join(choices)))).replace("|", "\\|")


def _extras(field: FieldInfo) -> dict[str, Any]:
    """Return the JSON schema's extra facts about a field, from its types and the members of unions."""
    inner = [item for argument in get_args(field.annotation) for item in getattr(argument, "__metadata__", ())]
    extras: dict[str, Any] = {}
    for metadata in (*field.metadata, *inner):
        extras |= getattr(metadata, "json_schema", None) or {}
    return extras
