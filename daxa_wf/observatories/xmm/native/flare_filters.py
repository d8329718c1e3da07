"""The flare filters of EPIC by name: a method, the events of its curves, and the values that belong to the cameras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from daxa_wf.events.flare_filters import CORNER, FOV, FlareFilter, FlareInputs, FlareParameters, FlareResult
from daxa_wf.events.flare_filters.histogram import histogram_peak
from daxa_wf.events.flare_filters.ratio import ratio
from daxa_wf.events.flare_filters.sn_optimal import sn_optimal
from daxa_wf.events.flare_filters.threshold import threshold
from daxa_wf.events.gti import Intervals
from daxa_wf.events.light_curve import LightCurve
from daxa_wf.observatories.xmm.native.esas19 import esas19
from daxa_wf.observatories.xmm.native.regions import (
    ESAS19,
    ESAS20,
    FIN_FOUT,
    FIN_FOUT_AREA_RATIO,
    FIN_FOUT_BANDS,
    CurveSelection,
)

HARD_EVENTS = {
    "PN": "#XMMEA_EP && (PI in (10000:12000)) && (PATTERN == 0)",
    "M1": "#XMMEA_EM && (PI > 10000) && (PATTERN == 0)",
    "M2": "#XMMEA_EM && (PI > 10000) && (PATTERN == 0)",
}
"""Single events above 10 keV, for fixed limits (ESA SAS thread 'How to filter EPIC event lists ...')."""
HARD_BANDS = {"PN": (10000, 12000), "M1": (10000, 32767), "M2": (10000, 32767)}
"""In eV. The list's PI has 16 bits and ends at 32767, so that MOS has no other upper edge."""
USUAL_LIMITS = {"PN": 0.4, "M1": 0.35, "M2": 0.35}
"""count/s (ESA SAS thread 'How to filter EPIC event lists for flaring particle background')."""

Expressions = Callable[[str, FlareParameters], Mapping[str, str]]
"""Instrument and parameters -> selection expression of each curve by name."""


@dataclass(frozen=True)
class EpicFlareFilter(FlareFilter):
    """A flare filter with the events of its curves.

    `own_bands`: instrument -> outermost energies in eV of the curves; empty if these are `elow` and `ehigh`.
    """

    expressions: Expressions
    own_bands: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def band(self, instrument: str, parameters: FlareParameters) -> tuple[int, int]:
        """Return the energies in eV, from the lowest to the highest, of the events that the filter counts."""
        return self.own_bands.get(instrument, (parameters.elow, parameters.ehigh))

    def judge(
        self,
        instrument: str,
        curves: Mapping[str, LightCurve],
        good: Intervals,
        stop: float,
        parameters: FlareParameters,
    ) -> FlareResult:
        """Apply the method to the curves of an exposure that has `good` time and ends at `stop`."""
        if parameters.threshold is None:
            parameters = replace(parameters, threshold=USUAL_LIMITS[instrument])
        return self.function(FlareInputs(curves, good, stop, FIN_FOUT_AREA_RATIO[instrument]), parameters)


def _in_band(selections: Mapping[str, CurveSelection], *curves: str) -> Expressions:
    """Return the expressions of curves in the band from `elow` to `ehigh`."""

    def expressions(instrument: str, parameters: FlareParameters) -> dict[str, str]:
        selection = selections[instrument]
        band = f"(PATTERN <= {selection.pattern}) && (PI in [{parameters.elow}:{parameters.ehigh}])"
        texts = {FOV: f"{band} && {selection.fov}", CORNER: f"{band} && {selection.corner}"}
        return {name: texts[name] for name in curves}

    return expressions


def _fin_fout(instrument: str, _: FlareParameters) -> dict[str, str]:
    """Return the outer field of view and the corners in the bands of Fin_over_Fout, whatever band the options give."""
    selection = FIN_FOUT[instrument]
    pattern = f"(PATTERN <= {selection.pattern})"
    return {FOV: f"{pattern} && {selection.fov}", CORNER: f"{pattern} && {selection.corner}"}


def _hard_events(instrument: str, _: FlareParameters) -> dict[str, str]:
    """Return the single events above 10 keV, whatever band the options give."""
    return {FOV: HARD_EVENTS[instrument]}


FILTERS = (
    EpicFlareFilter(
        "histogram", histogram_peak, 1.0, True,
        "Gaussian around the peak of the rate histogram, as espfilt 4.3 (SAS 20 and later)",
        "SAS espfilt; Snowden et al. 2008, A&A 478, 615; arithmetic of a genuine espfilt 4.3 log",
        ("smooth", "elow", "ehigh", "rangescale", "allowsigma", "limits"), _in_band(ESAS20, FOV, CORNER),
    ),
    EpicFlareFilter(
        "esas19", esas19, 1.0, True,
        "Gaussian around the peak of the rate histogram, as ESAS of SAS 19 (mos-filter, pn-filter)",
        "SAS espfilt; Snowden et al. 2008, A&A 478, 615; reproduced from a genuine SAS 19 run",
        ("elow", "ehigh"), _in_band(ESAS19, FOV, CORNER),
    ),
    EpicFlareFilter(
        "threshold", threshold, 100.0, False,
        "fixed limit on the rate above 10 keV in 100-s bins, as the SAS thread",
        "ESA SAS thread on flaring background; SAS tabgtigen 2.13", (), _hard_events, HARD_BANDS,
    ),
    EpicFlareFilter(
        "sn_optimal", sn_optimal, 1.0, False,
        "the rate cut that is best for detecting faint sources, as 4XMM's bkgoptrate",
        "SAS bkgoptrate; Webb et al. 2020, A&A 641, A136", ("elow", "ehigh"), _in_band(ESAS20, FOV),
    ),
    EpicFlareFilter(
        "ratio", ratio, 1.0, True,
        "field of view against unexposed corners (Fin/Fout), a declared substitute for espfilt's ratio method",
        "De Luca & Molendi 2004, A&A 419, 837; Fin_over_Fout 1.1", (), _fin_fout, FIN_FOUT_BANDS,
    ),
)  # fmt: skip
FLARE_FILTERS = {flare_filter.name: flare_filter for flare_filter in FILTERS}
