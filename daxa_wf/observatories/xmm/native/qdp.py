"""espfilt's QDP file: rate histogram with its fit, the judged values of the field of view, the corners' light curve.

Layout of SAS 19's espfilt: 14 columns, -1 for empty rates and 0 for empty errors; `qdp FILE` draws it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from daxa_wf.events.flare_filters import FlareResult
    from daxa_wf.events.light_curve import LightCurve
    from daxa_wf.observatories.xmm.native.espfilt import EspfiltResult

COLUMNS = 14
X, SAMPLES, MODEL, FOV, FOV_ACCEPTED, CORNER_RATE, CORNER_ACCEPTED, SELECTION_LINE, FIT_LINE = (
    0,
    1,
    3,
    4,
    6,
    8,
    10,
    12,
    13,
)
EMPTY = np.array([-1.0, -1.0, 0.0, -1.0, -1.0, 0.0, -1.0, 0.0, -1.0, 0.0, -1.0, 0.0, -1.0, -1.0])


def write_qdp(path: Path, result: EspfiltResult, title: str) -> None:
    """Write histogram, fit, limits and light curves as espfilt does."""
    lines = [*_commands(result.flares, title), *(_row(row) for row in _rows(result))]
    path.write_text("\n".join(lines) + "\n", encoding="ascii", errors="replace")


def read_qdp(path: Path) -> np.ndarray:
    """Read the numbers of such a file, shape (rows, 14); rows of SAS begin with blanks, in columns of fixed width."""
    rows = []
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        try:
            row = [float(word) for word in line.split()]
        except ValueError:
            continue
        if len(row) == COLUMNS:
            rows.append(row)
    return np.array(rows, dtype=float).reshape(-1, COLUMNS)


@dataclass(frozen=True)
class QdpHistogram:
    """The histogram of a QDP file: rates in count/s, samples and the fit at these rates, shape (bins,) each.

    `limits` of the rates that are accepted and of those that were `fitted`; norm, centre and width of the fit.
    """

    rates: np.ndarray
    samples: np.ndarray
    model: np.ndarray
    limits: tuple[float, float]
    fitted: tuple[float, float]
    norm: float
    centre: float
    width: float


def read_histogram(path: Path) -> QdpHistogram | None:
    """Read the histogram of a QDP file that espfilt or `write_qdp` wrote; None if the file has none."""
    rows = read_qdp(path)
    rows = rows[np.all(np.isfinite(rows), axis=1)]
    drawn = rows[rows[:, SAMPLES] >= 0]
    text = path.read_text(encoding="ascii", errors="replace")
    labels = {name: float(value) for name, value in _FIT_LABEL.findall(text)}
    edges = [rows[rows[:, column] >= 0][:, X] for column in (SELECTION_LINE, FIT_LINE)]
    if not len(drawn) or not all(map(len, edges)) or set(labels) != {"Norm", "Width", "Center"}:
        return None
    limits, fitted = ((float(rates.min()), float(rates.max())) for rates in edges)
    return QdpHistogram(
        drawn[:, X],
        drawn[:, SAMPLES],
        drawn[:, MODEL],
        limits,
        fitted,
        labels["Norm"],
        labels["Center"],
        labels["Width"],
    )


_FIT_LABEL = re.compile(
    r"(Norm|Width|Center): {1,20}([-+]?(?:[0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})(?:[Ee][-+]?[0-9]{1,3})?)"
)


def _commands(flares: FlareResult, title: str) -> Iterator[str]:
    yield from ("read serr 2", "read serr 4", "read serr 5", "read serr 6", "read serr 7", "font roman", "cs 1.0")
    yield from ("skip sing", "gap errors", "line step 2", "col 1 on 1", "col 2 on 3", "col 4 on 2", "col 4 on 8")
    yield from ("win 1", "yplot 1 2 8 9", "loc 0.03 0.72 0.97 1.0", 'lab x "Count Rate (counts/s)"', 'lab y "N"')
    yield f'lab top "{_plain(title)}"'
    if flares.fit is not None:
        yield f'lab 1 "Fit Norm: {flares.fit.norm:.1f} Width: {flares.fit.width:.3f} c/s Center: {flares.fit.centre:.3f} c/s"'
    yield from ("win 2", "yplot 3 4", "loc 0.03 0.38 0.97 0.68", f'lab y "{flares.quantity.axis}"', "log y")
    yield from ("win 3", "yplot 5 6", "loc 0.03 0.04 0.97 0.34", 'lab y "Corner Light Curve"', 'lab x "Time (s)"')


def _plain(text: str) -> str:
    return text.replace('"', "'").replace("\n", " ")


def _rows(result: EspfiltResult) -> Iterator[np.ndarray]:
    from daxa_wf.events.flare_filters import CORNER

    flares = result.flares
    if flares.histogram is not None and flares.fit is not None:
        model = flares.fit.model(flares.histogram.rates)
        for rate, samples, expected in zip(flares.histogram.rates, flares.histogram.samples, model, strict=True):
            yield _filled({X: rate, SAMPLES: samples, SAMPLES + 1: np.sqrt(samples), MODEL: expected})
    accepted = flares.accepted
    judged = flares.curve, flares.value, flares.error
    yield from _curve_rows(*judged, FOV, np.ones_like(accepted))
    yield from _curve_rows(*judged, FOV_ACCEPTED, accepted)
    if CORNER in result.curves:
        corner = result.curves[CORNER].rebinned(round(flares.curve.bin_size / result.curves[CORNER].bin_size))
        yield from _curve_rows(corner, corner.rate, corner.error, CORNER_RATE, np.ones_like(accepted))
        yield from _curve_rows(corner, corner.rate, corner.error, CORNER_ACCEPTED, accepted)
    yield from _lines(flares)


def _curve_rows(curve: LightCurve, values: Any, errors: Any, column: int, chosen: Any) -> Iterator[np.ndarray]:
    for time, value, error, is_drawn in zip(curve.centres - curve.start, values, errors, chosen, strict=True):
        if is_drawn and np.isfinite(value):
            yield _filled({X: time, column: value, column + 1: error})


def _lines(flares: FlareResult) -> Iterator[np.ndarray]:
    if flares.histogram is None:
        return
    top = float(flares.histogram.samples.max())
    fitted = flares.histogram.rates[flares.histogram.fitted]
    for column, limits in ((SELECTION_LINE, flares.limits), (FIT_LINE, (fitted[0], fitted[-1]))):
        for rate in limits:
            yield from (_filled({X: rate, column: 0.0}), _filled({X: rate, column: top}))


def _filled(values: dict[int, float]) -> np.ndarray:
    row = EMPTY.copy()
    for column, value in values.items():
        row[column] = value
    return row


def _row(values: Iterable[float]) -> str:
    return " ".join(f"{value:.7g}" for value in values)
