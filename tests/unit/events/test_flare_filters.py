"""Light curves and flare filters: SAS's curves and GTIs, espfilt's printed numbers, injected flares."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from daxa_wf.errors import UnfitDataError
from daxa_wf.events.flare_filters import (
    CORNER,
    FOV,
    Fit,
    FlareInputs,
    FlareParameters,
    Histogram,
    ratio,
    sn_optimal,
    threshold,
)
from daxa_wf.events.flare_filters.gaussian import fit_gaussian
from daxa_wf.events.flare_filters.histogram import fit_peak, fit_range, histogram_peak, rate_histogram, smoothed_rate
from daxa_wf.events.gti import complement, intersection, normalise, total
from daxa_wf.events.gti_files import read_gti
from daxa_wf.events.light_curve import LightCurve, counts_in_bins, light_curves, rate_table
from daxa_wf.fits.tables import write_tables
from daxa_wf.observatories.xmm.native import esas19
from daxa_wf.observatories.xmm.native.espfilt import EspfiltResult, espfilt
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES, EpicEventList
from daxa_wf.observatories.xmm.native.flare_filters import FLARE_FILTERS
from daxa_wf.observatories.xmm.native.qdp import (
    FIT_LINE,
    FOV_ACCEPTED,
    MODEL,
    SAMPLES,
    SELECTION_LINE,
    X,
    read_histogram,
    read_qdp,
    write_qdp,
)
from daxa_wf.observatories.xmm.native.regions import FIN_FOUT_AREA_RATIO

LISTS = {"M1": "P0001730201M1S002MIEVLI.FTZ", "M2": "P0001730201M2S003MIEVLI.FTZ"}
HISTOGRAM_UNITS = ("0999990101PNS003", "0999990101M1S001", "0999990101M2S002", "0999990101M2U002", "0999990201PNS003")


def parameters(unit: str, **changes: object) -> FlareParameters:
    return FlareParameters(**{"rangescale": 15.0 if "PN" in unit else 6.0, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("instrument", LISTS)
def test_curves_equal_evselect_bin_by_bin(exod: Path, instrument: str) -> None:
    with fits.open(exod / f"{instrument}_rate.fits") as hdus:
        header, real = hdus["RATE"].header, hdus["RATE"].data
    curve = light_curves(EpicEventList.open(exod / LISTS[instrument]), {"": header["SLCTEXPR"]}, 100)[""]
    assert len(curve.counts) == len(real) == 260
    for mine, column in ((curve.rate, "RATE"), (curve.error, "ERROR"), (curve.centres, "TIME")):
        assert np.array_equal(mine, real[column]), column


@pytest.mark.parametrize("instrument", LISTS)
def test_threshold_equals_tabgtigen(exod: Path, instrument: str) -> None:
    events = EpicEventList.open(exod / LISTS[instrument])
    result = espfilt(events, "threshold", FlareParameters(threshold=0.4))
    assert np.array_equal(result.flares.gti, read_gti(exod / f"{instrument}_gti.fits"))


def test_curve_of_known_times() -> None:
    times = np.array([10.0, 10.9, 11.0, 14.99, 9.9, 15.0])
    curve = LightCurve(10.0, 1.0, counts_in_bins(times, 10.0, 1.0, 5))
    assert curve.counts.tolist() == [2, 1, 0, 0, 1]
    assert curve.rebinned(2).counts.tolist() == [3, 0, 1]
    assert curve.rebinned(2).rate.tolist() == [1.5, 0, 0.5]
    assert curve.exposed(np.array([[10.5, 12.0]])).tolist() == [0.5, 1, 0, 0, 0]


def test_rate_file_is_ogip(tmp_path: Path) -> None:
    curve = LightCurve(0.0, 10.0, np.arange(30, 50, 2))
    write_tables(tmp_path / "rate.fits", [rate_table(curve, 100.0, np.array([[0.0, 95.0]]), XMM_TIMES)], "test")
    with fits.open(tmp_path / "rate.fits", checksum=True) as hdus:
        hdus.verify("exception")
        assert hdus["RATE"].data["RATE"].tolist() == curve.rate.tolist()
        assert hdus["RATE"].data["FRACEXP"].tolist() == [1.0] * 9 + [0.5]
        assert (hdus["RATE"].header["HDUCLAS1"], hdus["RATE"].header["TIMEDEL"]) == ("LIGHTCURVE", 10.0)


# --- espfilt 4.3: the genuine log of 0204310101 M1 S001 determines the arithmetic ---


@pytest.fixture(scope="module")
def log(real_data: Path) -> str:
    return (real_data / "logs" / "espfilt_0204310101_M1S001_stdout.log").read_text()


def printed(log: str, pattern: str) -> list[float]:
    match = re.search(pattern, log)
    assert match, pattern
    return [float(value) for value in match.groups()]


FIRST_PASS = r"pre-amoeba: low =\s+(\d+) peak =\s+(\d+) high =\s+(\d+)"
SECOND_PASS = r"2nd amoeba: low =\s+(\d+) peak =\s+(\d+) high =\s+(\d+)"


def test_histogram_bins_are_those_the_log_prints(log: str) -> None:
    (width,) = printed(log, r"histo binwidth =\s+([\d.]+)")
    (bins,) = printed(log, r"actual bins \(nverls\) =\s+(\d+)")
    _, peak, _ = printed(log, FIRST_PASS)
    _, rate, _ = printed(log, r"pre-amoeba parms =\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)")
    histogram = rate_histogram(np.array([0.5]), 51, (0.1, 6.5))
    assert len(histogram.rates) == bins
    assert round(histogram.rates[1] - histogram.rates[0], 4) == width
    assert round(histogram.rates[int(peak) - 1], 3) == rate


@pytest.mark.parametrize("pattern", [FIRST_PASS, SECOND_PASS])
def test_fit_ranges_are_those_the_log_prints(log: str, pattern: str) -> None:
    low, peak, high = printed(log, pattern)
    fitted = fit_range(int(peak) - 1, 6.0, 658)
    assert (fitted.start + 1, fitted.stop) == (low, high)


PASSES = (
    (FIRST_PASS, r"pre-amoeba parms", r"1st rl"),
    (SECOND_PASS, r"2nd parms", r"2nd rl"),
    (r"3rd amoeba: low =\s+(\d+) peak =\s+(\d+) high =\s+(\d+)", r"3rd parms", r"3rd rl"),
)
THREE_NUMBERS = r" =\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)"


def test_passes_start_where_the_log_says_that_they_start(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fit is replaced by what espfilt's search found; ranges and start values of all passes are then those it prints."""
    found = [printed(log, result + THREE_NUMBERS) for _, _, result in PASSES]
    fits_found = iter([Fit(norm, centre, width) for norm, centre, width in found])
    passes: list[tuple[slice, Fit]] = []

    def searched(histogram: Histogram, start: Fit) -> Fit:
        passes.append((histogram.fitted, start))
        return next(fits_found)

    monkeypatch.setattr("daxa_wf.events.flare_filters.histogram.fit_gaussian", searched)
    histogram = rate_histogram(np.array([0.5]), 51, (0.1, 6.5))
    _, peak, _ = printed(log, FIRST_PASS)
    samples = np.zeros(len(histogram.rates))
    samples[int(peak) - 1] = 1304
    fit, _, findings = fit_peak(Histogram(histogram.rates, samples, histogram.fitted, 51), 6.0)
    assert len(passes) == len(PASSES)
    for (fitted, start), (places, parameters, _) in zip(passes, PASSES, strict=True):
        low, _, high = printed(log, places)
        _, rate, width = printed(log, parameters + THREE_NUMBERS)
        assert (fitted.start + 1, fitted.stop) == (low, high)
        assert (round(start.centre, 3), start.width) == (rate, width)
    assert passes[0][1].norm == printed(log, r"pre-amoeba parms" + THREE_NUMBERS)[0]
    assert [fit.norm, fit.width, fit.centre] == printed(log, NORMALISATION)
    assert findings == ()


NORMALISATION = r"Norm =\s+([\d.]+) Width =\s+([\d.]+) Center =\s+([\d.]+)"


def test_the_model_of_the_printed_fit_has_the_printed_counts(log: str) -> None:
    norm, width, centre = printed(log, NORMALISATION)
    fit = Fit(norm, centre, width)
    for places, samples in (
        (FIRST_PASS, r"pre-amoeba: cnts\(low\) =\s+(\d+) cnts\(peak\) =\s+(\d+) cnts\(high\) =\s+(\d+)"),
        (SECOND_PASS, r"2nd amoeba: cnts\(low\) =\s+(\d+) cnts\(peak\)=\s+(\d+) cnts\(high\) =\s+(\d+)"),
    ):
        for position, expected in zip(printed(log, places), printed(log, samples), strict=True):
            assert fit.model(np.array([0.1 + (position - 1) / 51]))[0] == pytest.approx(expected, rel=0.08)


def test_the_highest_smoothed_rate_is_a_count_over_the_window(log: str) -> None:
    (highest,) = printed(log, r"max LC value =\s+([\d.]+)")
    curve = LightCurve(0.0, 1.0, np.concatenate([np.zeros(100, int), np.full(43, 4), np.zeros(100, int)]))
    assert round(float(smoothed_rate(curve, 51, np.ones(243, bool)).max()), 3) == highest


def test_smoothing_is_zero_at_ends_and_over_gaps() -> None:
    curve = LightCurve(0.0, 1.0, np.ones(300, int))
    observed = np.ones(300, bool)
    observed[150] = False
    smoothed = smoothed_rate(curve, 51, observed)
    assert np.flatnonzero(smoothed == 0).tolist() == [*range(25), *range(125, 176), *range(275, 300)]
    assert set(smoothed[smoothed > 0]) == {1.0}


def test_fit_finds_the_gaussian_it_was_given() -> None:
    rates = np.linspace(0, 2, 101)
    histogram = Histogram(rates, Fit(500, 0.8, 0.15).model(rates), slice(20, 61))
    found = fit_gaussian(histogram, Fit(400, 0.7, 0.1))
    assert (found.norm, found.centre, found.width) == pytest.approx((500, 0.8, 0.15), rel=1e-3)


# --- injected flares ---


@pytest.mark.parametrize("unit", HISTOGRAM_UNITS)
def test_injected_flares_are_cut_and_quiet_time_is_kept(observatory: Path, truth: dict, unit: str) -> None:
    told = truth[unit]
    result = espfilt(EpicEventList.open(observatory / told["file"]), "histogram", parameters(unit))
    good = np.array(told["good"])
    flared = intersection(normalise(told["flares"] or np.empty((0, 2))), good)
    quiet = intersection(complement(flared, good[0, 0], good[-1, 1]), good)
    if len(flared):
        assert 1 - total(intersection(result.gti, flared)) / total(flared) >= 0.99
    assert 1 - total(intersection(result.gti, quiet)) / total(quiet) <= 0.02
    assert result.flares.fit is not None
    assert result.flares.fit.centre == pytest.approx(told["quiet_rate"], rel=0.02)


@pytest.mark.parametrize("method", ["esas19", "sn_optimal"])
def test_other_filters_cut_injected_flares(observatory: Path, truth: dict, method: str) -> None:
    for unit in HISTOGRAM_UNITS[:4]:
        told = truth[unit]
        result = espfilt(EpicEventList.open(observatory / told["file"]), method, parameters(unit))
        flared = intersection(normalise(told["flares"]), np.array(told["good"]))
        assert 1 - total(intersection(result.gti, flared)) / total(flared) >= 0.99
        assert result.kept > 0.85 * (total(result.good) - total(flared))


def test_what_espfilt_refuses_has_its_name(observatory: Path, truth: dict) -> None:
    all_flared = EpicEventList.open(observatory / truth["0999990201M2S002"]["file"])
    with pytest.raises(UnfitDataError, match="noCounts: All histo counts are zero"):
        espfilt(all_flared, "histogram", FlareParameters())
    with pytest.raises(UnfitDataError, match="noGoodTime"):
        espfilt(all_flared, "threshold", FlareParameters(threshold=0.01))
    small = EpicEventList.open(observatory / truth["0999990201PNS003"]["file"])
    small.header["SUBMODE"] = "PrimeSmallWindow"
    for method, flare_filter in FLARE_FILTERS.items():
        if flare_filter.needs_corners:
            with pytest.raises(UnfitDataError, match="noPNSmallWindow"):
                espfilt(small, method, FlareParameters())
    assert espfilt(small, "sn_optimal", FlareParameters()).kept > 0


def curve_inputs(counts: np.ndarray, corner: np.ndarray | None = None) -> FlareInputs:
    curves = {FOV: LightCurve(0.0, 1.0, counts)} | ({} if corner is None else {CORNER: LightCurve(0.0, 1.0, corner)})
    return FlareInputs(curves, np.array([[0.0, float(len(counts))]]), float(len(counts)), FIN_FOUT_AREA_RATIO["M1"])


def test_degenerate_curves_are_refused() -> None:
    for name, flare_filter in FLARE_FILTERS.items():
        if name == "threshold":
            continue
        with pytest.raises(UnfitDataError, match="noCounts"):
            flare_filter.function(curve_inputs(np.zeros(2000, int), np.zeros(2000, int)), FlareParameters())
    with pytest.raises(UnfitDataError, match="shorter than the smoothing window"):
        histogram_peak(curve_inputs(np.ones(40, int)), FlareParameters())
    with pytest.raises(UnfitDataError, match="gaussian"):
        histogram_peak(curve_inputs(np.ones(500, int)), FlareParameters())


def test_wider_limits_keep_more() -> None:
    counts = np.random.default_rng(3).poisson(0.9, 20_000)
    kept = [
        total(histogram_peak(curve_inputs(counts), FlareParameters(allowsigma=sigma)).gti) for sigma in (0.5, 1, 2, 3)
    ]
    assert kept == sorted(kept)
    assert kept[0] < 0.6 * 20_000 < 0.98 * 20_000 < kept[-1]


# --- esas19: the steps of a reproduced run ---


def test_esas19_steps() -> None:
    rate = np.zeros(200)
    rate[100] = 61.0
    smoothed = esas19.cut_moving_mean(rate)
    assert smoothed[[69, 70, 130, 131]] == pytest.approx([0, 1, 1, 0])
    assert esas19.cut_moving_mean(np.arange(200.0))[0] == pytest.approx(np.arange(31).mean())
    histogram = esas19.rate_histogram(np.array([0.475] * 10))
    assert np.flatnonzero(histogram.samples).tolist() == [21, 22, 23, 24, 25]
    assert histogram.samples[23] == pytest.approx(2.0)
    assert histogram.rates[23] == pytest.approx(0.47)


def test_esas19_limits_and_bins() -> None:
    counts = np.random.default_rng(8).poisson(0.8, 28_154)
    counts[6000:7200] += np.random.default_rng(9).poisson(3, 1200)
    result = esas19.esas19(curve_inputs(counts), FlareParameters())
    assert result.fit is not None
    assert result.fit.divisor == 1
    assert result.limits == pytest.approx(
        (result.fit.centre + 0.01 - 1.5 * result.fit.width, result.fit.centre + 0.01 + 1.5 * result.fit.width)
    )
    assert len(result.value) == 470
    assert result.value[-1] == pytest.approx(counts[469 * 60 :].sum() / 14)
    assert not result.accepted[100:120].any()
    assert result.accepted[:100].mean() > 0.9


def test_sn_optimal_cut_is_the_best_of_all_cuts() -> None:
    rng = np.random.default_rng(5)
    exposure = rng.uniform(30, 60, 50)
    counts = rng.poisson(exposure * rng.choice([1.0, 1.0, 9.0], 50))
    rate = counts / exposure
    best = max(rate, key=lambda cut: exposure[rate <= cut].sum() / np.sqrt(max(counts[rate <= cut].sum(), 1)))
    assert sn_optimal.optimal_cut(rate, exposure, counts) == best


# --- what is judged ---


def test_threshold_judges_counts_per_second_of_bin_so_that_a_half_observed_bin_may_pass() -> None:
    """A bin of 100 s with 50 s of good time and 30 counts has 0.6 count/s when observed, and 0.3 in tabgtigen's table."""
    curve = LightCurve(0.0, 100.0, np.array([20, 30, 60, 20]))
    good = np.array([[0.0, 150.0], [200.0, 400.0]])
    result = threshold.threshold(FlareInputs({FOV: curve}, good, 400.0), FlareParameters(threshold=0.35))
    assert result.quantity.axis == "counts per second of bin (count/s)"
    assert result.value == pytest.approx([0.2, 0.3, 0.6, 0.2])
    assert result.error == pytest.approx(np.sqrt([20, 30, 60, 20]) / 100)
    assert result.accepted.tolist() == [True, True, False, True]


def test_ratio_judges_a_ratio_and_says_so_in_its_limits() -> None:
    seconds = 60 * 40
    rng = np.random.default_rng(4)
    inside, outside = rng.poisson(1.0, seconds), rng.poisson(0.4, seconds)
    inside[: seconds // 2] *= 3
    parameters = FlareParameters(ratio=1.2)
    result = ratio.ratio(curve_inputs(inside, outside), parameters)
    expected = inside.reshape(len(result.value), -1).sum(axis=1) / outside.reshape(len(result.value), -1).sum(axis=1)
    assert result.value == pytest.approx(expected / 2.261)
    assert np.array_equal(result.accepted, result.value < 1.2)
    assert result.quantity.axis == "counts per area, field of view / corners"
    assert result.quantity.within(result.limits) == "ratios 0.000 to 1.200"
    counts = [each.reshape(len(result.value), -1).sum(axis=1) for each in (inside, outside)]
    assert result.error == pytest.approx(result.value * np.sqrt(1 / counts[0] + 1 / counts[1]))
    assert FLARE_FILTERS["ratio"].describe(parameters, result).startswith("method=ratio: counts per area")


def test_a_refusal_names_the_quantity_that_is_judged(observatory: Path, truth: dict) -> None:
    events = EpicEventList.open(observatory / truth["0999990101M1S001"]["file"])
    with pytest.raises(UnfitDataError, match=r"noGoodTime: no time has ratios 0\.000 to 0\.010: all of it is flared"):
        espfilt(events, "ratio", FlareParameters(ratio=0.01))


# --- QDP ---


def test_qdp_holds_fit_limits_and_accepted_bins(observatory: Path, truth: dict, tmp_path: Path) -> None:
    unit = "0999990101M1S001"
    result: EspfiltResult = espfilt(
        EpicEventList.open(observatory / truth[unit]["file"]), "histogram", parameters(unit)
    )
    write_qdp(tmp_path / "hist.qdp", result, 'a "title"')
    rows = read_qdp(tmp_path / "hist.qdp")
    flares = result.flares
    assert flares.fit is not None
    assert flares.histogram is not None
    drawn = rows[rows[:, MODEL] >= 0]
    assert drawn[:, SAMPLES].sum() == flares.histogram.samples.sum()
    assert np.allclose(drawn[:, MODEL], flares.fit.model(flares.histogram.rates), rtol=1e-5, atol=1e-5)
    assert np.unique(rows[rows[:, SELECTION_LINE] >= 0][:, X]) == pytest.approx(flares.limits, rel=1e-6)
    assert len(np.unique(rows[rows[:, FIT_LINE] >= 0][:, X])) == 2
    assert np.count_nonzero(rows[:, FOV_ACCEPTED] >= 0) == flares.accepted.sum()
    found = read_histogram(tmp_path / "hist.qdp")
    assert found is not None
    assert found.samples == pytest.approx(flares.histogram.samples)
    assert found.limits == pytest.approx(flares.limits, rel=1e-6)
    assert (found.centre, found.width) == (round(flares.fit.centre, 3), round(flares.fit.width, 3))


EMPTY_CURVES = (-1, 0, -1, 0, -1, 0, -1, 0)


SAS_ROWS = [
    [0.45, 2381.8, 48.804, 2287.63, *EMPTY_CURVES, -1, -1],
    [0.47, 2393.4, 48.922, 2371.396, *EMPTY_CURVES, -1, -1],
    [0.49, 2320.4, 48.171, 2347.829, *EMPTY_CURVES, -1, -1],
    [28146.5, -1, 0, -1, 0.5, 0.1, -1, 0, -1, 0, -1, 0, -1, -1],
    *([rate, -1, 0, -1, *EMPTY_CURVES, top, -1] for rate in (0.288, 0.684) for top in (0, 2826.533)),
    *([rate, -1, 0, -1, *EMPTY_CURVES, -1, top] for rate in (0.24, 0.7) for top in (0, 2826.533)),
]  # fmt: skip
"""Some of 0762870601 M1 S001, as SAS 19's espfilt wrote them: histogram, a bin of the light curve, limits."""


def test_a_histogram_is_read_as_sas_writes_it(tmp_path: Path) -> None:
    labels = ["Fit Norm:  2375.8", "Fit Width:   0.132 c/s", "Fit Center:   0.476 c/s"]
    lines = [
        " viewport 0.05 0.05 0.98 0.89", " r x1 0    5.0000000000000000     ", " win 1",
        *(f'la {number} p     3.9000   2422.74 cs 0.8 just left "{label}"' for number, label in enumerate(labels, 14)),
        *("".join(f"{value:{15 if column == 0 else 10}.3f}" for column, value in enumerate(row)) for row in SAS_ROWS),
    ]  # fmt: skip
    (tmp_path / "hist.qdp").write_text("\n".join(lines) + "\n")
    found = read_histogram(tmp_path / "hist.qdp")
    assert found is not None
    assert found.rates.tolist() == [0.45, 0.47, 0.49]
    assert found.samples.tolist() == [2381.8, 2393.4, 2320.4]
    assert found.model.tolist() == [2287.63, 2371.396, 2347.829]
    assert (found.limits, found.fitted) == ((0.288, 0.684), (0.24, 0.7))
    assert (found.norm, found.width, found.centre) == (2375.8, 0.132, 0.476)
    model = Fit(found.norm, found.centre, found.width, divisor=1).model(found.rates)
    assert model == pytest.approx(found.model, rel=0.005)
    for missing in ("Fit Norm", "    0.700", "2393.4"):
        rest = "\n".join(line for line in lines if missing not in line)
        (tmp_path / "other.qdp").write_text(rest)
        other = read_histogram(tmp_path / "other.qdp")
        assert (other is None) == (missing == "Fit Norm")
    (tmp_path / "other.qdp").write_text("no numbers\n1 2 3\n")
    assert read_histogram(tmp_path / "other.qdp") is None


def test_every_filter_says_where_it_comes_from() -> None:
    assert list(FLARE_FILTERS) == ["histogram", "esas19", "threshold", "sn_optimal", "ratio"]
    assert all(each.source and each.description for each in FLARE_FILTERS.values())
    page = (Path(__file__).parents[3] / "docs" / "flare_filters.md").read_text()
    assert all(f"`{name}`" in page for name in FLARE_FILTERS)
