"""Draw the plots of a report from arrays to PNG bytes, without matplotlib's global state."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT, CUT, MODEL = "#1f6fb4", "#d9822b", "#333333"
DOTS_PER_INCH = 100
PLOT_PIXELS = 360
"""Pixels along the longer side of an image in a plot."""
SMOOTHING_WIDTHS = (0.0, 0.8, 1.5, 2.5, 4.0, 6.0)
"""Standard deviations in pixels of the plot, the smallest first."""
COUNTS_TO_SEE = 4.0


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
    """Draw a rate over time with kept and cut bins in two colours. Return the PNG.

    `time` is in seconds, `rate` in `unit`, shape (bins,) each. `limits` is the lowest and highest accepted rate, or the
    limit of each bin, shape (bins,).
    """
    figure = _figure(8, 2.6)
    axes = figure.add_subplot()
    elapsed = (time - time[0]) / 1000 if len(time) else time
    axes.plot(elapsed[~kept], rate[~kept], ".", color=CUT, markersize=3, label="cut")
    axes.plot(elapsed[kept], rate[kept], ".", color=KEPT, markersize=3, label="kept")
    usual = float(np.nanmedian(rate)) if np.isfinite(rate).any() else 0.0
    if isinstance(limits, tuple):
        axes.axhspan(*limits, color=KEPT, alpha=0.12, linewidth=0, label="accepted")
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
    """Draw a rate histogram with its fit, the fitted range and the selection limits. Return the PNG.

    `rates` are in count/s; `samples` and `model` are numbers of bins of the light curve, shape (bins,) each.
    """
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
    """Draw an image on its sky grid, cropped to its filled part, smoothed and stretched. Return the PNG.

    `counts` has the shape (rows, columns), and `header` its WCS. Pixels are joined to the number that the plot shows.
    """
    from astropy.visualization import AsinhStretch, ImageNormalize

    region = _extent(np.any(counts, axis=1)), _extent(np.any(counts, axis=0))
    image, factor = shrunk(counts[region])
    shown, sigma = adaptively_smoothed(image)
    low, high, softening = stretch_limits(shown)
    figure = _figure(4.6, 4.2)
    axes = _sky_axes(figure, header, region, factor)
    normalise = ImageNormalize(vmin=low, vmax=high, stretch=AsinhStretch(softening), clip=True)
    axes.imshow(shown, origin="lower", cmap="magma", norm=normalise, interpolation="nearest")
    smoothing = f"\nsmoothed, standard deviation {sigma * factor:.2g} pixels" if sigma else ""
    axes.set_title(f"{title}{smoothing}", fontsize=8)
    figure.set_layout_engine("none")
    return _png(figure)


def _sky_axes(figure: Any, header: Any, region: tuple[slice, slice], factor: int) -> Any:
    """Return axes with the sky grid of a part of an image, or plain axes if it has no sky coordinates."""
    from astropy.visualization.wcsaxes import WCSAxes
    from astropy.wcs import WCS, FITSFixedWarning

    box = [0.19, 0.12, 0.77, 0.78]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)  # astropy reports that it understood MJDREF and DATE-OBS
        sky = WCS(header).celestial
    if not sky.has_celestial:
        axes = figure.add_axes(box)
        axes.set(xlabel="pixel", ylabel="pixel")
        return axes
    rows, columns = (slice(side.start, side.stop, factor) for side in region)
    axes = WCSAxes(figure, box, wcs=sky[rows, columns])
    figure.add_axes(axes)
    axes.coords.grid(color="white", alpha=0.3, linewidth=0.5)
    for coordinate, label in zip(axes.coords, ("RA", "Dec"), strict=True):
        coordinate.set_axislabel(label, minpad=0.6)
        coordinate.set_ticklabel(fontsize=7, exclude_overlapping=True)
    return axes


def shrunk(image: NDArray[Any], most: int = PLOT_PIXELS) -> tuple[NDArray[np.float64], int]:
    """Return an image with blocks of pixels summed until every side has at most `most` pixels, and the side of a block."""
    factor = -(-max(image.shape) // most)
    padded = np.pad(np.nan_to_num(image.astype(np.float64)), [(0, -side % factor) for side in image.shape])
    rows, columns = (side // factor for side in padded.shape)
    return padded.reshape(rows, factor, columns, factor).sum(axis=(1, 3)), factor


def adaptively_smoothed(image: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return an image smoothed just enough to show its faint parts, and the standard deviation in pixels.

    The width is the smallest for which half of the filled part has COUNTS_TO_SEE within the beam.
    """
    from scipy.ndimage import gaussian_filter

    if not image.any():
        return image, 0.0
    for sigma in SMOOTHING_WIDTHS:
        smooth = gaussian_filter(image, sigma) if sigma else image
        filled = gaussian_filter(image, max(sigma, SMOOTHING_WIDTHS[1])) > 0
        beam = 4 * np.pi * sigma**2 if sigma else 1.0
        if np.median(np.abs(smooth[filled])) * beam >= COUNTS_TO_SEE:
            break
    return smooth, sigma


def stretch_limits(image: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the darkest and the brightest value of a plot, and the softening of its asinh stretch (0 to 1).

    The limits follow from the filled pixels, so that neither a bright source nor an empty rim hides the rest.
    """
    filled = image[image != 0]
    if not len(filled):
        return 0.0, 1.0, 1.0
    usual, high = (float(value) for value in np.percentile(np.abs(filled), (50, 99.8)))
    low = min(0.0, float(np.percentile(filled, 1)))
    high = max(high, usual, np.finfo(float).tiny)
    return low, high, float(np.clip(usual / high, 0.01, 1.0))


def _extent(filled: Any) -> slice:
    indices = np.flatnonzero(filled)
    return slice(int(indices[0]), int(indices[-1]) + 1) if len(indices) else slice(0, len(filled))
