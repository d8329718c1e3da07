"""flaregti's parameters (eSASS flaregti 1.26.2, 'Input parameters'), and those of two other methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from daxa_wf.errors import ConfigError
from daxa_wf.observatories.erosita.native.event_list import ALL_MODULES

METHOD_BANDS = {"flaregti": (200.0, 10_000.0), "threshold": (6000.0, 10_000.0), "gaussian": (5000.0, 10_000.0)}
"""Methods and their bands in eV: flaregti's default; those of public eROSITA reductions for fixed limits and Gaussians."""


@dataclass(frozen=True)
class FlaregtiParameters:
    """flaregti's parameters, under its names and with its defaults.

    `gtitype`: tables that are the input. Bands in eV (pimin, pimax None: those of the method). `xmin` to `ymax`,
    `binsize` in sky pixels of 0.05 arcsec; `timebin` in s; `source_size` (diameter) in arcsec; `fov_radius` in arcmin;
    `threshold`, `max_threshold` in counts/s/deg^2, below 0 for none. Beyond the manual: `method`, one of METHOD_BANDS;
    `thresholds` by telescope module, for the method `threshold`; `sigma` for `gaussian`; `edge_like`, the likelihood
    with which a bin beside a flare must exceed the quiet rate to be cut as the flare's edge, below 0 for no such cut.
    """

    gtitype: str = "GTI"
    pimin: float | None = None
    pimax: float | None = None
    mask_pimin: float = 200.0
    mask_pimax: float = 10_000.0
    xmin: float = -108_000.0
    xmax: float = 108_000.0
    ymin: float = -108_000.0
    ymax: float = 108_000.0
    gridsize: int = 18
    binsize: float = 1200.0
    detml: float = 10.0
    timebin: float = 20.0
    source_size: float = 25.0
    source_like: float = 10.0
    fov_radius: float = 30.0
    threshold: float = -1.0
    max_threshold: float = -1.0
    mask_iter: int = 3
    method: str = "flaregti"
    thresholds: Mapping[int, float] = field(default_factory=dict)
    sigma: float = 3.0
    edge_like: float = -1.0

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise ConfigError(f"flaregti: {problem}")

    @property
    def band(self) -> tuple[float, float]:
        """Band of the light curve in eV."""
        low, high = METHOD_BANDS[self.method]
        return (low if self.pimin is None else self.pimin, high if self.pimax is None else self.pimax)


def _problems(p: FlaregtiParameters) -> list[str]:
    positive = (
        "gridsize",
        "binsize",
        "detml",
        "timebin",
        "source_size",
        "source_like",
        "fov_radius",
        "mask_iter",
        "sigma",
    )
    checks: dict[str, object] = {
        f"{name} {getattr(p, name)}: must be greater than 0": not getattr(p, name) > 0 for name in positive
    }
    checks[f"method {p.method!r}: allowed are {', '.join(METHOD_BANDS)}"] = p.method not in METHOD_BANDS
    checks[f"thresholds are for {sorted(p.thresholds)}: allowed are 1 to 7"] = not set(p.thresholds) <= set(ALL_MODULES)
    pairs = {"mask_pimin": "mask_pimax", "xmin": "xmax", "ymin": "ymax"}
    checks |= {
        f"{low} {getattr(p, low)} must be less than {high} {getattr(p, high)}": not getattr(p, low) < getattr(p, high)
        for low, high in pairs.items()
    }
    if p.method in METHOD_BANDS:
        checks[f"pimin {p.band[0]} must be less than pimax {p.band[1]}"] = not p.band[0] < p.band[1]
    return [text for text, wrong in checks.items() if wrong]
