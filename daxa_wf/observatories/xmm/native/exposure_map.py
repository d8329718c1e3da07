"""Exposure maps: live seconds on the sky, CCD by CCD, weighted by the vignetting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_wf.events.findings import Finding
from daxa_wf.events.gti import Intervals, overlap
from daxa_wf.events.sky_grid import SkyGrid
from daxa_wf.events.sky_plane import TangentPlane
from daxa_wf.fits.headers import describe
from daxa_wf.fits.new_hdus import primary_hdu, write_hdus
from daxa_wf.observatories.xmm.native.attitude import NO_DRIFT, Drift
from daxa_wf.observatories.xmm.native.detector import FEWEST_EVENTS, Affine, Detector
from daxa_wf.observatories.xmm.native.event_list import EpicEventList, Frames
from daxa_wf.observatories.xmm.native.images import image_header
from daxa_wf.observatories.xmm.native.selected_places import SelectedPlaces, selected_places
from daxa_wf.observatories.xmm.native.vignetting import measured_vignetting, spacecraft_frame

# The rims of the CCDs of MOS lie behind one another, so a place on the sky is seen by one of them only: where their
# pixels overlap on the sky, their times are averaged.
SAMPLES = 4
"""Samples across an image pixel: about one on each detector pixel of MOS."""

LARGEST_SLIVER = 0.02
"""Part of a CCD's area that may be seen by no CCD whose place is known, as between CCDs."""


@dataclass(frozen=True)
class EpicExposureMaps:
    """Seconds for each band, shape (bands, rows, columns), and doubts about them."""

    seconds: NDArray[np.float64]
    findings: tuple[Finding, ...] = ()
    selected_by: tuple[str, ...] = ()
    """Position columns by which the lists were selected, so that there is no exposure elsewhere."""


def exposed_seconds(frames: Frames, intervals: Intervals) -> float:
    """Return the live seconds of frames within good time, those at its edges in part, as eexpmap counts them.

    Measured: eexpmap's maxima are 0.3 per cent below this, and 0.5 to 1 per cent above LIVETIME, which drops edges.
    """
    half = frames.time_delta / 2
    return float(np.sum(overlap(intervals, frames.time - half, frames.time + half) * frames.fraction))


@dataclass(frozen=True)
class _View:
    """The pixels of an image, as the detector of one exposure sees them; `to_own` leads to the exposure's X and Y."""

    detector: Detector
    places: SelectedPlaces
    grid: SkyGrid
    to_own: Callable[[Any, Any], tuple[Any, Any]]


def exposure_maps(
    exposures: Sequence[EpicEventList],
    grid: SkyGrid,
    plane: TangentPlane,
    energies: Sequence[float],
    vignetting: str = "measured",
    drifts: Sequence[Drift] | None = None,
) -> EpicExposureMaps:
    """Return the sum of the exposure maps of one instrument's cleaned lists, on the pixels of an image.

    `plane` is that of the image's X and Y; `energies` in keV, one a band; `vignetting` is `measured` or `none`;
    `drifts`, one an exposure, describe how the pointing moved. Places and CCDs that a list's expression excludes have no
    exposure. A CCD that was selected, and on which too few events lie, is left out with a finding.
    Source: SAS eexpmap, 'Algorithm'; docs/exposure_maps.md lists the approximations.
    """
    seconds = np.zeros((len(energies), *grid.shape))
    findings: list[Finding] = []
    columns: list[str] = []
    for events, drift in zip(exposures, drifts or [NO_DRIFT] * len(exposures), strict=True):
        view = _View(Detector(events), selected_places(events), grid, events.plane.from_plane(plane))
        live, missed = _live_map(events, view, drift)
        x, y = view.to_own(*np.meshgrid(*grid.centres()))
        for number, energy in enumerate(energies):
            seconds[number] += live * _factor(events, events.plane, x, y, energy, vignetting)
        findings += [*view.places.findings, *missed]
        columns += view.places.columns
    return EpicExposureMaps(seconds, tuple(findings), tuple(dict.fromkeys(columns)))


def _live_map(events: EpicEventList, view: _View, drift: Drift) -> tuple[NDArray[np.float64], list[Finding]]:
    """Return the live seconds of each image pixel without vignetting, and findings on CCDs that are left out."""
    seconds, coverage = np.zeros(view.grid.shape), np.zeros(view.grid.shape)
    included = {ccd: times for ccd, times in events.gtis.items() if view.places.include_ccd(ccd)}
    lives = {ccd: live for ccd, times in included.items() if (live := _live(events, ccd, times)) > 0}
    frames = {ccd: frame for ccd in lives if (frame := view.detector.place(ccd)) is not None}
    for ccd, frame in frames.items():
        for dx, dy, weight in drift.steps:
            covered = weight * _coverage(view, ccd, frame, dx, dy)
            coverage += covered
            seconds += lives[ccd] * covered
    missed = [ccd for ccd in lives if ccd not in frames and _is_missed(view, ccd, frames)]
    return seconds / np.maximum(coverage, 1.0), [_left_out(view.detector, ccd, lives[ccd]) for ccd in missed]


def _live(events: EpicEventList, ccd: int, intervals: Intervals) -> float:
    return exposed_seconds(events.frames(ccd), intervals) if f"EXPOSU{ccd:02d}" in events.extension_names else 0.0


def _coverage(view: _View, ccd: int, place: Affine, dx: float, dy: float) -> NDArray[np.float64]:
    """Return the fraction of each image pixel that good, exposed and selected pixels of a CCD see."""
    detector, places = view.detector, view.places
    window = _window(view, place)
    samples_x, samples_y = view.grid.centres(SAMPLES)
    rows = samples_y[window[0].start * SAMPLES : window[0].stop * SAMPLES]
    columns = samples_x[window[1].start * SAMPLES : window[1].stop * SAMPLES]
    sky_x, sky_y = view.to_own(*np.meshgrid(columns, rows))
    x, y = sky_x - dx, sky_y - dy
    rawx, rawy = place(x, y)
    column = np.clip(np.rint(rawx), 0, detector.width + 1).astype(np.intp)
    row = np.clip(np.rint(rawy), 0, detector.height + 1).astype(np.intp)
    seen = detector.good_pixels(ccd)[row, column] & detector.exposed(x, y)
    if places.columns:
        detx, dety = detector.camera(x[seen], y[seen])
        seen[seen] = places.include(
            ccd, rawx=rawx[seen], rawy=rawy[seen], detx=detx, dety=dety, x=sky_x[seen], y=sky_y[seen]
        )
    covered = np.zeros(view.grid.shape)
    shape = (window[0].stop - window[0].start, SAMPLES, window[1].stop - window[1].start, SAMPLES)
    covered[window] = seen.reshape(shape).mean(axis=(1, 3))
    return covered


def _is_missed(view: _View, ccd: int, frames: Mapping[int, Affine]) -> bool:
    """Return whether a CCD of unknown place may lie where events were selected.

    It does not if other CCDs see all of that place but a sliver.
    """
    if not frames:
        return True
    detector, grid = view.detector, view.grid
    x, y = (coordinates.ravel() for coordinates in view.to_own(*np.meshgrid(*grid.centres())))
    free = detector.exposed(x, y)
    for frame in frames.values():
        rawx, rawy = frame(x, y)
        free &= ~((np.abs(rawx - detector.width / 2) <= detector.width / 2 + 1)
                  & (np.abs(rawy - detector.height / 2) <= detector.height / 2 + 1))  # fmt: skip
    detx, dety = detector.camera(x[free], y[free])
    selected = view.places.include(ccd, detx=detx, dety=dety, x=x[free], y=y[free])
    size = detector.width * detector.height / abs(np.linalg.det(next(iter(frames.values())).matrix[:2]))
    return bool(np.count_nonzero(selected) * grid.xbin * grid.ybin > LARGEST_SLIVER * size)


def _window(view: _View, place: Affine) -> tuple[slice, slice]:
    """Return the rows and columns of the image that a CCD can reach, with a margin for drifts."""
    detector = view.detector
    rawx, rawy = place(*view.to_own(*np.meshgrid(*view.grid.centres())))
    margin = 2 * view.grid.xbin
    reached = (rawx > -margin) & (rawx < detector.width + margin) & (rawy > -margin) & (rawy < detector.height + margin)
    return _extent(reached.any(axis=1)), _extent(reached.any(axis=0))


def _extent(reached: NDArray[np.bool_]) -> slice:
    indices = np.flatnonzero(reached)
    return slice(int(indices[0]), int(indices[-1]) + 1) if len(indices) else slice(0, 0)


def _factor(
    events: EpicEventList,
    own: TangentPlane,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    energy: float,
    vignetting: str,
) -> NDArray[np.float64] | float:
    if vignetting == "none":
        return 1.0
    header = events.header
    x0, y0 = own.pixel(float(header["RA_PNT"]), float(header["DEC_PNT"]))
    u, v = spacecraft_frame(x - x0, y - y0, float(header["PA_PNT"]))
    return measured_vignetting(events.identity.instrument).at(u, v, energy)


def _left_out(detector: Detector, ccd: int, live: float) -> Finding:
    text = (
        f"CCD {ccd} of {detector.events.path.name} ({live:.0f} s) is not in the map: its place on the sky is measured from "
        f"{FEWEST_EVENTS} events or more, and the list has {detector.events_on(ccd)} on it"
    )
    return Finding("ccdLeftOut", text)


def write_exposure_map(
    path: Path,
    image_of: EpicEventList,
    grid: SkyGrid,
    band: tuple[int, int],
    seconds: NDArray[np.float64],
    vignetting: str,
    selected_by: Sequence[str] = (),
) -> None:
    """Write one map in seconds (float32) with the image's coordinates; cards name its vignetting, HISTORY the selection."""
    header = image_header(image_of, grid, band, "EPIC EXPOSURE MAP")
    header["BUNIT"] = ("s", "unit of the pixels")
    header["VIGNETT"] = (vignetting, "vignetting that is in the map")
    words = "measured from eexpmap's maps of 0201903501" if vignetting == "measured" else "none"
    selected = f"; only where events were selected by {', '.join(selected_by)}" if selected_by else ""
    describe(header, f"exposure_maps: live time by CCD; vignetting {words} (daxa_wf docs/exposure_maps.md){selected}")
    write_hdus(path, [primary_hdu(seconds.astype(np.float32), header.cards, has_extensions=False)])
