"""Light curves with their good times, and rate histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from daxa_wf.report.svg.elements import drawing, number, polyline, tag, text
from daxa_wf.report.svg.ticks import Axis, compressed_axis, linear_axis, thinned

WIDTH, HEIGHT = 560.0, 230.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 550.0, 24.0, 168.0
"""Edges of the plotted area. The good times and the labels of the time axis are below it."""
STRIP = (174.0, 8.0)
"""Top and height of the strip of good times."""
LOWER = 190.0
"""Lower edge of the plotted area with its strip."""

RateLimits = tuple[float, float] | NDArray[np.float64] | None
"""Lowest and highest accepted rate; or the limit of each bin, shape (bins,)."""


def light_curve_chart(
    time: NDArray[np.float64], rate: NDArray[np.float64], kept: NDArray[np.bool_] | None, limits: RateLimits, title: str,
    unit: str = "count/s", gti: NDArray[np.float64] | None = None,
) -> str:  # fmt: skip
    """Draw a rate over time, its limits, and a strip with the good times.

    `time` is in seconds, `rate` in `unit`, shape (bins,) each. `kept` is True for bins in good time, or None if the bins
    were not judged. `gti` has shape (intervals, 2) and the clock of `time`.
    """
    times = np.concatenate([time[:1], time[-1:], *([] if gti is None else [gti[:1, 0], gti[-1:, 1]])])
    start = float(times.min(initial=np.inf)) if len(times) else 0.0
    across = linear_axis(0.0, (float(times.max(initial=start)) - start) / 1000, LEFT, RIGHT, 6)
    up = _rate_axis(rate, limits)
    x, y = across.place((time - start) / 1000), up.place(rate)
    parts = [*_frame(across, up, LOWER if gti is not None else BOTTOM), *_limits(limits, x, up)]
    legend = []
    if kept is None:
        parts.append(_dots(x, y, "rate"))
    else:
        parts += [_dots(x[~kept], y[~kept], "excluded"), _dots(x[kept], y[kept], "kept")]
        legend = [("kept", "flare-free"), ("excluded", "excluded")]
    if limits is not None:
        legend.append(("model", "limit") if isinstance(limits, np.ndarray) else ("accepted", "accepted rates"))
    if gti is not None:
        parts.append(_strip((gti - start) / 1000, across, "gap" if kept is None else "excluded"))
    parts += [
        _legend(legend),
        text(unit, 6, 14, "unit"),
        text("time since start (ks)", RIGHT, HEIGHT - 4, "unit", "end"),
    ]
    return drawing(WIDTH, HEIGHT, f"Light curve of {title}", parts)


def _rate_axis(rate: NDArray[np.float64], limits: RateLimits) -> Axis:
    """Return a linear axis, or one that compresses high rates if flares would flatten the rest."""
    finite = rate[np.isfinite(rate)]
    usual = float(np.median(finite)) if len(finite) else 0.0
    if isinstance(limits, tuple):
        usual = limits[1]
    usual, top = max(usual, 1e-3), float(finite.max(initial=1e-3))
    if top > 10 * usual:
        return compressed_axis(top * 1.05, usual, BOTTOM, TOP)
    bottom = min(0.0, float(finite.min(initial=0.0)))
    return linear_axis(bottom, max(top, usual) * 1.05, BOTTOM, TOP, 4)


def _frame(across: Axis, up: Axis, lower: float) -> list[str]:
    """Draw the lines and labels of both axes. Every second label of the lower axis is left out on narrow screens."""
    parts = []
    for value, label in up.ticks:
        y = up.at(value)
        if TOP - 1 <= y <= lower + 1:
            parts += [tag("path", d=f"M{number(LEFT)} {number(y)}H{number(RIGHT)}", class_="grid")]
            parts += [text(label, LEFT - 6, y + 4, None, "end")]
    for index, (value, label) in enumerate(across.ticks):
        x = across.at(value)
        parts.append(tag("path", d=f"M{number(x)} {number(lower)}v5", class_="axis"))
        parts.append(text(label, x, lower + 19, "alternate" if index % 2 else None, "middle"))
    parts.append(tag("path", d=f"M{number(LEFT)} {number(TOP)}V{number(lower)}H{number(RIGHT)}", class_="axis"))
    return parts


def _dots(x: NDArray[np.float64], y: NDArray[np.float64], class_: str) -> str:
    """Draw points as lines of length 0 with round ends: the shortest text for many points."""
    points = zip(*(values.tolist() for values in thinned(x, y)), strict=True)
    return tag("path", d="".join(f"M{number(across)} {number(up)}h0" for across, up in points), class_=f"dots {class_}")


def _limits(limits: RateLimits, x: NDArray[np.float64], up: Axis) -> list[str]:
    if limits is None:
        return []
    if isinstance(limits, tuple):
        low, high = (min(max(up.at(limit), TOP), BOTTOM) for limit in limits)
        return [tag("rect", x=LEFT, y=high, width=RIGHT - LEFT, height=max(low - high, 1.0), class_="accepted")]
    points = zip(*(values.tolist() for values in thinned(x, np.maximum(up.place(limits), TOP))), strict=True)
    return [tag("path", d=polyline(points), class_="model")]


def _strip(gti: NDArray[np.float64], across: Axis, other: str) -> str:
    """Draw the good times as bars on a strip of the class `other`. Bars that touch in the drawing are joined."""
    top, height = STRIP
    edges = np.clip(across.place(gti.ravel()), LEFT, RIGHT).reshape(-1, 2)
    bars: list[list[float]] = []
    for left, right in edges.tolist():
        if bars and left - bars[-1][1] < 0.1:
            bars[-1][1] = max(right, bars[-1][1])
        elif right > left:
            bars.append([left, right])
    path = "".join(
        f"M{number(left)} {number(top)}H{number(right)}v{number(height)}H{number(left)}Z" for left, right in bars
    )
    under = tag("rect", x=LEFT, y=top, width=RIGHT - LEFT, height=height, class_=f"strip {other}")
    return tag("g", under, tag("path", d=path, class_="strip kept"), class_="gti")


def _legend(entries: Sequence[tuple[str, str]]) -> str:
    """Draw swatches with their names below the plot, from the left to the right."""
    parts, x = [], LEFT
    for class_, label in entries:
        parts.append(tag("rect", x=x, y=HEIGHT - 13, width=10.0, height=10.0, class_=f"swatch {class_}"))
        parts.append(text(label, x + 14, HEIGHT - 4, "legend"))
        x += 6.8 * len(label) + 30
    return tag("g", *parts) if parts else ""


def histogram_chart(
    rates: NDArray[np.float64], samples: NDArray[np.float64], model: NDArray[np.float64], limits: tuple[float, float],
    fitted: tuple[float, float], title: str,
) -> str:  # fmt: skip
    """Draw a rate histogram with its fit, the fitted range and the accepted rates.

    `rates` are in count/s; `samples` and `model` are numbers of bins of the light curve, shape (bins,) each.
    """
    high = max(2 * limits[1], 2 * fitted[1], 1e-3)
    shown = (rates >= 0) & (rates <= high)
    rates, samples, model = rates[shown], samples[shown], model[shown]
    across = linear_axis(0.0, high, LEFT, RIGHT, 6)
    top = max(1.0, *(float(values.max(initial=0.0)) for values in (samples, model)))
    up = linear_axis(0.0, top * 1.05, LOWER, TOP, 4)
    x = across.place(rates)
    half = float(np.diff(x[:2])[0]) / 2 if len(x) > 1 else 1.0
    corners = np.repeat(x, 2) + np.tile([-half, half], len(x)), np.repeat(up.place(samples), 2)
    left, right = (across.at(limit) for limit in limits)
    parts = [tag("rect", x=left, y=TOP, width=max(right - left, 1.0), height=LOWER - TOP, class_="accepted")]
    parts += _frame(across, up, LOWER)
    parts.append(tag("path", d=polyline(zip(*(values.tolist() for values in corners), strict=True)), class_="samples"))
    curve = zip(x.tolist(), up.place(model).tolist(), strict=True)
    parts.append(tag("path", d=polyline(curve), class_="model"))
    parts += [
        tag("path", d=f"M{number(across.at(edge))} {number(TOP)}V{number(LOWER)}", class_="fitted") for edge in fitted
    ]
    parts += [text("bins of the light curve", 6, 14, "unit"), text("count/s", RIGHT, HEIGHT - 4, "unit", "end")]
    parts.append(
        _legend([("samples", "rates"), ("model", "fit"), ("accepted", "accepted"), ("fitted", "fitted range")])
    )
    return drawing(WIDTH, HEIGHT, f"Rate histogram of {title}", parts)
