"""The inputs, the parameters and the result that all flare filters share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.findings import Finding
from daxa_wf.events.flare_parameters import UNITS, FlareParameters
from daxa_wf.events.gti import Intervals
from daxa_wf.events.light_curve import LightCurve

FOV, CORNER = "fov", "corner"


@dataclass(frozen=True)
class FlareInputs:
    """One exposure: its light curves by name, its good time before filtering, its end.

    `area_ratio`: area of the region of curve FOV over that of curve CORNER, for filters that compare them.
    """

    curves: Mapping[str, LightCurve]
    good: Intervals
    stop: float
    area_ratio: float = 1.0


@dataclass(frozen=True)
class Fit:
    """norm * exp(-((rate - centre) / width)^2 / divisor): divisor 2 makes `width` a standard deviation."""

    norm: float
    centre: float
    width: float
    divisor: float = 2.0

    @property
    def sigma(self) -> float:
        """Return the standard deviation in count/s."""
        return self.width * float(np.sqrt(self.divisor / 2))

    def model(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the samples that the curve predicts at some rates in count/s; shape of `rates`."""
        return self.norm * np.exp(-(((rates - self.centre) / self.width) ** 2) / self.divisor)


@dataclass(frozen=True)
class Histogram:
    """Number of `samples` at each of the `rates` in count/s, shape (bins,) each, and the bins that were fitted.

    Samples are means over `window` seconds, one a second.
    """

    rates: NDArray[np.float64]
    samples: NDArray[np.float64]
    fitted: slice
    window: int = 1


@dataclass(frozen=True)
class Quantity:
    """The quantity that a filter compares with its limits: its name, its unit, the word for its values in a sentence."""

    label: str
    unit: str
    values: str

    @property
    def axis(self) -> str:
        """Return label and unit, as an axis of a plot shows them."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def within(self, limits: tuple[float, float]) -> str:
        """Return the values between two limits, in words."""
        return f"{self.values} {limits[0]:.3f} to {limits[1]:.3f} {self.unit}".rstrip()


RATE_OBSERVED = Quantity("counts per second of observed time", "count/s", "rates")
RATE_OF_BIN = Quantity("counts per second of bin", "count/s", "rates")
"""Lower than RATE_OBSERVED in a bin that was observed in part."""
RATE_SMOOTHED = Quantity("moving mean of the count rate", "count/s", "rates")
RATIO = Quantity("counts per area, field of view / corners", "", "ratios")


@dataclass(frozen=True)
class FlareResult:
    """Good times, and how a filter found them.

    `value` of the `quantity` was compared with `limits`, bin by bin of `curve`; `value`, its `error` and `accepted`
    have the curve's shape.
    """

    gti: Intervals
    curve: LightCurve
    quantity: Quantity
    value: NDArray[np.float64]
    error: NDArray[np.float64]
    accepted: NDArray[np.bool_]
    limits: tuple[float, float]
    fit: Fit | None = None
    histogram: Histogram | None = None
    findings: tuple[Finding, ...] = ()


def poisson_error(value: NDArray[np.float64], *counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the error of a value that is a product or quotient of counts; 0 where one of the counts is 0. Shape (bins,)."""
    counted = np.all([count > 0 for count in counts], axis=0)
    relative = np.sqrt(np.sum([1 / np.maximum(count, 1) for count in counts], axis=0))
    return np.where(counted, value * relative, np.where(np.isnan(value), np.nan, 0.0))


@dataclass(frozen=True)
class FlareFilter:
    """A method under its name, the bin of its curves in seconds, and True if it needs the curve of the corners.

    `options`: the fields of FlareParameters that matter to it, beside those that its result shows (bin, limits).
    """

    name: str
    function: Callable[[FlareInputs, FlareParameters], FlareResult]
    bin_size: float
    needs_corners: bool
    description: str
    source: str
    options: tuple[str, ...]

    def describe(self, parameters: FlareParameters, result: FlareResult) -> str:
        """Return one line on the method, the options that matter to it, the quantity that was judged and its limits."""
        words = [f"{name}={_written(name, getattr(parameters, name))}" for name in self.options]
        accepted = f"accepted {result.quantity.within(result.limits)}"
        judged = f"{result.quantity.label} in bins of {result.curve.bin_size:g} s, {accepted}"
        return f"{' '.join([f'method={self.name}', *words])}: {judged}"


def _written(name: str, value: float | tuple[float, float] | None) -> str:
    if value is None:
        return "no"
    return f"{' to '.join(f'{number:g}' for number in np.atleast_1d(value))} {UNITS.get(name, '')}".rstrip()
