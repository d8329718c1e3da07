"""Quality of a cleaning: the fit against its histogram, the soft protons that are left, the time that was removed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.findings import Finding
from daxa_wf.events.in_out import CONTAMINATION, InOut

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
        """Return whether the accepted rates are distributed otherwise than the fit predicts."""
        significance = self.distance * float(np.sqrt(self.independent))
        return self.distance > LARGEST_DISTANCE and significance > DISTANCE_LEVEL

    @property
    def has_second_hump(self) -> bool:
        """Return whether the accepted rates include a second population above the fitted one."""
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
        findings: list[Finding] = []
        if self.fit is not None and self.fit.has_second_hump:
            findings.append(Finding("secondHump",
                f"the accepted rates include a second population: {self.fit.excess:.0%} of the accepted samples lie above "
                f"the fitted Gaussian, most of all near {self.fit.excess_rate:.2f} count/s; flares may remain, so look at "
                "the plots, and lower allowed_sigma or choose another method"))  # fmt: skip
        if self.fit is not None and self.fit.is_poor:
            findings.append(Finding("poorFit",
                f"the fitted Gaussian differs from the histogram of the accepted rates by {self.fit.distance:.2f} "
                f"(Kolmogorov-Smirnov, expected less than {DISTANCE_LEVEL / self.fit.independent**0.5:.2f}); look at the "
                "plots"))  # fmt: skip
        if self.in_out is not None and self.in_out.is_contaminated:
            findings.append(Finding("residualFlares",
                f"{self.in_out.contamination} contaminated by soft protons after cleaning: IN/OUT ratio "
                f"{self.in_out.ratio:.2f} +- {self.in_out.error:.2f}, expected below {CONTAMINATION[0][0]} "
                "(De Luca & Molendi 2004)"))  # fmt: skip
        if self.removed_fraction > LARGEST_REMOVED:
            findings.append(Finding("mostlyFlared", f"{self.removed_fraction:.1%} of the time was removed as flared"))
        return [finding.warning(task) for finding in findings]
