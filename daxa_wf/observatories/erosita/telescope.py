"""Facts that eROSITA's missions share: telescope modules and their groups, and engines."""

from types import MappingProxyType
from typing import Any

from daxa_wf.mission.spec import Instrument

GROUPS = MappingProxyType({
    "TM": tuple(f"TM{number}" for number in range(1, 8)),
    "TM8": ("TM1", "TM2", "TM3", "TM4", "TM6"),
    "TM9": ("TM5", "TM7"),
})  # fmt: skip
"""Groups of telescope modules: all; with the filter on the chip; without it (eROSITA EDR, 'EventFile naming')."""


def telescope_modules(field_of_view: float, radius_caution: str = "") -> tuple[Instrument, ...]:
    """Return the seven telescope modules, with the radius in degrees that an observation reaches, and a caution about it."""
    return tuple(Instrument(name, field_of_view, radius_caution=radius_caution) for name in GROUPS["TM"])


PROCESSING: dict[str, Any] = {
    "engines": ("native", "esass"),
    "groups": GROUPS,
    "notes": (
        "Event lists are cut to the chosen telescope modules. Images, exposure maps and background maps of the data centre "
        "keep all modules.",
    ),
}
"""Fields of MissionSpec that all eROSITA missions share, because their event lists are cleaned in the same way."""
