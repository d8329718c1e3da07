"""Plots of a selection: a map of the sky, and a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from daxa_wf.mission.spec import MissionSpec
from daxa_wf.selection.positions import Positions

MOC_ORDER = 7
"""Order of the MOC that is drawn: cells of 27 arcmin."""
MAP_STEP = 0.5
"""Degrees between the points of the map at which coverage is evaluated."""
SMALLEST = 1.0
"""Smallest radius in degrees of a drawn field: smaller ones would be invisible on a map of the sky."""


def draw_sky(
    path: Path, selected: Mapping[str, tuple[MissionSpec, pd.DataFrame]], positions: Mapping[str, Positions]
) -> None:
    """Draw a map of the whole sky: the coverage of each mission's observations as a MOC, and the requested positions."""
    sky_figure(selected, positions).savefig(path)


def sky_figure(selected: Mapping[str, tuple[MissionSpec, pd.DataFrame]], positions: Mapping[str, Positions]) -> Any:
    """Return the map as a figure: Mollweide, right ascension to the left with 180 degrees in the middle."""
    from astropy import units
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    legend_rows = -(-len(selected) // LEGEND_COLUMNS)
    figure = Figure(figsize=(9, 5.2 + 0.2 * legend_rows), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot(projection="mollweide")
    ra, dec = np.meshgrid(np.arange(0, 360 + MAP_STEP / 2, MAP_STEP), np.arange(-90, 90 + MAP_STEP / 2, MAP_STEP))
    for number, (spec, rows) in enumerate(selected.values()):
        covered = coverage(spec, rows).contains_lonlat(ra.ravel() % 360 * units.deg, dec.ravel() * units.deg)
        colour = colormaps["tab20"](number % 20)
        x, y = on_map(ra), np.radians(dec)
        axes.contourf(x, y, covered.reshape(ra.shape).astype(float), levels=[0.5, 1.5], colors=[colour], alpha=0.5)
        axes.plot([], [], "s", color=colour, label=f"{spec.pretty_name} ({len(rows)})")
    for objects in positions.values():
        axes.plot(on_map(np.asarray(objects.ra)), np.radians(np.asarray(objects.dec)), "k+", markersize=4)
    axes.set_xticks(on_map(np.array(RA_LABELS)), [f"{degrees}°" for degrees in RA_LABELS])
    axes.tick_params(axis="x", labelsize=8, colors="0.35")
    axes.tick_params(axis="y", labelsize=9)
    axes.set_longitude_grid_ends(90)
    axes.grid(color="0.6", linewidth=0.5)
    axes.set(ylabel="Dec (ICRS)")
    figure.suptitle("Selected observations")
    axes.set_xlabel("RA (ICRS)", labelpad=8)
    figure.legend(loc="outside lower right", fontsize="small", ncols=LEGEND_COLUMNS)
    return figure


LEGEND_COLUMNS = 4
RA_LABELS = (330, 300, 270, 240, 210, 180, 150, 120, 90, 60, 30)


def on_map(ra: np.ndarray) -> np.ndarray:
    """Convert right ascensions in degrees to the map's x in radians: east to the left, 180 degrees in the middle."""
    return np.radians(180.0 - ra)


def coverage(spec: MissionSpec, rows: pd.DataFrame) -> Any:
    """Return the union of the fields of view as a MOC. The widest default instrument counts; small fields are enlarged."""
    from astropy import units
    from mocpy import MOC

    radius = max(SMALLEST, *(instrument.field_of_view for instrument in spec.instruments if instrument.default))
    lon, lat = rows["ra"].to_numpy() * units.deg, rows["dec"].to_numpy() * units.deg
    return MOC.from_cones(lon, lat, radius=radius * units.deg, max_depth=MOC_ORDER, union_strategy="large_cones")


def draw_timeline(path: Path, selected: Mapping[str, tuple[MissionSpec, pd.DataFrame]]) -> None:
    """Draw a line for each mission, and a mark for each observation at its start."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.2 + 0.4 * len(selected)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, (_, rows) in enumerate(selected.values()):
        axes.plot(rows["start"].to_numpy(), np.full(len(rows), number), "|", markersize=14, color=f"C{number % 10}")
    axes.set_yticks(range(len(selected)), [spec.pretty_name for spec, _ in selected.values()])
    axes.set_ylim(-0.6, len(selected) - 0.4)
    axes.grid(axis="x", alpha=0.4)
    figure.savefig(path)
