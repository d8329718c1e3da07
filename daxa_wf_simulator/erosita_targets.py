"""Targets of the simulated eROSITA: two CalPV pointings of the early release, and a sky tile of DR1's survey."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.gti import Intervals, complement, normalise
from daxa_wf.events.sky_plane import OrthographicPlane
from daxa_wf.observatories.erosita.native.field_of_view import FOV_RADIUS
from daxa_wf_simulator.truth import Flare, PointSource

SCALE = 0.05 / 3600
TILE_HALF_WIDTH = 129_600.0
"""Sky pixels: half of a tile of 3.6 degrees."""
SCAN_SPEED = 90 / 0.05
"""Sky pixels a second: once round in four hours."""
SCAN_PERIOD = 14_400.0
SCAN_STEP = 12_000.0
"""Sky pixels between two scans: 10 arcmin."""


@dataclass(frozen=True)
class ErositaTarget:
    """One file to simulate: `quiet_rate` is events a second of all `modules` together, in the whole field of view."""

    obsid: str
    file: str
    target: str
    obs_mode: str
    ra: float
    dec: float
    roll: float
    start: float
    duration: float
    modules: tuple[int, ...]
    quiet_rate: float
    sources: tuple[PointSource, ...]
    flares: tuple[Flare, ...]
    hole: tuple[float, float] | None = None
    without_gti: tuple[int, ...] = ()
    scans: int = 0

    @property
    def is_early(self) -> bool:
        """Return True if the file has the forms of the early release."""
        return "c001" in self.file

    @property
    def plane(self) -> OrthographicPlane:
        """Return the plane of X and Y, with its zero at the centre."""
        return OrthographicPlane(self.ra, self.dec, 0.0, 0.0, -SCALE, SCALE)


@dataclass
class ErositaTruth:
    """Content of a file: times in seconds of its time system, source positions in degrees."""

    obsid: str
    file: str
    modules: tuple[int, ...]
    without_gti: tuple[int, ...]
    flares: list[list[float]]
    quiet: list[list[float]]
    sources: dict[str, list[float]] = field(default_factory=dict)
    events: int = 0


TARGETS = (
    ErositaTarget(
        "700195", "pm00_700195_020_EventList_c001.fits", "Demo cluster", "POINTING", 150.0, 2.0, 30.0, 6.20e8, 3600.0,
        (1, 2, 3, 4, 5, 6, 7), 5.0, (PointSource("bright", 150.15, 2.1, 2.0),),
        (Flare(793, 1187, 16, 1), Flare(2590, 2836, 20, 1)), hole=(1500, 1560), without_gti=(4,),
    ),
    ErositaTarget(
        "700199", "pm00_700199_020_EventList_c001.fits", "Demo pulsar", "POINTING", 83.6, -66.5, 200.0, 6.21e8, 3000.0,
        (5, 6, 7), 6.0, (PointSource("bright", 83.3, -66.4, 1.5),), (Flare(1710, 2012, 18, 1),),
    ),
    ErositaTarget(
        "134135", "em01_134135_020_EventList_c010.fits.gz", "", "SURVEY", 134.0, -45.0, 0.0, 6.30e8, 0.0,
        (1, 2, 3, 4, 5, 6, 7), 14.0, (PointSource("bright", 134.1, -44.9, 30.0),),
        (Flare(3 * 14_400 + 50, 3 * 14_400 + 140, 10, 1),), scans=8,
    ),
)  # fmt: skip


def observed(target: ErositaTarget) -> Intervals:
    """Return when the telescope looked at the field, in seconds: all the time, or while it scanned over the tile."""
    if not target.scans:
        return np.array([[target.start, target.start + target.duration]])
    starts = target.start + SCAN_PERIOD * np.arange(target.scans)
    return np.column_stack([starts, starts + _scan_time()])


def path_of(target: ErositaTarget, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return X and Y of the pointing at given times: steady, or northwards over the tile in scans side by side."""
    if not target.scans:
        return np.zeros(len(times)), np.zeros(len(times))
    scan = np.floor((times - target.start) / SCAN_PERIOD)
    along = (times - target.start) % SCAN_PERIOD - _scan_time() / 2
    return (scan - (target.scans - 1) / 2) * SCAN_STEP, along * SCAN_SPEED


def _scan_time() -> float:
    return 2 * (TILE_HALF_WIDTH * 0.95 + FOV_RADIUS) / SCAN_SPEED


def truth_of(target: ErositaTarget, events: int) -> ErositaTruth:
    """Return the truth of a target. A flare lasts while it adds more than the quiet rate; beyond its ramps it is quiet."""
    top = [(f.start - f.ramp * (1 - 1 / f.height), f.stop + f.ramp * (1 - 1 / f.height)) for f in target.flares]
    all_of_them = [(f.start - f.ramp, f.stop + f.ramp) for f in target.flares]
    begin, end = observed(target)[0, 0], observed(target)[-1, 1]
    quiet = complement(normalise(np.array(all_of_them) + target.start), begin, end)
    return ErositaTruth(
        target.obsid, target.file, target.modules, target.without_gti,
        (normalise(top) + target.start).tolist(), quiet.tolist(),
        {source.name: [source.ra, source.dec] for source in target.sources}, events,
    )  # fmt: skip
