"""eROSITA's chain, run as a user runs it: natively, and with stand-ins of eSASS that fail."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from daxa_wf.archive.access import Archive as Products
from daxa_wf.events.gti import intersection, total
from daxa_wf.observatories.erosita.native.event_list import ErositaEventList
from daxa_wf_simulator.erosita import make_erosita, write_event_file
from daxa_wf_simulator.erosita_targets import TARGETS, ErositaTruth
from tests.standins import Standins, all_gone

from .conftest import Archive, rewritten

OBSIDS = ("700195", "700199")
CHAIN = ("flaregti", "evtool", "erosita_images", "erosita_exposure_maps", "report")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, ErositaTruth]]:
    """Event lists that nobody may write to."""
    root = tmp_path_factory.mktemp("event lists")
    truths = {truth.obsid: truth for truth in make_erosita(root)}
    for path in root.iterdir():
        path.chmod(0o444)
    return root, truths


def archive_of(folder: Path, lists: Path, jobs: str = "observation", **sections: Any) -> Archive:
    images = {"bands": [["0.2 keV", "2.3 keV"]], "pixel_size": "20 arcsec"}
    mission = {"source": {"local": str(lists)}, "images": images, **sections}
    return Archive(folder, {"archive": "my archive", "one_job_per": jobs, "missions": {"erosita_calpv": mission}})


def record(archive: Archive, step: str, obsid: str) -> dict[str, Any]:
    return json.loads((archive.root / f"records/erosita_calpv/{obsid}/{step}/{obsid}.json").read_text())


def digests(root: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in root.iterdir()}


def verdicts(archive: Archive) -> dict[tuple[str, str], str]:
    return {(row["step"], row["obsid"]): row["status"] for row in archive.status()}


def test_natively_from_nothing_to_nothing_left_to_do(lists: Any, tmp_path: Path) -> None:
    root, truths = lists
    before = digests(root)
    archive = archive_of(tmp_path, root)
    first = archive.run()
    assert first.code == 0, first.text
    assert set(verdicts(archive).values()) == {"done"}
    products = Products(archive.root)
    for obsid in OBSIDS:
        modules = "_".join(f"TM{module}" for module in truths[obsid].modules)
        flared, quiet = np.array(truths[obsid].flares), np.array(truths[obsid].quiet)
        kept = np.array(record(archive, "flaregti", obsid)["results"]["gti"])
        assert total(intersection(flared, kept)) < 0.01 * total(flared)
        assert total(intersection(quiet, kept)) > 0.97 * total(quiet) - 70
        final = products.event_list(obsid, "TM")
        assert final.name == f"obsid{obsid}-inst{modules}-subexpALL-en0.2_10.0keV-finalevents.fits"
        assert products.image(obsid, modules, band=(0.2, 2.3)).parent == products.exposure_map(obsid, modules).parent
        page = (archive.root / "processed_data/erosita_calpv" / obsid / "report.html").read_text()
        assert page.count("data:image/png;base64") == page.count("<image ") >= 2
        assert "Light curve: method flaregti. The strip shows" in page
        assert "<dt>Kept and removed</dt>" in page
        assert "<td>TM5</td>" in page
    assert "TM5 TM6 TM7</td>" in (archive.root / "report.html").read_text()
    assert "Nothing to be done" in archive.run().text

    made = archive.records()
    archive.config["missions"]["erosita_calpv"]["evtool"] = {"pattern": 1}
    assert archive.run().code == 0
    assert {step for step, _ in rewritten(made, archive.records())} == set(CHAIN[1:])

    archive.config["missions"]["erosita_calpv"]["flaregti"] = {"threshold": 0}
    assert archive.run().code == 1, "nothing succeeded"
    assert verdicts(archive)["flaregti", "700199"] == "rejected"
    assert verdicts(archive)["evtool", "700199"] == "blocked"
    assert not list((archive.root / "processed_data").rglob("*.fits"))
    assert not list((archive.root / "failed_data").rglob("*.fits"))
    assert (archive.root / "failed_data/erosita_calpv/700199/report.html").is_file()
    assert digests(root) == before


def test_with_esass_and_what_can_go_wrong(
    lists: Any, standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """eSASS comes from a setup script. One task fails, one is killed: nothing else is lost, and only these are repeated."""
    root, _ = lists
    before = digests(root)
    own_path = os.environ["PATH"].replace(f"{standins.root / 'bin'}:", "")
    monkeypatch.setenv("PATH", own_path)
    (tmp_path / "esass-init.sh").write_text(f"export PATH={standins.root / 'bin'}:$PATH\n")
    archive = archive_of(tmp_path, root, jobs="step", engine="esass", instruments=["TM9"])
    archive.config["esass"] = {"setup_scripts": ["esass-init.sh"]}
    standins.tell("flaregti@-flaregti-700199:notDone", "expmap@-700195:killed")
    run = archive.run()
    assert run.code == 1
    said = " ".join(run.text.split())
    assert "flaregti of erosita_calpv 700199: failed: notDone: flaregti did not end with 'flaregti: DONE'" in said
    assert "erosita_exposure_maps of erosita_calpv 700195: fault: Fault: expmap was killed by signal 9" in said
    told = verdicts(archive)
    assert [told["flaregti", obsid] for obsid in OBSIDS] == ["done", "failed"]
    assert [told["erosita_images", obsid] for obsid in OBSIDS] == ["done", "blocked"]
    images = archive.root / "processed_data/erosita_calpv/700195/images"
    assert {path.name for path in images.glob("*.fits")} == {
        "obsid700195-instTM5_TM7-subexpALL-en0.2_2.3keV-image.fits"
    }

    standins.tell()
    made = archive.records()
    shutil.move(tmp_path / "esass-init.sh", tmp_path / "init.sh")
    archive.config["esass"] = {"setup_scripts": ["init.sh"]}
    (tmp_path / "my config.yaml").write_text(yaml.safe_dump(archive.config))
    retry = [sys.executable, "-m", "daxa_wf", "retry", "my config.yaml"]
    assert subprocess.run(retry, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    calls = len(standins.calls())
    again = archive.run()
    assert again.code == 0, again.text
    assert set(verdicts(archive).values()) == {"done"}
    assert rewritten(made, archive.records()) == {
        *((step, "700199") for step in CHAIN), ("erosita_exposure_maps", "700195"), ("report", "700195"),
    }  # fmt: skip
    tasks = sorted(call["task"] for call in standins.calls()[calls:])
    assert tasks == ["evtool", "evtool", "expmap", "expmap", "flaregti"]
    assert record(archive, "evtool", "700199")["versions"]["esass"] == "eSASSusers_211214"
    assert digests(root) == before


INJECTED = {
    "700001": ("flaregti", "exit", "failed", "exitCode"),
    "700002": ("evtool", "nothing", "failed", "missingProduct"),
    "700003": ("erosita_images", "errorZero", "failed", "someError"),
    "700004": ("erosita_exposure_maps", "notDone", "failed", "notDone"),
    "700005": ("evtool", "crash", "failed", "exitCode"),
    "700006": ("erosita_images", "warn", "done", ""),
    "700007": ("flaregti", "halfway", "fault", "killed by signal 9"),
    "700008": ("erosita_exposure_maps", "full", "fault", "No space left"),
    "700009": ("evtool", "hang", "fault", "10 s"),
}
"""ObsID -> step, what its task does, the verdict, and what is said of it."""
TASKS = {"erosita_images": "evtool", "erosita_exposure_maps": "expmap"}
"""Steps whose task is not called like them."""


def test_every_way_to_fail_and_only_those_again(
    standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in an observation of its own: what it made before stays, what follows is blocked, the others are done."""
    monkeypatch.setenv("DAXA_WF_STANDIN_PIDS", str(tmp_path / "pids"))
    for obsid in (*INJECTED, "700010"):
        name = f"pm00_{obsid}_020_EventList_c001.fits"
        short = replace(TARGETS[1], obsid=obsid, file=name, duration=200.0, quiet_rate=2.0, flares=(), sources=())
        write_event_file(tmp_path / "lists" / name, short)
    before = digests(tmp_path / "lists")
    archive = archive_of(tmp_path, tmp_path / "lists", engine="esass")
    archive.config["esass"] = {"time_limit": "10 s"}
    standins.tell(*(f"{TASKS.get(step, step)}@-{step}-{obsid}:{how}" for obsid, (step, how, *_) in INJECTED.items()))
    first = archive.run("--retries", "0")
    assert first.code == 1, first.text
    rows = {(row["step"], row["obsid"]): row for row in archive.status()}
    expected = {(step, "700010"): "done" for step in CHAIN}
    for obsid, (step, _, verdict, said) in INJECTED.items():
        place = CHAIN.index(step)
        expected |= {(each, obsid): "done" for each in CHAIN[:place]} | {(step, obsid): verdict}
        after = {"failed": "blocked", "fault": "blocked", "done": "done"}[verdict]
        expected |= {(each, obsid): after for each in CHAIN[place + 1 : -1]}
        expected |= {("report", obsid): "pending" if verdict == "fault" else "done"}
        row = rows[step, obsid]
        assert said in (row["message"] if verdict == "fault" else row["reason"]), (obsid, row)
        assert verdict == "done" or f"{step} of erosita_calpv {obsid}: {verdict}" in " ".join(first.text.split())
    assert {key: row["status"] for key, row in rows.items()} == expected
    assert record(archive, "erosita_images", "700006")["warnings"]
    assert all_gone(tmp_path / "pids")
    assert not list((archive.root / ".staging").iterdir())

    standins.tell()
    made, calls = archive.records(), len(standins.calls())
    archive.write()
    retry = [sys.executable, "-m", "daxa_wf", "retry", archive.path.name]
    done = subprocess.run(retry, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert "5 records dropped" in done.stdout
    assert archive.run().code == 0
    assert set(verdicts(archive).values()) == {"done"}
    again = {
        (each, obsid)
        for obsid, (step, _, verdict, _) in INJECTED.items()
        for each in CHAIN[CHAIN.index(step) :] if verdict != "done"
    }  # fmt: skip
    assert rewritten(made, archive.records()) == again
    tasks = sorted(call["task"] for call in standins.calls()[calls:])
    assert tasks == sorted(TASKS.get(step, step) for step, _ in again if step != "report")
    assert digests(tmp_path / "lists") == before


def test_a_tile_is_simulated_and_fetched_from_the_mirror(tmp_path: Path) -> None:
    """The run makes mirror and tables first. Only the event list is fetched, and it is the simulated one."""
    archive = archive_of(tmp_path, tmp_path)
    del archive.config["missions"]["erosita_calpv"]
    archive.config |= {
        "data": "data", "simulator": "simulated", "tables": "simulated/tables",
        "archives": {"erosita_de": ["./simulated/mirror/erosita_de"]},
    }  # fmt: skip
    archive.config["missions"]["erosita_all_sky_de_dr1"] = {
        "source": {"archives": ["erosita_de"]}, "instruments": ["TM8"], "images": {"pixel_size": "1 arcmin"},
    }  # fmt: skip
    run = archive.run()
    assert run.code == 0, run.text
    served = next((tmp_path / "simulated/mirror/erosita_de").rglob("em01_134135_*"))
    fetched = tmp_path / "data/erosita_all_sky_de_dr1_raw/134135/EXP_010"
    assert digests(fetched) == digests(served.parent)
    products = Products(archive.root)
    final = products.event_list("134135", "TM1_TM2_TM3_TM4_TM6")
    assert set(ErositaEventList.open(final).observation.modules) == {1, 2, 3, 4, 6}
    bands = {each.band for each in products.find_products("134135") if each.kind == "expmap"}
    assert bands == {(0.2, 2.3), (2.3, 5.0), (5.0, 8.0)}
