"""Facts that eROSITA's missions share: telescope modules and their groups, and engines."""

from types import MappingProxyType
from typing import Any

from daxa_wf.mission.citation import Reference
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


ACKNOWLEDGEMENT = (
    "This work is based on data from eROSITA, the soft X-ray instrument aboard SRG, a joint Russian-German science mission "
    "supported by the Russian Space Agency (Roskosmos), in the interests of the Russian Academy of Sciences represented by "
    "its Space Research Institute (IKI), and the Deutsches Zentrum für Luft- und Raumfahrt (DLR)."
)
"""The first of the sentences that eROSITA-DE asks for."""
PREDEHL = Reference(
    "erosita_predehl_2021", "Predehl, P. and Andritschke, R. and Arefiev, V. and others",
    "The eROSITA X-ray telescope on SRG", "A&A", 2021, "647", "A1", "10.1051/0004-6361/202039313",
)  # fmt: skip
BRUNNER = Reference(
    "erosita_brunner_2022", "Brunner, H. and Liu, T. and Lamer, G. and others",
    "The eROSITA Final Equatorial Depth Survey (eFEDS). X-ray catalogue", "A&A", 2022, "661", "A1",
    "10.1051/0004-6361/202141266",
)  # fmt: skip
"""Describes eSASS too."""

PROCESSING: dict[str, Any] = {
    "engines": ("native", "esass"),
    "groups": GROUPS,
    "notes": (
        "Event lists are cut to the chosen telescope modules. Images, exposure maps and background maps of the data centre "
        "keep all modules.",
    ),
}
"""Fields of MissionSpec that all eROSITA missions share, because their event lists are cleaned in the same way."""
