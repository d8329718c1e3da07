"""Exposure maps: live seconds on the sky of each telescope module, and their weighted mean.

Source: eSASS expmap 2.11, 'Description'; docs/evtool.md lists the approximations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.findings import Finding
from daxa_wf.events.gti import Intervals, overlap, total
from daxa_wf.events.sky_grid import SkyGrid
from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.fits.headers import describe
from daxa_wf.fits.new_hdus import primary_hdu, write_hdus
from daxa_wf.observatories.erosita.native.detector_frame import (
    CCD_SIZE,
    SKY_PIXELS,
    DetectorFrame,
    detector_frames,
    roll_at,
)
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList, Pointing
from daxa_wf.observatories.erosita.native.field_of_view import (
    FOV_RADIUS,
    PointingPath,
    nominal_path,
    offsets,
    path_of,
    sum_along,
)
from daxa_wf.observatories.erosita.native.images import map_header
from daxa_wf.observatories.erosita.native.region import Region
from daxa_wf.observatories.erosita.native.sky_pixels import SKY_PIXELS_PER_DEGREE
from daxa_wf.observatories.erosita.native.vignetting import NAME, band_energy, vignetting

FEWEST_SAMPLES, MOST_SAMPLES = 3, 15
"""Samples across an image pixel: three to a CCD pixel, within these limits."""
REGION_SAMPLES = 4
"""Samples across an image pixel for the part of it that lies in a region."""
ROLL_STEP = 0.5
"""Degrees within which the CCD is taken to be turned alike: 8 arcsec at the rim of the field of view."""
LONGEST_GAP = 90.0
"""Seconds between rows of CORRATTn beyond which a straight line between them is doubtful (eSASS evatt, 'Algorithms')."""


@dataclass(frozen=True)
class ErositaExposureMaps:
    """Seconds, of shape (bands, rows, columns): the weighted mean, and by telescope module; doubts about them."""

    merged: NDArray[np.float64]
    single: Mapping[int, NDArray[np.float64]]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Dwell:
    """Live seconds by pointing: X and Y in sky pixels, ROLL in degrees; shape (steps,) each."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    roll: NDArray[np.float64]
    seconds: NDArray[np.float64]


def exposure_maps(
    events: ErositaEventList,
    good: Mapping[int, Intervals],
    grid: SkyGrid,
    bands: Sequence[tuple[float, float]],
    with_vignetting: bool = True,
    weights: Mapping[int, float] | None = None,
    with_bad_pixels: bool = True,
    region: Region | None = None,
) -> ErositaExposureMaps:
    """Return the exposure of each pixel of a grid: live time on good CCD pixels, summed over pointings.

    `good` times by telescope module, whose mean is taken (with `weights`, all 1 if None), those without good time
    too; `bands` in keV, which matter to the vignetting only: without it all maps are alike. `with_bad_pixels`: BADPIXn
    see nothing. `region`: the part of the sky that events were selected in; elsewhere there is no exposure.
    """
    merged, single = np.zeros((len(bands), *grid.shape)), dict[int, NDArray[np.float64]]()
    findings: list[Finding] = []
    frames = detector_frames(events, good)
    energies = [band_energy(*band) for band in bands]
    share = {module: 1.0 if weights is None else weights[module] for module in good}
    inside = 1.0 if region is None else region_fraction(region, grid, events.plane)
    for module, intervals in good.items():
        bad = bad_pixel_mask(events, module) if with_bad_pixels else np.zeros((CCD_SIZE, CCD_SIZE), bool)
        dwell = dwell_of(events, module, intervals, grid)
        single[module] = inside * module_maps(
            dwell, frames[module], bad, grid, energies if with_vignetting else None, len(bands)
        )
        merged += share[module] / sum(share.values()) * single[module]
        findings += _doubts(events, module, intervals, frames[module])
    return ErositaExposureMaps(merged, single, tuple(findings))


def region_fraction(region: Region, grid: SkyGrid, plane: TangentPlane) -> NDArray[np.float64]:
    """Return the part of each pixel of a grid that lies in a region; row by row, in bounded memory."""
    parts = (np.arange(REGION_SAMPLES) + 0.5) / REGION_SAMPLES
    x = grid.xmin + grid.xbin * (np.arange(grid.nx)[:, None] + parts).ravel()
    fraction = np.zeros(grid.shape)
    for row in range(grid.ny):
        ra, dec = plane.sky(*np.meshgrid(x, grid.ymin + grid.ybin * (row + parts)))
        fraction[row] = region.contains(ra, dec).reshape(REGION_SAMPLES, grid.nx, REGION_SAMPLES).mean(axis=(0, 2))
    return fraction


def dwell_of(events: ErositaEventList, module: int, good: Intervals, grid: SkyGrid) -> Dwell:
    """Return the time that a telescope module spent at each pointing: steps between rows of CORRATTn, a pixel long at most.

    The live fraction is that of DEADCORn in the middle of a step.
    """
    pointing, path = events.pointing(module), path_of(events, module) or nominal_path(events)
    edges = _steps(path, good, min(grid.xbin, grid.ybin))
    middles = (edges[:, 0] + edges[:, 1]) / 2
    seconds = overlap(good, edges[:, 0], edges[:, 1]) * events.live_fraction(module, middles)
    return Dwell(*path.at(middles), _roll(events, pointing, middles), seconds)


def _roll(events: ErositaEventList, pointing: Pointing | None, times: NDArray[np.float64]) -> NDArray[np.float64]:
    if pointing is None:
        return np.full(len(times), float(events.header.get("PA_PNT", 0.0)))
    return roll_at(pointing, times)


def _steps(path: PointingPath, good: Intervals, longest: float) -> NDArray[np.float64]:
    """Return start and stop of steps over good time in which the pointing moves `longest` sky pixels at most; (steps, 2)."""
    if len(good) == 0:
        return np.empty((0, 2))
    first, last = good[0, 0], good[-1, 1]
    inside = path.time[(path.time > first) & (path.time < last)]
    times = np.unique(np.concatenate([[first], inside, [last]]))
    start, stop = times[:-1], times[1:]
    used = overlap(good, start, stop) > 0
    start, stop = start[used], stop[used]
    (x0, y0), (x1, y1) = path.at(start), path.at(stop)
    parts = np.maximum(np.ceil(np.hypot(x1 - x0, y1 - y0) / longest).astype(np.int64), 1)
    number = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    length = np.repeat((stop - start) / parts, parts)
    begin = np.repeat(start, parts) + number * length
    return np.column_stack([begin, begin + length])


def module_maps(
    dwell: Dwell,
    frame: DetectorFrame,
    bad: NDArray[np.bool_],
    grid: SkyGrid,
    energies: Sequence[float] | None,
    bands: int,
) -> NDArray[np.float64]:
    """Return the seconds of one telescope module, shape (bands, rows, columns); vignetted at `energies` (keV) if given."""
    maps = np.zeros((bands, *grid.shape))
    turned = np.rint(dwell.roll / ROLL_STEP)
    for step in np.unique(turned[dwell.seconds > 0]):
        chosen = turned == step
        view = ccd_view(frame, bad, grid, float(np.average(dwell.roll[chosen], weights=dwell.seconds[chosen])))
        place = dwell.x[chosen], dwell.y[chosen], dwell.seconds[chosen]
        if energies is None:
            maps += sum_along(grid, *place, view)
        else:
            off_axis = np.hypot(*offsets(grid)) / SKY_PIXELS_PER_DEGREE
            for number, energy in enumerate(energies):
                maps[number] += sum_along(grid, *place, view * vignetting(off_axis, energy))
    return maps


def ccd_view(frame: DetectorFrame, bad: NDArray[np.bool_], grid: SkyGrid, roll: float) -> NDArray[np.float64]:
    """Return the part of each pixel about the pointing that good CCD pixels see; shape of `offsets`."""
    dy, dx = offsets(grid)
    view = np.zeros(dx.shape)
    samples = int(np.clip(np.ceil(3 * grid.xbin / SKY_PIXELS), FEWEST_SAMPLES, MOST_SAMPLES))
    places = (np.arange(samples) + 0.5) / samples - 0.5
    for u in places * grid.xbin:
        for v in places * grid.ybin:
            column, row = np.rint(frame.raw(dx + u, dy + v, roll)).astype(np.int64) - 1
            on_ccd = (column >= 0) & (column < CCD_SIZE) & (row >= 0) & (row < CCD_SIZE)
            on_ccd &= np.hypot(dx + u, dy + v) <= FOV_RADIUS
            on_ccd[on_ccd] = ~bad[row[on_ccd], column[on_ccd]]
            view += on_ccd
    return view / samples**2


def bad_pixel_mask(events: ErositaEventList, module: int) -> NDArray[np.bool_]:
    """Return True at bad pixels of the CCD, shape (384, 384) by RAWY and RAWX; each extends YEXTENT pixels upwards."""
    mask = np.zeros((CCD_SIZE, CCD_SIZE), bool)
    rows = events.bad_pixels(module)
    extents = rows["YEXTENT"] if "YEXTENT" in (rows.dtype.names or ()) else np.ones(len(rows))
    for rawx, rawy, extent in zip(rows["RAWX"].tolist(), rows["RAWY"].tolist(), extents.tolist(), strict=True):
        if 1 <= rawx <= CCD_SIZE:
            mask[max(rawy - 1, 0) : max(rawy - 1 + int(extent), 0), rawx - 1] = True
    return mask


def _doubts(events: ErositaEventList, module: int, good: Intervals, frame: DetectorFrame) -> list[Finding]:
    """Return doubts about one module's map: no good time, no attitude or gaps in it, place of the CCD assumed."""
    if total(good) == 0:
        return [Finding("noGoodTime", f"TM{module} has no good time: its exposure is zero")]
    pointing = events.pointing(module)
    if pointing is None:
        return [Finding("noAttitude", f"there is no CORRATT{module}: RA_PNT and DEC_PNT are taken for its pointing")]
    findings = []
    lost = float(np.sum(overlap(good, pointing.time[:-1], pointing.time[1:])[np.diff(pointing.time) > LONGEST_GAP]))
    if lost:
        text = f"{lost:.0f} good seconds of TM{module} are in gaps of CORRATT{module} longer than {LONGEST_GAP:.0f} s"
        findings.append(Finding("attitudeGap", text))
    if not frame.measured:
        text = f"too few events of TM{module} show where its CCD is: it is taken to be centred on the pointing"
        findings.append(Finding("nominalDetector", text))
    return findings


def write_exposure_map(
    path: Path,
    events: ErositaEventList,
    grid: SkyGrid,
    band: tuple[float, float],
    seconds: NDArray[np.float64],
    with_vignetting: bool,
    region: Region | None = None,
) -> None:
    """Write one map in seconds (float32) with the image's coordinates; a card names its vignetting."""
    header = map_header(events, grid, band)
    header["BUNIT"] = ("s", "unit of the pixels")
    header["VIGNETT"] = (NAME if with_vignetting else "none", "vignetting that is in the map")
    selected = f" within region={region}" if region is not None else ""
    vignetted = "yes" if with_vignetting else "no"
    describe(header, f"expmap: emin={band[0]} emax={band[1]} withvignetting={vignetted}{selected}")
    write_hdus(path, [primary_hdu(seconds.astype(np.float32), header.cards, has_extensions=False)])
