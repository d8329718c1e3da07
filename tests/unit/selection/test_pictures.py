"""The map of the sky: whole, framed, labelled, and with everything where it belongs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from daxa_wf.mission.registry import MISSIONS
from daxa_wf.selection.plots import on_map, sky_figure

PLACES = pd.DataFrame({"ra": [10.0, 350.0, 180.0, 90.0], "dec": [0.0, 40.0, 88.0, -60.0]})


def test_the_map_has_frame_graticule_and_labels_and_nothing_is_clipped() -> None:
    chosen = {name: (MISSIONS[name], PLACES) for name in MISSIONS}
    figure = sky_figure(chosen, {})
    figure.canvas.draw()
    (axes,) = figure.axes
    labels = [each for each in (*axes.get_xticklabels(), *axes.get_yticklabels()) if each.get_text()]
    assert {"180°", "30°", "330°"} <= {each.get_text() for each in labels}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("RA (ICRS)", "Dec (ICRS)")
    assert all(spine.get_visible() for spine in axes.spines.values())
    assert all(line.get_visible() for line in (*axes.get_xgridlines(), *axes.get_ygridlines()))
    canvas = figure.bbox
    for artist in (*labels, *axes.spines.values(), axes.xaxis.label, axes.yaxis.label, *figure.texts, *figure.legends):
        box = artist.get_window_extent()
        assert canvas.x0 <= box.x0, artist
        assert canvas.y0 <= box.y0, artist
        assert box.x1 <= canvas.x1, artist
        assert box.y1 <= canvas.y1, artist


@pytest.mark.parametrize(("ra", "dec"), list(zip(PLACES["ra"], PLACES["dec"], strict=True)))
def test_fields_are_drawn_where_they_are(ra: float, dec: float) -> None:
    spec = MISSIONS["integral_pointed"]
    sought = {"sought": SimpleNamespace(ra=np.array([20.0]), dec=np.array([60.0]))}
    figure = sky_figure({spec.name: (spec, PLACES)}, sought)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3].astype(int)
    (axes,) = figure.axes
    column, row = np.round(axes.transData.transform((on_map(np.array(ra)), np.radians(dec)))).astype(int)
    around = pixels[row - 3 : row + 4, column - 3 : column + 4].reshape(-1, 3)
    assert np.ptp(around, axis=1).max() > 50, "coloured: a field, and not the white of an empty sky"
    column, row = np.round(axes.transData.transform((on_map(np.array(200.0)), np.radians(20.0)))).astype(int)
    assert pixels[row, column].tolist() == [255, 255, 255]


def test_right_ascension_grows_to_the_left() -> None:
    assert on_map(np.array([0.0, 180.0, 360.0])).tolist() == [np.pi, 0.0, -np.pi]
