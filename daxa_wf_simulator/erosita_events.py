"""Simulates the events of eROSITA's telescope modules: sky, particles, flares of hard events, a bright source."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.gti import Intervals, contains, normalise
from daxa_wf.observatories.erosita.native.event_list import CORRUPT_EVENT, CORRUPT_FRAME, OUT_OF_FOV
from daxa_wf.observatories.erosita.native.field_of_view import FOV_RADIUS
from daxa_wf_simulator.erosita_targets import TILE_HALF_WIDTH, ErositaTarget, observed, path_of
from daxa_wf_simulator.truth import PointSource

CCD_PIXEL = 192.0
"""Sky pixels of 0.05 arcsec in a CCD pixel of 9.6 arcsec."""
CCD_SIZE, CCD_CENTRE = 384, 192.5
FRAME = 0.05
"""Seconds: times are those of frames."""
PSF_CORE = 250.0
"""Sky pixels: 12.5 arcsec."""
PSF_WINGS = 0.8
"""(1 + (radius / core)^2)^(-1 / 0.8) of the events are farther out: 2 per cent beyond an arcminute."""
OUTSIDE_GTI, TRAILING, ON_BADPIX = 0x20000, 0x10, 0x2000
KEPT_OUTSIDE_GTI = 0.1


def simulate(target: ErositaTarget, rng: np.random.Generator) -> tuple[dict[str, NDArray[Any]], dict[int, Intervals]]:
    """Simulate a file and return its events' columns in order of time, and the good times by telescope module."""
    parts = [
        _background(target, rng),
        _flared(target, rng),
        *(_source(target, source, rng) for source in target.sources),
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["TIME"] = np.floor(columns["TIME"] / FRAME) * FRAME
    columns["TM_NR"] = rng.choice(target.modules, len(columns["TIME"]))
    pointing_x, pointing_y = path_of(target, columns["TIME"])
    _on_ccd(columns, target.roll, pointing_x, pointing_y)
    good = {module: _good_time(target, module) for module in target.modules}
    outside = ~np.select(
        [columns["TM_NR"] == module for module in good], [contains(gti, columns["TIME"]) for gti in good.values()]
    ).astype(bool)
    kept = (
        (columns["RAWX"] >= 1) & (columns["RAWX"] <= CCD_SIZE) & (columns["RAWY"] >= 1) & (columns["RAWY"] <= CCD_SIZE)
    )
    kept &= ~outside | (rng.uniform(size=len(outside)) < KEPT_OUTSIDE_GTI)
    if target.scans:
        kept &= (np.abs(columns["X"]) < TILE_HALF_WIDTH) & (np.abs(columns["Y"]) < TILE_HALF_WIDTH)
    columns["FLAG"] = _flags(outside, rng)
    order = np.flatnonzero(kept)[np.argsort(columns["TIME"][kept], kind="stable")]
    columns = {name: values[order] for name, values in columns.items()}
    _add_patterns(columns, rng)
    columns["RA"], columns["DEC"] = target.plane.sky(columns["X"], columns["Y"])
    return columns, good


def _uniform_times(intervals: Intervals, rate: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.concatenate([rng.uniform(start, stop, rng.poisson(rate * (stop - start))) for start, stop in intervals])


def _anywhere(target: ErositaTarget, times: NDArray[np.float64], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    radius, turn = FOV_RADIUS * np.sqrt(rng.uniform(size=len(times))), rng.uniform(0, 2 * np.pi, len(times))
    x, y = path_of(target, times)
    return {"TIME": times, "X": x + radius * np.cos(turn), "Y": y + radius * np.sin(turn)}


def _background(target: ErositaTarget, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Return the background: half of it soft and from the sky, half from particles with a flat spectrum."""
    part = _anywhere(target, _uniform_times(observed(target), target.quiet_rate, rng), rng)
    count = len(part["TIME"])
    soft = rng.uniform(size=count) < 0.5
    part["PI"] = np.where(soft, 200 + rng.exponential(600, count), rng.uniform(200, 10_000, count))
    return part


def _flared(target: ErositaTarget, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Return the events of flares: hard, with a flat spectrum from 3 to 10 keV."""
    times = [np.empty(0)]
    for flare in target.flares:
        begin, end = flare.start - flare.ramp, flare.stop + flare.ramp
        candidates = _uniform_times(np.array([[begin, end]]), target.quiet_rate * flare.height, rng)
        height = np.minimum(np.minimum((candidates - begin) / flare.ramp, (end - candidates) / flare.ramp), 1)
        times.append(target.start + candidates[rng.uniform(size=len(candidates)) < height])
    part = _anywhere(target, np.concatenate(times), rng)
    part["PI"] = rng.uniform(3000, 10_000, len(part["TIME"]))
    return part


def _source(target: ErositaTarget, source: PointSource, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    times = _uniform_times(observed(target), source.rate, rng)
    radius = PSF_CORE * np.sqrt((1 - rng.uniform(size=len(times))) ** -PSF_WINGS - 1)
    turn = rng.uniform(0, 2 * np.pi, len(times))
    x0, y0 = target.plane.pixel(source.ra, source.dec)
    x, y = x0 + radius * np.cos(turn), y0 + radius * np.sin(turn)
    pointing_x, pointing_y = path_of(target, times)
    seen = np.hypot(x - pointing_x, y - pointing_y) < FOV_RADIUS
    energy = 300 + rng.exponential(1200, len(times))
    return {"TIME": times[seen], "X": x[seen], "Y": y[seen], "PI": energy[seen]}


def _on_ccd(columns: dict[str, NDArray[Any]], roll: float, x0: NDArray[np.float64], y0: NDArray[np.float64]) -> None:
    """Add RAWX, RAWY and the place within the pixel: turn the sky by the roll angle about the CCD's centre."""
    angle = np.deg2rad(roll)
    dx, dy = columns["X"] - x0, columns["Y"] - y0
    across = CCD_CENTRE + (dx * np.cos(angle) + dy * np.sin(angle)) / CCD_PIXEL
    along = CCD_CENTRE + (dy * np.cos(angle) - dx * np.sin(angle)) / CCD_PIXEL
    for raw, sub, value in (("RAWX", "SUBX", across), ("RAWY", "SUBY", along)):
        columns[raw] = np.rint(value).astype(np.int64)
        columns[sub] = value - columns[raw]


def _flags(outside: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint32]:
    """Return flags in which a hundredth of the events have each of five bits, two of them for corrupt events."""
    flags = np.where(outside, OUTSIDE_GTI, 0).astype(np.uint32)
    for bit in (CORRUPT_EVENT, CORRUPT_FRAME, TRAILING, ON_BADPIX, OUT_OF_FOV):
        flags |= np.where(rng.uniform(size=len(flags)) < 0.01, bit, 0).astype(np.uint32)
    return flags


def _add_patterns(columns: dict[str, NDArray[Any]], rng: np.random.Generator) -> None:
    """Add PAT_TYP and PHA, and make PI negative in pixels that are not the main one of a pattern."""
    count = len(columns["TIME"])
    columns["PAT_TYP"] = rng.choice([1, 2, 3, 4, 0, -1, -5], count, p=[0.66, 0.24, 0.04, 0.03, 0.01, 0.01, 0.01])
    columns["PAT_INF"] = rng.integers(0, 5, count)
    other = (columns["PAT_TYP"] > 1) & (rng.uniform(size=count) < 0.05)
    columns["PHA"] = (columns["PI"] / 5).astype(np.int64)
    columns["PI"] = np.where(other, -columns["PI"], columns["PI"])
    columns["EV_WEIGHT"] = np.ones(count)
    columns["FRAMETIME"] = columns["TIME"]


def _good_time(target: ErositaTarget, module: int) -> Intervals:
    good = observed(target) + np.array([0.5 * module, -0.25 * module])
    if target.hole is None:
        return good
    hole = np.array([target.hole]) + target.start + 0.1 * module
    return normalise([[good[0, 0], hole[0, 0]], [hole[0, 1], good[0, 1]]])
