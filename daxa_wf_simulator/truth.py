"""Observations to simulate, and the truth about them afterwards."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class PointSource:
    """A point source: position in degrees, events a second on the axis of MOS between 0.3 and 10 keV."""

    name: str
    ra: float
    dec: float
    rate: float


@dataclass(frozen=True)
class Flare:
    """A soft-proton flare: seconds from the start of the exposure, rate at its top over the quiet rate."""

    start: float
    stop: float
    height: float
    ramp: float = 20.0


@dataclass(frozen=True)
class Exposure:
    """One exposure to simulate. `quiet_rate`: background events a second between 2.5 and 8.5 keV in the field of view."""

    instrument: str
    exposure: str
    start: float
    duration: float
    quiet_rate: float
    submode: str = "PrimeFullWindow"
    filter: str = "Medium"
    data_mode: str = "IMAGING"
    flares: tuple[Flare, ...] = ()
    hole: tuple[float, float] | None = None
    pointing_offset: tuple[float, float] = (0.0, 0.0)
    verdict: str = "done"
    reason: str = ""


@dataclass(frozen=True)
class Observation:
    """One observation: pointing and position angle in degrees, start in seconds of XMM time, sources, exposures."""

    obsid: str
    target: str
    ra: float
    dec: float
    position_angle: float
    start: float
    revolution: int
    sources: tuple[PointSource, ...]
    exposures: tuple[Exposure, ...]


@dataclass
class ExposureTruth:
    """Content of one exposure's list: flares as absolute times, quiet rate seen, counts by source and band."""

    unit: str
    file: str
    verdict: str
    reason: str
    flares: list[list[float]]
    good: list[list[float]]
    quiet_rate: float
    source_counts: dict[str, dict[str, int]] = field(default_factory=dict)


def plain(observations: tuple[Observation, ...], truths: list[ExposureTruth]) -> dict[str, Any]:
    """Return the truth as plain data for JSON."""
    sources = {observation.obsid: [asdict(source) for source in observation.sources] for observation in observations}
    return {
        "simulated_by": "daxa_wf_simulator",
        "sources": sources,
        "exposures": [asdict(t) for t in truths],
    }
