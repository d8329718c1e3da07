"""The units that steps act on, and energy bands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """The object that a step acts on: an observation, one of its instruments, or one exposure of an instrument."""

    mission: str
    obsid: str
    instrument: str = ""
    exposure: str = ""

    @property
    def identifier(self) -> str:
        """Return DAXA's identifier: `0201903501`, `0201903501PN` or `0201903501PNS003`."""
        return f"{self.obsid}{self.instrument}{self.exposure}"

    @property
    def observation(self) -> Unit:
        """Return the observation that contains this unit."""
        return Unit(self.mission, self.obsid)


@dataclass(frozen=True)
class Band:
    """An energy range in keV."""

    low: float
    high: float

    @property
    def label(self) -> str:
        """Return the band's part of file names: `en0.5_2.0keV`."""
        return f"en{self.low}_{self.high}keV"


@dataclass(frozen=True)
class ChannelBand(Band):
    """A range of PI (in eV for eROSITA) that a light curve is made from. Kept events may have other energies."""

    @property
    def label(self) -> str:
        """Return the range's part of file names: `en200_10000PI`."""
        return f"en{self.low:g}_{self.high:g}PI"
