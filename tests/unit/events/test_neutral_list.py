"""The neutral event list reads genuine lists of missions that have no class of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from daxa_wf.errors import CorruptFileError
from daxa_wf.events.event_list import EventList
from daxa_wf.events.gti import contains, total
from daxa_wf.events.image import bin_images, channels
from daxa_wf.events.inspection import inspect
from daxa_wf.events.light_curve import light_curves
from daxa_wf.events.rewrite import Changes, rewrite
from daxa_wf.events.sky_grid import covering

LISTS = (
    "nicer/1e2259_ni1020600110.fits",
    "swift/sw00085374001xpcw3po_cl.evt.gz",
    "nustar/nu90410111001A06_cl_sunpos.evt",
    "chandra/acisf28229_repro_evt2.fits",
    "xrism/TEST_calpix_cl2.evt",
)


@pytest.fixture(params=LISTS)
def genuine(request: pytest.FixtureRequest, real_data: Path) -> Path:
    path = real_data / request.param
    if not path.exists():
        pytest.skip(f"{request.param} is not among these files")
    return path


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
def test_events_and_good_times_are_those_of_astropy(genuine: Path) -> None:
    events = EventList.open(genuine)
    with fits.open(genuine) as hdus:
        table, header = hdus["EVENTS"].data, hdus["EVENTS"].header
        good = next(hdu for hdu in hdus if hdu.name.removeprefix("STD").startswith("GTI")).data
        seconds = float(np.sum(good["STOP"] - good["START"]))
        assert np.array_equal(events.columns("TIME")["TIME"], table["TIME"])
    assert total(events.good_time) == pytest.approx(seconds)
    assert events.identity.obsid == str(header["OBS_ID"]).strip()
    assert events.time_system.mjdref == pytest.approx(header.get("MJDREF", header.get("MJDREFI", 0)), abs=1.0)


def test_a_light_curve_counts_the_events_of_the_exposure(genuine: Path) -> None:
    events = EventList.open(genuine)
    energy = next(name for name in ("PI", "ENERGY") if name in events.column_names)
    start, stop = events.time_range
    curve = light_curves(events, {"all": f"{energy} >= 0"}, 100.0)["all"]
    columns = events.columns("TIME", energy)
    within = (columns["TIME"] >= start) & (columns["TIME"] < curve.edges[-1]) & (columns[energy] >= 0)
    assert curve.counts.sum() == np.count_nonzero(within) > 0
    assert curve.edges[-1] >= stop


def test_a_selection_is_written_with_its_good_times(genuine: Path, tmp_path: Path) -> None:
    events = EventList.open(genuine)
    middle = float(np.median(events.columns("TIME")["TIME"]))
    first_half = np.array([[events.time_range[0], middle]])
    name = events.gti_table_names[0]
    changes = Changes(
        "first half", lambda rows: contains(first_half, rows["TIME"].astype(float)), tables={name: first_half}
    )
    written = rewrite(events, tmp_path / "half.fits", changes)
    half = EventList.open(tmp_path / "half.fits")
    assert 0 < half.row_count == written.selected < written.rows == events.row_count
    assert half.columns("TIME")["TIME"].max() <= middle
    assert total(half.good_time) == pytest.approx(middle - events.time_range[0])
    assert [each["name"] for each in inspect([half]) if "CHECKSUM" in each["text"]] == []


def test_an_image_has_every_event_at_its_place_on_the_sky(genuine: Path) -> None:
    events = EventList.open(genuine)
    if not {"X", "Y"} <= set(events.column_names):
        with pytest.raises(CorruptFileError, match="lacks X"):
            _ = events.plane
        return
    columns = events.columns("X", "Y", "PI")
    x, y = (columns[name].astype(float) for name in ("X", "Y"))
    inside = np.isfinite(x) & np.isfinite(y)
    grid = covering(
        float(x[inside].min()), float(x[inside].max()) + 8, float(y[inside].min()), float(y[inside].max()) + 8, 8.0
    )
    (image,) = bin_images(events, [channels(-(2**15), 2**31 - 1)], grid)
    assert image.counts.sum() == np.count_nonzero(inside)
    header = fits.Header([(card, value) for card, value, _ in grid.cards(events.plane)])
    (row, column) = np.unravel_index(int(image.counts.argmax()), grid.shape)
    ra, dec = WCS(header).all_pix2world(column, row, 0)
    centres = grid.centres()
    expected = events.plane.sky(centres[0][column], centres[1][row])
    assert (float(ra), float(dec)) == pytest.approx(tuple(map(float, expected)), abs=1e-7)
