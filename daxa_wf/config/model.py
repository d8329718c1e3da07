"""The configuration: one typed source for `daxa-wf check-config`, for Snakemake and for the JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, PositiveInt, ValidationError, model_validator

from daxa_wf.config.checks import problems_of
from daxa_wf.config.messages import explain, explain_hidden
from daxa_wf.config.tool_options import Evtool, Flaregti, Toolkit
from daxa_wf.config.yaml_values import refuse_misread_values
from daxa_wf.errors import ConfigError, ServiceError
from daxa_wf.mission.catalogue import OPTIONAL, steps_for
from daxa_wf.mission.spec import Route
from daxa_wf.options import (
    Cifbuild,
    Directory,
    Emanom,
    Espfilt,
    Evselect,
    ExposureMaps,
    File,
    Images,
    LimitsSection,
    Merge,
    Section,
)
from daxa_wf.selection.option_types import ObsIds
from daxa_wf.selection.options import Select
from daxa_wf.tables.urls import has_login, may_carry_credentials, origin_of, require_safe, shown

ArchiveName = Literal["heasarc", "s3", "xsa", "erosita_de", "cxc"]


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


Url = Annotated[str, AfterValidator(lambda text: _begins(text, "https://", "http://"))]
Place = Annotated[str, AfterValidator(lambda text: _begins(text, "https://", "http://", "file:///", "/"))]
EngineName = Literal["native", "sas", "esass", "preprocessed", "raw"]


class Source(Section):
    """Where raw data come from."""

    local: Directory | None = Field(
        None,
        description="a directory of yours: event lists (engine native) and raw data (sas) are searched in depth; "
        "for engines preprocessed and raw it is laid out like the data centre",
    )
    embedded: Directory | None = Field(
        None, description="where to put the observations that daxa_wf simulates itself, for trials and tests"
    )
    archives: Literal["any"] | Annotated[tuple[ArchiveName, ...], Field(min_length=1)] | None = Field(
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
        "link",
        description="how they come from the raw store into the archive; 'link' makes clones where the file system can, else "
        "links to files that are made read-only; 'move' takes them out of the store",
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
    obsids: ObsIds | None = Field(None, description="only these observations; in quotes")
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

    def uses_raw_store(self, name: str) -> bool:
        """Return True if its files go through the raw store: those of data centres, and of the embedded observatory's.

        So do those of a local directory that is laid out like a data centre, for engines that take what a data centre has.
        """
        if self.source is None:
            return False
        return self.source.local is None or self.engine_for(name) in ("preprocessed", "raw")

    def engine_for(self, name: str) -> EngineName:
        """The engine that processes the mission: the configured one, or the best that it has."""
        from daxa_wf.mission.registry import MISSIONS

        if self.engine or "native" in MISSIONS[name].engines:
            return self.engine or "native"
        return "preprocessed" if MISSIONS[name].products else "raw"

    def instruments_with_data(self, name: str) -> tuple[str, ...]:
        """Return the instruments of which a selected observation must have one; () if its section `select` names its own.

        A mission that is selected only takes those of its section `select`, whichever are processed by default.
        """
        select = self.select
        names_its_own = select and (select.instruments or select.exposure or isinstance(select.radius, dict))
        if self.source is None and self.instruments is None and names_its_own:
            return ()
        return self.instruments_for(name)

    def routes_for(self, name: str) -> tuple[Route, ...]:
        """What to download: as configured, or what the engine needs."""
        if self.fetch is not None:
            return ("raw", "preprocessed") if self.fetch == "both" else (self.fetch,)
        return self.needed_routes(name)

    def needed_routes(self, name: str) -> tuple[Route, ...]:
        """What the engine needs."""
        from daxa_wf.mission.registry import MISSIONS

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
        from daxa_wf.mission.registry import MISSIONS

        engine = self.engine_for(name)
        return MISSIONS[name].chains.get(engine, engine)

    def steps_for(self, name: str) -> tuple[str, ...]:
        """The steps that the mission's observations go through."""
        optional = [step for step in OPTIONAL if getattr(self, step).run]
        chain = steps_for(self.chain_for(name), self.instruments_for(name), optional)
        return ("acquire", *chain) if self.uses_raw_store(name) else chain

    def images_for(self, name: str) -> Images:
        """The section `images`, with the mission's own defaults for what it does not say."""
        from daxa_wf.mission.registry import MISSIONS

        usual = MISSIONS[name].image_defaults
        if not usual:
            return self.images
        bands = [[f"{edge} keV" for edge in band] for band in usual["bands"]]
        own = Images.model_validate({"bands": bands, "pixel_size": f"{usual['pixel_size']} arcsec"})
        return own.model_copy(update={key: getattr(self.images, key) for key in self.images.model_fields_set})

    def instruments_for(self, name: str) -> tuple[str, ...]:
        """The chosen instruments by their names; by default the mission's usual ones."""
        from daxa_wf.mission.registry import MISSIONS

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
    services: dict[Literal["heasarc", "xsa", "cxc"], tuple[Url, ...]] = Field(
        default_factory=dict, description="TAP services to ask in place of the usual ones, in order"
    )
    data: Directory = Field(
        Path("daxa_wf_data"), description="directory of downloaded data; archives may share one, and fetch once"
    )
    archives: dict[ArchiveName, tuple[Place, ...]] = Field(
        default_factory=dict,
        description="where archives of files are, in place of the usual: URLs, or the full paths of directories of a mirror",
    )
    transfers: dict[ArchiveName, PositiveInt] = Field(
        default_factory=dict, description="transfers at once from an archive (8, from XSA 10)"
    )
    credentials: dict[Literal["xsa"], File] = Field(
        default_factory=dict,
        description="files with 'username' and 'password' lines that only you can read (mode 600), for proprietary data",
    )
    limits: LimitsSection = Field(LimitsSection(), description="limits on what comes from servers and files")
    sas: Toolkit = Field(Toolkit(), description="where SAS is")
    esass: Toolkit = Field(Toolkit(), description="where eSASS is")
    missions: dict[str, Mission] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_missions(self) -> Config:
        problems = [each for name, mission in self.missions.items() for each in problems_of(name, mission)]
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
                        f"leave out credentials.{archive}"
                    )
        return self

    def tables_for(self, name: str, started_in: Path) -> Path:
        """Return the directory of a mission's tables; those of the embedded observatory are apart from the real ones."""
        source = self.missions[name].source
        tables = started_in / self.tables
        return tables / "embedded" if source is not None and source.embedded is not None else tables

    def archives_for(self, name: str, started_in: Path) -> dict[str, tuple[str, ...]]:
        """The archives that a mission's data come from, in order, and where each is."""
        from daxa_wf.mission.registry import MISSIONS
        from daxa_wf.tables.endpoints import ARCHIVES

        source = self.missions[name].source
        chosen = (
            source.archives if source is not None and isinstance(source.archives, tuple) else MISSIONS[name].archives
        )
        if source is not None and source.local is not None:
            return {each: (str((started_in / source.local).absolute()),) for each in chosen}
        places: dict[str, tuple[str, ...]] = {**ARCHIVES, **dict(self.archives.items())}
        return {each: places[each] for each in chosen}

    def mirrors_for(self, name: str, started_in: Path) -> dict[str, tuple[Path, ...]]:
        """Return the directories of this machine that a mission's data come from, by archive; {} if any is elsewhere."""
        from daxa_wf.download.data_centres import is_local, local_directory

        source = self.missions[name].source
        if source is None or source.embedded is not None:
            return {}
        places = self.archives_for(name, started_in)
        if not all(is_local(base) for bases in places.values() for base in bases):
            return {}
        return {archive: tuple(local_directory(base) for base in bases) for archive, bases in places.items()}


def parse_config(data: Mapping[str, Any], origin: str = "the configuration") -> Config:
    """Check a configuration as YAML gives it; ConfigError names each key that is wrong and what is allowed."""
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [*explain(error, data, Config), *explain_hidden(error, data, Config)]
        problems = "\n".join(f"  {line}" for line in lines)
        raise ConfigError(f"{origin} cannot be used:\n{problems}") from None


LARGEST_FILE = 10_000_000
"""Bytes of a configuration."""
MOST_NODES = 500_000
"""Keys and values of a configuration, with all that its aliases stand for."""


def _count_nodes(root: Any, path: Path) -> None:
    """ConfigError if aliases make a configuration of endless size: a few lines of YAML can stand for billions of values."""
    sizes: dict[int, int] = {}
    opened: set[int] = set()
    pending = [root]
    while pending:
        node = pending[-1]
        within = _nodes_within(node)
        waiting = [each for each in within if id(each) not in sizes]
        if id(node) in sizes or not waiting:
            pending.pop()
            opened.discard(id(node))
            sizes.setdefault(id(node), 1 + sum(sizes[id(each)] for each in within))
            if sizes[id(node)] > MOST_NODES:
                raise ConfigError(
                    f"{path}: its aliases (*name) stand for more than {MOST_NODES} values; write them out"
                )
        elif any(id(each) in opened for each in waiting):
            raise ConfigError(f"{path} refers to itself in an alias (*name); write out what is meant")
        else:
            opened.add(id(node))
            pending.extend(waiting)


def _nodes_within(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


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
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(
                f"{path} has more than {LARGEST_FILE} bytes, so it is not a configuration; name the right file"
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
            f"{path} is not text in UTF-8 (byte {error.start}); save it as such, or name the right file"
        ) from None
    except RecursionError:
        raise ConfigError(f"{path} refers to itself, or is nested too deeply") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}".replace('in "<unicode string>", ', "")) from None
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        # What PyYAML lets through of the conversion of a value: a date that is none, a tag !!int of text.
        raise ConfigError(f"{path} has a value that cannot be read ({error}); put it in quotes if it is text") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds no configuration: expected keys such as 'archive' and 'missions'")
    return parse_config(data, str(path))
