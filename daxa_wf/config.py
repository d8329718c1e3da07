"""The configuration: one typed source for `daxa-wf check-config`, for Snakemake and for the JSON schema."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from daxa_wf.errors import ConfigError
from daxa_wf.options import Directory, Espfilt, Evselect, ExposureMaps, Images, Section, section_in
from daxa_wf.selection.options import Select


class Source(Section):
    """Where raw data come from."""

    local: Directory | None = Field(None, description="a directory laid out like the archive; searched in depth")
    embedded: Directory | None = Field(
        None, description="where to put the observations that daxa_wf simulates itself, for trials and tests"
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if (self.local is None) == (self.embedded is None):
            raise ValueError("give one of 'local' and 'embedded'")
        return self

    @property
    def directory(self) -> Path:
        """Where the files are."""
        directory = self.local or self.embedded
        assert directory is not None  # noqa: S101 - the validator saw to it
        return directory


class Mission(Section):
    """What to do with one mission's observations."""

    engine: Literal["native"] = "native"
    source: Source | None = Field(None, description="where event lists come from; nothing is processed without one")
    obsids: tuple[str, ...] | None = Field(None, min_length=1, description="only these observations")
    select: Select | None = Field(
        None, description="which observations of the mission's table; all of the source if none"
    )
    instruments: tuple[str, ...] | None = Field(None, min_length=1, description="default: PN, M1 and M2")
    espfilt: Espfilt = Espfilt()
    evselect: Evselect = Evselect()
    images: Images = Images()
    exposure_maps: ExposureMaps = ExposureMaps()


class Config(Section):
    """A whole configuration."""

    tables: Directory = Field(
        Path("daxa_wf_tables"), description="directory of the missions' tables (daxa-wf fetch-tables)"
    )
    archive: Directory = Field(description="directory of the archive; relative paths start where you run from")
    services: dict[Literal["heasarc", "xsa", "cxc"], tuple[str, ...]] = Field(
        default_factory=dict, description="TAP services to ask in place of the usual ones, in order"
    )
    missions: dict[str, Mission] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_missions(self) -> Config:
        for name, mission in self.missions.items():
            _check_mission(name, mission)
        return self


def _check_mission(name: str, mission: Mission) -> None:
    from daxa_wf.missions import MISSIONS

    if name not in MISSIONS:
        raise ValueError(
            f"{name!r} is not a mission; known are {', '.join(sorted(MISSIONS))}{_closest(name, MISSIONS)}"
        )
    spec = MISSIONS[name]
    if mission.source is not None and mission.engine not in spec.engines:
        able = ", ".join(sorted(each for each in MISSIONS if mission.engine in MISSIONS[each].engines))
        raise ValueError(f"missions.{name}.engine = {mission.engine!r} cannot process {name}; it can process {able}")
    for instrument in mission.instruments or ():
        try:
            spec.instrument(instrument)
        except KeyError as error:
            raise ValueError(f"missions.{name}.instruments: {error.args[0]}") from None
    chosen = mission.select or Select()
    for obsid in (*(mission.obsids or ()), *(chosen.obsids or ()), *(chosen.exclude or ())):
        if not spec.is_obsid(obsid):
            raise ValueError(
                f"missions.{name}.obsids: {obsid!r} is not an ObsID of {spec.pretty_name}; expected "
                f"{spec.obsid_pattern} (put it in quotes: leading zeros are part of it)"
            )


def _closest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" - did you mean {close[0]!r}?" if close else ""


def parse_config(data: Mapping[str, Any], origin: str = "the configuration") -> Config:
    """Check a configuration as YAML gives it; ConfigError names each key that is wrong and what is allowed."""
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(problem)}" for problem in error.errors())
        raise ConfigError(f"{origin} cannot be used:\n{problems}") from None


def _explain(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"]) or "(top level)"
    if problem["type"] == "extra_forbidden":
        allowed = _keys_at(problem["loc"][:-1])
        name = str(problem["loc"][-1])
        return f"{where}: unknown key; allowed are {', '.join(allowed)}{_closest(name, allowed)}"
    if problem["type"] == "missing":
        return f"{where}: this key is required"
    said = problem["msg"].removeprefix("Value error, ")
    shown = (
        "" if isinstance(problem["input"], dict) or repr(problem["input"]) in said else f" (got {problem['input']!r})"
    )
    return f"{where}: {said}{shown}"


def _keys_at(location: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Config
    for part in location:
        if part in model.model_fields:
            model = section_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def read_config(path: Path) -> Config:
    """Read and check a configuration file; ConfigError if it cannot be used."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no configuration: expected keys such as 'archive' and 'missions'")
    return parse_config(data, str(path))
