"""Good time intervals of one exposure: those without soft-proton flares."""

from __future__ import annotations

from dataclasses import dataclass, field

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.flare_filters import FlareParameters, FlareResult
from daxa_wf.events.gti import Intervals, intersection, total
from daxa_wf.events.inspection import Inspection
from daxa_wf.events.light_curve import LightCurve, light_curves
from daxa_wf.events.quality import Quality, fit_quality
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.flare_filters import FLARE_FILTERS
from daxa_wf.observatories.xmm.native.in_out import HardEvents

NO_CORNERS = ("PrimeSmallWindow",)
"""pn modes in which the unexposed corners are not read out (SAS eimageget, 'Modes')."""


@dataclass(frozen=True)
class EspfiltResult:
    """Good times after and before filtering, the light curves, the result of the filter, and its quality."""

    gti: Intervals
    good: Intervals
    curves: dict[str, LightCurve]
    flares: FlareResult
    quality: Quality
    warnings: list[dict[str, str]] = field(default_factory=list)
    """Mistakes in the list that did not prevent its use."""

    @property
    def kept(self) -> float:
        """Return the seconds that were kept."""
        return total(self.gti)

    @property
    def removed(self) -> float:
        """Return the seconds of the exposure that were removed."""
        return total(self.good) - self.kept


def espfilt(events: EpicEventList, method: str, parameters: FlareParameters) -> EspfiltResult:
    """Find the good time intervals of an exposure with the named filter; one pass over its list.

    Raise UnfitDataError as espfilt calls it: `noPNSmallWindow` (no corners to compare with), `noCounts`, `gaussian`, and
    `noGoodTime` if nothing is left; `badTimes`, `badGoodTimes` or `twoEventTables` for a list that contradicts itself.
    """
    flare_filter = FLARE_FILTERS[method]
    identity = events.identity
    if flare_filter.needs_corners and identity.instrument == "PN" and identity.submode in NO_CORNERS:
        raise UnfitDataError(
            "noPNSmallWindow",
            f"{identity.submode} reads out no corners, which {method} needs; threshold and sn_optimal do not",
        )
    expressions = flare_filter.expressions(identity.instrument, parameters)
    hard, inspection = HardEvents(events), Inspection(events)
    curves = light_curves(events, expressions, flare_filter.bin_size, hard.add, inspection)
    warnings = inspection.finish()
    good = events.good_time
    flares = flare_filter.judge(identity.instrument, curves, good, events.time_range[1], parameters)
    gti = intersection(flares.gti, good)
    if len(gti) == 0:
        accepted = flares.quantity.within(flares.limits)
        raise UnfitDataError("noGoodTime", f"no time has {accepted}: all of it is flared")
    return EspfiltResult(gti, good, curves, flares, assess(flares, gti, good, hard), warnings)


def assess(flares: FlareResult, gti: Intervals, good: Intervals, hard: HardEvents) -> Quality:
    """Return the quality of a cleaning: `gti` is what is left of the `good` time."""
    fit, histogram = flares.fit, flares.histogram
    of_fit = None
    if fit is not None and histogram is not None:
        model = fit.model(histogram.rates)
        of_fit = fit_quality(
            histogram.rates, histogram.samples, model, fit.centre, fit.sigma, flares.limits, histogram.window
        )
    return Quality(1 - total(gti) / total(good), of_fit, hard.ratio(gti), hard.problem)
