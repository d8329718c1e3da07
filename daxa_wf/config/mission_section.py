"""The section of one mission in the configuration, with the keys that all missions share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from daxa_wf.options import Directory, Section
from daxa_wf.selection.option_types import ObsIds
from daxa_wf.selection.options import Select

if TYPE_CHECKING:
    from daxa_wf.config.mission import Mission

DataCentreName = Literal["heasarc", "s3", "xsa", "erosita_de", "cxc"]


class Source(Section):
    """The source of the data."""

    local: Directory | None = Field(
        None,
        description="your directory: it is searched, with its subdirectories, for the files that the engine starts from, by the "
        "data centre's names of files; for engine preprocessed it holds products in any layout, for raw it has the data centre's "
        "layout",
    )
    archives: Literal["any"] | Annotated[tuple[DataCentreName, ...], Field(min_length=1)] | None = Field(
        None, description="data centres to download from, in order; 'any': all data centres that have the mission"
    )
    decompress: bool = Field(False, description="unpack .gz, .Z and .FTZ files after the download")

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if (self.local is None) == (self.archives is None):
            raise ValueError("write one of 'local' and 'archives'")
        if self.decompress and self.archives is None:
            raise ValueError("decompress applies only to downloaded files; remove it for local files")
        return self


class Products(Section):
    """Pre-processed products in the archive's layout."""

    place: Literal["link", "copy", "move"] = Field(
        "link",
        description="way from the raw store into the archive; 'link' makes clones if the file system can, else links to files "
        "that become read-only; 'move' removes the files from the store",
    )
    further: bool = Field(
        False,
        description="fetch and organise also the products that docs/missions.md lists as further ones of the mission",
    )


class MissionSection(Section):
    """The processing of one mission's observations."""

    engine: Literal["preprocessed", "raw"] | None = Field(
        None,
        description="preprocessed organises the data centre's products; raw only fetches "
        "(default: preprocessed, if the mission has products)",
    )
    source: Source | None = Field(None, description="source of the data; a mission without one is not processed")
    obsids: ObsIds | None = Field(None, description="only these observations; in quotes")
    fetch: Literal["raw", "preprocessed", "both"] | None = Field(
        None,
        description="data to download: raw data, the data centre's products, or both (default: the data that the engine needs)",
    )
    products: Products = Products()
    select: Select | None = Field(
        None, description="conditions on the mission's table (default: all observations of the source)"
    )
    instruments: tuple[str, ...] | None = Field(
        None, min_length=1, description="only these instruments (default: the mission's usual ones, docs/missions.md)"
    )
    process_unscheduled: bool = Field(True, description="process unscheduled exposures too")

    step_sections: ClassVar[dict[str, tuple[str, ...]]] = {"products": ("preprocessed",)}
    """Section of a step -> the steps that use it."""

    @property
    def processing_version(self) -> str:
        """Return the version of the data centre's processing to download, or '' for the newest."""
        return ""

    def step_engine(self, step_section: str, engine: str) -> str:
        """Return the engine of a section's step: the mission's engine, unless the section names another."""
        own: str | None = getattr(getattr(self, step_section, None), "engine", None)
        return own or engine

    def problems(self, mission: Mission, instruments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield keys of the section and their problems, if these depend on several keys and the mission.

        `instruments`: the chosen ones, or () if one of them is unknown.
        """
        del mission, instruments
        yield from ()

    def runs(self, step_section: str) -> bool:
        """Return True if the section of an optional step requests it."""
        options: Any = getattr(self, step_section)
        return bool(options.run)
