"""What the native engine leaves of one exposure: who it is of, what was judged, which events each band counts."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

from daxa_wf.archive.access import Archive
from daxa_wf.chain.runner import Inputs
from daxa_wf.observatories.xmm import panels
from daxa_wf.observatories.xmm.native.event_list import EpicEventList
from daxa_wf.observatories.xmm.steps import exposure_maps
from tests.xmm_chain import Chain

UNIT, OBSERVATION = "0999990101M1", "0999990101"
IDENTITY = ("TELESCOP", "INSTRUME", "OBS_ID", "OBJECT", "FILTER", "EXPIDSTR", "DATE-OBS")
BANDS = [["0.5 keV", "1.3 keV"], ["1.3 keV", "10 keV"], ["0.5 keV", "10 keV"]]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, observatory: Path) -> Chain:
    made = Chain(tmp_path_factory.mktemp("native"), observatory, engine="native", obsids=[OBSERVATION],
                 instruments=["M1"], images={"bands": BANDS})  # fmt: skip
    return made.make("inventory", "espfilt", "evselect", "merge", "images", "exposure_maps")


@pytest.fixture(scope="module")
def products(chain: Chain) -> dict[str, Path]:
    """Kind of each product, with the band of images and maps -> its file."""
    found = chain.layout.root.glob(f"processed_data/*/{OBSERVATION}/*/*.fits")
    named = {path: path.stem.rsplit("-", 2) for path in found}
    return {f"{band}-{kind}" if kind in ("image", "expmap") else kind: path for path, (_, band, kind) in named.items()}


@pytest.fixture(scope="module")
def raw_header(observatory: Path, truth: dict) -> fits.Header:
    return EpicEventList.open(observatory / truth[f"{UNIT}S001"]["file"]).header


def test_every_product_names_the_exposure_it_is_of(products: dict[str, Path], raw_header: fits.Header) -> None:
    assert {"gti", "lightcurve", "cornerlightcurve", "cleanevents", "en0.5_1.3keV-image", "en0.5_1.3keV-expmap"} <= set(
        products
    )
    own_tables = {"RATE", "JUDGED", "STDGTI", "EVENTS"}
    for kind, path in products.items():
        with fits.open(path, checksum=True) as hdus:
            hdus.verify("exception")
            for hdu in [hdus[0], *(each for each in hdus if each.name in own_tables)]:
                named = {card: hdu.header.get(card) for card in IDENTITY}
                assert named == {card: raw_header[card] for card in IDENTITY}, (kind, hdu.name)
                assert hdu.header["RADESYS"] == "FK5", (kind, hdu.name)
                assert ("RADECSYS" in hdu.header) == kind.endswith("events"), (kind, hdu.name)


def test_stingray_reads_the_instrument_of_a_light_curve(products: dict[str, Path]) -> None:
    from stingray.io import lcurve_from_fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = lcurve_from_fits(str(products["lightcurve"]))
    with fits.open(products["lightcurve"]) as hdus:
        header, rows = hdus["RATE"].header, hdus["RATE"].data
        assert (curve["instr"], curve["mjdref"], curve["dt"]) == ("EMOS1", 50814.0, header["TIMEDEL"])
        whole = rows["FRACEXP"] >= 0.9
        assert curve["counts"][whole] == pytest.approx(rows["RATE"][whole] * header["TIMEDEL"] / rows["FRACEXP"][whole])


def test_astropy_does_not_warn_of_a_deprecated_radecsys(products: dict[str, Path]) -> None:
    images = {kind: path for kind, path in products.items() if kind.endswith(("image", "expmap"))}
    assert len(images) >= 2
    for kind, path in images.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FITSFixedWarning)
            assert WCS(fits.getheader(path)).wcs.radesys == "FK5"
        assert not [str(each.message) for each in caught if "RADECSYS" in str(each.message)], kind


def test_history_is_readable_and_whole(products: dict[str, Path]) -> None:
    for kind in ("gti", "lightcurve"):
        text = " ".join(fits.getheader(products[kind], 1)["HISTORY"])
        assert text.startswith("espfilt: method=histogram smooth=51 s elow=2500 eV ehigh=8500 eV rangescale=6 "), text
        assert text.endswith("count/s"), text
        assert "(" not in text
        for line in fits.getheader(products[kind], 1)["HISTORY"]:
            assert line == line.strip()


def test_an_event_on_an_edge_that_bands_share_is_counted_once(chain: Chain, products: dict[str, Path]) -> None:
    results = chain.record("images", UNIT).results
    soft, hard, both = np.add(results["counts"], results["outside"])
    energy = EpicEventList.open(products["cleanevents"]).columns("PI")["PI"]
    assert np.count_nonzero(energy == 1300) > 0
    assert soft + hard == both == np.count_nonzero((energy >= 500) & (energy <= 10_000))
    assert soft == np.count_nonzero((energy >= 500) & (energy < 1300))
    for kind in ("image", "expmap"):
        edges = [
            (fits.getval(products[f"{band}-{kind}"], "PIMIN"), fits.getval(products[f"{band}-{kind}"], "PIMAX"))
            for band in ("en0.5_1.3keV", "en1.3_10.0keV", "en0.5_10.0keV")
        ]
        assert edges == [(500, 1299), (1300, 10_000), (500, 10_000)]


def test_the_step_applies_the_places_of_the_expression_and_warns_where_eexpmap_may_not(
    observatory: Path, tmp_path: Path
) -> None:
    expression = "#XMMEA_EM && PATTERN <= 12 && FLAG == 0 && (DETX,DETY) in BOX(0,0,5000,5000,0)"
    chain = Chain(tmp_path, observatory, engine="native", obsids=[OBSERVATION], instruments=["M1"],
                  images={"bands": BANDS[:1]}, evselect={"mos_filt_expr": expression},
                  exposure_maps={"vignetting": "none"})  # fmt: skip
    chain.make("inventory", "espfilt", "evselect", "merge", "images", "exposure_maps")
    record = chain.record("exposure_maps", UNIT)
    assert (record.results["selected_by"], record.warnings) == (["DETX", "DETY"], [])
    seconds, header = fits.getdata(chain.layout.find(record.product("expmap")), header=True)
    counts = fits.getdata(chain.layout.find(chain.record("images", UNIT).product("image")))
    assert counts[seconds <= 0].sum() <= 0.002 * counts.sum()
    assert np.count_nonzero(seconds) * 87**2 == pytest.approx(10_000**2, rel=0.05)
    assert "selected by DETX, DETY" in " ".join(header["HISTORY"])
    inputs = Inputs({"evselect": [chain.record("evselect", f"{UNIT}S001")]}, {})
    (warning,) = exposure_maps.selections_unknown_to_sas(inputs, chain.layout)
    assert warning["name"] == "selectionNotInMap"
    assert "0999990101M1S001 were selected by DETX, DETY" in warning["text"]


def test_a_list_without_flares_is_kept_on_request(observatory: Path, tmp_path: Path) -> None:
    chain = Chain(tmp_path, observatory, engine="native", obsids=[OBSERVATION], instruments=["M1", "PN"],
                  espfilt={"keep_flare_free": True}).make("inventory", "espfilt")  # fmt: skip
    for unit, highest in ((f"{UNIT}S001", 12), (f"{OBSERVATION}PNS003", 4)):
        record = chain.record("espfilt", unit)
        path = chain.layout.find(record.product("allgoodevents"))
        assert path.parent.name == "background"
        assert path.name == f"obsid{OBSERVATION}-inst{unit[10:12]}-subexp{unit[12:]}-allgoodevents.fits"
        kept = EpicEventList.open(path).columns("TIME", "PATTERN", "FLAG", "PI")
        (raw,) = (stamp for stamp in record.raw)
        given = EpicEventList.open(chain.plan.layout.root / raw.path).columns("TIME", "PATTERN", "FLAG", "PI")
        in_good_time = np.zeros(len(given["TIME"]), bool)
        for start, stop in record.results["gti"]:
            in_good_time |= (given["TIME"] >= start) & (given["TIME"] <= stop)
        expected = in_good_time & (given["PATTERN"] <= highest)
        for column in ("TIME", "FLAG", "PI"):
            assert np.array_equal(kept[column], given[column][expected])
        assert len(Archive(chain.layout.root).read(path, "stingray").time) == np.count_nonzero(expected)
        assert 0 < np.count_nonzero(expected) < np.count_nonzero(given["PATTERN"] <= highest)
        assert kept["FLAG"].any()
        assert not [stamp for stamp in record.products if stamp.kind == "allgoodootevents"]


JUDGED = {
    "histogram": "counts per second of observed time (count/s)",
    "threshold": "counts per second of bin (count/s)",
    "ratio": "counts per area, field of view / corners",
}


@pytest.mark.parametrize("method", JUDGED)
def test_the_quantity_that_is_judged_is_recorded_and_drawn_with_its_limits(
    observatory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    chain = Chain(tmp_path, observatory, engine="native", obsids=[OBSERVATION], instruments=["M1"],
                  espfilt={"method": method}).make("inventory", "espfilt")  # fmt: skip
    record = chain.record("espfilt", f"{UNIT}S001")
    low, high = record.results["limits"]
    path = chain.layout.find(record.product("lightcurve"))
    with fits.open(path) as hdus:
        judged, header = hdus["JUDGED"].data, hdus["JUDGED"].header
        assert (header["LIMITLO"], header["LIMITHI"], header["TIMEDEL"]) == (low, high, record.results["judged_bin"])
        unit = f" ({header['TUNIT2']})" if "TUNIT2" in header else ""
        assert record.results["judged"] == f"{header['QUANTITY']}{unit}" == JUDGED[method]
    drawn: list[Any] = []
    monkeypatch.setattr(panels, "light_curve_chart", lambda *args, gti: drawn.extend(args) or "")
    panels.exposure_plots(chain.layout, record)
    _, values, kept, limits, _, axis = drawn
    assert axis == JUDGED[method]
    assert limits == (low, high)
    assert np.array_equal(values, judged["VALUE"])
    assert np.array_equal(kept, (values >= low) & (values <= high))
    assert 0 < np.count_nonzero(kept) < len(kept)
    assert ("count/s" in record.message) == (method != "ratio")
