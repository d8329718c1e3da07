"""The SAS route as a user runs it: downloaded raw data, every way to fail at once, and what retrying repeats."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from daxa_wf.download.store import Ledger
from daxa_wf.files import LEDGER, LOCK, sha256_of
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.observatories.xmm.sas.odf_summary import read_odf_summary
from daxa_wf_simulator.odf import PN_IMAGING, RawExposure, make_odf
from daxa_wf_simulator.tap_service import serve_tables
from tests.standins import Standins, all_gone, wait_for
from tests.standins.odf import parsed_summary
from tests.standins.sas import make_chain_lists

from .conftest import Archive, rewritten

A, B, C = OBSIDS = ("0201903501", "0404910601", "0502671101")
EXPOSURES = (
    RawExposure("M1", "S001"),
    RawExposure("M1", "U002", start=700),
    RawExposure("PN", "S003", modes=PN_IMAGING),
    RawExposure("PN", "U004", modes=PN_IMAGING, start=700),
)

FAULT = "fault"
INJECTED = {
    f"emchain {A}M1S001": ("exit", "failed", "exitCode"),
    f"espfilt {A}M1U002": ("nothing", "failed", "missingProduct"),
    f"epchain {A}PNS003": ("constituent", "failed", "constituent"),
    f"evselect {A}PNU004": ("errorZero", "failed", "someError"),
    f"emchain {B}M1S001": ("crash", "failed", "exitCode"),
    f"emchain {B}M1U002": ("hang", FAULT, "did not end within 6 s"),
    f"espfilt {B}PNS003": ("killed", FAULT, "killed by signal 9"),
    f"espfilt {B}PNU004": ("warn", "done", ""),
    f"espfilt {C}M1S001": ("noCounts", "rejected", "noCounts"),
    f"evselect {C}M1U002": ("halfway", FAULT, "killed by signal 9"),
    f"epchain {C}PNS003": ("full", FAULT, "No space left on device"),
}
"""Step and unit -> how its task is told to fail, the verdict, its reason or the fault's words."""


@pytest.fixture
def archive(tmp_path: Path, chain_lists: Path) -> Archive:
    """Three observations with two exposures of each of two instruments, to be fetched from a mirror."""
    make_mirror(tmp_path / "mirror", OBSIDS, EXPOSURES, chain_lists)
    return Archive(
        tmp_path, configured(tmp_path, OBSIDS, ["M1", "PN"], one_job_per="observation", sas={"time_limit": "6 s"})
    )


def make_mirror(root: Path, obsids: Sequence[str], exposures: Sequence[RawExposure], lists: Path) -> None:
    """ODFs as an archive has them, and the lists that the chains will make of them."""
    for obsid in obsids:
        make_chain_lists(parsed_summary(make_odf(root.with_name("plain") / obsid, obsid, exposures)), lists)
        make_odf(root / "xmm" / "data" / "rev0" / obsid / "ODF", obsid, exposures, compressed=True)


def configured(root: Path, obsids: Sequence[str], instruments: Sequence[str], **top: Any) -> dict[str, Any]:
    """The configuration of an archive that fetches from the mirror below `root`, where its tables and raw data are too."""
    mission = {
        "engine": "sas", "source": {"archives": ["heasarc"]}, "obsids": list(obsids), "instruments": list(instruments),
        "select": {"science_usable": False}, "images": {"bands": [["0.5 keV", "2 keV"]], "pixel_size": "20 arcsec"},
    }  # fmt: skip
    return {
        "archive": "archive", "tables": str(root / "tables"), "data": str(root / "raw"),
        "archives": {"heasarc": [str(root / "mirror")]}, "missions": {"xmm_pointed": mission}, **top,
    }  # fmt: skip


def fetch_tables(archive: Archive, exposures: Sequence[RawExposure] = EXPOSURES) -> None:
    """Snapshots of the tables of observations and exposures, from a service on loopback."""
    spec, obsids = MISSIONS["xmm_pointed"], archive.config["missions"]["xmm_pointed"]["obsids"]
    other: dict[str, Any] = {"number": 1.0, "flag": "true", "utc": "2004-06-17T10:38:28", "text": ""}
    observations = [
        {**{each.source: other[each.kind] for each in spec.tables[0].columns}, "observation_id": obsid, "ra": 150.0, "dec": 2.0}
        for obsid in obsids
    ]  # fmt: skip
    names = {"M1": "EMOS1", "PN": "EPN"}
    listed = [
        {"observation_id": obsid, "instrument": names[each.instrument], "exposure_id": each.exposure, "filter": "Thin1",
         "mode_friendly_name": "Full Frame", "is_scientific": "true", "start_utc": other["utc"], "end_utc": other["utc"],
         "duration": 600.0}
        for obsid in obsids for each in exposures
    ]  # fmt: skip
    tables = {spec.tables[0].table: pd.DataFrame(observations), spec.exposures[0].table: pd.DataFrame(listed)}
    with serve_tables(tables) as url:
        archive.config["services"] = {"xsa": [url], "heasarc": [url]}
        archive.write()
        done = daxa_wf(archive, "fetch-tables", "--config", archive.path.name)
        assert done.returncode == 0, done.stdout + done.stderr


def daxa_wf(archive: Archive, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "daxa_wf", *arguments]
    return subprocess.run(command, cwd=archive.folder, capture_output=True, text=True, check=False)


def test_every_failure_at_once_and_only_those_again(
    archive: Archive, standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAXA_WF_STANDIN_PIDS", str(tmp_path / "pids"))
    fetch_tables(archive)
    standins.tell(*(f"{each.split()[0]}@{unit_directory(each)}:{how}" for each, (how, _, _) in INJECTED.items()))
    first = archive.run("--retries", "0")
    assert first.code == 1, first.text
    status = {(row["step"], row["obsid"] + row["inst"] + row["exposure"]): row for row in archive.status()}
    for injected, (_, verdict, said) in INJECTED.items():
        row = status[tuple(injected.split())]  # type: ignore[index]
        assert row["status"] == verdict, injected
        assert said in (row["message"] if verdict == FAULT else row["reason"]), injected
        if verdict != "done":
            assert f"{' of xmm_pointed '.join(injected.split())}: {verdict}" in first.text
    expected = {tuple(each.split()) for each, (_, verdict, _) in INJECTED.items() if verdict not in ("done",)}
    pending = {key for key, row in status.items() if row["status"] == "pending"}
    assert pending == {("report", B), ("report", C)}, "faults keep the reports of their observations from being made"
    assert {key for key, row in status.items() if row["status"] not in ("done", "blocked", "pending")} == expected
    assert status["evselect", f"{B}PNU004"]["status"] == status["evselect", f"{C}PNU004"]["status"] == "done"
    assert archive.record("espfilt", f"{B}PNU004", B)["warnings"]
    assert status["report", A]["status"] == "done"
    assert (archive.root / "failed_data" / "xmm_pointed" / A).is_dir()
    assert all_gone(tmp_path / "pids")
    assert not list((archive.root / ".staging").iterdir())

    standins.tell(f"espfilt@{C}M1S001:noCounts")
    before = archive.records()
    assert "5 records dropped" in daxa_wf(archive, "retry", archive.path.name).stdout
    second = archive.run()
    assert second.code == 0, second.text
    after = archive.records()
    assert [row["reason"] for row in archive.status() if row["status"] not in ("done", "blocked")] == ["noCounts"]
    kept = {key for key, row in status.items() if row["status"] == "done" and row["step"] != "report"}
    kept |= {("espfilt", f"{C}M1S001"), ("evselect", f"{C}M1S001")}
    assert {step for step, _ in kept} >= {
        "acquire",
        "cifbuild",
        "odfingest",
        "inventory",
        "emchain",
        "epchain",
        "espfilt",
    }
    assert rewritten(before, after) == set(after) - kept
    for obsid in OBSIDS:
        for instrument in ("M1", "PN"):
            assert archive.record("exposure_maps", f"{obsid}{instrument}", obsid)["status"] == "done"
    assert archive.record("merge", f"{C}M1", C)["results"]["exposures"] == ["U002"]
    assert (archive.root / "processed_data" / "xmm_pointed" / A).is_dir()
    archive.config["sas"] = {"time_limit": "1 h", "variables": {"SAS_MEMORY_MODEL": "low"}}
    third = archive.run()
    assert "Nothing to be done" in third.text, third.text


def unit_directory(injected: str) -> str:
    """What is in the path of a job's directory, and so tells its task what it works on."""
    return "-".join(injected.split())


def test_two_archives_at_once_on_one_store_of_raw_data(standins: Standins, tmp_path: Path, chain_lists: Path) -> None:
    """They fetch the same observation and work on it at the same time; nothing changes after it was verified."""
    exposures = (RawExposure("M1", "S001"),)
    make_mirror(tmp_path / "mirror", [A], exposures, chain_lists)
    archives = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        archives.append(Archive(tmp_path / name, configured(tmp_path, [A], ["M1"], one_job_per="observation")))
    fetch_tables(archives[0], exposures)
    archives[1].config["services"] = archives[0].config["services"]
    store = tmp_path / "raw" / "xmm_pointed_raw" / A
    for archive, process in [(archive, archive.start(cores=1)) for archive in archives]:
        run = Archive.ended(process)
        assert run.code == 0, run.text
        assert {row["status"] for row in archive.status()} == {"done"}
        assert archive.record("exposure_maps", f"{A}M1", A)["status"] == "done"
        (summary,) = archive.root.rglob("*SUM.SAS")
        path = Path(read_odf_summary(summary).path)
        assert path == archive.root / "raw" / "xmm_pointed" / A / "ODF"
        assert path.resolve() == store / "ODF"
    ledger = Ledger(store)
    there = {path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file()}
    assert there == {*ledger.files, LEDGER, LOCK}
    assert all(ledger.has(path) for path in ledger.files), (
        "a file's size or time is not what it was when it was verified"
    )
    for path, known in ledger.files.items():
        original = tmp_path / "mirror" / "xmm" / "data" / "rev0" / A / path
        assert sha256_of(store / path) == sha256_of(original) == known.sha256
    assert sorted(call["task"] for call in standins.calls()) == sorted(
        ["cifbuild", "odfingest", "emchain", "espfilt", "evselect", "evselect", "eexpmap"] * 2
    )


@pytest.mark.parametrize("how", ["interrupted", "killed"])
def test_a_run_that_is_ended_leaves_no_task_and_no_file(
    standins: Standins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Ctrl-C reaches all of a terminal's processes; SIGKILL only Snakemake, which can tell nobody."""
    pids = tmp_path / "pids"
    monkeypatch.setenv("DAXA_WF_STANDIN_PIDS", str(pids))
    make_odf(tmp_path / "odf" / A, A, (RawExposure("M1", "S001"),))
    mission = {"engine": "sas", "source": {"local": str(tmp_path / "odf")}, "instruments": ["M1"]}
    archive = Archive(tmp_path, {"archive": "archive", "missions": {"xmm_pointed": mission}})
    standins.tell("emchain:hang")
    process = archive.start()
    try:
        wait_for(pids)
    finally:
        if how == "killed":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGINT)
        ended = Archive.ended(process)
    if how == "interrupted":
        assert ended.text.count("Interrupted: the running jobs are ended. Finished work is kept") == 1
        assert [word for word in ("Traceback", "Error") if word in ended.text] == []
    assert all_gone(pids)
    staging = archive.root / ".staging"
    assert any(not list(staging.iterdir()) or time.sleep(0.02) for _ in range(250))
    assert {step for step, _ in archive.records()} == {"cifbuild", "odfingest", "inventory"}
    standins.tell()
    if how == "killed":
        assert archive.run("--unlock").code == 0
    emchain = "--", f"archive/records/xmm_pointed/{A}/emchain/{A}M1S001.json"
    again = archive.run(*emchain)
    assert again.code == 0, again.text
    assert archive.record("emchain", f"{A}M1S001", A)["status"] == "done"
