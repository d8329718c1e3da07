"""The place of a telescope module's CCD on the sky about its pointing, measured from the events themselves.

Events carry their pixel (RAWX, RAWY) and their place on the sky (X, Y) that eSASS's evatt gave it with the calibrated
boresight and plate scale; a straight line between both, after turning by ROLL, gives these back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_wf.observatories.erosita.native.event_list import ErositaEventList, Pointing
from daxa_wf.observatories.erosita.native.field_of_view import path_of

CCD_SIZE = 384
"""Pixels a side, numbered from 1 (eROSITA EDR, 'Properties of the CCD')."""
CCD_PIXEL_ARCSEC = 9.6
"""On the sky, for a focal length of 1600 mm and pixels of 75 micrometres."""
SKY_PIXELS = CCD_PIXEL_ARCSEC / 0.05

FEWEST_EVENTS = 100
FARTHEST = 3.0
"""CCD pixels beyond which an event is not on the line: 0.3 is usual, of pixels' width."""
WORST = 1.5
"""Standard deviation in CCD pixels of a line that cannot be trusted."""
SAMPLE = 200_000
"""Number of events of a file that are used."""


@dataclass(frozen=True)
class DetectorFrame:
    """RAW = origin + matrix (d turned by sense * ROLL), for d the offset from the pointing in sky pixels.

    `origin` of shape (2,) in CCD pixels, `matrix` of shape (2, 2) in CCD pixels a sky pixel; `measured`: from events.
    """

    origin: NDArray[np.float64]
    matrix: NDArray[np.float64]
    sense: int
    measured: bool

    def raw(
        self, dx: NDArray[np.float64], dy: NDArray[np.float64], roll: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        """Return RAWX and RAWY, not rounded, at offsets in sky pixels for a roll angle in degrees; shape (2, *dx.shape)."""
        turned = np.array(turn(dx, dy, self.sense * np.asarray(roll)))
        return np.asarray(np.tensordot(self.matrix, turned, 1) + self.origin.reshape(2, *(1,) * np.ndim(dx)))


NOMINAL = DetectorFrame(np.array([192.5, 192.5]), np.eye(2) / SKY_PIXELS, 1, False)
"""Assumed if too few events determine the frame: the pointing at the centre of the CCD, RAWX along X for ROLL 0."""


def turn(
    x: NDArray[np.float64], y: NDArray[np.float64], angle: NDArray[np.float64] | float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates in axes that are turned by an angle in degrees."""
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.asarray(x * cosine + y * sine), np.asarray(y * cosine - x * sine)


def fit_frame(
    dx: NDArray[np.float64], dy: NDArray[np.float64], roll: NDArray[np.float64], raw: NDArray[np.float64]
) -> DetectorFrame:
    """Fit the frame of least squares to events, shape (events,) and (2, events); NOMINAL if they do not determine one.

    Both senses of ROLL are tried. Events far from the line (out of their frame's time) are left out of a second fit.
    """
    if len(dx) < FEWEST_EVENTS:
        return NOMINAL
    fits = []
    for sense in (1, -1):
        columns = np.column_stack([np.ones(len(dx)), *turn(dx, dy, sense * roll)])
        chosen = np.ones(len(dx), bool)
        for _ in range(2):
            solution = np.linalg.lstsq(columns[chosen], raw[:, chosen].T, rcond=None)[0]
            distance = np.hypot(*(raw - (columns @ solution).T))
            near = distance < max(FARTHEST, float(np.median(distance)))
            spread, chosen = float(np.sqrt(np.mean(distance[near] ** 2))), near
        fits.append((spread, sense, solution))
    spread, sense, solution = min(fits, key=lambda fit: fit[0])
    if spread > WORST:
        return NOMINAL
    return DetectorFrame(np.asarray(solution[0], float), np.asarray(solution[1:].T, float), sense, True)


def detector_frames(events: ErositaEventList, modules: Iterable[int]) -> dict[int, DetectorFrame]:
    """Return the frame of each telescope module, from a sample over the whole file; one pass."""
    series = {module: pointing for module in modules if (pointing := events.pointing(module)) is not None}
    paths = {module: path for module in series if (path := path_of(events, module)) is not None}
    samples: dict[int, list[NDArray[np.float64]]] = {module: [] for module in modules}
    step = max(1, events.row_count // SAMPLE)
    for chunk in events.chunks():
        some = chunk[::step]
        for module, path in paths.items():
            rows = some[(some["TM_NR"] == module) & (some["PI"] > 0)]
            time, x, y, rawx, rawy = (rows[name].astype(float) for name in ("TIME", "X", "Y", "RAWX", "RAWY"))
            pointing_x, pointing_y = path.at(time)
            samples[module].append(
                np.array([x - pointing_x, y - pointing_y, roll_at(series[module], time), rawx, rawy])
            )
    frames = {}
    for module, parts in samples.items():
        dx, dy, roll, rawx, rawy = np.concatenate([np.empty((5, 0)), *parts], axis=1)
        frames[module] = fit_frame(dx, dy, roll, np.array([rawx, rawy]))
    return frames


def roll_at(pointing: Pointing, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ROLL in degrees at some times, between rows the short way round; shape of `times`."""
    return np.asarray(np.interp(times, pointing.time, np.rad2deg(np.unwrap(np.deg2rad(pointing.roll)))))
