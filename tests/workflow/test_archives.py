"""Twelve missions from selection to archive, over loopback services, run as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from daxa_wf.archive.access import Archive, NoSuchProductError
from daxa_wf.mission.registry import MISSIONS
from daxa_wf_simulator.mirror_server import ServedMirror, serve_mirror
from daxa_wf_simulator.tap_service import serve_tables
from tests.archives import SMALL, content, make_archives

from .conftest import Archive as Project
from .conftest import Run

OTHER = {"text": "", "number": 0.0, "flag": "true", "mjd": 52000.0, "utc": "2001-01-01T00:00:00", "instrument": ""}


def served_table(mission: str) -> pd.DataFrame:
    """What a service would have of a mission: the small observation, and one elsewhere on the sky."""
    source, row = MISSIONS[mission].tables[0], SMALL[mission].row
    defaults = {each.source: OTHER[each.kind] for each in source.columns}
    first = {**defaults, "ra": 150.0, "dec": 2.0, **row}
    key = next(each.source for each in source.columns if each.name == "obsid")
    other = {**first, key: type(row[key])(str(row[key])[:-1] + "9"), "dec": -60.0}
    return pd.DataFrame([first, other])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServedMirror, str]]:
    tables = {MISSIONS[name].tables[0].table: served_table(name) for name in SMALL if SMALL[name].row}
    tables["xsa.v_exposure"] = pd.DataFrame(
        columns=["observation_id", "instrument", "exposure_id", "mode_friendly_name", "filter", "is_scientific", "start_utc",
                 "end_utc", "duration"], dtype=str,
    )  # fmt: skip
    with serve_mirror(make_archives(tmp_path_factory.mktemp("served"))) as archives, serve_tables(tables) as url:
        yield archives, url


def configuration(archives: ServedMirror, url: str, *names: str) -> dict[str, Any]:
    missions: dict[str, Any] = {}
    for name in names or SMALL:
        at_place = {"obsids": [SMALL[name].obsid]} if name.startswith("erosita") else {"positions": [150.0, 2.0]}
        missions[name] = {"source": {"archives": "any"}, "select": {**at_place, "science_usable": False}}
    for name in missions.keys() & {"xmm_pointed", "erosita_calpv", "erosita_all_sky_de_dr1"}:
        missions[name]["engine"] = "preprocessed"
    if "erosita_calpv" in missions:
        missions["erosita_calpv"]["select"] = {"obsids": ["700195"], "science_usable": False}
    return {
        "archive": "my archive", "one_job_per": "observation", "tables": "tables", "data": "raw data",
        "services": {"heasarc": [url], "xsa": [url]},
        "archives": {name: list(bases) for name, bases in archives.bases.items()}, "missions": missions,
    }  # fmt: skip


def run(folder: Path, config: dict[str, Any], *arguments: str) -> Run:
    return Project(folder, config).run(*arguments)


def fetch_tables(project: Project, *arguments: str) -> None:
    project.write()
    command = [sys.executable, "-m", "daxa_wf", "fetch-tables", "--config", str(project.path), *arguments]
    subprocess.run(command, cwd=project.folder, check=True, capture_output=True)


def test_twelve_missions_from_selection_to_archive(world: tuple[ServedMirror, str], tmp_path: Path) -> None:
    archives, url = world
    config = configuration(archives, url)
    fetch_tables(Project(tmp_path, config), "--max-age", "1 d")
    done = run(tmp_path, config)
    assert done.code == 0, done.text
    archive = Archive(tmp_path / "my archive")
    expected = {(name, small.obsid) for name, small in SMALL.items()} | {("erosita_calpv", "700200")}
    assert {tuple(row) for row in archive.observations["mission", "obsid"]} == expected
    for name, small in SMALL.items():
        products = archive.find_products(small.obsid, name)
        assert bool(products) == bool(MISSIONS[name].products), name
        for each in products:
            assert each.path.is_file()

    suzaku = archive.event_list("704015010", "XIS1", exposure="03x3n069b")
    assert suzaku.name == "obsid704015010-instXIS1-subexp03x3n069b-finalevents.fits.gz"
    assert suzaku.read_bytes() == content("ae704015010xi1_0_3x3n069b_cl.evt.gz")
    image = archive.image("12812", "ACIS-I", band=(0.5, 7.0))
    assert image.name == "obsid12812-instACIS-I-subexpNone-en0.5_7.0keV-image.fits.gz"
    assert archive.background("134135", "TM", band=(0.6, 2.3)).parent.name == "background"
    assert archive.exposure_map("RP500211N00", "PSPCB").name.endswith("instPSPCB-subexpNone-en0.07_2.4keV-expmap.fits")
    with pytest.raises(NoSuchProductError, match="RP500211N00 has no such event list of HRI; there is PSPCB"):
        archive.event_list("RP500211N00", "HRI")
    assert archive.event_list("700200", "TM").read_bytes() == content("fm00_700200_020_EventList_c001.fits")
    assert archive.event_list("0201903501", "MOS1", exposure="S001").name.startswith(
        "obsid0201903501-instM1-subexpS001"
    )
    with pytest.raises(
        NoSuchProductError, match=r"704015010 has more than one event list of XIS1; say which: .*05x5n069b"
    ):
        archive.event_list("704015010", "XIS1")
    with pytest.raises(
        NoSuchProductError, match=r"71010003002 has no such image of FPMC; there is FPMA 3-78 keV, FPMB"
    ):
        archive.image("71010003002", "FPMC")
    for obsid in ("12812", "71010003002"):
        with pytest.raises(NoSuchProductError, match=r"(Chandra|NuSTAR Pointed) has no background maps"):
            archive.background(obsid, "ACIS")
    assert (tmp_path / "raw data/integral_pointed_raw/scw/0035/003500010010.001/swg.fits").is_file()
    assert (tmp_path / "my archive/raw/integral_pointed/003500010010/swg.fits").is_file()

    asked = archives.requests.total()
    assert "Nothing to be done" in run(tmp_path, config).text
    mirrors = {name: [*bases, "http://127.0.0.1:9"] for name, bases in config["archives"].items()}
    assert "Nothing to be done" in run(tmp_path, {**config, "transfers": {"heasarc": 2}, "archives": mirrors}).text
    few = {name: config["missions"][name] for name in ("chandra", "suzaku", "integral_pointed", "erosita_calpv")}
    second = {**config, "archive": "another", "missions": few}
    assert run(tmp_path, second).code == 0
    assert archives.requests.total() == asked


def test_a_table_that_changed_is_selected_from_again_and_only_what_is_new_is_done(
    world: tuple[ServedMirror, str], tmp_path: Path
) -> None:
    archives, _ = world
    tables = {MISSIONS[name].tables[0].table: served_table(name).iloc[:1] for name in ("chandra", "suzaku")}
    with serve_tables(tables) as url:
        config = configuration(archives, url, "chandra", "suzaku")
        config["missions"]["suzaku"]["select"] = {"positions": [0.0, 89.0]}
        project = Project(tmp_path, config)

        def snakemake() -> str:
            done = project.run()
            assert done.code == 0, done.text
            return " ".join(done.text.split())

        assert "suzaku: none of 1 observations is selected; positions (1 positions) left none" in snakemake()
        first = tmp_path / "my archive" / "records" / "chandra" / "12812" / "preprocessed" / "12812.json"
        made = first.stat().st_mtime_ns
        assert "Nothing to be done" in snakemake(), "the first run fetched the tables itself"
        tables["chanmaster"] = served_table("chandra").assign(dec=2.0)
        fetch_tables(project)
        assert "acquire of chandra 12819: rejected: notInArchive" in snakemake()
        assert first.stat().st_mtime_ns == made
        assert "Nothing to be done" in snakemake()


def test_one_bad_observation_spoils_nothing(world: tuple[ServedMirror, str], tmp_path: Path) -> None:
    archives, url = world
    config = configuration(archives, url, "chandra", "nustar_pointed", "swift")
    archives.fault = lambda handler, path: "nustar" in path and (handler.page(b"", status=501) or True)
    config["missions"]["chandra"]["select"] = {"obsids": ["12812", "12819"], "science_usable": False}
    done = run(tmp_path, config, "--retries", "0")
    archives.fault = None
    assert done.code == 1
    said = " ".join(done.text.split())
    assert "acquire of chandra 12819: rejected: notInArchive" in said
    assert "acquire of nustar_pointed 71010003002: fault: ServiceError" in said
    archive = Archive(tmp_path / "my archive")
    assert archive.event_list("12812", "ACIS").is_file()
    assert archive.event_list("00020153006", "XRT").is_file()
    assert run(tmp_path, config).code == 0
    archive.refresh()
    assert archive.event_list("71010003002", "FA").is_file()


def verified(folder: Path) -> set[str]:
    """The files of the tile that the store of raw data has noted as complete."""
    ledgers = (folder / "raw data").rglob("134135/.daxa_wf.jsonl")
    lines = [line for ledger in ledgers for line in ledger.read_text().splitlines()]
    return {line.split('"')[3] for line in lines if line.startswith('{"path": "')}


def test_a_killed_snakemake_is_run_again_and_resumes(world: tuple[ServedMirror, str], tmp_path: Path) -> None:
    archives, url = world
    config = configuration(archives, url, "erosita_all_sky_de_dr1", "swift", "suzaku")
    archives.sent.clear()

    def slow(handler: Any, path: str) -> bool:
        time.sleep(0.3 if "Image" in path else 0)
        return False

    archives.fault = slow
    project = Project(tmp_path, config)
    process = project.start()
    limit = time.monotonic() + 90
    while not verified(tmp_path) and time.monotonic() < limit:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    Project.ended(process)
    archives.fault = None
    kept = verified(tmp_path)
    assert kept
    archives.sent.clear()
    assert project.run("--unlock").code == 0
    again = project.run()
    assert again.code == 0, again.text
    assert not [path for path in archives.sent if any(path.endswith(name) for name in kept)]
    assert Archive(tmp_path / "my archive").event_list("134135", "TM").is_file()
