"""What is found and fetched, from every kind of archive, for every mission."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from daxa_wf.archive.manifest import decompressed
from daxa_wf.chain.planned import planned_exposures
from daxa_wf.chain.preprocessed import products_in
from daxa_wf.download.data_centres import S3Bucket, listed_entries
from daxa_wf.download.observation import Fetcher
from daxa_wf.download.paths import fill, glob_expression, is_wanted, may_hold_wanted, paths_at, wanted_globs
from daxa_wf.errors import CorruptFileError, ServiceError, UnfitDataError
from daxa_wf.mission.registry import MISSIONS, engine_of
from daxa_wf.tables.http import session
from daxa_wf_simulator.mirror_server import ServedMirror
from tests.archives import CALPV_FIELD, CHANDRA, INTEGRAL_SHARED, SMALL, content, write
from tests.unit.conftest import fetcher_of, wish


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("mission", [name for name in SMALL if name != "erosita_calpv"])
def test_every_mission_comes_as_its_archive_has_it(mission: str, fetcher: Fetcher, archives: ServedMirror) -> None:
    small = SMALL[mission]
    wanted = wish(mission, routes=("raw",) if mission == "integral_pointed" else ("preprocessed",))
    acquired = fetcher.acquire(wanted)
    directory = fetcher.store / acquired.directory
    assert sorted(each.path for each in acquired.files) == sorted(small.files)
    for each in acquired.files:
        original = content(each.path.rsplit("/", 1)[-1])
        assert (directory / each.path).read_bytes() == original
        assert (each.sha256, each.size) == (sha256(original), len(original))
    asked = sum(archives.requests.values())
    assert fetcher.acquire(wanted).transferred == 0
    assert sum(archives.requests.values()) == asked


def test_integral_keeps_the_tree_of_its_own_software(fetcher: Fetcher) -> None:
    acquired = fetcher.acquire(wish("integral_pointed", routes=("raw",)))
    assert acquired.directory == "integral_pointed_raw/scw/0035/003500010010.001"
    for path in INTEGRAL_SHARED:
        kept = fetcher.store / "integral_pointed_raw" / path.removeprefix("heasarc/integral/data/")
        assert kept.read_bytes() == content(path.rsplit("/", 1)[-1])


def test_both_observations_of_a_calpv_field_from_one_tar(fetcher: Fetcher, archives: ServedMirror) -> None:
    first = fetcher.acquire(wish("erosita_calpv"))
    second = fetcher.acquire(wish("erosita_calpv", obsid="700200"))
    assert [each.path for each in (*first.files, *second.files)] == list(CALPV_FIELD)
    assert [count for path, count in archives.requests.items() if path.endswith(".tar.gz")] == [1]


@pytest.mark.parametrize("archive", ["heasarc", "s3", "cxc"])
def test_chandra_from_each_of_its_archives(archive: str, archives: ServedMirror, tmp_path: Path) -> None:
    acquired = fetcher_of(archives, tmp_path, archive).acquire(wish("chandra"))
    assert sorted(each.path for each in acquired.files) == sorted(CHANDRA.files)
    assert {each.archive for each in acquired.files} == {archive}
    assert {each.url.split("/")[2] for each in acquired.files} == {archives.base.split("/")[2]}


def test_xmm_from_xsa_with_odf_in_nested_tar_files(archives: ServedMirror, tmp_path: Path) -> None:
    fetcher = fetcher_of(archives, tmp_path, "xsa")
    lists = fetcher.acquire(wish("xmm_pointed"))
    assert sorted(each.path for each in lists.files) == sorted(SMALL["xmm_pointed"].files)
    odf = fetcher.acquire(wish("xmm_pointed", "M1", routes=("raw",)))
    assert sorted(each.path for each in odf.files) == [
        "ODF/0819_0201903501_M1S00110IME.FIT.gz", "ODF/0819_0201903501_SCX00000SUM.ASC", "ODF/MANIFEST.1234",
    ]  # fmt: skip
    assert not [path for path in (tmp_path / lists.directory).iterdir() if path.name.startswith(".bundle")]


def test_only_what_instruments_and_routes_need(fetcher: Fetcher) -> None:
    one = fetcher.acquire(wish("nustar_pointed", "FPMA"))
    assert not [each.path for each in one.files if "B01" in each.path]
    raw = fetcher.acquire(wish("nustar_pointed", "FPMA", routes=("raw",)))
    assert sorted(each.path for each in raw.files) == [
        "auxil/nu71010003002_att.fits.gz", "event_uf/nu71010003002A_uf.evt.gz", "hk/nu71010003002A_fpm.hk.gz",
        "nu71010003002.cat.gz",
    ]  # fmt: skip
    assert raw.transferred > 0
    known = {each.path: each.fetched for each in one.files}
    assert all(known.get(each.path, each.fetched) == each.fetched for each in raw.files)


def test_no_product_of_another_detector_is_missed(fetcher: Fetcher) -> None:
    everything = wish("chandra")
    known = replace(everything, facts={**everything.facts, "instruments": "ACIS-I"})
    assert fetcher.acquire(known).notes == []


@pytest.mark.parametrize(
    ("version", "fetched", "organised"),
    [("", {"010", "020"}, {"020"}), ("010", {"010"}, {"010"}), ("020", {"020"}, {"020"})],
)
def test_a_version_of_the_processing_of_erass1(
    tmp_path: Path, version: str, fetched: set[str], organised: set[str]
) -> None:
    tree = tmp_path / "mirror/erodat/data/download/135/134"
    for number in ("010", "020"):
        write(tree / f"EXP_{number}/em01_134135_020_EventList_c{number}.fits.gz")
        write(tree / f"DET_{number}/em01_134135_024_BackgrImage_c{number}.fits.gz")
    fetcher = Fetcher(tmp_path / "store", session(), {"erosita_de": (str(tmp_path / "mirror"),)})
    wished = replace(wish("erosita_all_sky_de_dr1"), version=version)
    paths = [each.path for each in fetcher.acquire(wished).files]
    assert {path[4:7] for path in paths} == fetched
    filing = products_in(wished.spec, "134135", paths, wished.instruments)
    assert {each.path[4:7] for each in filing.products} == organised
    assert [each.pattern.kind for each in filing.products] == ["events", "background"]
    with pytest.raises(UnfitDataError, match="is in no archive"):
        fetcher.acquire(replace(wished, version="030"))


@pytest.mark.parametrize("archive", ["heasarc", "xsa"])
def test_further_products_are_fetched_on_request(archive: str, archives: ServedMirror, tmp_path: Path) -> None:
    wished = wish("xmm_pointed", "M1", "M2", "PN")
    fetcher = fetcher_of(archives, tmp_path, archive)
    few = {each.path for each in fetcher.acquire(wished).files}
    acquired = fetcher.acquire(replace(wished, further=True))
    assert {each.path for each in acquired.files} == few | {"PPS/P0201903501M1S001IMAGE_8000.FTZ"}
    assert not [path for path in few if "IMAGE_" in path]
    assert acquired.notes == []


RAW = {
    "integral_pointed": ("PICSIT", "picsit_raw_cal.fits.gz"),
    "nicer": ("XTI", "xti/event_uf/ni6060040431_0mpu7_uf.evt.gz"),
    "ixpe": ("DU1", "event_l1/ixpe03005001_det1_evt1_v02.fits.gz"),
    "xmm_slew": ("PN", "ODF/0001_9000100002_PNS00301IME.FIT.gz"),
}


@pytest.mark.parametrize("mission", RAW)
def test_raw_files_are_needed_for_a_raw_archive(mission: str) -> None:
    instrument, path = RAW[mission]
    globs = wanted_globs(MISSIONS[mission], {"obsid": "9000100002"}, ("raw",), (instrument,))
    assert is_wanted(path, globs)


def test_chandra_raw_leaves_the_validation_report_out(fetcher: Fetcher) -> None:
    paths = [each.path for each in fetcher.acquire(wish("chandra", routes=("raw",))).files]
    assert "secondary/acisf12812_000N003_evt1.fits.gz" in paths
    assert not [path for path in paths if path.endswith(".pdf")]


def test_a_local_mirror_is_linked_or_copied(small_archives: Path, archives: ServedMirror, tmp_path: Path) -> None:
    fetcher = fetcher_of(archives, tmp_path / "store", "heasarc")
    mirror = tmp_path / "my mirror #1"
    mirror.symlink_to(small_archives / "heasarc")
    fetcher.data_centres = {"heasarc": (str(tmp_path / "no mirror"), mirror.as_uri(), *archives.bases["heasarc"])}
    acquired = fetcher.acquire(wish("chandra"))
    assert sorted(each.path for each in acquired.files) == sorted(CHANDRA.files)
    assert not archives.requests
    assert any("no mirror" in note for note in acquired.notes)


def test_tar_files_come_from_a_mirror_too(small_archives: Path, tmp_path: Path) -> None:
    fetcher = fetcher_of(ServedMirror(small_archives), tmp_path / "store", "erosita_de")
    fetcher.data_centres = {"erosita_de": (str(small_archives / "erosita_de"),)}
    acquired = fetcher.acquire(wish("erosita_calpv"))
    assert [each.path for each in acquired.files] == [CALPV_FIELD[0]]
    fetcher.data_centres = {"erosita_de": (str(tmp_path / "absent"),)}
    with pytest.raises(ServiceError, match="absent is not a directory"):
        fetcher.acquire(wish("erosita_calpv", obsid="700200"))
    fetcher.data_centres = {"erosita_de": (str(tmp_path),)}
    with pytest.raises(UnfitDataError, match=r"gz: not there"):
        fetcher.acquire(wish("erosita_calpv", obsid="700200"))


def test_decompressed_as_they_come(archives: ServedMirror, tmp_path: Path) -> None:
    fetcher = fetcher_of(archives, tmp_path, "heasarc", decompress=True)
    if shutil.which("gzip") is None:
        pytest.skip("no program gzip for .Z files")
    for mission in ("rosat_pointed", "xmm_pointed"):
        acquired = fetcher.acquire(wish(mission))
        for each in acquired.files:
            assert (tmp_path / acquired.directory / each.path).read_bytes()[:9] == b"SIMPLE  ="
    table = pd.DataFrame([{"obsid": "0201903501", "inst": "M1", "exposure": "S001", "mode": "", "filter": ""}])
    (row,), _ = planned_exposures(
        MISSIONS["xmm_pointed"], table[["obsid"]], table, ["M1"], engine_of("xmm_pointed", "native")
    )
    names = [each.path for each in acquired.files]
    assert row.events not in names
    assert decompressed(row).events in names, "what the manifest plans is what the store holds"
    before = sum(archives.sent.values())
    again = fetcher_of(archives, tmp_path, "heasarc", decompress=True).acquire(wish("rosat_pointed"))
    assert (sum(archives.sent.values()), again.transferred) == (before, 0)


def test_pages_of_a_bucket_are_followed_to_the_end(archives: ServedMirror) -> None:
    archives.page = 2
    files = S3Bucket(archives.bases["s3"][0], session()).files("chandra/data/byobsid/2/12812/", lambda _: True).files
    assert len(files) == len(CHANDRA.files) + len(CHANDRA.not_needed)
    assert all(each.exact and each.md5 for each in files)


def test_what_no_archive_has_is_a_verdict(fetcher: Fetcher, archives: ServedMirror, tmp_path: Path) -> None:
    with pytest.raises(UnfitDataError, match=r"notInArchive: chandra 99999 is in no archive: .*not there"):
        fetcher.acquire(wish("chandra", obsid="99999"))
    dead = fetcher_of(archives, tmp_path, "heasarc")
    dead.data_centres = {"s3": ("http://127.0.0.1:9/",), **dead.data_centres}
    with pytest.raises(ServiceError, match=r"chandra 99999 cannot be had"):
        dead.acquire(wish("chandra", obsid="99999"))
    assert dead.acquire(wish("chandra")).files


def test_an_observation_without_what_is_needed_is_a_verdict(archives: ServedMirror, tmp_path: Path) -> None:
    """As 0973390101, of which HEASARC has the ODF only, though its table says otherwise."""
    only_raw = replace(wish("xmm_pointed", "OM"), routes=("preprocessed",))
    spec = replace(only_raw.spec, files=tuple(each for each in only_raw.spec.files if each.instruments == ("OM",)))
    with pytest.raises(UnfitDataError, match="notInArchive"):
        fetcher_of(archives, tmp_path, "heasarc").acquire(replace(only_raw, spec=spec))


def test_missing_products_are_noted(fetcher: Fetcher) -> None:
    notes = fetcher.acquire(wish("suzaku")).notes
    assert any("no events of XIS2" in note for note in notes)
    assert not any("no events of XIS1" in note for note in notes)


def test_listings_as_recorded(real_data: Path) -> None:
    nustar = listed_entries((real_data / "archive_listings/nustar_80002092008_index.html").read_text(), "u")
    assert [(each.name, each.is_directory) for each in nustar[:2]] == [("auxil", True), ("event_cl", True)]
    assert [(each.name, each.size, each.exact) for each in nustar[-2:]] == [
        ("nu80002092008.cat.gz", 3481, False), ("pipe.log", 1782579, False),
    ]  # fmt: skip
    xmm = listed_entries((real_data / "archive_listings/xmm_0153950401_index.html").read_text(), "u")
    assert [each.name for each in xmm] == ["4XMM", "ODF", "PPS", "om_mosaic"]
    erodat = listed_entries((real_data / "erosita/erodat_listing_134135_exp.html").read_text(), "u")
    assert (erodat[0].name, erodat[0].size, erodat[0].exact) == (
        "em01_134135_020_EventList_c010.fits.gz",
        53391851,
        True,
    )
    assert len(erodat) == 8


def test_a_page_that_is_no_listing_is_told() -> None:
    with pytest.raises(ServiceError, match="no listing of a directory, but a page 'Log in'"):
        listed_entries("<html><title>Log in</title></html>", "https://archive/x/")
    page = (
        '<html><title>Index of /x</title><a href="../up/">u</a><a href="//evil/y">y</a><a href="ok.fits">o</a></html>'
    )
    assert [each.name for each in listed_entries(page, "u")] == ["ok.fits"]


MISSION_OF = {
    "ASCA_GIS": "asca", "ASCA_SIS": "asca", "Chandra_ACIS": "chandra", "Chandra_HRC": "chandra", "IXPE": "ixpe",
    "NICER_XTI": "nicer", "NuSTAR": "nustar_pointed", "SRG_eROSITA": "erosita_all_sky_de_dr1", "Suzaku_XIS": "suzaku",
    "Swift_XRT": "swift", "XMM_PN": "xmm_pointed", "XMM_MOS1": "xmm_pointed", "XMM_MOS2": "xmm_pointed",
    "XMM_RGS1": "xmm_pointed", "XMM_RGS2": "xmm_pointed", "XRISM_XTEND": "xrism_pointed", "XRISM_Resolve": "xrism_pointed",
    "ROSAT_HRI": "rosat_pointed", "ROSAT_PSPC": "rosat_pointed", "Suzaku_HXD_GSO": "suzaku", "Suzaku_HXD_PIN": "suzaku",
}  # fmt: skip
NOT_OURS = {"BBXRT", "Calet", "HaloSat", "MAXI_GSC_Low", "MAXI_GSC_Med", "MAXI_SSC_Med", "BeppoSAX_LECS", "BeppoSAX_MECS",
            "Einstein_HRI", "Einstein_IPC"}  # fmt: skip
OBSIDS = {"ROSAT_HRI": "RH800446A01", "ROSAT_PSPC": "RP500211N00", "SRG_eROSITA": "053141"}
STARTS = {"Swift_XRT": "2010-12-01", "NICER_XTI": "2023-06-01"}


def test_directories_are_those_of_the_recorded_paths(real_data: Path) -> None:
    from datetime import datetime

    recorded = json.loads((real_data / "archive_listings/heasarc_event_paths_by_mission.json").read_text())["files"]
    assert set(recorded) == set(MISSION_OF) | NOT_OURS
    assert len(recorded) == 31
    for key, mission in MISSION_OF.items():
        path = recorded[key]["path"]
        facts = {
            "obsid": OBSIDS.get(key, recorded[key]["obsid"]),
            "start": datetime.fromisoformat(STARTS.get(key, "2000-01-01")),
        }
        for archive in ("heasarc", "s3"):
            (directory,) = paths_at(MISSIONS[mission], archive, facts)
            assert path.startswith(directory), (key, directory)


def test_needed_files_of_recorded_listings(real_data: Path) -> None:
    facts = json.loads((real_data / "archive_listings/recorded_archive_facts.json").read_text())
    globs = replace(wish("xmm_pointed"), facts={"obsid": "0153950401"}).globs
    lists = [name for name in facts["xmm"]["0153950401"]["keep"] if "EVLI" in name or "ATTTSR" in name]
    assert len(lists) == 5
    assert all(is_wanted(name, globs) for name in lists)
    assert not [name for name in facts["xmm"]["0153950401"]["near_miss"] if is_wanted(name, globs)]
    for obsid in ("6298", "5644"):
        raw = replace(wish("chandra", routes=("raw", "preprocessed")), facts={"obsid": obsid}).globs
        assert all(is_wanted(name, raw) for name in facts["chandra"][obsid]["keep"])
    assert not is_wanted("secondary/axaff02749N003_VV001_vvref2.pdf.gz", raw)


@pytest.mark.parametrize("value", ["../../etc", "a/b", "$(touch x)", "a b", "", "'"])
def test_facts_that_do_not_belong_into_a_path_are_refused(value: str) -> None:
    with pytest.raises(CorruptFileError, match="cannot be part of a path"):
        fill("scw/{obsid}.{scw_ver}/", {"obsid": "003500010010", "scw_ver": value})


def test_globs() -> None:
    assert may_hold_wanted("PPS", ["PPS/P*.FTZ"])
    assert not may_hold_wanted("ODF", ["PPS/P*.FTZ"])
    assert may_hold_wanted("raw/deep", ["**"])
    assert not may_hold_wanted("primary", ["oif.fits"])
    assert glob_expression("a/*_x[1-3].fits").fullmatch("a/b_x2.fits")[1] == "b"  # type: ignore[index]
    assert not glob_expression("a/*.fits").fullmatch("a/b/c.fits")
