"""The configuration: one typed source for `daxa-wf check-config`, for Snakemake and for the JSON schema."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, PositiveInt, ValidationError, model_validator

from daxa_wf.errors import ConfigError
from daxa_wf.missions.spec import Route
from daxa_wf.options import (
    Cifbuild,
    Directory,
    Emanom,
    Espfilt,
    Evselect,
    ExposureMaps,
    Images,
    Merge,
    Section,
    section_in,
)
from daxa_wf.selection.options import Select
from daxa_wf.steps.catalogue import OPTIONAL, processed_instruments, steps_for
from daxa_wf.tool_options import Evtool, Flaregti, Toolkit
from daxa_wf.tools.xmm_list_commands import METHODS as SAS_METHODS

ArchiveName = Literal["heasarc", "s3", "xsa", "erosita_de", "cxc"]
EngineName = Literal["native", "sas", "esass", "preprocessed", "raw"]


class Source(Section):
    """Where raw data come from."""

    local: Directory | None = Field(None, description="a directory laid out like the archive; searched in depth")
    embedded: Directory | None = Field(
        None, description="where to put the observations that daxa_wf simulates itself, for trials and tests"
    )
    archives: Literal["any"] | tuple[ArchiveName, ...] | None = Field(
        None, description="archives to download from, in order; 'any': all that have the mission"
    )
    decompress: bool = Field(False, description="unpack .gz, .Z and .FTZ files as they come")

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if sum(each is not None for each in (self.local, self.embedded, self.archives)) != 1:
            raise ValueError("give one of 'local', 'embedded' and 'archives'")
        if self.decompress and self.archives is None:
            raise ValueError("decompress is for files that are downloaded; local ones stay as they are")
        return self

    @property
    def directory(self) -> Path | None:
        """Where the files are, if they are not downloaded."""
        return self.local or self.embedded


class Products(Section):
    """Pre-processed products in the archive's layout."""

    place: Literal["link", "copy", "move"] = Field(
        "link", description="how they come from the raw store into the archive; 'move' takes them out of it"
    )


class Mission(Section):
    """What to do with one mission's observations."""

    engine: EngineName | None = Field(
        None,
        description="native cleans event lists; sas and esass do it with the missions' own software, sas from raw data; "
        "preprocessed organises what the archive made of the data; raw only fetches (default: native, preprocessed or raw, "
        "the first that there is)",
    )
    source: Source | None = Field(None, description="where event lists come from; nothing is processed without one")
    obsids: tuple[str, ...] | None = Field(None, min_length=1, description="only these observations")
    fetch: Literal["raw", "preprocessed", "both"] | None = Field(
        None,
        description="what to download: raw data, what the archive made of them, or both (default: what the engine needs)",
    )
    products: Products = Products()
    select: Select | None = Field(
        None, description="which observations of the mission's table; all of the source if none"
    )
    instruments: tuple[str, ...] | None = Field(
        None,
        min_length=1,
        description="default: PN, M1 and M2 (engine sas can do R1 and R2); of eROSITA all of TM1 to TM7 (TM8, TM9: its groups)",
    )
    process_unscheduled: bool = Field(True, description="process unscheduled exposures too")
    cifbuild: Cifbuild = Cifbuild()
    emanom: Emanom = Emanom()
    espfilt: Espfilt = Espfilt()
    evselect: Evselect = Evselect()
    merge: Merge = Merge()
    images: Images = Images()
    exposure_maps: ExposureMaps = ExposureMaps()
    flaregti: Flaregti = Flaregti()
    evtool: Evtool = Evtool()

    @property
    def is_downloaded(self) -> bool:
        """True if its data come from archives (the embedded observatory has archives of its own, on loopback)."""
        return self.source is not None and self.source.local is None

    def engine_for(self, name: str) -> EngineName:
        """The engine that processes the mission: the configured one, or the best that it has."""
        from daxa_wf.missions import MISSIONS

        if self.engine or "native" in MISSIONS[name].engines:
            return self.engine or "native"
        return "preprocessed" if MISSIONS[name].products else "raw"

    def routes_for(self, name: str) -> tuple[Route, ...]:
        """What to download: as configured, or what the engine needs."""
        if self.fetch is not None:
            return ("raw", "preprocessed") if self.fetch == "both" else (self.fetch,)
        return self._routes_of(name)

    def _routes_of(self, name: str) -> tuple[Route, ...]:
        """What the engine needs."""
        from daxa_wf.missions import MISSIONS

        engine = self.engine_for(name)
        if engine == "native":
            return (MISSIONS[name].native_route,)
        return ("raw",) if engine in ("raw", "sas", "esass") else ("preprocessed",)

    def step_engine(self, name: str, step: str) -> EngineName:
        """What does a step: its own engine if it names one, else the mission's."""
        own: EngineName | None = getattr(getattr(self, step, None), "engine", None)
        usual = self.engine_for(name)
        return own or (usual if usual in ("sas", "esass") else "native")

    def chain_for(self, name: str) -> str:
        """The chain of steps (`steps.catalogue.CHAINS`) that the mission's observations go through."""
        from daxa_wf.missions import MISSIONS

        engine = self.engine_for(name)
        return MISSIONS[name].chains.get(engine, engine)

    def steps_for(self, name: str) -> tuple[str, ...]:
        """The steps that the mission's observations go through."""
        optional = [step for step in OPTIONAL if getattr(self, step).run]
        chain = steps_for(self.chain_for(name), self.instruments_for(name), optional)
        return ("acquire", *chain) if self.is_downloaded else chain

    def images_for(self, name: str) -> Images:
        """The section `images`, with the mission's own defaults for what it does not say."""
        from daxa_wf.missions import MISSIONS

        usual = MISSIONS[name].image_defaults
        if not usual:
            return self.images
        bands = [[f"{edge} keV" for edge in band] for band in usual["bands"]]
        own = Images.model_validate({"bands": bands, "pixel_size": f"{usual['pixel_size']} arcsec"})
        return own.model_copy(update={key: getattr(self.images, key) for key in self.images.model_fields_set})

    def instruments_for(self, name: str) -> tuple[str, ...]:
        """The chosen instruments by their names; by default the mission's usual ones."""
        from daxa_wf.missions import MISSIONS

        spec = MISSIONS[name]
        if self.instruments is None:
            return tuple(each.name for each in spec.instruments if each.default)
        return tuple(dict.fromkeys(name for each in self.instruments for name in spec.instruments_named(each)))


class Config(Section):
    """A whole configuration."""

    tables: Directory = Field(
        Path("daxa_wf_tables"), description="directory of the missions' tables (daxa-wf fetch-tables)"
    )
    archive: Directory = Field(description="directory of the archive; relative paths start where you run from")
    services: dict[Literal["heasarc", "xsa", "cxc"], tuple[str, ...]] = Field(
        default_factory=dict, description="TAP services to ask in place of the usual ones, in order"
    )
    data: Directory = Field(
        Path("daxa_wf_data"), description="directory of downloaded data; archives may share one, and fetch once"
    )
    archives: dict[ArchiveName, tuple[str, ...]] = Field(
        default_factory=dict,
        description="where archives of files are, in place of the usual: URLs, or directories of a mirror",
    )
    transfers: dict[ArchiveName, PositiveInt] = Field(
        default_factory=dict, description="transfers at once from an archive (8, from XSA 10)"
    )
    credentials: dict[Literal["xsa"], Path] = Field(
        default_factory=dict,
        description="files with 'username' and 'password' lines that only you can read (mode 600), for proprietary data",
    )
    sas: Toolkit = Field(Toolkit(), description="where SAS is")
    esass: Toolkit = Field(Toolkit(), description="where eSASS is")
    missions: dict[str, Mission] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_missions(self) -> Config:
        for name, mission in self.missions.items():
            _check_mission(name, mission)
        return self

    def archives_for(self, name: str) -> dict[str, tuple[str, ...]]:
        """The archives that a mission's data come from, in order, and where each is."""
        from daxa_wf.missions import MISSIONS
        from daxa_wf.services.endpoints import ARCHIVES

        source = self.missions[name].source
        chosen = (
            source.archives if source is not None and isinstance(source.archives, tuple) else MISSIONS[name].archives
        )
        places: dict[str, tuple[str, ...]] = {**ARCHIVES, **dict(self.archives.items())}
        return {each: places[each] for each in chosen}


def _check_mission(name: str, mission: Mission) -> None:
    from daxa_wf.missions import MISSIONS

    if name not in MISSIONS:
        raise ValueError(
            f"{name!r} is not a mission; known are {', '.join(sorted(MISSIONS))}{_closest(name, MISSIONS)}"
        )
    spec = MISSIONS[name]
    if mission.source is not None:
        _check_source(name, mission, mission.source)
    for instrument in mission.instruments or ():
        try:
            spec.instruments_named(instrument)
        except KeyError as error:
            raise ValueError(f"missions.{name}.instruments: {error.args[0]}") from None
    if mission.source is not None:
        _check_engines(name, mission, mission.source)
    chosen = mission.select or Select()
    for obsid in (*(mission.obsids or ()), *(chosen.obsids or ()), *(chosen.exclude or ())):
        if not spec.is_obsid(obsid):
            raise ValueError(
                f"missions.{name}.obsids: {obsid!r} is not an ObsID of {spec.pretty_name}; expected "
                f"{spec.obsid_pattern} (put it in quotes: leading zeros are part of it)"
            )


def _check_source(name: str, mission: Mission, source: Source) -> None:
    from daxa_wf.missions import MISSIONS

    spec, engine = MISSIONS[name], mission.engine_for(name)
    if engine in ("native", "sas", "esass") and engine not in spec.engines:
        able = ", ".join(sorted(each for each in MISSIONS if engine in MISSIONS[each].engines))
        raise ValueError(f"missions.{name}.engine = {engine!r} cannot process {name}; it can process {able}")
    if engine == "esass" and mission.flaregti.native_only:
        ours = ", ".join(mission.flaregti.native_only)
        raise ValueError(
            f"missions.{name}.flaregti: eSASS's flaregti has no {ours}; leave it out, or write engine: native"
        )
    if engine in ("preprocessed", "raw") and source.archives is None:
        raise ValueError(
            f"missions.{name}.source: what {name} has is organised as it is downloaded; write 'archives: any', and name a "
            "mirror of yours under the key 'archives' at the top"
        )
    wanted = source.archives if isinstance(source.archives, tuple) else ()
    for archive in wanted:
        if archive not in spec.archives:
            raise ValueError(
                f"missions.{name}.source.archives: {archive} does not have {name}; it is in {', '.join(spec.archives)}"
            )
    if source.archives is not None and not spec.archives:
        raise ValueError(f"missions.{name}.source.archives: no archive of {name} is known")


def _check_engines(name: str, mission: Mission, source: Source) -> None:
    """What the engines of a mission and of its steps ask of each other, of the source, of the options."""
    engine = mission.engine_for(name)
    if engine == "sas" and source.embedded is not None:
        raise ValueError(
            f"missions.{name}.source.embedded: the observatory makes calibrated lists, not the ODFs SAS needs"
        )
    if engine == "sas" and mission.fetch == "preprocessed":
        raise ValueError(f"missions.{name}.fetch = 'preprocessed': engine sas starts from raw data")
    able = processed_instruments(mission.chain_for(name))
    for each in mission.instruments_for(name):
        if able and each not in able:
            raise ValueError(f"missions.{name}.instruments: engine {engine} can process {', '.join(able)}, not {each}")
    for step in ("espfilt", "evselect", "merge", "images", "exposure_maps"):
        if engine != "sas" and mission.step_engine(name, step) == "sas":
            raise ValueError(
                f"missions.{name}.{step}.engine = 'sas' needs what SAS made of raw data: write engine: sas"
            )
    if engine != "sas" and mission.emanom.run:
        raise ValueError(f"missions.{name}.emanom.run: emanom is a task of SAS; write engine: sas")
    method = mission.espfilt.method
    if mission.step_engine(name, "espfilt") == "sas" and method not in SAS_METHODS:
        raise ValueError(
            f"missions.{name}.espfilt.method: SAS has {', '.join(SAS_METHODS)}; for {method} write engine: native there"
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


def _refuse_repeated_keys(node: Any, path: Path) -> None:
    """ConfigError if a mapping says a key twice: YAML would drop the first without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                raise ConfigError(
                    f"{path}: the key {name!r} is there twice, in lines {seen[name]} and {line}; join them"
                )
            seen[name] = line
            _refuse_repeated_keys(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_repeated_keys(each, path)


def read_config(path: Path) -> Config:
    """Read and check a configuration file; ConfigError if it cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_repeated_keys(yaml.compose(text), path)
        data = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no configuration: expected keys such as 'archive' and 'missions'")
    return parse_config(data, str(path))
