"""Field of view against unexposed corners: the Fin/Fout relation of De Luca & Molendi, bin by bin.

Not espfilt's own ratio method, whose annulus is not published: regions, band and areas are those of Fin_over_Fout.
"""

from __future__ import annotations

import numpy as np

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.flare_filters.common import (
    CORNER,
    FOV,
    RATIO,
    FlareFilter,
    FlareInputs,
    FlareParameters,
    FlareResult,
    poisson_error,
)
from daxa_wf.events.flare_filters.regions import FIN_FOUT, FIN_FOUT_AREA_RATIO, FIN_FOUT_BANDS
from daxa_wf.events.gti import from_good_bins

DEFAULT_BINSIZE = 60
CORNER_COUNTS = 100
"""Counts in the corners that a bin should have, so that its ratio is known to 10 per cent: short bins are joined."""


def expressions(instrument: str, parameters: FlareParameters) -> dict[str, str]:
    """Outer field of view and corners, in the bands of Fin_over_Fout; the band of the other filters does not matter."""
    del parameters
    selection = FIN_FOUT[instrument]
    pattern = f"(PATTERN <= {selection.pattern})"
    return {FOV: f"{pattern} && {selection.fov}", CORNER: f"{pattern} && {selection.corner}"}


def ratio(inputs: FlareInputs, parameters: FlareParameters) -> FlareResult:
    """Times at which the counts an area in the field of view are below `ratio` times those in the corners.

    UnfitDataError `noCounts` if the corners have no count. Source: De Luca & Molendi 2004, A&A 419, 837.
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
        inside.counts / FIN_FOUT_AREA_RATIO[inputs.instrument], outside.counts,
        out=np.full(len(inside.counts), np.nan), where=outside.counts > 0,
    )  # fmt: skip
    accepted = quotient < parameters.ratio
    gti, error = from_good_bins(inside.edges, accepted), poisson_error(quotient, inside.counts, outside.counts)
    return FlareResult(gti, inside, RATIO, quotient, error, accepted, (0.0, parameters.ratio))


FILTER = FlareFilter(
    "ratio", ratio, expressions, 1.0, True,
    "field of view against unexposed corners (Fin/Fout), a declared substitute for espfilt's ratio method",
    "De Luca & Molendi 2004, A&A 419, 837; Fin_over_Fout 1.1", (),
    own_bands=FIN_FOUT_BANDS,
)  # fmt: skip
