"""A fixed limit on the rate of hard single events, as in the SAS thread on flares: tabgtigen on a 100-s curve."""

from __future__ import annotations

import numpy as np

from daxa_wf.events.flare_filters.common import (
    FOV,
    RATE_OF_BIN,
    FlareFilter,
    FlareInputs,
    FlareParameters,
    FlareResult,
)
from daxa_wf.events.gti import tabgtigen

HARD_EVENTS = {
    "PN": "#XMMEA_EP && (PI in (10000:12000)) && (PATTERN == 0)",
    "M1": "#XMMEA_EM && (PI > 10000) && (PATTERN == 0)",
    "M2": "#XMMEA_EM && (PI > 10000) && (PATTERN == 0)",
}
BANDS = {"PN": (10000, 12000), "M1": (10000, 32767), "M2": (10000, 32767)}
"""In eV. The list's PI has 16 bits and ends at 32767, so that MOS has no other upper edge."""
DEFAULT_RATES = {"PN": 0.4, "M1": 0.35, "M2": 0.35}
"""count/s (ESA SAS thread 'How to filter EPIC event lists for flaring particle background')."""
BIN_SIZE = 100.0


def expressions(instrument: str, parameters: FlareParameters) -> dict[str, str]:
    """Single events above 10 keV; the band of the other filters does not matter."""
    del parameters
    return {FOV: HARD_EVENTS[instrument]}


def threshold(inputs: FlareInputs, parameters: FlareParameters) -> FlareResult:
    """Times at or below a rate: `threshold`, or the instrument's usual one if it is None.

    The rate is that of the whole bin, as evselect and tabgtigen have it: half a bin of good time halves the rate.
    """
    curve = inputs.curves[FOV]
    limit = DEFAULT_RATES[inputs.instrument] if parameters.threshold is None else parameters.threshold
    accepted = np.asarray(curve.rate <= limit)
    gti = tabgtigen(curve.centres, accepted)
    return FlareResult(gti, curve, RATE_OF_BIN, curve.rate, curve.error, accepted, (0.0, limit))


FILTER = FlareFilter(
    "threshold", threshold, expressions, BIN_SIZE, False,
    "fixed limit on the rate above 10 keV in 100-s bins, as the SAS thread",
    "ESA SAS thread on flaring background; SAS tabgtigen 2.13", (),
    own_bands=BANDS,
)  # fmt: skip
