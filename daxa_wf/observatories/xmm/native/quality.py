"""How good a cleaning is: the fit against its histogram, what is left of soft protons, the time that was removed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.errors import ConfigError
from daxa_wf.events.expression import BoundExpression, parse
from daxa_wf.events.flare_filters.regions import (
    FIN_FOUT,
    FIN_FOUT_AREA_ERROR,
    FIN_FOUT_AREA_RATIO,
    FIN_FOUT_LOWEST_PI,
)
from daxa_wf.events.gti import Intervals, contains
from daxa_wf.observatories.xmm.native.event_list import EventList, ExposureIdentity

CONTAMINATION = ((1.15, "not"), (1.30, "slightly"), (1.50, "very"), (np.inf, "extremely"))
"""IN/OUT ratio below which an exposure is called so (De Luca & Molendi 2004, A&A 419, 837; Fin_over_Fout 1.1)."""
PN_MODES = ("PrimeFullWindow", "PrimeFullWindowExtended")
"""Modes of pn that read out the whole chips, corners included."""
MOS1_WHOLE_UNTIL = 961
"""Revolution in which MOS1 lost CCD 6; from then on its area ratio is 10 per cent off (Fin_over_Fout 1.1)."""
MOS1_AREA_ERROR = 0.1

WING = 1.5
"""Standard deviations from the fitted centre at which a wing begins."""
LARGEST_EXCESS, EXCESS_SIGMA = 0.05, 4.0
"""A second population is reported if it holds this fraction of the accepted samples, with this significance."""
LARGEST_DISTANCE, DISTANCE_LEVEL = 0.1, 1.63
"""A fit is reported as poor beyond this distance, if it is significant at 1 per cent (Kolmogorov and Smirnov)."""
LARGEST_REMOVED = 0.5


@dataclass(frozen=True)
class FitQuality:
    """A fitted Gaussian against the histogram, between the accepted rates.

    `distance` is that of Kolmogorov and Smirnov, of `independent` samples. `excess` is the fraction of the accepted
    samples that the upper wing holds beyond the model, or beyond the lower wing if that holds more than the model;
    `excess_sigma` is its significance, `excess_rate` the rate in count/s at which it is largest.
    """

    distance: float
    independent: float
    excess: float
    excess_sigma: float
    excess_rate: float

    @property
    def is_poor(self) -> bool:
        """True if the accepted rates are not distributed as the fit says."""
        significance = self.distance * float(np.sqrt(self.independent))
        return self.distance > LARGEST_DISTANCE and significance > DISTANCE_LEVEL

    @property
    def has_second_hump(self) -> bool:
        """True if the accepted rates include a second population above the fitted one."""
        return self.excess > LARGEST_EXCESS and self.excess_sigma > EXCESS_SIGMA


def fit_quality(
    rates: NDArray[np.float64],
    samples: NDArray[np.float64],
    model: NDArray[np.float64],
    centre: float,
    sigma: float,
    limits: tuple[float, float],
    window: float,
) -> FitQuality | None:
    """Return how well a Gaussian describes a rate histogram between `limits`; None if too few samples lie there.

    `rates`, `samples` and `model` have shape (bins,). Samples of a moving mean over `window` seconds are correlated, so
    only one in `window` counts as independent.
    """
    inside = (rates >= limits[0]) & (rates <= limits[1])
    rates, samples, model = rates[inside], samples[inside], model[inside]
    accepted, expected = float(samples.sum()), float(model.sum())
    if accepted < window or expected <= 0:
        return None
    distance = np.abs(np.cumsum(samples) / accepted - np.cumsum(model) / expected).max()
    upper, lower = rates > centre + WING * sigma, rates < centre - WING * sigma
    predicted = max(float(model[upper].sum()), float(samples[lower].sum()))
    surplus = float(samples[upper].sum()) - predicted
    residual = np.where(upper, samples - model, -np.inf)
    return FitQuality(
        distance=float(distance),
        independent=accepted / window,
        excess=surplus / accepted,
        excess_sigma=surplus / float(np.sqrt(window * max(predicted, 1.0))),
        excess_rate=float(rates[np.argmax(_smoothed(residual))]) if upper.any() else float(limits[1]),
    )


def _smoothed(values: NDArray[np.float64], half: int = 2) -> NDArray[np.float64]:
    """Return the median of five neighbours, so that a single bin does not pass for a hump; shape (bins,)."""
    padded = np.pad(values, half, constant_values=-np.inf)
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1))


@dataclass(frozen=True)
class InOut:
    """Surface brightness of the outer field of view over that of the unexposed corners, after cleaning."""

    inside: int
    outside: int
    ratio: float
    error: float

    @property
    def contamination(self) -> str:
        """`not`, `slightly`, `very` or `extremely` contaminated by soft protons."""
        return next(word for limit, word in CONTAMINATION if self.ratio < limit)

    @property
    def is_contaminated(self) -> bool:
        """True if the ratio is beyond the first limit by more than its error."""
        return self.ratio - self.error >= CONTAMINATION[0][0]


def in_out_ratio(inside: int, outside: int, instrument: str, revolution: int = 0) -> InOut:
    """Return the IN/OUT ratio of counts in the regions and bands of Fin_over_Fout, with its error.

    Source: De Luca & Molendi 2004, A&A 419, 837; Fin_over_Fout 1.1. ValueError unless both regions hold counts.
    """
    if not (inside and outside):
        raise ValueError(f"{inside} counts inside and {outside} outside give no ratio")
    area, error = FIN_FOUT_AREA_RATIO[instrument], FIN_FOUT_AREA_ERROR[instrument]
    relative = error / area
    if instrument == "M1" and revolution >= MOS1_WHOLE_UNTIL:
        relative = MOS1_AREA_ERROR
    ratio = inside / outside / area
    return InOut(inside, outside, ratio, ratio * float(np.sqrt(1 / inside + 1 / outside + relative**2)))


def why_no_in_out(identity: ExposureIdentity) -> str:
    """Return why an exposure has no IN/OUT ratio, '' if it can have one."""
    if identity.instrument == "PN" and identity.submode not in PN_MODES:
        return f"{identity.submode} does not read out the corners"
    return ""


class HardEvents:
    """Collects the times of hard events in the outer field of view and in the corners, in a pass over the list."""

    def __init__(self, events: EventList) -> None:
        self.identity = events.identity
        self.problem = why_no_in_out(self.identity)
        self._times: dict[str, list[NDArray[np.float64]]] = {"fov": [], "corner": []}
        self._bound: dict[str, BoundExpression] = {}
        if not self.problem:
            try:
                self._bound = _bound(events)
            except ConfigError as error:
                self.problem = str(error)

    def add(self, rows: NDArray[Any]) -> None:
        """Take the events of a chunk."""
        if not self._bound:
            return
        hard = rows[rows["PI"] >= FIN_FOUT_LOWEST_PI]
        for name, each in self._bound.items():
            self._times[name].append(hard["TIME"][each.mask(hard)].astype(float))

    def ratio(self, gti: Intervals) -> InOut | None:
        """Return the ratio within good times; None, with the reason in `problem`, if it cannot be known."""
        if not self._bound:
            return None
        counts = {name: sum(int(contains(gti, each).sum()) for each in parts) for name, parts in self._times.items()}
        if not (counts["fov"] and counts["corner"]):
            self.problem = "a region holds no hard event"
            return None
        return in_out_ratio(counts["fov"], counts["corner"], self.identity.instrument, self.identity.revolution)


def _bound(events: EventList) -> dict[str, BoundExpression]:
    selection = FIN_FOUT[events.identity.instrument]
    texts = {"fov": selection.fov, "corner": selection.corner}
    return {
        name: parse(f"(PATTERN <= {selection.pattern}) && {text}").bind(events.header, events.column_names)
        for name, text in texts.items()
    }


@dataclass(frozen=True)
class Quality:
    """The assessment of one cleaned exposure. `fit` is None for a filter without a fit."""

    removed_fraction: float
    fit: FitQuality | None = None
    in_out: InOut | None = None
    no_in_out: str = ""
    """Why there is no IN/OUT ratio."""

    def numbers(self) -> dict[str, Any]:
        """Return the assessment as a record holds it."""
        fit = None if self.fit is None else {**asdict(self.fit), "poor": self.fit.is_poor,
                                             "second_hump": self.fit.has_second_hump}  # fmt: skip
        in_out = None if self.in_out is None else {**asdict(self.in_out), "contamination": self.in_out.contamination}
        return {"removed_fraction": self.removed_fraction, "fit": fit, "in_out": in_out, "no_in_out": self.no_in_out}

    def warnings(self, task: str) -> list[dict[str, str]]:
        """Return a warning for everything that a user should look at before using the exposure."""
        found = []
        if self.fit is not None and self.fit.has_second_hump:
            found.append(("secondHump",
                f"the accepted rates include a second population: {self.fit.excess:.0%} of the accepted samples lie above "
                f"the fitted Gaussian, most of all near {self.fit.excess_rate:.2f} count/s; flares may remain, so look at "
                "the plots, and lower allowed_sigma or choose another method"))  # fmt: skip
        if self.fit is not None and self.fit.is_poor:
            found.append(("poorFit",
                f"the fitted Gaussian differs from the histogram of the accepted rates by {self.fit.distance:.2f} "
                f"(Kolmogorov-Smirnov, expected less than {DISTANCE_LEVEL / self.fit.independent**0.5:.2f}); look at the "
                "plots"))  # fmt: skip
        if self.in_out is not None and self.in_out.is_contaminated:
            found.append(("residualFlares",
                f"{self.in_out.contamination} contaminated by soft protons after cleaning: IN/OUT ratio "
                f"{self.in_out.ratio:.2f} +- {self.in_out.error:.2f}, expected below {CONTAMINATION[0][0]} "
                "(De Luca & Molendi 2004)"))  # fmt: skip
        if self.removed_fraction > LARGEST_REMOVED:
            found.append(("mostlyFlared", f"{self.removed_fraction:.1%} of the time was removed as flared"))
        return [{"task": task, "name": name, "text": text} for name, text in found]
