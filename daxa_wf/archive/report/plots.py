"""The plots of a report, each from arrays to PNG bytes; no global state of matplotlib is touched."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT, CUT, MODEL = "#1f6fb4", "#d9822b", "#333333"
DOTS_PER_INCH = 80


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def light_curve_plot(
    time: NDArray[np.float64],
    rate: NDArray[np.float64],
    kept: NDArray[np.bool_],
    limits: tuple[float, float] | NDArray[np.float64] | None,
    title: str,
    unit: str = "count/s",
) -> bytes:
    """Rate over time with kept and cut bins in two colours; seconds and `unit`, (bins,) each.

    `limits`: lowest and highest accepted rate, or each bin's limit, (bins,).
    """
    figure = _figure(8, 2.6)
    axes = figure.add_subplot()
    elapsed = (time - time[0]) / 1000 if len(time) else time
    axes.plot(elapsed[~kept], rate[~kept], ".", color=CUT, markersize=3, label="cut")
    axes.plot(elapsed[kept], rate[kept], ".", color=KEPT, markersize=3, label="kept")
    usual = float(np.nanmedian(rate)) if np.isfinite(rate).any() else 0.0
    if isinstance(limits, tuple):
        axes.axhspan(*limits, color=KEPT, alpha=0.12, linewidth=0, label="accepted rates")
        usual = limits[1]
    elif limits is not None:
        axes.plot(elapsed, limits, color=MODEL, linewidth=0.8, label="limit")
    usual = max(usual, 1e-3)
    axes.set(xlabel="time since start (ks)", ylabel=unit, title=title)
    if np.nanmax(rate, initial=1e-3) > 10 * usual:
        axes.set_yscale("symlog", linthresh=usual)
    axes.legend(loc="upper right", fontsize="small")
    return _png(figure)


def histogram_plot(
    rates: NDArray[np.float64],
    samples: NDArray[np.float64],
    model: NDArray[np.float64],
    limits: tuple[float, float],
    fitted: tuple[float, float],
    title: str,
) -> bytes:
    """Rate histogram with its fit, the fitted range and the selection limits."""
    figure = _figure(4.6, 2.6)
    axes = figure.add_subplot()
    axes.step(rates, samples, where="mid", color=KEPT, linewidth=1)
    axes.plot(rates, model, color=MODEL, linewidth=1)
    for limit in limits:
        axes.axvline(limit, color="#c0392b", linewidth=1)
    for edge in fitted:
        axes.axvline(edge, color=KEPT, linewidth=1, linestyle=":")
    axes.set_title(title, fontsize=9)
    axes.set(xlabel="count/s", ylabel="samples", xlim=(0, max(2 * limits[1], 2 * fitted[1])))
    return _png(figure)


def image_plot(counts: NDArray[Any], header: Any, title: str) -> bytes:
    """A counts image, smoothed over 3 pixels and stretched, on a sky grid; cropped to where there are counts."""
    from astropy.visualization.wcsaxes import WCSAxes
    from astropy.wcs import WCS, FITSFixedWarning

    rows, columns = _extent(counts.sum(axis=1)), _extent(counts.sum(axis=0))
    figure = _figure(4.6, 4.2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)  # astropy reports that it understood MJDREF and DATE-OBS
        axes = WCSAxes(figure, [0.16, 0.12, 0.8, 0.78], wcs=WCS(header).celestial[rows, columns])
    figure.add_axes(axes)
    axes.imshow(np.arcsinh(_smoothed(counts[rows, columns].astype(float))), origin="lower", cmap="magma")
    axes.coords.grid(color="white", alpha=0.3, linewidth=0.5)
    axes.coords[0].set_axislabel("RA")
    axes.coords[1].set_axislabel("Dec")
    axes.set_title(title, fontsize=10)
    figure.set_layout_engine("none")
    return _png(figure)


def _smoothed(image: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.pad(image, 1)
    size = image.shape
    parts = [padded[row : row + size[0], column : column + size[1]] for row in range(3) for column in range(3)]
    return np.asarray(np.sum(parts, axis=0) / 9)


def _extent(sums: NDArray[Any]) -> slice:
    found = np.flatnonzero(sums)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, len(sums))
