"""Exposure maps: live seconds on the sky, CCD by CCD, weighted by the vignetting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.attitude import NO_DRIFT, Drift
from daxa_wf.events.detector import Detector
from daxa_wf.events.event_list import EventList, Frames
from daxa_wf.events.gti import Intervals, overlap
from daxa_wf.events.image import SkyGrid, image_header
from daxa_wf.events.products import describe
from daxa_wf.events.tangent_plane import TangentPlane, plane_of
from daxa_wf.events.vignetting import measured_vignetting, spacecraft_frame

# The rims of the CCDs of MOS lie behind one another, so a place on the sky is seen by one of them only: where their
# pixels overlap on the sky, their times are averaged.
SAMPLES = 4
"""Samples across an image pixel: about one on each detector pixel of MOS."""


@dataclass
class ExposureMaps:
    """Seconds for each band, shape (bands, rows, columns), and what was left out."""

    seconds: NDArray[np.float64]
    warnings: list[dict[str, str]] = field(default_factory=list)


def exposed_seconds(frames: Frames, intervals: Intervals) -> float:
    """Live seconds of frames within good time, those at its edges in part: what eexpmap counts.

    Measured: eexpmap's maxima are 0.3 per cent below this, and 0.5 to 1 per cent above LIVETIME, which drops edges.
    """
    half = frames.time_delta / 2
    return float(np.sum(overlap(intervals, frames.time - half, frames.time + half) * frames.fraction))


def exposure_maps(
    exposures: Sequence[EventList],
    grid: SkyGrid,
    plane: TangentPlane,
    energies: Sequence[float],
    vignetting: str = "measured",
    drifts: Sequence[Drift] | None = None,
) -> ExposureMaps:
    """Sum of the exposure maps of one instrument's cleaned lists, on the pixels of an image.

    `plane` is that of the image's X and Y; `energies` in keV, one a band; `vignetting` is `measured` or `none`;
    `drifts`, one an exposure, say how the pointing moved. A CCD on which too few events lie is left out, with a warning.
    Source: SAS eexpmap, 'Algorithm'; docs/exposure_maps.md says what is approximated.
    """
    maps = ExposureMaps(np.zeros((len(energies), *grid.shape)))
    for number, events in enumerate(exposures):
        drift = NO_DRIFT if drifts is None else drifts[number]
        _add_exposure(maps, events, grid, plane, energies, vignetting, drift)
    return maps


def _add_exposure(
    maps: ExposureMaps,
    events: EventList,
    grid: SkyGrid,
    plane: TangentPlane,
    energies: Sequence[float],
    vignetting: str,
    drift: Drift,
) -> None:
    detector, own = Detector(events), plane_of(events)
    to_own = own.from_plane(plane)
    seconds, coverage = np.zeros(grid.shape), np.zeros(grid.shape)
    for ccd, intervals in events.gtis.items():
        live = exposed_seconds(events.frames(ccd), intervals) if f"EXPOSU{ccd:02d}" in events.extension_names else 0.0
        place = detector.place(ccd)
        if place is None:
            maps.warnings.append(_left_out(events, ccd, live))
        elif live > 0:
            for dx, dy, weight in drift.steps:
                covered = weight * _coverage(detector, ccd, place, grid, to_own, dx, dy)
                coverage += covered
                seconds += live * covered
    seconds /= np.maximum(coverage, 1.0)
    centres = grid.centres()
    x, y = to_own(*np.meshgrid(centres, centres))
    for number, energy in enumerate(energies):
        maps.seconds[number] += seconds * _factor(events, own, x, y, energy, vignetting)


def _coverage(
    detector: Detector, ccd: int, place: Any, grid: SkyGrid, to_own: Any, dx: float, dy: float
) -> NDArray[np.float64]:
    """Fraction of each image pixel that good, exposed pixels of a CCD see."""
    window = _window(detector, place, grid, to_own)
    samples = grid.centres(SAMPLES)
    rows = samples[window[0].start * SAMPLES : window[0].stop * SAMPLES]
    columns = samples[window[1].start * SAMPLES : window[1].stop * SAMPLES]
    x, y = to_own(*np.meshgrid(columns, rows))
    x, y = x - dx, y - dy
    rawx, rawy = place(x, y)
    column = np.clip(np.rint(rawx), 0, detector.width + 1).astype(np.intp)
    row = np.clip(np.rint(rawy), 0, detector.height + 1).astype(np.intp)
    seen = detector.good_pixels(ccd)[row, column] & detector.exposed(x, y)
    covered = np.zeros(grid.shape)
    shape = (window[0].stop - window[0].start, SAMPLES, window[1].stop - window[1].start, SAMPLES)
    covered[window] = seen.reshape(shape).mean(axis=(1, 3))
    return covered


def _window(detector: Detector, place: Any, grid: SkyGrid, to_own: Any) -> tuple[slice, slice]:
    """Rows and columns of the image that a CCD can reach, with a margin for drifts."""
    centres = grid.centres()
    rawx, rawy = place(*to_own(*np.meshgrid(centres, centres)))
    margin = 2 * grid.bin_size
    reached = (rawx > -margin) & (rawx < detector.width + margin) & (rawy > -margin) & (rawy < detector.height + margin)
    return _extent(reached.any(axis=1)), _extent(reached.any(axis=0))


def _extent(reached: NDArray[np.bool_]) -> slice:
    found = np.flatnonzero(reached)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)


def _factor(
    events: EventList, own: TangentPlane, x: NDArray[np.float64], y: NDArray[np.float64], energy: float, vignetting: str
) -> NDArray[np.float64] | float:
    if vignetting == "none":
        return 1.0
    header = events.header
    x0, y0 = own.pixel(float(header["RA_PNT"]), float(header["DEC_PNT"]))
    u, v = spacecraft_frame(x - x0, y - y0, float(header["PA_PNT"]))
    return measured_vignetting(events.identity.instrument).at(u, v, energy)


def _left_out(events: EventList, ccd: int, live: float) -> dict[str, str]:
    text = f"CCD {ccd} of {events.path.name} ({live:.0f} s) is not in the map: too few events on it show where it is"
    return {"task": "exposure_maps", "name": "ccdLeftOut", "text": text}


def write_exposure_map(
    path: Path,
    image_of: EventList,
    grid: SkyGrid,
    band: tuple[int, int],
    seconds: NDArray[np.float64],
    vignetting: str,
) -> None:
    """Write one map in seconds (float32) with the image's coordinates, and what its vignetting is."""
    from astropy.io import fits

    header = image_header(image_of, grid, band, "EPIC EXPOSURE MAP")
    header["BUNIT"] = ("s", "unit of the pixels")
    header["VIGNETT"] = (vignetting, "vignetting that is in the map")
    said = "measured from eexpmap's maps of 0201903501" if vignetting == "measured" else "none"
    describe(header, f"exposure_maps: live time by CCD; vignetting {said} (daxa_wf docs/exposure_maps.md)")
    fits.PrimaryHDU(seconds.astype(np.float32), header).writeto(path, checksum=True, overwrite=True)
