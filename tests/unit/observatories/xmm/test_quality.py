"""How good a cleaning is: genuine exposures, injected truth, the limits of De Luca & Molendi."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from daxa_wf.events.flare_filters import CORNER, FOV, Fit, FlareInputs, FlareParameters, FlareResult
from daxa_wf.events.flare_filters.histogram import histogram_peak
from daxa_wf.events.gti import contains, total
from daxa_wf.events.gti_files import write_gti
from daxa_wf.events.light_curve import LightCurve
from daxa_wf.events.quality import FitQuality, fit_quality
from daxa_wf.observatories.xmm.flare_options import SasEspfiltOptions
from daxa_wf.observatories.xmm.native.espfilt import EspfiltResult, espfilt
from daxa_wf.observatories.xmm.native.event_list import XMM_TIMES, EpicEventList
from daxa_wf.observatories.xmm.native.in_out import HardEvents, epic_in_out_ratio, why_no_in_out
from daxa_wf.observatories.xmm.native.qdp import write_qdp
from daxa_wf.observatories.xmm.steps.espfilt import sas_quality, sas_results, with_fit_in_qdp
from tests.unit.events.test_flare_filters import LISTS


def names(result: EspfiltResult) -> list[str]:
    return [
        *(each.name for each in result.flares.findings),
        *(each["name"] for each in result.quality.warnings("espfilt")),
    ]


@pytest.fixture(scope="module")
def mos1(exod: Path) -> tuple[EpicEventList, EspfiltResult]:
    events = EpicEventList.open(exod / LISTS["M1"])
    return events, espfilt(events, "histogram", FlareParameters())


def test_the_fit_over_a_second_hump_of_the_real_mos1_is_reported(mos1: tuple[EpicEventList, EspfiltResult]) -> None:
    _, result = mos1
    fit = result.flares.fit
    assert fit is not None
    assert (round(fit.centre, 3), round(fit.width, 3)) == (0.708, 0.232)
    assert result.kept == pytest.approx(9231.482, abs=1e-3), "the assessment must not change the good times"
    assert names(result) == ["secondHump", "poorFit"]
    quality = result.quality
    assert quality.fit is not None
    assert quality.fit.excess == pytest.approx(0.169, abs=0.001)
    assert 1.1 < quality.fit.excess_rate < 1.4
    assert quality.removed_fraction == pytest.approx(7437.4 / 16668.9, rel=1e-4)
    (hump, poor) = quality.warnings("espfilt")
    assert "17% of the accepted samples" in hump["text"]
    assert "Kolmogorov-Smirnov" in poor["text"]


def test_a_fit_that_has_not_settled_is_reported_beside_what_it_spoilt(exod: Path) -> None:
    result = espfilt(EpicEventList.open(exod / LISTS["M2"]), "histogram", FlareParameters())
    assert names(result) == ["notSettled", "secondHump", "mostlyFlared"]


def test_in_and_out_are_the_counts_of_the_real_list_within_the_good_times(
    mos1: tuple[EpicEventList, EspfiltResult],
) -> None:
    events, result = mos1
    each = events.columns("TIME", "PI", "PATTERN", "FLAG", "DETX", "DETY")
    hard = (each["PI"] >= 6000) & (each["PI"] <= 12000) & (each["PATTERN"] <= 12) & contains(result.gti, each["TIME"])
    beyond = np.hypot(each["DETX"] - 191.5, each["DETY"] + 345.5) > 12000
    assert result.quality.in_out is not None
    assert result.quality.in_out.inside == np.count_nonzero(hard & beyond & (each["FLAG"] & 0x10000 == 0)) == 2078
    assert result.quality.in_out.outside == 852
    assert result.quality.in_out.ratio == pytest.approx(2078 / 852 / 2.261)


@pytest.mark.parametrize(("instrument", "contamination"), [("M1", "very"), ("M2", "extremely")])
def test_what_a_lenient_threshold_leaves_on_the_real_list_is_reported(
    exod: Path, instrument: str, contamination: str
) -> None:
    result = espfilt(EpicEventList.open(exod / LISTS[instrument]), "threshold", FlareParameters())
    assert result.quality.in_out is not None
    assert result.quality.in_out.contamination == contamination
    assert names(result) == ["residualFlares"]
    assert f"{contamination} contaminated" in result.quality.warnings("espfilt")[0]["text"]


@pytest.mark.parametrize(
    ("inside", "contamination"),
    [(2599, "not"), (2601, "slightly"), (2938, "slightly"), (2940, "very"), (3390, "very"), (3392, "extremely")],
)
def test_the_limits_are_those_of_de_luca_and_molendi(inside: int, contamination: str) -> None:
    assert epic_in_out_ratio(inside, 1000, "M1").contamination == contamination


def test_the_error_of_the_ratio_holds_counts_and_areas() -> None:
    found = epic_in_out_ratio(2600, 1000, "M1")
    assert found.error / found.ratio == pytest.approx(np.sqrt(1 / 2600 + 1 / 1000 + (0.034 / 2.261) ** 2))
    assert epic_in_out_ratio(2600, 1000, "M1", revolution=961).error > 2 * found.error, (
        "MOS1 has lost a CCD of its corners"
    )
    assert not epic_in_out_ratio(265, 100, "M1").is_contaminated, "0.02 above the limit with an error of 0.14"
    with pytest.raises(ValueError, match="no ratio"):
        epic_in_out_ratio(0, 1000, "M1")


def test_pn_has_a_ratio_only_where_its_corners_are_read_out(observatory: Path) -> None:
    from dataclasses import replace

    (path,) = observatory.rglob("P0999990201PNS003PIEVLI*")
    events = EpicEventList.open(path)
    result = espfilt(events, "threshold", FlareParameters())
    assert result.quality.in_out is not None
    assert 0.9 < result.quality.in_out.ratio < 1.15
    small = replace(events.identity, submode="PrimeSmallWindow")
    assert why_no_in_out(small) == "PrimeSmallWindow does not read out the corners"


def test_a_list_without_the_columns_of_the_ratio_is_assessed_without_it(mos_list: Path) -> None:
    events = EpicEventList.open(mos_list)
    events.column_names = ("TIME", "PI", "FLAG", "PATTERN")
    hard = HardEvents(events)
    for rows in events.chunks():
        hard.add(rows)
    assert hard.ratio(np.array([[0.0, 1e10]])) is None
    assert "DETX" in hard.problem


def filtered(counts: np.ndarray) -> FlareResult:
    curves = {FOV: LightCurve(0.0, 1.0, counts), CORNER: LightCurve(0.0, 1.0, counts)}
    stop = float(len(counts))
    return histogram_peak(FlareInputs(curves, np.array([[0.0, stop]]), stop), FlareParameters())


def quality_of(result: FlareResult) -> FitQuality:
    assert result.fit is not None
    assert result.histogram is not None
    rates, samples = result.histogram.rates, result.histogram.samples
    found = fit_quality(
        rates, samples, result.fit.model(rates), result.fit.centre, result.fit.sigma, result.limits,
        result.histogram.window,
    )  # fmt: skip
    assert found is not None
    return found


def test_steady_exposures_are_not_reported() -> None:
    rng = np.random.default_rng(7)
    found = [quality_of(filtered(rng.poisson(rate, 20_000))) for rate in (0.3, 0.5, 0.7) for _ in range(20)]
    assert sum(each.is_poor or each.has_second_hump for each in found) <= 1
    assert np.median([abs(each.excess) for each in found]) < 0.02


def test_an_injected_second_state_is_found_at_its_rate() -> None:
    rng = np.random.default_rng(8)
    counts = rng.poisson(np.repeat([0.6, 1.0], [16_000, 5_000]))
    found = quality_of(filtered(counts))
    assert found.has_second_hump
    assert found.excess_rate == pytest.approx(1.0, abs=0.15)


def test_a_histogram_with_too_few_samples_is_not_judged() -> None:
    rates = np.linspace(0, 1, 51)
    assert fit_quality(rates, np.zeros(51), np.ones(51), 0.5, 0.1, (0.2, 0.8), 51) is None
    assert Fit(1.0, 0.5, 0.2, divisor=1.0).sigma == pytest.approx(0.2 / np.sqrt(2))


def test_sas_cleaning_is_assessed_like_ours(
    exod: Path, mos1: tuple[EpicEventList, EspfiltResult], tmp_path: Path
) -> None:
    events, ours = mos1
    write_gti(tmp_path / "gti.fits", ours.gti, XMM_TIMES, "as SAS leaves it")
    write_qdp(tmp_path / "hist.qdp", ours, "as SAS leaves it")
    results = sas_results(events.path, tmp_path / "gti.fits", {}, SasEspfiltOptions())
    results = with_fit_in_qdp(results, tmp_path / "hist.qdp", "20")
    quality = sas_quality(events.path, results, tmp_path / "hist.qdp", 51.0)
    assert quality.in_out == ours.quality.in_out
    assert quality.fit is not None
    assert ours.quality.fit is not None
    assert quality.fit.excess == pytest.approx(ours.quality.fit.excess, abs=0.01)
    assert quality.removed_fraction == pytest.approx(1 - total(ours.gti) / total(ours.good))
    assert [each["name"] for each in quality.warnings("daxa_wf")] == ["secondHump", "poorFit"]
