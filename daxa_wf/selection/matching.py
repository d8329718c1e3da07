"""Match positions on the sphere: one tree serves any number of positions and radii."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CLASS_WIDTH = 1.3
"""Radii within this factor share one search of the tree, before an exact cut."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of nearby positions and observations: their indices, and separations in degrees. Shapes are (pairs,)."""

    position: NDArray[np.int64]
    observation: NDArray[np.int64]
    separation: NDArray[np.float64]


def unit_vectors(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.float64]:
    """Return the Cartesian directions of positions in degrees, shape (positions, 3)."""
    lon, lat = np.deg2rad(np.asarray(ra, float)), np.deg2rad(np.asarray(dec, float))
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def separations(ra: ArrayLike, dec: ArrayLike, other_ra: ArrayLike, other_dec: ArrayLike) -> NDArray[np.float64]:
    """Return the degrees between positions, one by one, to 1e-7 of a degree. Either side may be one position.

    The angle is 2 atan2(a, b), with half the chord a and half the chord to the antipode b. It is precise at 0 and at 180
    degrees (W. Kahan, 'How Futile are Mindless Assessments of Roundoff', section 12).

    >>> separations([0.0, 10.0], [0.0, 0.0], 10.0, 0.0).round(9)
    array([10.,  0.])
    """
    one, two = unit_vectors(ra, dec), unit_vectors(other_ra, other_dec)
    return np.rad2deg(2 * np.arctan2(np.linalg.norm(one - two, axis=1), np.linalg.norm(one + two, axis=1)))


class SkyTree:
    """A k-d tree of the observations' unit vectors, made once for any number of searches."""

    def __init__(self, ra: ArrayLike, dec: ArrayLike) -> None:
        from scipy.spatial import cKDTree

        self.size = len(np.asarray(ra))
        self._tree: Any = cKDTree(unit_vectors(ra, dec)) if self.size else None

    def within(self, ra: ArrayLike, dec: ArrayLike, radius: ArrayLike) -> Pairs:
        """Return all pairs closer than `radius` degrees, sorted by position, then row. `radius` is one, or one per position.

        The tree measures chords, 2 sin(separation / 2).

        >>> SkyTree([10.0, 20.0], [0.0, 0.0]).within([10.1], [0.0], radius=0.5).observation
        array([0])
        """
        positions = unit_vectors(ra, dec)
        radii = np.broadcast_to(np.asarray(radius, float), len(positions))
        if self._tree is None or len(positions) == 0:
            return _pairs([])
        return _pairs([self._search(positions, radii, group) for group in _classes(radii)])

    def _search(self, positions: NDArray[np.float64], radii: NDArray[np.float64], group: NDArray[np.int64]) -> Any:
        from scipy.spatial import cKDTree

        reach = _chord(float(radii[group].max())) * (1 + 1e-9) + 1e-12
        near = cKDTree(positions[group]).sparse_distance_matrix(self._tree, reach, output_type="ndarray")
        separation = np.rad2deg(2 * np.arcsin(np.clip(near["v"] / 2, 0, 1)))
        position = group[near["i"]]
        kept = separation <= radii[position]
        return position[kept], near["j"][kept].astype(np.int64), separation[kept]


def _chord(degrees: float) -> float:
    return float(2 * np.sin(np.deg2rad(min(degrees, 180.0)) / 2))


def _classes(radii: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Return the indices of positions, in groups of similar radius."""
    order = np.argsort(radii, kind="stable")
    groups, start = [], 0
    for index in range(1, len(order) + 1):
        if index == len(order) or radii[order[index]] > radii[order[start]] * CLASS_WIDTH:
            groups.append(order[start:index])
            start = index
    return groups


def _pairs(parts: list[Any]) -> Pairs:
    if not parts:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    position, observation, separation = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(position * (observation.max(initial=0) + 1) + observation)
    return Pairs(position[order], observation[order], separation[order])
