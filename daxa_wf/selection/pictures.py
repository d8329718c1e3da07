"""Pictures of a selection: where on the sky, and when."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from daxa_wf.missions.spec import MissionSpec
from daxa_wf.selection.positions import Positions

MOC_ORDER = 7
"""Order of the MOC that is drawn: cells of 27 arcmin."""
MAP_ROWS, MAP_COLUMNS = 210, 410
SMALLEST = 1.0
"""Degrees: smaller fields are drawn this large, or they could not be seen on a map of the sky."""


def draw_sky(
    path: Path, selected: Mapping[str, tuple[MissionSpec, pd.DataFrame]], positions: Mapping[str, Positions]
) -> None:
    """A map of the whole sky: the coverage of each mission's observations as a MOC, and the positions asked for."""
    from astropy import units
    from astropy.coordinates import SkyCoord
    from astropy.visualization.wcsaxes import WCSAxes
    from astropy.wcs import WCS
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crpix, wcs.wcs.crval, wcs.wcs.cdelt = (
        ["RA---MOL", "DEC--MOL"],
        [181, 91],
        [180, 0],
        [-0.9, 0.9],
    )
    figure = Figure(figsize=(9, 5), dpi=100)
    FigureCanvasAgg(figure)
    axes = WCSAxes(figure, [0.05, 0.05, 0.9, 0.85], wcs=wcs)
    figure.add_axes(axes)
    lon, lat = _sky_of_pixels(wcs)
    known = np.isfinite(lon)
    for number, (spec, rows) in enumerate(selected.values()):
        covered = np.zeros(lon.shape, bool)
        covered[known] = coverage(spec, rows).contains_lonlat(lon[known] * units.deg, lat[known] * units.deg)
        axes.contourf(covered.astype(float), levels=[0.5, 1.5], colors=[f"C{number % 10}"], alpha=0.5)
        axes.plot([], [], "s", color=f"C{number % 10}", label=f"{spec.pretty_name} ({len(rows)})")
    for sought in positions.values():
        sky = SkyCoord(sought.ra * units.deg, sought.dec * units.deg)
        axes.plot(sky.ra.deg, sky.dec.deg, "k+", markersize=4, transform=axes.get_transform("icrs"))
    axes.set_xlim(0, MAP_COLUMNS)
    axes.set_ylim(0, MAP_ROWS)
    axes.coords.grid(color="grey", alpha=0.4)
    axes.set_aspect("equal")
    for coordinate, name in zip(axes.coords, ("RA 0 to 360°, 180° in the middle", "Dec"), strict=True):
        coordinate.set_ticklabel_visible(False)
        coordinate.set_ticks_visible(False)
        coordinate.set_axislabel(name)
    axes.legend(loc="lower right", fontsize="small")
    figure.savefig(path)


def _sky_of_pixels(wcs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Right ascension and declination of the map's pixels, shape (rows, columns); NaN beyond its rim."""
    row, column = np.indices((MAP_ROWS, MAP_COLUMNS))
    lon, lat = wcs.wcs_pix2world(column.ravel(), row.ravel(), 0)
    back = np.column_stack(wcs.wcs_world2pix(lon, lat, 0))
    inside = np.hypot(*(back - np.column_stack([column.ravel(), row.ravel()])).T) < 0.1
    return tuple(np.where(inside, each, np.nan).reshape(row.shape) for each in (lon, lat))  # type: ignore[return-value]


def coverage(spec: MissionSpec, rows: pd.DataFrame) -> Any:
    """The union of the fields of view (the widest default instrument's) as a MOC; small fields enlarged to be seen."""
    from astropy import units
    from mocpy import MOC

    radius = max(SMALLEST, *(each.field_of_view for each in spec.instruments if each.default))
    lon, lat = rows["ra"].to_numpy() * units.deg, rows["dec"].to_numpy() * units.deg
    return MOC.from_cones(lon, lat, radius=radius * units.deg, max_depth=MOC_ORDER, union_strategy="large_cones")


def draw_timeline(path: Path, selected: Mapping[str, tuple[MissionSpec, pd.DataFrame]]) -> None:
    """A line for each mission, and a mark for each observation at its start."""
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
