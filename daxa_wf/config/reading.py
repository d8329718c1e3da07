"""Read a configuration: YAML of bounded size, without repeated keys, checked by the models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from daxa_wf.config.messages import explain, explain_hidden
from daxa_wf.config.model import Config, config_model
from daxa_wf.config.user_defaults import UserDefaults, filled_values, user_defaults_file
from daxa_wf.config.yaml_values import refuse_misread_values
from daxa_wf.errors import ConfigError

SectionModel = TypeVar("SectionModel", bound=BaseModel)


def parse_config(data: Mapping[str, Any], origin: str = "the configuration") -> Config:
    """Check a configuration from YAML. ConfigError names each wrong key and the allowed values."""
    return _parse(config_model(), data, origin)


def _parse(model: type[SectionModel], data: Mapping[str, Any], origin: str) -> SectionModel:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [*explain(error, data, model), *explain_hidden(error, data, model)]
        problems = "\n".join(f"  {line}" for line in lines)
        raise ConfigError(f"{origin} cannot be used:\n{problems}") from None


LARGEST_FILE = 10_000_000
"""Largest number of bytes of a configuration."""
MOST_NODES = 500_000
"""Largest number of keys and values of a configuration after the replacement of its aliases."""


def _count_nodes(root: Any, path: Path) -> None:
    """Raise ConfigError if aliases make a configuration too large: a few lines of YAML can stand for billions of values."""
    sizes: dict[int, int] = {}
    opened: set[int] = set()
    pending = [root]
    while pending:
        node = pending[-1]
        within = _nodes_within(node)
        waiting = [child for child in within if id(child) not in sizes]
        if id(node) in sizes or not waiting:
            pending.pop()
            opened.discard(id(node))
            sizes.setdefault(id(node), 1 + sum(sizes[id(child)] for child in within))
            if sizes[id(node)] > MOST_NODES:
                raise ConfigError(
                    f"{path}: its aliases (*name) stand for more than {MOST_NODES} values; write them out"
                )
        elif any(id(child) in opened for child in waiting):
            raise ConfigError(f"{path} refers to itself in an alias (*name); write the values out")
        else:
            opened.add(id(node))
            pending.extend(waiting)


def _nodes_within(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _refuse_repeated_keys(node: Any, path: Path) -> None:
    """Raise ConfigError if a mapping repeats a key, because YAML would silently drop the first one."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise ConfigError(f"{path}: the key {name!r} occurs twice, in lines {seen[name]} and {line}; join them")
            seen[name] = line
            _refuse_repeated_keys(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, path)


def read_config(path: Path) -> Config:
    """Read and check a configuration file, with the user's defaults. ConfigError if one of the files cannot be used."""
    return parse_config(resolved_values(path), str(path))


def resolved_values(path: Path) -> dict[str, Any]:
    """Return the keys and values of a configuration file and the user's defaults of other keys, unchecked."""
    return filled_values(read_values(path), read_user_defaults(), path.stem)


def read_user_defaults() -> UserDefaults:
    """Return the user's defaults, none without their file. ConfigError if the file cannot be used."""
    path = user_defaults_file()
    return _parse(UserDefaults, read_values(path), str(path)) if path.exists() else UserDefaults()


def read_values(path: Path) -> dict[str, Any]:
    """Return the keys and values of a configuration file, unchecked. ConfigError if it is not YAML of a bounded size."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(
                f"{path} has more than {LARGEST_FILE} bytes, so it is not a configuration; give the right file"
            )
        text = path.read_text(encoding="utf-8")
        document = yaml.compose(text, Loader=yaml.SafeLoader)
        _count_nodes(document, path)
        _refuse_repeated_keys(document, path)
        refuse_misread_values(document, path)
        data = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not text in UTF-8 (byte {error.start}); save it in UTF-8, or give the right file"
        ) from None
    except RecursionError:
        raise ConfigError(f"{path} refers to itself, or is nested too deeply") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}".replace('in "<unicode string>", ', "")) from None
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        # PyYAML does not catch these errors: a date that does not exist, a tag !!int before text.
        raise ConfigError(f"{path} has a value that cannot be read ({error}); put it in quotes if it is text") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} is not a configuration: expected keys such as 'archive' and 'missions'")
    return data
