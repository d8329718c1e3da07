from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from daxa_wf.errors import ConfigError, UnfitDataError
from daxa_wf.events.gti import NONE, intersection, total
from daxa_wf.events.rewrite import Changes, rewrite
from daxa_wf.observatories.erosita.flare_options import FixedLimits, FlaregtiOptions, GaussianLimits
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.observatories.erosita.native.flare_products import (
    write_flare_events,
    write_light_curve,
    write_mask,
    write_threshold_image,
)
from daxa_wf.observatories.erosita.native.flaregti import flaregti
from daxa_wf.observatories.erosita.native.telescope_modules import select_modules
from daxa_wf_simulator.erosita import write_event_file
from daxa_wf_simulator.erosita_targets import TARGETS
from daxa_wf_simulator.truth import Flare

pytestmark = pytest.mark.filterwarnings("error::astropy.utils.exceptions.AstropyUserWarning")
"""A wrong checksum is a warning of astropy's."""


def shares(result, truth):
    """Parts of flare time that were cut, and of quiet time that were lost, over all telescope modules."""
    flare, quiet = np.array(truth.flares), np.array(truth.quiet)
    sums = np.zeros((2, 2))
    for module, good in result.good.items():
        for row, time in enumerate((flare, quiet)):
            seen = intersection(time, good)
            sums[row] += total(seen), total(intersection(seen, result.gti[module]))
    return 1 - sums[0, 1] / sums[0, 0], 1 - sums[1, 1] / sums[1, 0]


@pytest.mark.parametrize("obsid", ["700195", "700199", "134135"])
@pytest.mark.parametrize(
    "options",
    [FlaregtiOptions(), FlaregtiOptions(pimin="5 keV"), GaussianLimits()],
    ids=["default", "hard", "gaussian"],
)
def test_injected_flares(event_file, erosita, obsid, options):
    result = flaregti(event_file(obsid), options)
    cut, lost = shares(result, erosita[1][obsid])
    assert cut >= 0.99
    assert lost < 0.03
    for module, gti in result.gti.items():
        assert total(intersection(gti, result.good[module])) == pytest.approx(total(gti), abs=1e-6)
        assert result.kept(module) + result.removed(module) == pytest.approx(total(result.good[module]))


POINTING = replace(TARGETS[1], duration=2600.0, flares=(Flare(500, 800, 12, 20), Flare(1500, 1900, 6, 60)))
SCANS = replace(
    TARGETS[2], sources=(),
    flares=(Flare(3 * 14_400 - 5, 3 * 14_400 + 185, 10, 1), Flare(5 * 14_400 + 60, 5 * 14_400 + 200, 10, 10)),
)  # fmt: skip
"""A flare over a whole scan, and one that begins in another."""
EDGES, HARD, GAUSSIAN = FlaregtiOptions(edge_like=4.0), FlaregtiOptions(pimin="5 keV"), GaussianLimits()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("target", "modules", "visits", "options", "most"),
    [
        (POINTING, (5, 6, 7), False, EDGES, 0.03),
        (POINTING, (5, 6, 7), False, GAUSSIAN, 0.03),
        (POINTING, (6,), False, GAUSSIAN, 0.03),
        (SCANS, (1, 2, 3, 4, 5, 6, 7), False, HARD, 0.03),
        (SCANS, (3,), False, GAUSSIAN, 0.03),
        (SCANS, (1, 2, 3, 4, 5, 6, 7), True, FlaregtiOptions(), 0.03),
        (SCANS, (3,), True, GAUSSIAN, 2.1 / 12),
    ],
    ids=["edges", "gaussian", "one module", "scans", "scans of one module", "visits", "visits of one module"],
)
def test_flares_with_ramps_in_pointings_scans_and_visits(tmp_path, seed, target, modules, visits, options, most):
    """Ramps of up to a minute; scans of three minutes, or visits of 40 s, four hours apart; one telescope module too.

    `most` of the quiet time may be lost: of the twelve quiet bins of one module's visits noise takes two with a seed.
    """
    file = f"c{'010' if target.scans else '001'}.fits"
    truth = write_event_file(tmp_path / file, replace(target, obsid=f"00000{seed}", file=file))
    select_modules(ErositaEventList.open(tmp_path / file), modules, tmp_path / "chosen.fits")
    events = ErositaEventList.open(tmp_path / "chosen.fits")
    if visits:
        tables = {f"GTI{module}": gti[:, :1] + [[70.0, 110.0]] for module, gti in events.gtis.items()}
        rewrite(events, tmp_path / "visits.fits", Changes("visits of 40 s", tables=tables))
        events = ErositaEventList.open(tmp_path / "visits.fits")
    cut, lost = shares(flaregti(events, options), truth)
    assert cut >= 0.99
    assert lost < most


def test_a_cut_that_keeps_high_flares_is_told(tmp_path, event_file):
    """The optimal cut of one telescope module in a few minutes: background hardly matters, so flares stay."""
    select_modules(event_file("134135"), (3,), tmp_path / "one.fits")
    one = ErositaEventList.open(tmp_path / "one.fits")
    assert [each.name for each in flaregti(one, FlaregtiOptions()).findings] == ["lenientCut"]
    assert flaregti(one, GaussianLimits()).findings == ()
    assert flaregti(event_file("700199"), FlaregtiOptions()).findings == ()


def test_edges_of_flares(tmp_path):
    """Bins that a low flare fills in part are kept by the optimal cut, and found by their excess if that is asked for."""
    flares = (Flare(614, 911, 4, 1), Flare(1914, 2211, 4, 1))
    truth = write_event_file(tmp_path / "c001.fits", replace(TARGETS[1], obsid="7", flares=flares))
    events = ErositaEventList.open(tmp_path / "c001.fits")
    plain, lost_plain = shares(flaregti(events, FlaregtiOptions()), truth)
    with_edges, lost = shares(flaregti(events, FlaregtiOptions(edge_like=4)), truth)
    assert plain < 0.98
    assert with_edges > 0.99
    assert lost_plain < lost < 0.03


def test_module_without_gti(event_file):
    result = flaregti(event_file("700195"), FlaregtiOptions())
    assert sorted(result.gti) == [1, 2, 3, 5, 6, 7]
    assert [each.name for each in result.findings] == ["noGoodTime"]
    assert "TM4" in result.findings[0].text


def test_bright_source_is_masked(event_file, erosita):
    for obsid in ("700195", "134135"):
        events = event_file(obsid)
        result = flaregti(events, FlaregtiOptions())
        (place,) = erosita[1][obsid].sources.values()
        pixel = result.grid.index(*(np.atleast_1d(value) for value in events.plane.pixel(*place)))
        assert not result.mask.ravel()[pixel[0]]
        assert 1 <= (~result.mask).sum() < 12


def test_curve_is_that_of_the_events(event_file):
    """Counts, area and exposure of every bin against the columns as astropy reads them."""
    events = event_file("700199")
    p = FlaregtiOptions(pimin="500 eV", pimax="8 keV", timebin="30 s", detml=1e9)
    curve = flaregti(events, p).judged[0].curve
    with fits.open(events.path) as hdus:
        rows = hdus["EVENTS"].data
        good = [(hdus[f"GTI{m}"].data["START"][0], hdus[f"GTI{m}"].data["STOP"][0]) for m in (5, 6, 7)]
    band = (rows["PI"] >= 500) & (rows["PI"] <= 8000) & (np.hypot(rows["X"], rows["Y"]) <= 37126.7)
    inside = np.zeros(len(rows), bool)
    for module, (begin, end) in zip((5, 6, 7), good, strict=True):
        inside |= (rows["TM_NR"] == module) & (rows["TIME"] >= begin) & (rows["TIME"] <= end)
    start = good[0][0]
    expected = np.histogram(rows["TIME"][band & inside], start + 30 * np.arange(len(curve.counts) + 1))[0]
    np.testing.assert_array_equal(curve.counts, expected)
    np.testing.assert_allclose(curve.seconds[5:-5], 30)
    assert curve.seconds.sum() == pytest.approx(np.mean([b - a for a, b in good]))
    np.testing.assert_allclose(curve.area, np.pi * (30.9389 / 60) ** 2, rtol=1e-3)
    np.testing.assert_allclose(curve.rate, expected / curve.seconds / curve.area)


def test_rate_of_the_survey_is_even(event_file):
    """The area is that of the field of view over the tile, so quiet bins differ by no more than counting."""
    curve = flaregti(event_file("134135"), FlaregtiOptions()).judged[0].curve
    far_from_the_source = np.abs(curve.y - 7200) > 20_000
    quiet = curve.judged & (curve.rate < 40) & far_from_the_source
    mean = curve.counts[quiet].sum() / curve.exposure[quiet].sum()
    chi_square = np.sum((curve.counts[quiet] - mean * curve.exposure[quiet]) ** 2 / (mean * curve.exposure[quiet]))
    assert quiet.sum() > 40
    assert mean == pytest.approx(14.0 / (np.pi * (30.94 / 60) ** 2), rel=0.1)
    assert chi_square / quiet.sum() < 1.6


def test_fixed_thresholds(event_file):
    events = event_file("700199")
    result = flaregti(events, FlaregtiOptions(threshold=12.0))
    judged = result.judged[0]
    np.testing.assert_array_equal(judged.cut, 12.0)
    np.testing.assert_array_equal(judged.quiet, judged.curve.rate <= 12.0)
    capped = flaregti(events, FlaregtiOptions(max_threshold=7.5)).judged[0]
    assert capped.cut.max() == 7.5
    limits = {"TM5": 0.4, "TM6": 1.0, "TM7": 50.0}
    each = flaregti(events, FixedLimits(thresholds=limits))
    assert [one.curve.modules for one in each.judged] == [(5,), (6,), (7,)]
    for one in each.judged:
        (module,) = one.curve.modules
        np.testing.assert_array_equal(one.quiet, one.curve.rate <= limits[f"TM{module}"])
    assert each.kept(5) < each.kept(6) < each.kept(7) == pytest.approx(total(each.good[7]))
    with pytest.raises(ConfigError, match=r"none for TM6"):
        flaregti(events, FixedLimits(thresholds={"TM5": 1.0}))


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
def test_files(event_file, tmp_path, sha256):
    """The raw file stays as it is; the new one differs in FLAREGTIn alone; products say what was found."""
    events = event_file("700195")
    before = sha256(events.path)
    result = flaregti(events, FlaregtiOptions())
    write_flare_events(events, result, tmp_path / "events.fits")
    write_light_curve(events, result, tmp_path / "lightcurve.fits")
    write_mask(events, result, tmp_path / "mask.fits")
    write_threshold_image(events, result, tmp_path / "threshold.fits")
    assert sha256(events.path) == before
    again = ErositaEventList.open(tmp_path / "events.fits")
    assert sorted(again.intervals("FLAREGTI")) == [1, 2, 3, 5, 6, 7]
    for module, gti in result.gti.items():
        np.testing.assert_array_equal(again.intervals("FLAREGTI")[module], gti)
        np.testing.assert_array_equal(again.gtis[module], events.gtis[module])
    with fits.open(events.path) as old, fits.open(tmp_path / "events.fits", checksum=True) as new:
        assert [hdu.name for hdu in new][: len(old)] == [hdu.name for hdu in old]
        for hdu in old[1:]:
            assert new[hdu.name].data.tobytes() == hdu.data.tobytes()
    _check_products(events, result, tmp_path)


def _check_products(events, result, folder):
    with fits.open(folder / "lightcurve.fits", checksum=True) as hdus:
        table, curve = hdus["RATE"].data, result.judged[0].curve
        np.testing.assert_array_equal(table["RATE"], curve.rate[curve.seconds > 0])
        assert table["TIME"][0] == curve.bins.start + 10
        assert hdus["RATE"].header["TIMEDEL"] == 20
    with fits.open(folder / "mask.fits", checksum=True) as hdus:
        np.testing.assert_array_equal(hdus[0].data, result.mask)
        np.testing.assert_array_equal(hdus[1].data, result.counts)
        ra, dec = WCS(hdus[0].header).wcs_pix2world(90.5, 90.5, 1)
        assert (float(ra), float(dec)) == (pytest.approx(events.plane.ra), pytest.approx(events.plane.dec))
    with fits.open(folder / "threshold.fits", checksum=True) as hdus:
        image = hdus[0].data
        assert image.shape == (18, 18)
        assert image[9, 9] == pytest.approx(result.judged[0].cut[0])
        assert np.isnan(image[0, 0])


def test_thresholds_of_the_survey_differ_by_region(event_file, tmp_path):
    events = event_file("134135")
    result = flaregti(events, FlaregtiOptions())
    write_threshold_image(events, result, tmp_path / "threshold.fits")
    image = fits.getdata(tmp_path / "threshold.fits")
    assert np.isfinite(image).sum() > 100
    cuts = result.judged[0].cut
    assert np.isin(np.unique(cuts[np.isfinite(cuts)]).astype(np.float32), image).all()
    each = flaregti(events, GaussianLimits())
    write_threshold_image(events, each, tmp_path / "each.fits")
    write_light_curve(events, each, tmp_path / "curves.fits")
    with fits.open(tmp_path / "each.fits") as hdus, fits.open(tmp_path / "curves.fits") as curves:
        assert [hdu.name for hdu in hdus[1:]] == [f"THRESH{m}" for m in range(1, 8)]
        assert [hdu.name for hdu in curves[1:]] == [f"RATE{m}" for m in range(1, 8)]


def test_other_gti_tables(event_file, tmp_path):
    """gtitype: tables of another kind are the input."""
    events = event_file("700199")
    start = events.time_range[0]
    half = {f"FLAREGTI{m}": np.array([[start, start + 1500.0]]) for m in (5, 6)}
    rewrite(events, tmp_path / "half.fits", Changes("test", tables=half))
    result = flaregti(ErositaEventList.open(tmp_path / "half.fits"), FlaregtiOptions(gtitype="FLAREGTI"))
    assert {module: result.kept(module) for module in result.gti} == {5: 1500, 6: 1500}


def test_unfit_data(event_file, tmp_path):
    events = event_file("700199")
    with pytest.raises(UnfitDataError, match=r"noCounts.*from 20000 to 30000 eV"):
        flaregti(events, FlaregtiOptions(pimin="20 keV", pimax="30 keV"))
    with pytest.raises(UnfitDataError, match=r"noGoodTime.*all of it is flared"):
        flaregti(events, FlaregtiOptions(threshold=0.0))
    empty = {f"GTI{module}": NONE for module in (5, 6, 7)}
    rewrite(events, tmp_path / "empty.fits", Changes("test", tables=empty))
    with pytest.raises(UnfitDataError, match=r"noGoodTime.*no good time in its tables GTIn"):
        flaregti(ErositaEventList.open(tmp_path / "empty.fits"), FlaregtiOptions())


def test_module_without_counts_is_not_cut(event_file, tmp_path):
    """One telescope module with good time and no event does not spoil the others."""
    events = event_file("700199")
    rewrite(events, tmp_path / "two.fits", Changes("test", keep=lambda rows: rows["TM_NR"] != 6))
    result = flaregti(ErositaEventList.open(tmp_path / "two.fits"), GaussianLimits())
    assert result.removed(6) == 0
    assert 250 < result.removed(5) < 450


def test_too_short_bins_are_told(event_file):
    result = flaregti(event_file("700199"), FlaregtiOptions(pimin="8 keV", timebin="5 s"))
    assert [each.name for each in result.findings] == ["fewCounts"]
