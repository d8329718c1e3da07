"""A fixed limit on the count rate, as tabgtigen applies it in ESA's SAS thread on flaring background."""

from __future__ import annotations

import numpy as np

from daxa_wf.events.flare_filters.common import (
    FOV,
    RATE_OF_BIN,
    FlareInputs,
    FlareParameters,
    FlareResult,
)
from daxa_wf.events.gti import tabgtigen


def threshold(inputs: FlareInputs, parameters: FlareParameters) -> FlareResult:
    """Accept the times at or below the rate `threshold`. Raise ValueError if the parameters have none.

    The rate is that of the whole bin, as in SAS's evselect and tabgtigen: half a bin of good time halves the rate.
    """
    curve = inputs.curves[FOV]
    limit = parameters.threshold
    if limit is None:
        raise ValueError("the method 'threshold' needs a limit in count/s: set FlareParameters.threshold")
    accepted = np.asarray(curve.rate <= limit)
    gti = tabgtigen(curve.centres, accepted)
    return FlareResult(gti, curve, RATE_OF_BIN, curve.rate, curve.error, accepted, (0.0, limit))
