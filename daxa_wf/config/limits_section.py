"""The section `limits` of the configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from daxa_wf.limits import Limits
from daxa_wf.mission.registry import STEPS
from daxa_wf.mission.step import ACQUIRE
from daxa_wf.near import closest
from daxa_wf.options import Bytes, BytesPerSecond, Seconds, Section


def _known_steps(times: float | dict[str, float]) -> float | dict[str, float]:
    for name in times if isinstance(times, dict) else ():
        if name not in STEPS:
            raise ValueError(f"unknown step {name!r}; allowed are {', '.join(STEPS)}{closest(name, STEPS)}")
    return times


PositiveSeconds = Annotated[Seconds, Field(gt=0)]


class LimitsSection(Section):
    """Limits on answers from servers, on files and on the time of steps. Larger, slower or later ones are refused by name.

    The defaults are generous; raise a limit only for data that you know.
    """

    listing: Bytes = Field(Limits.listing, gt=0, description="a page of a listing, unpacked")
    table: Bytes = Field(Limits.table, gt=0, description="a mission's table from a service, unpacked")
    answer_time: Seconds = Field(
        Limits.answer_time, gt=0, description="from a request to the end of a listing or table"
    )
    pages: int = Field(Limits.pages, gt=0, description="requests for the listing of one observation")
    entries: int = Field(Limits.entries, gt=0, description="files of an observation's listing, members of a tar file")
    depth: int = Field(Limits.depth, gt=0, description="directories within one another in a listing")
    file: Bytes = Field(Limits.file, gt=0, description="a download whose size no listing gives")
    unpacked: Bytes = Field(Limits.unpacked, gt=0, description="unpacked size that every packed file may have")
    ratio: int = Field(Limits.ratio, gt=0, description="further unpacked size, in units of the packed size")
    header: Bytes = Field(Limits.header, ge=2880, description="a FITS header, or the header of a member of a tar file")
    speed: BytesPerSecond = Field(Limits.speed, ge=0, description="lowest speed of a transfer")
    speed_time: Seconds = Field(Limits.speed_time, gt=0, description="time over which the speed is measured")
    retry_after: Seconds = Field(Limits.retry_after, ge=0, description="the longest wait that a server may request")

    step_time: Annotated[PositiveSeconds | dict[str, PositiveSeconds], AfterValidator(_known_steps)] | None = Field(
        None,
        description="wall time of a step on one unit, with any engine: one for all steps but acquire, or by step, as in "
        "{acquire: 2 h}; a step that takes longer is stopped, and the next run tries again",
    )

    def limits(self) -> Limits:
        """Return the limits on answers and files in the form that the code uses."""
        return Limits(**self.model_dump(exclude={"step_time"}))

    def seconds_of(self, step: str) -> float | None:
        """Return the longest wall time of a step in seconds, or None. A transfer has limits on its speed instead."""
        if isinstance(self.step_time, dict):
            return self.step_time.get(step)
        return None if step == ACQUIRE.name else self.step_time
