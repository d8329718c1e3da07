"""The models of the configuration, for `daxa-wf check-config`, for Snakemake and for the JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    PositiveInt,
    PrivateAttr,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from daxa_wf.config.checks import problems_of
from daxa_wf.config.limits_section import LimitsSection
from daxa_wf.config.mission import Mission, resolve
from daxa_wf.config.mission_section import DataCentreName, MissionSection
from daxa_wf.config.toolkit import Toolkit
from daxa_wf.errors import ServiceError
from daxa_wf.mission.registry import MISSIONS, pipeline_of, toolkits, why_unknown
from daxa_wf.mission.step import load
from daxa_wf.options import Directory, File, Section
from daxa_wf.tables.urls import has_login, may_carry_credentials, origin_of, require_safe, shown


def _begins(text: str, *starts: str) -> str:
    if not text.startswith(starts):
        raise ValueError(f"{text!r} cannot be used; expected text that begins with {', '.join(starts)}")
    try:
        if text.startswith("http"):
            origin_of(text)
        if has_login(text):
            require_safe(text)
    except ServiceError as error:
        raise ValueError(str(error)) from None
    return text


DEFAULT_LOGIN = "default"
"""Key of the credentials for observations that are not named."""
Url = Annotated[str, AfterValidator(lambda text: _begins(text, "https://", "http://"))]
BaseAddress = Annotated[
    str, AfterValidator(lambda text: _begins(text, "https://", "http://", "file:///", "/", "./", "../"))
]


def _obsids(files: dict[str, Path]) -> dict[str, Path]:
    """Return files by ObsID. ValueError for a key that is not an ObsID of a mission, so that no file goes unused."""
    for obsid in files:
        if obsid != DEFAULT_LOGIN and not any(spec.is_obsid(obsid) for spec in MISSIONS.values()):
            raise ValueError(f"{obsid!r} is not an ObsID; write ObsIDs in quotes, or {DEFAULT_LOGIN!r} for all others")
    return files


CredentialsByObsId = Annotated[dict[str, File], Field(min_length=1), AfterValidator(_obsids)]


class Missions(Section):
    """The missions of a configuration. `config_model` adds a field for each, with the section of its observatory."""

    _order: tuple[str, ...] = PrivateAttr(())

    @property
    def order(self) -> tuple[str, ...]:
        """Return the names of the missions, in the order of the configuration."""
        return self._order

    @model_validator(mode="wrap")
    @classmethod
    def _in_order(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        missions = handler(data)
        missions._order = tuple(data) if isinstance(data, Mapping) else missions.order
        if not missions.order:
            raise PydanticCustomError("too_short", "no mission", {"min_length": 1})
        return missions

    @classmethod
    def unknown_key(cls, name: str) -> str:
        """Return the problem of a key that is not a mission."""
        return why_unknown(name)


class Config(Section):
    """A whole configuration."""

    tables: Directory = Field(
        Path("daxa_wf_tables"), description="directory of the missions' tables (daxa-wf fetch-tables)"
    )
    archive: Directory = Field(
        description="directory of the archive; relative paths start from the directory of the run"
    )
    services: dict[Literal["heasarc", "xsa", "cxc"], tuple[Url, ...]] = Field(
        default_factory=dict, description="TAP services in place of the usual ones, in order of preference"
    )
    data: Directory = Field(
        Path("daxa_wf_data"), description="directory of downloaded data; archives that share it fetch a file only once"
    )
    archives: dict[DataCentreName, tuple[BaseAddress, ...]] = Field(
        default_factory=dict,
        description="places of the data centres in place of the usual ones: URLs, or directories of a mirror; a relative path "
        "begins with ./ or ../, and starts from the directory of the run",
    )
    simulator: Directory | None = Field(
        None,
        description="for a trial: a directory in which the run first simulates small observations, as a mirror of data "
        "centres (`mirror/<data centre>`) and the missions' tables (`tables`)",
    )
    transfers: dict[DataCentreName, PositiveInt] = Field(
        default_factory=dict, description="simultaneous transfers from a data centre (default 8, from XSA 10)"
    )
    credentials: dict[Literal["xsa"], File | CredentialsByObsId] = Field(
        default_factory=dict,
        description="files with 'username' and 'password' lines that only you can read (mode 600), for proprietary data: one "
        "for all observations of a data centre, or by ObsID, with 'default' for all others",
    )
    one_job_per: Literal["auto", "step", "observation"] = Field(
        "auto",
        description="what a job runs: one step on a unit, or all steps of an observation one after the other; 'auto' is "
        "'observation' from 500 observations on, for steps that need no external software",
    )
    author: str = Field("", description="author of the archive's versions (default: your user name)")
    limits: LimitsSection = Field(LimitsSection(), description="limits on answers from servers, on files, and on time")
    missions: Missions

    @property
    def all_missions(self) -> dict[str, Mission]:
        """Return the missions by name, in the order of the configuration."""
        return {name: resolve(name, getattr(self.missions, name)) for name in self.missions.order}

    def mission(self, name: str) -> Mission:
        """Return one mission of the configuration."""
        return resolve(name, getattr(self.missions, name))

    def toolkit(self, name: str) -> Toolkit:
        """Return the section of a toolkit, which its observatory adds to the configuration."""
        section: Toolkit = getattr(self, name)
        return section

    @model_validator(mode="after")
    def _missions_make_sense(self) -> Config:
        problems = [problem for mission in self.all_missions.values() for problem in problems_of(mission)]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @model_validator(mode="after")
    def _credentials_go_over_https(self) -> Config:
        for archive in self.credentials:
            for place in self.archives.get(archive, ()):
                if place.startswith("http") and not may_carry_credentials(place):
                    raise ValueError(
                        f"archives.{archive}: {shown(place)}: credentials are sent over https only; write https://, or "
                        f"remove credentials.{archive}"
                    )
        return self

    def credentials_of(self, obsid: str) -> dict[str, Path]:
        """Return the files with the credentials for an observation ('' for observations without their own), by data centre."""
        files = {
            centre: given if isinstance(given, Path) else given.get(obsid, given.get(DEFAULT_LOGIN))
            for centre, given in self.credentials.items()
        }
        return {centre: path for centre, path in files.items() if path is not None}

    @property
    def obsids_with_credentials(self) -> set[str]:
        """Return the ObsIDs with credentials of their own, and '' for all others."""
        own = [given for given in self.credentials.values() if not isinstance(given, Path)]
        return {"", *(obsid for given in own for obsid in given if obsid != DEFAULT_LOGIN)}

    def simulation(self, started_in: Path) -> Path | None:
        """Return the file that marks the simulator's directory as complete, or None without `simulator`."""
        return None if self.simulator is None else started_in / self.simulator / "truth.json"

    def archives_for(self, name: str, started_in: Path) -> dict[str, tuple[str, ...]]:
        """Return the data centres of a mission in order, with their addresses."""
        from daxa_wf.tables.endpoints import DATA_CENTRES

        source = self.mission(name).section.source
        chosen = (
            source.archives if source is not None and isinstance(source.archives, tuple) else MISSIONS[name].archives
        )
        if source is not None and source.local is not None:
            return {data_centre: (str((started_in / source.local).absolute()),) for data_centre in chosen}
        own: dict[str, tuple[str, ...]] = {
            name: tuple(str((started_in / place).resolve()) if place.startswith(".") else place for place in places)
            for name, places in self.archives.items()
        }
        places: dict[str, tuple[str, ...]] = {**DATA_CENTRES, **own}
        return {data_centre: places[data_centre] for data_centre in chosen}

    def mirrors_for(self, name: str, started_in: Path) -> dict[str, tuple[Path, ...]]:
        """Return the local directories of a mission's data centres, or {} if any data centre is remote."""
        from daxa_wf.download.data_centres import is_local, local_directory

        source = self.mission(name).section.source
        if source is None:
            return {}
        places = self.archives_for(name, started_in)
        if not all(is_local(base) for bases in places.values() for base in bases):
            return {}
        return {archive: tuple(local_directory(base) for base in bases) for archive, bases in places.items()}


def section_of(name: str) -> type[MissionSection]:
    """Return the model of a mission's section: its observatory's if one of the observatory's own engines processes it."""
    section: type[MissionSection] = load(pipeline_of(name).section) if MISSIONS[name].engines else MissionSection
    return section


@cache
def config_model() -> type[Config]:
    """Return the model of a whole configuration, with the sections of every observatory's missions and toolkits."""
    fields: dict[str, Any] = {name: (section_of(name), None) for name in MISSIONS}
    missions = create_model("Missions", __base__=Missions, __doc__=Missions.__doc__, **fields)
    sections: dict[str, Any] = {}
    for spec in toolkits():
        section = load(spec.section)
        sections[spec.name] = (section, Field(section(), description=f"access to {spec.label}"))
    return create_model("Config", __base__=Config, __doc__=Config.__doc__, missions=(missions, ...), **sections)
