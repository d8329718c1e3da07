"""Units of EPIC's event lists and images: PI in eV, X and Y in sky pixels."""

from __future__ import annotations

from daxa_wf.units import Band

SKY_PIXEL = 0.05
"""Size in arcsec of a pixel of X and Y."""

FIRST_PIXEL = 3649
EXTENT = 512 * 87
"""Smallest X and Y of an image, and its width, in sky pixels: the field of view with a margin."""


def electron_volts(band: Band) -> tuple[int, int]:
    """Return the edges of a band in PI.

    >>> electron_volts(Band(0.5, 2.0))
    (500, 2000)
    """
    return round(band.low * 1000), round(band.high * 1000)


def band_in_kev(edges: tuple[int, int]) -> Band:
    """Return the band of two edges in PI.

    >>> band_in_kev((500, 2000))
    Band(low=0.5, high=2.0)
    """
    return Band(edges[0] / 1000, edges[1] / 1000)
