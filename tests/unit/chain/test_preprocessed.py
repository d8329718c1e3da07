"""Products of the archives in our layout: names, places, subsets of telescope modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.io import fits

from daxa_wf.archive.access import Archive, NoSuchProductError
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status
from daxa_wf.chain.preprocessed import products_in, run
from daxa_wf.chain.runner import Inputs, run_step
from daxa_wf.download.observation import Fetcher
from daxa_wf.mission.registry import MISSIONS, STEPS
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf.units import Unit
from daxa_wf_simulator.erosita import make_erosita
from tests.archives import SMALL, content, fits_bytes
from tests.unit.conftest import wish


def made(
    mission: str, obsid: str, store: Path, names: list[str], root: Path, place: str, *instruments: str, table: str = ""
) -> Record:
    """The record of the step on files of a store; `table`: the instruments that the mission's table has."""
    layout, unit = Layout(root), Unit(mission, obsid)
    link = layout.raw(unit)
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(store)
    fetched = Record("acquire", unit, Status.DONE, results={"files": [{"path": name} for name in names]})
    chosen = instruments or tuple(each.name for each in MISSIONS[mission].instruments if each.default)
    options = {"place": place, "instruments": chosen, "observed_with": MISSIONS[mission].named_instruments(table)}
    return run_step(STEPS["preprocessed"], unit, Inputs({"acquire": [fetched]}), options, layout, run)


@pytest.mark.parametrize("place", ["link", "copy", "move"])
def test_products_are_linked_copied_or_moved(place: str, fetcher: Fetcher, tmp_path: Path) -> None:
    acquired = fetcher.acquire(wish("asca"))
    store, names = fetcher.store / acquired.directory, list(SMALL["asca"].files)
    original = (store / "screened/ad87036000s000102h.evt.gz").read_bytes()
    record = made("asca", "87036000", store, names, tmp_path / "archive", place)
    assert record.message == "3 finalevents, 1 spectrum, 1 sourcelightcurve, 2 image, 1 expmap"
    events = tmp_path / "archive/processed_data/asca/87036000/events"
    target = events / "obsid87036000-instSIS0-subexp00102h-finalevents.fits.gz"
    source = store / "screened/ad87036000s000102h.evt.gz"
    assert target.read_bytes() == original
    assert source.exists() == (place != "move")
    if place != "move":
        assert target.samefile(source) == target.is_symlink()
        assert place == "link" or not target.is_symlink()
    if place == "copy":
        only = made("asca", "87036000", store, names, tmp_path / "archive", "copy", "GIS3")
        assert {each["inst"] for each in only.results["products"]} == {"GIS3", "GIS2_GIS3"}
        assert not target.exists()


def test_spectra_light_curves_and_the_image_of_the_centre_have_names_and_places_of_their_own(tmp_path: Path) -> None:
    names = stored(
        tmp_path / "store", "primary/acisf12812N003_evt2.fits.gz", "primary/acisf12812N003_full_img2.fits.gz",
        "primary/acisf12812N003_cntr_img2.fits.gz", "primary/acisf12812N003_pha2.fits.gz",
    )  # fmt: skip
    table = "ACIS-S HETG"
    record = made("chandra", "12812", tmp_path / "store", names, tmp_path / "archive", "copy", "HETG", table=table)
    places = sorted(stamp.path.removeprefix("processed_data/chandra/12812/") for stamp in record.products)
    assert places == [
        "events/obsid12812-instACIS-S-subexpNone-finalevents.fits.gz",
        "images/obsid12812-instACIS-S-subexpNone-en0.5_7.0keV-centreimage.fits.gz",
        "images/obsid12812-instACIS-S-subexpNone-en0.5_7.0keV-image.fits.gz",
        "spectra/obsid12812-instACIS-S-subexpNone-spectrum.fits.gz",
    ]
    assert record.warnings == []


def test_further_products_of_the_pipeline_are_organised_if_they_were_fetched(tmp_path: Path) -> None:
    stem = "PPS/P0201903501"
    names = stored(
        tmp_path / "store",
        *(
            f"{stem}{name}.FTZ"
            for name in ("M1S001MIEVLI0000", "M1S001IMAGE_8000", "M1S001EXPMAP8000", "M1S001BKGMAP1000")
        ),
        f"{stem}EPX000OBSMLI0000.FTZ",
    )
    record = made("xmm_pointed", "0201903501", tmp_path / "store", names, tmp_path / "archive", "copy")
    places = sorted(stamp.path.removeprefix("processed_data/xmm_pointed/0201903501/") for stamp in record.products)
    one = "obsid0201903501-instM1-subexpS001"
    assert places == [
        f"background/{one}-en0.2_0.5keV-backmap.fits.gz", f"events/{one}-finalevents.fits.gz",
        f"images/{one}-en0.2_12.0keV-expmap.fits.gz", f"images/{one}-en0.2_12.0keV-image.fits.gz",
        "sources/obsid0201903501-instM1_M2_PN-subexpNone-sourcelist.fits.gz",
    ]  # fmt: skip


def test_a_subset_of_telescope_modules_is_written_and_the_raw_list_left_alone(tmp_path: Path) -> None:
    make_erosita(tmp_path / "lists")
    path = next(each for each in sorted((tmp_path / "lists").rglob("*700195*")) if each.is_file())
    before = path.read_bytes()
    name = "fm00_700195_020_EventList_c001.fits"
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / name).write_bytes(before)
    record = made("erosita_calpv", "700195", tmp_path / "store", [name], tmp_path / "archive", "link", "TM2", "TM6")
    assert record.status is Status.DONE, record.message
    (stamp,) = record.products
    assert stamp.path.endswith("obsid700195-instTM2_TM6-subexpNone-finalevents.fits")
    subset = ErositaEventList.open(tmp_path / "archive" / stamp.path)
    assert subset.observation.modules == (2, 6)
    assert (tmp_path / "store" / name).read_bytes() == before


def test_an_observation_without_products_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    record = made("chandra", "12812", tmp_path / "store", ["oif.fits"], tmp_path / "archive", "link")
    assert (record.status, record.reason) == (Status.REJECTED, "noProducts")


def test_patterns_find_each_exposure_once() -> None:
    paths = ["resolve/event_cl/xa300049010rsl_p0px5000_cl.evt.gz", "resolve/event_cl/xa300049010rsl_p0px1000_cl.evt.gz"]
    found = products_in(MISSIONS["xrism_pointed"], "300049010", paths, ["RESOLVE"]).products
    assert [(each.pattern.kind, each.exposure) for each in found] == [("events", "1000"), ("events", "5000")]


def stored(folder: Path, *paths: str) -> list[str]:
    """Files with the content that their names promise, in a store."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content(path.rsplit("/", 1)[-1]))
    return list(paths)


def filed(record: Record) -> set[tuple[str, str]]:
    """Instrument and exposure of each product."""
    return {(each["inst"], each["exposure"]) for each in record.results["products"]}


ROSAT = {"RP500211N00": "PSPCB", "RP150001A01": "PSPCC", "RH800446A01": "HRI"}


@pytest.mark.parametrize(("obsid", "detector"), ROSAT.items())
def test_files_of_rosat_are_filed_under_the_detector_of_their_row_alone(
    obsid: str, detector: str, tmp_path: Path
) -> None:
    names = stored(tmp_path / "store", *(f"{obsid.lower()}_{kind}.fits.Z" for kind in ("bas", "im1", "bk1")))
    record = made("rosat_pointed", obsid, tmp_path / "store", names, tmp_path / "archive", "link", table=detector)
    assert filed(record) == {(detector, "")}
    archive = Archive(tmp_path / "archive")
    assert archive.event_list(obsid, detector).name == f"obsid{obsid}-inst{detector}-subexpNone-finalevents.fits"
    for other in {*ROSAT.values()} - {detector}:
        with pytest.raises(NoSuchProductError, match=f"no such event list of {other}; there is {detector}"):
            archive.event_list(obsid, other)


@pytest.mark.parametrize("table", ["", "PSPCB HRI"])
def test_a_file_of_an_unknown_detector_is_rejected_and_not_filed_under_all(table: str, tmp_path: Path) -> None:
    names = stored(tmp_path / "store", "rp500211n00_bas.fits.Z")
    record = made("rosat_pointed", "RP500211N00", tmp_path / "store", names, tmp_path / "archive", "link", table=table)
    assert (record.status, record.reason) == (Status.REJECTED, "unknownInstrument")
    assert record.message == (
        "ROSAT Pointed RP500211N00: 1 products fit several instruments (rp500211n00_bas.fits.Z), and the mission's table has "
        f"{table or 'no instrument'} for the observation"
    )


CHANDRA = ("primary/acisf12812N003_evt2.fits.gz", "primary/acisf12812N003_full_img2.fits.gz")


def chandra(tmp_path: Path, table: str, *chosen: str, names: tuple[str, ...] = CHANDRA) -> Record:
    stored(tmp_path / "store", *names)
    return made("chandra", "12812", tmp_path / "store", list(names), tmp_path / "archive", "link", *chosen, table=table)


def test_lists_and_images_of_chandra_have_no_exposure(tmp_path: Path) -> None:
    record = chandra(tmp_path, "ACIS-I")
    assert [Path(stamp.path).name for stamp in record.products] == [
        "obsid12812-instACIS-I-subexpNone-finalevents.fits.gz",
        "obsid12812-instACIS-I-subexpNone-en0.5_7.0keV-image.fits.gz",
    ]  # fmt: skip


def test_lists_and_images_of_interleaved_exposures_agree(tmp_path: Path) -> None:
    names = [f"primary/acisf12812_{each}_N003_{kind}2.fits.gz" for each in ("e1", "e2") for kind in ("evt", "full_img")]
    record = chandra(tmp_path, "ACIS-S", names=tuple(names))
    assert sorted((each["kind"], each["exposure"]) for each in record.results["products"]) == [
        ("finalevents", "e1"), ("finalevents", "e2"), ("image", "e1"), ("image", "e2"),
    ]  # fmt: skip


def test_acis_i_does_not_bring_acis_s(tmp_path: Path) -> None:
    record = chandra(tmp_path, "ACIS-S", "ACIS-I")
    assert (record.status, record.reason) == (Status.REJECTED, "noProducts")
    assert "all of its 2 products are of ACIS-S; 'instruments' does not name these" in record.message


def test_an_observation_with_a_chosen_grating_is_filed_under_its_detector(tmp_path: Path) -> None:
    record = chandra(tmp_path, "ACIS-S HETG", "HETG")
    assert filed(record) == {("ACIS-S", "")}
    archive = Archive(tmp_path / "archive")
    assert (
        archive.event_list("12812", "HETG")
        == archive.event_list("12812", "ACIS")
        == archive.event_list("12812", "ACIS-S")
    )
    with pytest.raises(NoSuchProductError, match="no such event list of LETG; there is ACIS-S"):
        archive.event_list("12812", "LETG")
    without = chandra(tmp_path / "without", "ACIS-S", "HETG")
    assert without.status is Status.REJECTED


def test_an_older_version_of_a_file_is_passed_over_with_a_warning(tmp_path: Path) -> None:
    record = chandra(tmp_path, "ACIS-I", names=(*CHANDRA, "primary/acisf12812N002_evt2.fits.gz"))
    assert [each["from"] for each in record.results["products"]] == list(CHANDRA)
    (warning,) = record.warnings
    assert warning["name"] == "productPassedOver"
    assert (
        warning["text"]
        == "primary/acisf12812N002_evt2.fits.gz left out in favour of primary/acisf12812N003_evt2.fits.gz"
    )


def test_a_combined_image_is_filed_once(tmp_path: Path) -> None:
    names = stored(tmp_path / "store", *(each for each in SMALL["asca"].files if each.startswith("images/")))
    record = made("asca", "87036000", tmp_path / "store", names, tmp_path / "archive", "link")
    assert sorted(each["from"] for each in record.results["products"]) == sorted(names)
    image = Archive(tmp_path / "archive").image("87036000", "SIS")
    assert image.name == "obsid87036000-instSIS0_SIS1-subexp32002-en0.4_2.0keV-image.fits.gz"


def test_all_lists_of_swift_that_are_fetched_are_organised(tmp_path: Path) -> None:
    """Three lists with the names that observation 00085374001 has, in the modes that they are of."""
    names = []
    for exposure, mode in (("pcw3po", "PHOTON"), ("wtw2sl", "WINDOWED"), ("wtw2st", "WINDOWED")):
        names.append(f"xrt/event/sw00085374001x{exposure}_cl.evt.gz")
        path = tmp_path / "store" / names[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        events = fits.BinTableHDU.from_columns([fits.Column("TIME", "D", array=[1.0, 2.0])], name="EVENTS")
        events.header["DATAMODE"] = mode
        events.writeto(path)
    record = made("swift", "00085374001", tmp_path / "store", names, tmp_path / "archive", "copy")
    assert filed(record) == {("XRT", "pcw3po"), ("XRT", "wtw2sl"), ("XRT", "wtw2st")}
    for exposure, mode in (("pcw3po", "PHOTON"), ("wtw2sl", "WINDOWED"), ("wtw2st", "WINDOWED")):
        path = Archive(tmp_path / "archive").event_list("00085374001", "XRT", exposure)
        assert fits.getheader(path, "EVENTS")["DATAMODE"] == mode


def test_files_compressed_as_z_are_delivered_unpacked(tmp_path: Path) -> None:
    names = stored(tmp_path / "store", "rs930101n00_bas.fits.Z", "rs930101n00_mex.fits")
    record = made("rosat_all_sky", "RS930101N00", tmp_path / "store", names, tmp_path / "archive", "link", table="PSPC")
    assert [Path(stamp.path).suffix for stamp in record.products] == [".fits", ".fits"]
    events = Archive(tmp_path / "archive").event_list("RS930101N00", "PSPC")
    assert events.read_bytes() == fits_bytes("rs930101n00_bas.fits.Z")
    with fits.open(events, checksum=True) as hdus:
        assert len(hdus["EVENTS"].data) == 40
    assert (tmp_path / "store" / names[0]).read_bytes() == content(names[0])


def test_a_list_of_all_telescope_modules_is_named_after_those_of_its_row(tmp_path: Path) -> None:
    paths = ["fm00_700195_020_EventList_c001.fits"]
    for table, expected in (("", 7), ("TM5 TM6 TM7", 3)):
        spec = MISSIONS["erosita_calpv"]
        (found,) = products_in(spec, "700195", paths, spec.groups["TM"], spec.named_instruments(table)).products
        assert len(found.instruments) == expected
    names = stored(tmp_path / "store", *SMALL["erosita_all_sky_de_dr1"].files[:2])
    record = made("erosita_all_sky_de_dr1", "134135", tmp_path / "store", names, tmp_path / "archive", "link")
    modules = "TM1_TM2_TM3_TM4_TM5_TM6_TM7"
    assert [Path(stamp.path).name for stamp in record.products] == [
        f"obsid134135-inst{modules}-subexpNone-finalevents.fits.gz",
        f"obsid134135-inst{modules}-subexpNone-en0.2_0.6keV-image.fits.gz",
    ]  # fmt: skip


def test_sections_of_a_slew_are_exposures(tmp_path: Path) -> None:
    parts = [
        f"PPS/P9000100002PNS003{kind}"
        for kind in ("PIEVLI0000", "PIEVLI001A", "IMAGE_8000", "IMAGE_601A", "EXPMAP8000")
    ]
    names = stored(tmp_path / "store", *(f"{part}.FTZ" for part in parts))
    record = made("xmm_slew", "9000100002", tmp_path / "store", names, tmp_path / "archive", "link")
    stem = "obsid9000100002-instPN-subexpS003"
    assert sorted(Path(stamp.path).name for stamp in record.products) == [
        f"{stem}000-en0.2_12.0keV-expmap.fits.gz", f"{stem}000-en0.2_12.0keV-image.fits.gz", f"{stem}000-finalevents.fits.gz",
        f"{stem}01A-en0.2_2.0keV-image.fits.gz", f"{stem}01A-finalevents.fits.gz",
    ]  # fmt: skip


def test_products_of_an_earlier_release_are_removed(tmp_path: Path) -> None:
    events = tmp_path / "archive/processed_data/chandra/12812/events"
    events.mkdir(parents=True)
    for name in ("obsid12812-instACIS-subexp12812-events.fits.gz", "obsid12812-instHRC-subexpNone-events.fits.gz"):
        (events / name).touch()
    chandra(tmp_path, "ACIS-I")
    assert [path.name for path in events.iterdir()] == ["obsid12812-instACIS-I-subexpNone-finalevents.fits.gz"]


def test_fetched_files_that_are_not_organised_give_a_warning(tmp_path: Path) -> None:
    names = stored(tmp_path / "store", "xrt/event/sw00020153006xpcw3po_cl.evt.gz")
    record = made("swift", "00020153006", tmp_path / "store", names, tmp_path / "archive", "link", "XRT", "BAT")
    assert [each["text"] for each in record.warnings] == ["files of BAT stay in the raw data, as they were fetched"]
