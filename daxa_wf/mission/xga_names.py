"""The names by which the package XGA knows a mission and its instruments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class XgaNames:
    """A mission in XGA's configuration: its section, and the keys of its event lists.

    `instruments` maps instruments to XGA's names. It is empty if an event list holds all instruments; XGA's key of the list
    is then the telescope. XGA ignores a telescope whose keys lack one of its instruments.
    """

    telescope: str
    instruments: Mapping[str, str] = field(default_factory=dict)
    attitude: str = ""
    """Regular expression for the name of the raw file with the attitude, '' if XGA reads none that daxa_wf has."""

    def name_of(self, instrument: str) -> str | None:
        """Return XGA's name of a product's instrument, None if XGA does not know it.

        >>> XgaNames("chandra", {"ACIS-I": "acis"}).name_of("HRC-I")
        """
        return self.instruments.get(instrument) if self.instruments else self.telescope
