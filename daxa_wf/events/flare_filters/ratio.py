"""Field of view against unexposed corners: the Fin/Fout relation of De Luca & Molendi, bin by bin.

The ratio method of SAS's espfilt is another one, whose annulus is not published.
"""

from __future__ import annotations

import numpy as np

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.flare_filters.common import (
    CORNER,
    FOV,
    RATIO,
    FlareInputs,
    FlareParameters,
    FlareResult,
    poisson_error,
)
from daxa_wf.events.flare_parameters import DEFAULT_BINSIZE
from daxa_wf.events.gti import from_good_bins

CORNER_COUNTS = 100
"""Counts in the corners that a bin should have, so that its ratio is known to 10 per cent: short bins are joined."""


def ratio(inputs: FlareInputs, parameters: FlareParameters) -> FlareResult:
    """Accept the times at which the counts per area in the field of view are below `ratio` times those in the corners.

    Raise UnfitDataError `noCounts` if the corners have no count. Source: De Luca & Molendi 2004, A&A 419, 837.
    """
    fov, corner = inputs.curves[FOV], inputs.curves[CORNER]
    if not corner.counts.any():
        raise UnfitDataError(
            "noCounts", "All counts are zero! There is no event in the unexposed corners to compare with"
        )
    binsize = round(parameters.binsize or DEFAULT_BINSIZE)
    observed = float(np.sum(fov.exposed(inputs.good)))
    joined = max(1, int(np.ceil(CORNER_COUNTS * observed / (corner.counts.sum() * binsize))))
    inside, outside = fov.rebinned(binsize * joined), corner.rebinned(binsize * joined)
    quotient = np.divide(
        inside.counts / inputs.area_ratio, outside.counts,
        out=np.full(len(inside.counts), np.nan), where=outside.counts > 0,
    )  # fmt: skip
    accepted = quotient < parameters.ratio
    gti, error = from_good_bins(inside.edges, accepted), poisson_error(quotient, inside.counts, outside.counts)
    return FlareResult(gti, inside, RATIO, quotient, error, accepted, (0.0, parameters.ratio))
