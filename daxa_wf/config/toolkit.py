"""The section of a toolkit: access to its external tasks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field

from daxa_wf.options import Directory, Seconds, Section


def _checked_image(image: str) -> str:
    """Refuse a container with characters that have a meaning for the shell, because Snakemake does not quote it."""
    if not re.fullmatch(r"[\w.+:/@%~-]*", image):
        raise ValueError(f"{image!r} cannot be a container image: use letters, digits and . + : / @ % ~ _ - only")
    return image


ContainerImage = Annotated[str, AfterValidator(_checked_image)]


class Toolkit(Section):
    """Access to the tasks of a toolkit (default: the current shell)."""

    setup_scripts: tuple[Directory, ...] = Field((), description="scripts to source, in order")
    modules: tuple[str, ...] = Field((), description="environment modules to load, in order")
    container: ContainerImage = Field(
        "",
        description="container image that has the tasks: a file, or a registry's address such as docker://owner/image:tag",
    )
    runtime: Literal["apptainer", "singularity", "docker"] = Field("apptainer", description="what runs the container")
    binds: tuple[Directory, ...] = Field((), description="directories that the container must see")
    prefix: tuple[str, ...] = Field((), description="words to put in front of every command")
    variables: dict[str, str] = Field(default_factory=dict, description="environment variables to set")
    time_limit: Seconds | None = Field(None, gt=0, description="longest time that one task may take")

    @property
    def is_fetched(self) -> bool:
        """Return True if a rule must fetch the container into the archive. Docker fetches its images itself."""
        return "://" in self.container and self.runtime != "docker"

    def image_path(self, started_in: Path) -> Path | None:
        """Return the container's file or directory, or None if it is fetched or not used."""
        is_path = bool(self.container) and self.runtime != "docker" and not self.is_fetched
        return started_in / Path(self.container).expanduser() if is_path else None

    def started_in(self, directory: Path) -> Self:
        """Return the section with relative paths resolved in `directory`, from which the user started."""
        changed: dict[str, Any] = {
            "setup_scripts": tuple(directory / place for place in self.setup_scripts),
            "binds": tuple(directory / place for place in self.binds),
        }
        if image := self.image_path(directory):
            changed["container"] = str(image)
        return self.model_copy(update=changed)
