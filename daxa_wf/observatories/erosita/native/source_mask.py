"""Masks bright sources, which would hide flares in the light curve (eSASS flaregti, 'Algorithm', step 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_wf.observatories.erosita.native.likelihood import tail_likelihood

BOX = 5
"""Pixels across the box that a pixel is compared with."""
LEAST_EXPOSED = 0.02
"""Pixels exposed for less than this part of the longest are not compared: the rim, where the exposure is not well known."""


def mask_of(counts: NDArray[np.int64], seconds: NDArray[np.float64], detml: float) -> NDArray[np.bool_]:
    """Return True for pixels to keep, whose counts exceed those of their surroundings with a likelihood below `detml`.

    `counts` and `seconds` (exposure) of shape (rows, columns). A pixel is compared with the other 24 of the 5 x 5 box
    about it: the expected counts are
    theirs and one more, scaled by the exposures. The one more keeps a single event among empty pixels from being a source.
    """
    clear = seconds > LEAST_EXPOSED * seconds.max(initial=0)
    counted, exposure = np.where(clear, counts, 0), np.where(clear, seconds, 0.0)
    others = box_sum(counted) - counted
    around = box_sum(exposure) - exposure
    expected = np.divide((others + 1) * exposure, around, out=np.zeros(counts.shape), where=around > 0)
    brighter = counted > expected
    likelihood = np.zeros(counts.shape)
    likelihood[brighter] = tail_likelihood(counted[brighter], expected[brighter])
    return likelihood < detml


def box_sum(image: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum over the 5 x 5 box about each pixel, with zeros outside; shape of `image`."""
    from numpy.lib.stride_tricks import sliding_window_view

    padded = np.pad(image.astype(np.float64), BOX // 2)
    return np.asarray(sliding_window_view(padded, (BOX, BOX)).sum(axis=(2, 3)))
