"""What all flare filters take and give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.gti import Intervals
from daxa_wf.events.light_curve import LightCurve

FOV, CORNER = "fov", "corner"


@dataclass(frozen=True)
class FlareParameters:
    """Options of the filters, under espfilt's names: seconds, eV, count/s. None: no smoothing, no binning."""

    smooth: float | None = 51.0
    binsize: float | None = 60.0
    ratio: float = 1.2
    elow: int = 2500
    ehigh: int = 8500
    rangescale: float = 6.0
    allowsigma: float = 3.0
    limits: tuple[float, float] = (0.1, 6.5)
    threshold: float | None = None


UNITS = {"smooth": "s", "elow": "eV", "ehigh": "eV", "limits": "count/s"}
"""Units of the options that have one."""


@dataclass(frozen=True)
class FlareInputs:
    """One exposure: its light curves by name, its good time before filtering, its end."""

    instrument: str
    curves: Mapping[str, LightCurve]
    good: Intervals
    stop: float


@dataclass(frozen=True)
class Fit:
    """norm * exp(-((rate - centre) / width)^2 / divisor): divisor 2 makes `width` a standard deviation."""

    norm: float
    centre: float
    width: float
    divisor: float = 2.0

    @property
    def sigma(self) -> float:
        """Standard deviation in count/s."""
        return self.width * float(np.sqrt(self.divisor / 2))

    def model(self, rates: NDArray[np.float64]) -> NDArray[np.float64]:
        """The curve at the given rates, in count/s."""
        return self.norm * np.exp(-(((rates - self.centre) / self.width) ** 2) / self.divisor)


@dataclass(frozen=True)
class Histogram:
    """How many samples have which rate: `rates` in count/s and `samples`, shape (bins,) each; bins that were fitted.

    Samples are means over `window` seconds, one a second.
    """

    rates: NDArray[np.float64]
    samples: NDArray[np.float64]
    fitted: slice
    window: int = 1


@dataclass(frozen=True)
class Quantity:
    """What a filter compares with its limits: its name, its unit, and the word for its values in a sentence."""

    label: str
    unit: str
    values: str

    @property
    def axis(self) -> str:
        """Label and unit, as for an axis."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def within(self, limits: tuple[float, float]) -> str:
        """The values between two limits, in words."""
        return f"{self.values} {limits[0]:.3f} to {limits[1]:.3f} {self.unit}".rstrip()


RATE_OBSERVED = Quantity("counts per second of observed time", "count/s", "rates")
RATE_OF_BIN = Quantity("counts per second of bin", "count/s", "rates")
"""Lower than RATE_OBSERVED in a bin that was observed in part."""
RATE_SMOOTHED = Quantity("moving mean of the count rate", "count/s", "rates")
RATIO = Quantity("counts per area, field of view / corners", "", "ratios")


@dataclass(frozen=True)
class FlareResult:
    """Good times, and how they were found.

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
    warnings: list[dict[str, str]] = field(default_factory=list)


def poisson_error(value: NDArray[np.float64], *counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Error of a value that is a product or quotient of counts; 0 where there is none. Shape (bins,)."""
    counted = np.all([each > 0 for each in counts], axis=0)
    relative = np.sqrt(np.sum([1 / np.maximum(each, 1) for each in counts], axis=0))
    return np.where(counted, value * relative, np.where(np.isnan(value), np.nan, 0.0))


@dataclass(frozen=True)
class FlareFilter:
    """One filter: its function, the curves it needs (expressions by name, for an instrument), their bin in seconds.

    `heeds`: the fields of FlareParameters that matter to it, beside those that show in its result (bin, limits).
    """

    name: str
    function: Callable[[FlareInputs, FlareParameters], FlareResult]
    expressions: Callable[[str, FlareParameters], Mapping[str, str]]
    bin_size: float
    needs_corners: bool
    description: str
    source: str
    heeds: tuple[str, ...]
    own_bands: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Instrument -> outermost energies in eV of its curves; empty if these are `elow` and `ehigh`."""

    def band(self, instrument: str, parameters: FlareParameters) -> tuple[int, int]:
        """Return the energies in eV, from the lowest to the highest, of the events that the filter counts."""
        return self.own_bands.get(instrument, (parameters.elow, parameters.ehigh))

    def describe(self, parameters: FlareParameters, result: FlareResult) -> str:
        """Return one line on what was done: the parameters that matter, what was judged, and what was accepted."""
        words = [f"{name}={_written(name, getattr(parameters, name))}" for name in self.heeds]
        accepted = f"accepted {result.quantity.within(result.limits)}"
        judged = f"{result.quantity.label} in bins of {result.curve.bin_size:g} s, {accepted}"
        return f"{' '.join([f'method={self.name}', *words])}: {judged}"


def _written(name: str, value: float | tuple[float, float] | None) -> str:
    if value is None:
        return "no"
    return f"{' to '.join(f'{each:g}' for each in np.atleast_1d(value))} {UNITS.get(name, '')}".rstrip()
