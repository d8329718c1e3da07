"""What eROSITA's missions share: telescope modules and their groups, engines, images."""

from types import MappingProxyType
from typing import Any

from daxa_wf.mission.spec import Instrument

GROUPS = MappingProxyType({
    "TM": tuple(f"TM{number}" for number in range(1, 8)),
    "TM8": ("TM1", "TM2", "TM3", "TM4", "TM6"),
    "TM9": ("TM5", "TM7"),
})  # fmt: skip
"""All; with the filter on the chip, and without it (eROSITA EDR, 'EventFile naming')."""


def telescope_modules(field_of_view: float) -> tuple[Instrument, ...]:
    """The seven telescope modules, with the radius in degrees that an observation reaches."""
    return tuple(Instrument(name, field_of_view) for name in GROUPS["TM"])


PROCESSING: dict[str, Any] = {"engines": ("native", "esass"), "groups": GROUPS}
"""Fields of MissionSpec: event lists are cleaned alike in all of them."""
