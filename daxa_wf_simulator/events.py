"""Simulates the events of one exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.expression.shapes import SHAPES
from daxa_wf.events.gti import Intervals, complement, contains, normalise
from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.observatories.xmm.native.detector import FIELD_OF_VIEW
from daxa_wf.observatories.xmm.native.vignetting import measured_vignetting
from daxa_wf_simulator.detectors import CAMERAS, Camera, Ccd
from daxa_wf_simulator.truth import Exposure, Flare, Observation, PointSource

KING_CORE = 100.0
"""sky pixels: 5 arcsec (XMM-Newton Users Handbook, 3.2.1)."""
PSF_EDGE = 6000.0
"""sky pixels: 5 arcmin, beyond which no event of a source is simulated."""
FOV_AREA_FRACTION = 0.72
"""Rough share of the detector's area that the sky reaches; particles hit all of it."""
BAND_SHARE = 0.44
"""Share of background events between 2.5 and 8.5 keV, of the spectrum below."""
BAND = (2500, 8500)
FRAME = {"M1": 2.6, "M2": 2.6, "PN": 0.1991936}
BAD_COLUMN_STEP = 97
FLAG_BITS = {
    "OUT_OF_FOV": 0x10000,
    "CLOSE_TO_CCD_BORDER": 0x2,
    "CLOSE_TO_DEADPIX": 0x100,
    "REJECTED_BY_GATTI": 0x400000,
}
PIXEL_SCALE = 1.38888888888889e-05
REFERENCE_PIXEL = 25921.0


@dataclass
class SimulatedExposure:
    """Columns of an exposure's events (equal lengths), its plane, good time and frames by CCD, bad pixels."""

    columns: dict[str, NDArray[Any]]
    plane: TangentPlane
    gtis: dict[int, Intervals]
    frames: dict[int, NDArray[np.float64]]
    bad_pixels: dict[int, NDArray[np.int16]]
    source: NDArray[np.int64]
    quiet: Intervals
    flares: Intervals


def simulate(observation: Observation, exposure: Exposure, rng: np.random.Generator) -> SimulatedExposure:
    """Simulate an exposure: sources, particles and flares, on good pixels and in good time, grouped by CCD, unordered."""
    camera = CAMERAS[exposure.instrument]
    plane = pointing_plane(observation, exposure)
    start = observation.start + exposure.start
    parts = [_background(exposure, camera, rng), _flares(exposure, camera, rng)]
    parts += [
        _source(index, source, observation, exposure, camera, plane, rng)
        for index, source in enumerate(observation.sources)
    ]
    detx, dety, time, energy, source = (np.concatenate(values) for values in zip(*parts, strict=True))
    columns = _on_pixels(camera, detx, dety, {"TIME": time + start, "PI": energy, "SOURCE": source}, rng)
    gtis = {ccd.number: _good_time(exposure, start, ccd.number) for ccd in camera.ccds}
    kept = np.concatenate([
        np.flatnonzero(columns["CCDNR"] == number)[contains(gti, columns["TIME"][columns["CCDNR"] == number])]
        for number, gti in gtis.items()
    ])  # fmt: skip
    columns = {name: values[kept] for name, values in columns.items()}
    _place_on_sky(columns, camera, observation, plane)
    frames = {number: _frames(exposure, start, gti) for number, gti in gtis.items()}
    flares = (
        normalise([_above_quiet(flare, start) for flare in exposure.flares]) if exposure.flares else np.empty((0, 2))
    )
    quiet = complement(normalise([(f.start + start - f.ramp, f.stop + start + f.ramp) for f in exposure.flares] or [(0, 0)]),
                       start, start + exposure.duration)  # fmt: skip
    bad = {ccd.number: bad_pixels(ccd) for ccd in camera.ccds}
    return SimulatedExposure(columns, plane, gtis, frames, bad, columns.pop("SOURCE"), quiet, flares)


def pointing_plane(observation: Observation, exposure: Exposure) -> TangentPlane:
    """Return the plane of X and Y, tangent at the exposure's pointing."""
    ra, dec = (
        value + offset
        for value, offset in zip((observation.ra, observation.dec), exposure.pointing_offset, strict=True)
    )
    return TangentPlane(ra, dec, REFERENCE_PIXEL, REFERENCE_PIXEL, -PIXEL_SCALE, PIXEL_SCALE)


def in_field_of_view(instrument: str, detx: NDArray[Any], dety: NDArray[Any]) -> NDArray[np.bool_]:
    """Return True for camera positions that the sky reaches."""
    inside = np.zeros(np.shape(detx), bool)
    for shape, numbers in FIELD_OF_VIEW[instrument]:
        inside |= SHAPES[shape].test(detx, dety, *numbers)
    return inside


def bad_pixels(ccd: Ccd) -> NDArray[np.int16]:
    """Return rows RAWX, RAWY, TYPE, YEXTENT, BADFLAG: a bad column in every hundred or so, and a hot pixel."""
    columns = range(11 + 7 * ccd.number, ccd.width, BAD_COLUMN_STEP)
    rows = [(column, 1, 3, ccd.height, 3) for column in columns] + [(ccd.width // 3, ccd.height // 4, 1, 1, 1)]
    return np.array(rows, dtype=np.int16)


def _background(exposure: Exposure, camera: Camera, rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
    total = exposure.quiet_rate / BAND_SHARE / FOV_AREA_FRACTION * exposure.duration
    count = rng.poisson(total)
    return (
        *_anywhere(camera, count, rng),
        rng.uniform(0, exposure.duration, count),
        _particle_energies(count, rng),
        np.full(count, -1),
    )


def _flares(exposure: Exposure, camera: Camera, rng: np.random.Generator) -> tuple[NDArray[Any], ...]:
    times = [
        _flare_times(flare, exposure.quiet_rate / BAND_SHARE / FOV_AREA_FRACTION, rng) for flare in exposure.flares
    ]
    time = np.concatenate([np.empty(0), *times])
    detx, dety = _anywhere(camera, len(time), rng)
    seen = in_field_of_view(camera.name, detx, dety)
    energy = _particle_energies(len(time), rng)
    return detx[seen], dety[seen], time[seen], energy[seen], np.full(np.count_nonzero(seen), -2)


def _flare_times(flare: Flare, rate: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return times of events in a flare with linear ramps outside of its flat top."""
    begin, end = flare.start - flare.ramp, flare.stop + flare.ramp
    times = rng.uniform(begin, end, rng.poisson(rate * flare.height * (end - begin)))
    height = np.minimum(np.minimum((times - begin) / flare.ramp, (end - times) / flare.ramp), 1)
    return times[rng.uniform(size=len(times)) < height]


def _above_quiet(flare: Flare, start: float) -> tuple[float, float]:
    """Return the interval that the truth calls flared: the flare adds more than the quiet rate in it."""
    reach = flare.ramp * (1 - 1 / flare.height)
    return start + flare.start - reach, start + flare.stop + reach


def _particle_energies(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return energies (eV) of a falling spectrum below 1.5 keV over a flat one to 11 keV."""
    soft = rng.uniform(size=count) < 0.2
    return np.where(soft, rng.exponential(600, count) + 150, rng.uniform(200, 11_000, count)).astype(np.int64)


def _anywhere(camera: Camera, count: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places = rng.integers(len(camera.ccds), size=count)
    detx, dety = np.empty(count), np.empty(count)
    for index, ccd in enumerate(camera.ccds):
        chosen = places == index
        size = int(np.count_nonzero(chosen))
        detx[chosen], dety[chosen] = ccd.to_camera(
            rng.uniform(0.5, ccd.width + 0.5, size), rng.uniform(0.5, ccd.height + 0.5, size)
        )
    return detx, dety


def _source(
    index: int,
    source: PointSource,
    observation: Observation,
    exposure: Exposure,
    camera: Camera,
    plane: TangentPlane,
    rng: np.random.Generator,
) -> tuple[NDArray[Any], ...]:
    area = 2.5 if exposure.instrument == "PN" else 1.0
    if exposure.filter == "CalClosed":
        area = 0.0
    x, y = plane.pixel(source.ra, source.dec)
    angle = np.deg2rad(observation.position_angle)
    u0, v0 = _rotate(x - plane.x0, y - plane.y0, angle)
    factor = float(measured_vignetting(exposure.instrument).at(np.array(u0), np.array(v0), 1.25))
    count = rng.poisson(source.rate * area * factor * exposure.duration)
    share = rng.uniform(size=count)
    radius = KING_CORE * np.sqrt((1 - share) ** -2 - 1)
    turn = rng.uniform(0, 2 * np.pi, count)
    near = radius < PSF_EDGE
    u, v = u0 + radius * np.cos(turn), v0 + radius * np.sin(turn)
    detx, dety = camera.from_spacecraft(u[near], v[near])
    seen = in_field_of_view(camera.name, detx, dety)
    energy = 300 + rng.exponential(1200, len(detx)).astype(np.int64)
    time = rng.uniform(0, exposure.duration, len(detx))
    return detx[seen], dety[seen], time[seen], energy[seen], np.full(np.count_nonzero(seen), index)


def _rotate(x: Any, y: Any, angle: float) -> tuple[Any, Any]:
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _on_pixels(
    camera: Camera, detx: NDArray[Any], dety: NDArray[Any], carried: dict[str, NDArray[Any]], rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Put events on good pixels, CCD by CCD, with RAWX, RAWY and FLAG, and DETX and DETY at random within the pixel."""
    parts = []
    for ccd in camera.ccds:
        rawx, rawy = (np.rint(value).astype(np.int64) for value in ccd.from_camera(detx, dety))
        hit = (rawx >= 1) & (rawx <= ccd.width) & (rawy >= 1) & (rawy <= ccd.height)
        bad = _bad_mask(ccd)
        hit[hit] = ~bad[rawy[hit], rawx[hit]]
        rawx, rawy = rawx[hit], rawy[hit]
        jitter = rng.uniform(-0.5, 0.5, (2, len(rawx)))
        part = {name: values[hit] for name, values in carried.items()}
        part["RAWX"], part["RAWY"] = rawx, rawy
        part["DETX"], part["DETY"] = (
            np.rint(value).astype(np.int64) for value in ccd.to_camera(rawx + jitter[0], rawy + jitter[1])
        )
        part["CCDNR"] = np.full(len(rawx), ccd.number)
        part["FLAG"] = _flags(camera, ccd, part, bad, rng)
        parts.append(part)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    _add_pattern_and_energy(columns, camera, rng)
    return columns


def _bad_mask(ccd: Ccd) -> NDArray[np.bool_]:
    mask = np.zeros((ccd.height + 2, ccd.width + 2), bool)
    for rawx, rawy, _, extent, _ in bad_pixels(ccd):
        mask[rawy : rawy + extent, rawx] = True
    return mask


def _flags(
    camera: Camera, ccd: Ccd, part: dict[str, NDArray[Any]], bad: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[Any]:
    rawx, rawy = part["RAWX"], part["RAWY"]
    flags = np.where(in_field_of_view(camera.name, part["DETX"], part["DETY"]), 0, FLAG_BITS["OUT_OF_FOV"])
    border = (rawx == 1) | (rawx == ccd.width) | (rawy == 1) | (rawy == ccd.height)
    flags |= np.where(border, FLAG_BITS["CLOSE_TO_CCD_BORDER"], 0)
    near = np.zeros_like(bad)
    for row_shift in (-1, 0, 1):
        for column_shift in (-1, 0, 1):
            near |= np.roll(bad, (row_shift, column_shift), axis=(0, 1))
    flags |= np.where(near[rawy, rawx], FLAG_BITS["CLOSE_TO_DEADPIX"], 0)
    return flags | np.where(rng.uniform(size=len(rawx)) < 0.01, FLAG_BITS["REJECTED_BY_GATTI"], 0)


def _add_pattern_and_energy(columns: dict[str, NDArray[Any]], camera: Camera, rng: np.random.Generator) -> None:
    count = len(columns["TIME"])
    highest = 4 if camera.name == "PN" else 12
    pattern = np.where(rng.uniform(size=count) < 0.7, 0, rng.integers(1, highest + 1, count))
    columns["PATTERN"] = np.where(rng.uniform(size=count) < 0.02, highest + 1, pattern)
    columns["PI"] = np.minimum(columns["PI"], 14_999)
    columns["PHA"] = columns["PI"] // (5 if camera.name == "PN" else 4)
    columns["TIME"] = columns["TIME"] + rng.uniform(-0.05, 0.05, count)


def _place_on_sky(
    columns: dict[str, NDArray[Any]], camera: Camera, observation: Observation, plane: TangentPlane
) -> None:
    u, v = camera.to_spacecraft(columns["DETX"].astype(float), columns["DETY"].astype(float))
    angle = np.deg2rad(observation.position_angle)
    x, y = _rotate(u, v, -angle)
    columns["X"], columns["Y"] = (np.rint(value).astype(np.int64) for value in (x + plane.x0, y + plane.y0))


def _good_time(exposure: Exposure, start: float, ccd: int) -> Intervals:
    frame = FRAME[exposure.instrument]
    first, last = start + frame * (1 + ccd % 3), start + exposure.duration - frame * (1 + ccd % 2)
    if exposure.hole is None:
        return np.array([[first, last]])
    begin, end = (start + value + 0.01 * ccd for value in exposure.hole)
    return np.array([[first, begin], [end, last]])


def _frames(exposure: Exposure, start: float, gti: Intervals) -> NDArray[Any]:
    """Return the centres of the frames that were read out."""
    frame = FRAME[exposure.instrument]
    centres = start + frame * (np.arange(int(exposure.duration / frame)) + 0.5)
    return centres[contains(gti, centres)]
