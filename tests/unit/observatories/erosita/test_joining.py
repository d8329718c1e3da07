"""Lists of several telescope modules become one."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import StepFailedError
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.joining import join
from daxa_wf.observatories.erosita.native.telescope_modules import select_modules


@pytest.fixture
def parts(event_file, tmp_path):
    """The seven telescope modules of a list, as two lists."""

    def make(obsid):
        paths = {modules: tmp_path / f"{modules[0]}.fits" for modules in ((1, 2, 3, 4, 6), (5, 7))}
        for modules, path in paths.items():
            select_modules(event_file(obsid), modules, path)
        return [ErositaEventList.open(path) for path in paths.values()]

    return make


@pytest.mark.parametrize("obsid", ["700195", "134135"])
def test_nothing_is_lost_or_changed(event_file, parts, tmp_path, obsid):
    """Every event and every table of the whole list, byte by byte; FLAG with its highest bit."""
    whole = event_file(obsid)
    assert join(parts(obsid), range(1, 8), tmp_path / "joined.fits") == whole.row_count
    with fits.open(whole.path) as old, fits.open(tmp_path / "joined.fits", checksum=True) as new:
        assert sorted(hdu.name for hdu in new) == sorted(hdu.name for hdu in old)
        order = np.argsort(np.isin(old["EVENTS"].data["TM_NR"], (5, 7)), kind="stable")
        dtype = old["EVENTS"].data.dtype
        rows = [np.frombuffer(each["EVENTS"].data.tobytes(), dtype) for each in (old, new)]
        assert rows[0][order].tobytes() == rows[1].tobytes()
        assert (rows[1]["FLAG"] < 0).sum() > 100
        for hdu in old[2:]:
            assert new[hdu.name].data.tobytes() == hdu.data.tobytes(), hdu.name
            assert new[hdu.name].header["INSTRUME"] == "merged"
        header = new["EVENTS"].header
        assert [header[f"INSTRUM{n}"] for n in range(1, 8)] == [f"TM{n}" for n in range(1, 8)]
        assert (header["NINST"], header["TSTART"]) == (7, old["EVENTS"].header["TSTART"])
    again = ErositaEventList.open(tmp_path / "joined.fits")
    assert again.observation == whole.observation
    for module, good in whole.gtis.items():
        np.testing.assert_array_equal(again.gtis[module], good)


def test_some_modules_of_several_lists(parts, tmp_path):
    lists = parts("700195")
    rows = join(lists, (2, 7), tmp_path / "two.fits")
    joined = ErositaEventList.open(tmp_path / "two.fits")
    assert joined.observation.modules == (2, 7)
    assert {module for _, module in joined.module_tables} == {2, 7}
    times = [chunk["TM_NR"].copy() for chunk in joined.chunks()]
    assert rows == joined.row_count == sum(len(each) for each in times)
    assert set(np.concatenate(times)) == {2, 7}


def test_the_time_spans_all_lists(parts, tmp_path):
    first, second = parts("700195")
    with fits.open(second.path, mode="update") as hdus:
        hdus["EVENTS"].header["TSTOP"] += 100.0
        hdus["EVENTS"].header["DATE-END"] = "2030-01-01T00:00:00"
        hdus["EVENTS"].header["TSTART"] += 50.0
    second = ErositaEventList.open(second.path)
    join([second, first], range(1, 8), tmp_path / "joined.fits")
    with fits.open(tmp_path / "joined.fits") as hdus:
        for name in ("PRIMARY", "EVENTS", "CORRATT1"):
            header = hdus[name].header
            assert (header["TSTART"], header["TSTOP"]) == (first.time_range[0], second.time_range[1])
            assert header["DATE-END"] == "2030-01-01T00:00:00"


def test_another_plane_is_reprojected_to_the_first(parts, tmp_path):
    """By RA and DEC, to whole pixels where the format has these."""
    first, second = parts("700195")
    second.header[f"TCRVL{second.column_number('X')}"] += 0.2
    rows = fits.getdata(second.path, "EVENTS")
    expected = first.plane.pixel(rows["RA"], rows["DEC"])
    assert second.plane != first.plane
    join([first, second], range(1, 8), tmp_path / "joined.fits")
    rows = fits.getdata(tmp_path / "joined.fits", "EVENTS")
    moved = rows[np.isin(rows["TM_NR"], (5, 7))]
    np.testing.assert_array_equal(moved["X"], np.rint(expected[0]))
    np.testing.assert_array_equal(moved["Y"], np.rint(expected[1]))


@pytest.mark.parametrize(
    ("card", "value", "text"),
    [
        ("OBS_ID", "700196", "they are of 700195 and 700196"),
        ("FILTER", "OPEN", "their filters are FILTER and OPEN"),
        ("INSTRUM1", "TM2", "both have TM2"),
        ("TZERO14", 5, "their columns are not the same"),
    ],
)
def test_lists_that_do_not_belong_together(parts, tmp_path, card, value, text):
    first, second = parts("700195")
    with fits.open(second.path, mode="update") as hdus:
        hdus["EVENTS"].header[card] = value
    with pytest.raises(StepFailedError, match=text) as caught:
        join([first, ErositaEventList.open(second.path)], range(1, 8), tmp_path / "joined.fits")
    assert caught.value.name == "listsDiffer"
