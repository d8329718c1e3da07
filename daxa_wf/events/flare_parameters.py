"""Parameters of the flare filters, apart from the filters so that a configuration can read their defaults cheaply."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_BINSIZE = 60.0
"""Seconds of a bin, also of filters that always bin if binning is off."""


@dataclass(frozen=True)
class FlareParameters:
    """Options of the filters, in seconds, eV and count/s; None switches smoothing or binning off.

    The names are those of SAS's espfilt.
    """

    smooth: float | None = 51.0
    binsize: float | None = DEFAULT_BINSIZE
    ratio: float = 1.2
    elow: int = 2500
    ehigh: int = 8500
    rangescale: float = 6.0
    allowsigma: float = 3.0
    limits: tuple[float, float] = (0.1, 6.5)
    threshold: float | None = None


UNITS = {"smooth": "s", "elow": "eV", "ehigh": "eV", "limits": "count/s"}
"""Units of the options that have one."""
