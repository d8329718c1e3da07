"""Names of cleaned lists, good times and histograms carry the energies that they are of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_wf.archive.access import Archive
from daxa_wf.archive.layout import band_of, product_name, unit_of
from daxa_wf.events.flare_filters import FlareParameters
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.native.flare_filters import FLARE_FILTERS
from daxa_wf.units import Band, Unit
from daxa_wf_simulator.events import simulate
from daxa_wf_simulator.files import list_name, write_event_list
from daxa_wf_simulator.truth import Exposure, Flare, Observation, PointSource
from tests.standins import Standins
from tests.xmm_chain import Chain

from .test_sas_chain import M1, OBSID, make_odf

SMALL = Observation(
    "0999990301", "small", 10.0, 20.0, 50.0, 6e8, 3000, (PointSource("A", 10.0, 20.0, 0.2),),
    (Exposure("M1", "S001", 0, 2400, 2.0, flares=(Flare(600, 900, 12),)),),
)  # fmt: skip
STEPS = ("inventory", "espfilt", "evselect", "merge")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local directory with one MOS exposure of 40 minutes."""
    root = tmp_path_factory.mktemp("lists")
    (exposure,) = SMALL.exposures
    simulated = simulate(SMALL, exposure, np.random.default_rng(7))
    write_event_list(root / SMALL.obsid / "PPS" / list_name(SMALL, exposure), SMALL, exposure, simulated)
    return root


def made(folder: Path, lists: Path, **options: Any) -> Chain:
    chain = Chain(folder, lists, engine="native", instruments=["M1"], **options).make(*STEPS)
    assert chain.faults == {}
    return chain


def energies(path: Path) -> tuple[int, int]:
    energy = EpicEventList.open(path).columns("PI")["PI"]
    return int(energy.min()), int(energy.max())


def test_a_list_cut_in_energy_has_a_name_of_its_own(tmp_path: Path, lists: Path) -> None:
    whole = made(tmp_path / "whole", lists)
    cut = made(tmp_path / "cut", lists, evselect={"lo_en": "0.5 keV", "hi_en": "2 keV"})
    stem = f"obsid{SMALL.obsid}-instM1-subexp"
    names = [name for name in whole.products(SMALL.obsid) if "events" in name]
    assert names == [f"{stem}ALL-finalevents.fits", f"{stem}S001-cleanevents.fits"]
    names = [name for name in cut.products(SMALL.obsid) if "events" in name]
    assert names == [f"{stem}ALL-en0.5_2.0keV-finalevents.fits", f"{stem}S001-en0.5_2.0keV-cleanevents.fits"]
    final = Archive(cut.layout.root).event_list(SMALL.obsid, "M1")
    assert final.name == f"{stem}ALL-en0.5_2.0keV-finalevents.fits"
    low, high = energies(final)
    assert 500 <= low < high <= 2000
    assert energies(Archive(whole.layout.root).event_list(SMALL.obsid, "M1"))[1] > 2000


def test_no_list_of_other_energies_stays_when_the_cut_changes(tmp_path: Path, lists: Path) -> None:
    chain = made(tmp_path, lists)
    for step, unit in (("evselect", f"{SMALL.obsid}M1S001"), ("merge", f"{SMALL.obsid}M1")):
        (chain.layout.root / "records/xmm_pointed" / SMALL.obsid / step / f"{unit}.json").unlink()
    cut = made(tmp_path, lists, evselect={"lo_en": "0.5 keV", "hi_en": "2 keV"})
    assert [name for name in cut.products(SMALL.obsid) if "events" in name and "en0.5_2.0keV" not in name] == []


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({}, "en2.5_8.5keV"),
        ({"filter_lo_en": "2 keV", "filter_hi_en": "9 keV"}, "en2.0_9.0keV"),
        ({"method": "threshold"}, "en10.0_32.767keV"),
        ({"method": "ratio", "ratio": 100}, "en6.0_12.0keV"),
    ],
)
def test_products_of_a_flare_filter_are_named_after_the_energies_it_counts(
    options: dict[str, Any], label: str, tmp_path: Path, lists: Path
) -> None:
    chain = Chain(tmp_path, lists, engine="native", instruments=["M1"], espfilt=options).make("inventory", "espfilt")
    record = chain.record("espfilt", f"{SMALL.obsid}M1S001")
    assert record.status == "done", record.message
    assert {"gti", "lightcurve", "hist"} <= {stamp.kind for stamp in record.products}
    for stamp in record.products:
        suffix = "qdp" if stamp.kind == "hist" else "fits"
        assert Path(stamp.path).name == f"obsid{SMALL.obsid}-instM1-subexpS001-{label}-{stamp.kind}.{suffix}"


@pytest.mark.parametrize("method", FLARE_FILTERS)
@pytest.mark.parametrize("instrument", ["M1", "M2", "PN"])
def test_the_energies_of_a_flare_filter_are_those_of_its_expressions(method: str, instrument: str) -> None:
    parameters = FlareParameters(elow=3000, ehigh=8000)
    flare_filter = FLARE_FILTERS[method]
    low, high = flare_filter.band(instrument, parameters)
    for expression in flare_filter.expressions(instrument, parameters).values():
        clause = re.search(r"\(PI (?:in )?([^&]*?)\)* &&", expression)
        assert clause, expression
        edges = [int(number) for number in re.findall(r"\d+", clause[1])]
        assert (min(edges), max(edges) if len(edges) > 1 else 32767) == (low, high), expression


def test_sas_gives_the_same_names(standins: Standins, tmp_path: Path) -> None:
    make_odf(tmp_path / "raw" / OBSID, OBSID, (M1,), read_only=True)
    chain = Chain(tmp_path, tmp_path / "raw", evselect={"lo_en": "0.5 keV", "hi_en": "2 keV"})
    chain.make("cifbuild", "odfingest", "inventory", "emchain", "espfilt", "evselect", "merge")
    assert chain.faults == {}
    stem = f"obsid{OBSID}-instM1-subexp"
    assert {
        f"{stem}S001-en2.5_8.5keV-gti.fits", f"{stem}S001-en2.5_8.5keV-hist.qdp", f"{stem}S001-en0.5_2.0keV-cleanevents.fits",
        f"{stem}ALL-en0.5_2.0keV-finalevents.fits", f"{stem}S001-events.fits",
    } <= set(chain.products(OBSID))  # fmt: skip


@pytest.mark.parametrize("band", [None, Band(0.5, 2.0), Band(0.2, 12.0), Band(10.0, 32.767)])
def test_the_band_is_read_back_from_a_name(band: Band | None) -> None:
    name = product_name(Unit("xmm_pointed", OBSID, "PN", "S003"), "cleanevents", band)
    assert band_of(name) == band


@pytest.mark.parametrize("instrument", ["ACIS-I", "SIS0_SIS1", "PN"])
@pytest.mark.parametrize("exposure", ["None", "S003"])
def test_instrument_and_exposure_are_read_back_from_a_name(instrument: str, exposure: str) -> None:
    name = product_name(Unit("chandra", "12812", instrument, exposure), "image", Band(0.5, 7.0))
    assert unit_of(name) == (instrument, exposure)
    assert unit_of("report.html") == ("", "")


@pytest.mark.parametrize(
    "name", ["obsid1-instTM1-subexpNone-en200_10000PI-lightcurve.fits", "obsid1-instPN-subexpALL-en-x.fits"]
)
def test_channels_are_not_taken_for_energies(name: str) -> None:
    assert band_of(name) is None
