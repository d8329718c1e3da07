"""Event lists without a plot of their own are drawn on their own sky plane, or as a light curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.archive.layout import Layout
from daxa_wf.errors import CorruptFileError
from daxa_wf.report.event_lists import MOST_LISTS, list_image, list_plots, read_list
from daxa_wf.units import Unit
from tests.genuine import EXTRACTS, WHOLE, Abell907
from tests.unit.report.archives import SWIFT, delivered


@pytest.fixture(params=["EPIC", *(["XRT"] if WHOLE.is_dir() else [])])
def genuine_list(request: pytest.FixtureRequest) -> Path:
    """A genuine event list, compressed."""
    if request.param == "XRT":
        return next((request.getfixturevalue("whole_data") / "swift").glob("*xpc*_cl.evt.gz"))
    return Abell907(EXTRACTS, "0404910601", "mos1").event_list


def test_the_image_of_a_list_is_on_the_lists_own_plane(genuine_list: Path) -> None:
    content = read_list(genuine_list)
    with fits.open(genuine_list) as hdus:
        events = hdus["EVENTS"]
        x, y = (np.asarray(events.data[name], float) for name in ("X", "Y"))
        table, names = events.header, [name.upper() for name in events.columns.names]
        times = np.asarray(events.data["TIME"], float)
    np.testing.assert_allclose(content.values["X"], x)
    np.testing.assert_allclose(content.values["TIME"], times)
    image = list_image(content.values["X"], content.values["Y"], content.cards, content.columns)
    assert image.pixels.sum() == np.count_nonzero(np.isfinite(x) & np.isfinite(y))
    assert image.plane is not None
    row, column = np.unravel_index(np.argmax(image.pixels), image.pixels.shape)
    number_x, number_y = (names.index(name) + 1 for name in ("X", "Y"))
    step = image.plane.matrix[0][0] / table[f"TCDLT{number_x}"]
    inside = np.abs(x - table[f"TCRPX{number_x}"] - (column - image.plane.centre[0]) * step) <= step / 2
    inside &= np.abs(y - table[f"TCRPX{number_y}"] - (row - image.plane.centre[1]) * step) <= step / 2
    assert np.count_nonzero(inside) == image.pixels.max()


def write_list(path: Path, columns: list[fits.Column], gti: list[tuple[float, float]] = ()) -> Path:  # type: ignore[assignment]
    tables = [fits.BinTableHDU.from_columns(columns, name="EVENTS")]
    if gti:
        edges = np.array(gti)
        names = zip(("START", "STOP"), edges.T, strict=True)
        tables.append(fits.BinTableHDU.from_columns([fits.Column(n, "D", array=a) for n, a in names], name="STDGTI"))
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)
    return path


def test_other_columns_may_have_any_form(tmp_path: Path) -> None:
    """Variable-length arrays, bits and scaled numbers: TIME is found between them."""
    columns = [
        fits.Column("WAVE", "PE()", array=np.array([np.ones(2), np.ones(3)], dtype=object)),
        fits.Column("STATUS", "11X", array=np.zeros((2, 11), bool)),
        fits.Column("TIME", "1D", array=[5.0, 7.0]),
        fits.Column("X", "I", array=[1, 3]),
    ]
    path = write_list(tmp_path / "a.fits", columns)
    with fits.open(path, mode="update") as hdus:
        hdus[1].header.update({"TSCAL3": 2.0, "TZERO3": 1.0})
    content = read_list(path)
    assert content.values["TIME"].tolist() == [11.0, 15.0]
    assert "X" not in content.values, "the list has no Y and no coordinates"


def test_good_times_divide_the_rate_and_are_on_the_strip(tmp_path: Path) -> None:
    time = np.concatenate([np.arange(0, 300, 0.5), np.arange(600, 900, 0.5)])
    path = write_list(tmp_path / "a.fits", [fits.Column("TIME", "D", array=time)], [(0.0, 300.0), (600.0, 900.0)])
    assert read_list(path).gti.tolist() == [[0.0, 300.0], [600.0, 900.0]]
    layout = Layout(tmp_path / "archive")
    record = delivered(layout, {"obsid00085374001-instXRT-subexppcw3po-finalevents.fits": path})
    plots = list_plots(layout, [record])
    (curve,) = plots.curves
    assert plots.images == plots.problems == []
    assert "XRT pcw3po: events in bins of 2 s; the strip shows the good times" in curve.caption
    assert (
        curve.path
        == layout.observation(SWIFT) / "events/obsid00085374001-instXRT-subexppcw3po-finalevents-lightcurve.svg"
    )
    assert curve.svg.count('class="strip kept"') == 1
    assert ">2</text>" in curve.svg, "2 count/s"


def test_filters_intersect_and_parts_of_a_detector_unite(tmp_path: Path) -> None:
    path = write_list(tmp_path / "a.fits", [fits.Column("TIME", "D", array=np.arange(9.0))], [(0.0, 5.0)])
    with fits.open(path, mode="append") as hdus:
        for name, edges in (("GTI00003", (3.0, 4.5)), ("GTI00103", (4.0, 8.0))):
            columns = [fits.Column(n, "D", array=[edge]) for n, edge in zip(("START", "STOP"), edges, strict=True)]
            hdus.append(fits.BinTableHDU.from_columns(columns, name=name))
    assert read_list(path).gti.tolist() == [[3.0, 5.0]]


def test_a_list_without_sky_coordinates_is_drawn_as_a_light_curve(real_data: Path, tmp_path: Path) -> None:
    (path,) = (real_data / "nicer").glob("1e2259_ni*.fits")
    layout, unit = Layout(tmp_path / "archive"), Unit("nicer", "1020600110")
    plots = list_plots(layout, [delivered(layout, {"obsid1020600110-instXTI-subexpNone-events.fits": path}, unit)])
    assert len(plots.curves) == 1
    assert plots.images == []


def test_instruments_with_an_image_need_no_image_of_their_list(genuine_list: Path, tmp_path: Path) -> None:
    image = Abell907(EXTRACTS, "0404910601", "mos1").folder / "images" / "0404910601_mos1_exp1-0.50-2.00keVimg.fits.gz"
    layout, unit = Layout(tmp_path / "archive"), Unit("chandra", "12812")
    files = {
        "obsid12812-instACIS-I-subexpNone-en0.5_7.0keV-image.fits.gz": image,
        "obsid12812-instACIS-I-subexpNone-finalevents.fits.gz": genuine_list,
        "obsid12812-instACIS-S-subexpNone-finalevents.fits.gz": genuine_list,
    }
    plots = list_plots(layout, [delivered(layout, files, unit)])
    assert [file.instrument for file in plots.images] == ["ACIS-S"]
    assert len(plots.curves) == 2


def test_many_lists_are_counted_and_not_drawn(tmp_path: Path) -> None:
    path = write_list(tmp_path / "a.fits", [fits.Column("TIME", "D", array=np.arange(9.0))])
    layout = Layout(tmp_path / "archive")
    names = [f"obsid00085374001-instXRT-subexp{number:03d}-finalevents.fits" for number in range(MOST_LISTS + 3)]
    plots = list_plots(layout, [delivered(layout, dict.fromkeys(names, path))])
    assert len(plots.curves) == MOST_LISTS
    assert [plot.caption for plot in plots.problems] == ["3 more event lists are not drawn; the table lists them"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([fits.Column("PI", "J", array=[1])], "neither sky coordinates nor times"),
        ([fits.Column("TIME", "D", array=np.zeros(0))], "does not contain any event"),
        ([fits.Column("TIME", "2D", array=np.zeros((3, 2)))], "expected the columns TIME with one number a row"),
    ],
)
def test_lists_that_cannot_be_drawn_give_the_reason(tmp_path: Path, columns: list[fits.Column], message: str) -> None:
    with pytest.raises(CorruptFileError, match=message):
        read_list(write_list(tmp_path / "a.fits", columns))
