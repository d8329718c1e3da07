"""The section of one mission in the configuration: what every mission may say."""

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
    """Where raw data come from."""

    local: Directory | None = Field(
        None,
        description="a directory of yours: event lists (engine native) and raw data (sas) are searched in depth; "
        "for engines preprocessed and raw it is laid out like the data centre",
    )
    archives: Literal["any"] | Annotated[tuple[DataCentreName, ...], Field(min_length=1)] | None = Field(
        None, description="data centres to download from, in order; 'any': all that have the mission"
    )
    decompress: bool = Field(False, description="unpack .gz, .Z and .FTZ files as they come")

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if (self.local is None) == (self.archives is None):
            raise ValueError("give one of 'local' and 'archives'")
        if self.decompress and self.archives is None:
            raise ValueError("decompress is for files that are downloaded; local ones stay as they are")
        return self


class Products(Section):
    """Pre-processed products in the archive's layout."""

    place: Literal["link", "copy", "move"] = Field(
        "link",
        description="how they come from the raw store into the archive; 'link' makes clones where the file system can, else "
        "links to files that are made read-only; 'move' takes them out of the store",
    )


class MissionSection(Section):
    """What to do with one mission's observations."""

    engine: Literal["preprocessed", "raw"] | None = Field(
        None,
        description="preprocessed organises what the data centre made of the data; raw only fetches "
        "(default: preprocessed, if the mission has products)",
    )
    source: Source | None = Field(None, description="where the data come from; nothing is processed without one")
    obsids: ObsIds | None = Field(None, description="only these observations; in quotes")
    fetch: Literal["raw", "preprocessed", "both"] | None = Field(
        None,
        description="what to download: raw data, what the data centre made of them, or both (default: what the engine needs)",
    )
    products: Products = Products()
    select: Select | None = Field(
        None, description="which observations of the mission's table; all of the source if none"
    )
    instruments: tuple[str, ...] | None = Field(
        None, min_length=1, description="only these instruments (default: the mission's usual ones, docs/missions.md)"
    )
    process_unscheduled: bool = Field(True, description="process unscheduled exposures too")

    step_sections: ClassVar[dict[str, tuple[str, ...]]] = {"products": ("preprocessed",)}
    """Section of a step -> the steps that heed it."""

    def step_engine(self, step_section: str, engine: str) -> str:
        """Return what does the step of a section: the mission's engine, which its own section may replace."""
        own: str | None = getattr(getattr(self, step_section, None), "engine", None)
        return own or engine

    def problems(self, mission: Mission, instruments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yield keys of the section and what is wrong with them, where that depends on several keys and the mission.

        `instruments`: the chosen ones, or () if one of them is unknown.
        """
        del mission, instruments
        yield from ()

    def runs(self, step_section: str) -> bool:
        """Return True if the section of an optional step asks for it."""
        options: Any = getattr(self, step_section)
        return bool(options.run)
