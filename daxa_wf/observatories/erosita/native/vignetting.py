"""The vignetting of eROSITA's telescopes: a published approximation, the same for all seven.

V = (1 + (theta / theta0)^alpha)^beta, theta in degrees, fitted at three energies to the vignetting of SIXTE's instrument
description (T. Dwelly, MPE wiki 'AnalyticVignetting'; according to this page eSASS has used another one since 2020).
docs/evtool.md describes its use. Maps name it in the card VIGNETT.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ENERGIES = np.array([1.25, 4.0, 7.5])
"""keV of the fits. Below and above them the nearest is taken; between them V is interpolated."""
THETA0 = np.array([0.44966, 0.22575, 0.10547])
"""Degrees."""
BETA = np.array([-1.02111, -0.83151, -0.50753])
ALPHA = np.array([1.71288, 1.97408, 2.52732])

NAME = "Dwelly, SIXTE fit"


def vignetting(theta: ArrayLike, energy: float) -> NDArray[np.float64]:
    """Return the effective area at off-axis angles `theta` (deg) over that on the axis, at an energy in keV; shape of `theta`."""
    angle = np.asarray(theta, float)
    position = float(np.interp(energy, ENERGIES, np.arange(len(ENERGIES))))
    lower = min(int(position), len(ENERGIES) - 2)
    weight = position - lower
    return (1 - weight) * _fitted(angle, lower) + weight * _fitted(angle, lower + 1)


def _fitted(angle: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    return np.asarray((1 + (angle / THETA0[number]) ** ALPHA[number]) ** BETA[number])


def band_energy(emin: float, emax: float) -> float:
    """Return the energy in keV that represents a band: the geometric mean of its limits."""
    return float(np.sqrt(emin * emax))
