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
class FlareResult:
    """Good times, and how they were found. `curve` is what was judged, `rate` and `accepted` have its shape."""

    gti: Intervals
    curve: LightCurve
    rate: NDArray[np.float64]
    accepted: NDArray[np.bool_]
    limits: tuple[float, float]
    fit: Fit | None = None
    histogram: Histogram | None = None
    warnings: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class FlareFilter:
    """One filter: its function, the curves it needs (expressions by name, for an instrument), their bin in seconds."""

    name: str
    function: Callable[[FlareInputs, FlareParameters], FlareResult]
    expressions: Callable[[str, FlareParameters], Mapping[str, str]]
    bin_size: float
    needs_corners: bool
    description: str
    source: str
