"""The SAS route as a user runs it: downloaded raw data, every way to fail at once, and what retrying repeats."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from daxa_wf.demo.tap_service import serve_tables
from daxa_wf.missions import MISSIONS
from tests.standins import Standins, all_gone
from tests.standins.odf import PN_IMAGING, OdfExposure, make_odf, parsed_summary
from tests.standins.sas import make_chain_lists

from .conftest import Archive, rewritten

A, B, C = OBSIDS = ("0201903501", "0404910601", "0502671101")
EXPOSURES = (
    OdfExposure("M1", "S001"),
    OdfExposure("M1", "U002", start=700),
    OdfExposure("PN", "S003", modes=PN_IMAGING),
    OdfExposure("PN", "U004", modes=PN_IMAGING, start=700),
)

FAULT = "fault"
INJECTED = {
    f"emchain {A}M1S001": ("exit", "failed", "exitCode"),
    f"espfilt {A}M1U002": ("nothing", "failed", "missingProduct"),
    f"epchain {A}PNS003": ("constituent", "failed", "constituent"),
    f"evselect {A}PNU004": ("errorZero", "failed", "someError"),
    f"emchain {B}M1S001": ("crash", "failed", "exitCode"),
    f"emchain {B}M1U002": ("hang", FAULT, "did not end within 4 s"),
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
    for obsid in OBSIDS:
        make_chain_lists(parsed_summary(make_odf(tmp_path / "plain" / obsid, obsid, EXPOSURES)), chain_lists)
        make_odf(tmp_path / "mirror" / "xmm" / "data" / "rev0" / obsid / "ODF", obsid, EXPOSURES, compressed=True)
    mission = {
        "engine": "sas", "source": {"archives": ["heasarc"]}, "obsids": list(OBSIDS), "instruments": ["M1", "PN"],
        "select": {"science_usable": False}, "images": {"bands": [["0.5 keV", "2 keV"]], "pixel_size": "20 arcsec"},
    }  # fmt: skip
    config = {
        "archive": "archive", "tables": "tables", "data": "raw", "archives": {"heasarc": [str(tmp_path / "mirror")]},
        "sas": {"time_limit": "4 s"}, "missions": {"xmm_pointed": mission},
    }  # fmt: skip
    return Archive(tmp_path, config)


def fetch_tables(archive: Archive) -> None:
    """Snapshots of the tables of observations and exposures, from a service on loopback."""
    spec = MISSIONS["xmm_pointed"]
    other: dict[str, Any] = {"number": 1.0, "flag": "true", "utc": "2004-06-17T10:38:28", "text": ""}
    observations = [
        {**{each.source: other[each.kind] for each in spec.tables[0].columns}, "observation_id": obsid, "ra": 150.0, "dec": 2.0}
        for obsid in OBSIDS
    ]  # fmt: skip
    names = {"M1": "EMOS1", "PN": "EPN"}
    exposures = [
        {"observation_id": obsid, "instrument": names[each.instrument], "exposure_id": each.exposure, "filter": "Thin1",
         "mode_friendly_name": "Full Frame", "is_scientific": "true", "start_utc": other["utc"], "end_utc": other["utc"],
         "duration": 600.0}
        for obsid in OBSIDS for each in EXPOSURES
    ]  # fmt: skip
    tables = {spec.tables[0].table: pd.DataFrame(observations), spec.exposures[0].table: pd.DataFrame(exposures)}
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
    assert {key for key, row in status.items() if row["status"] not in ("done", "blocked")} == expected
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
    again = rewritten(before, after)
    untouched = {
        (step, unit)
        for (step, unit), row in status.items()
        if row["status"] == "done" and step not in ("report", "merge")
    }
    assert not again & untouched
    for obsid in OBSIDS:
        for instrument in ("M1", "PN"):
            assert archive.record("exposure_maps", f"{obsid}{instrument}", obsid)["status"] == "done"
    assert archive.record("merge", f"{C}M1", C)["results"]["exposures"] == ["U002"]
    assert (archive.root / "processed_data" / "xmm_pointed" / A).is_dir()
    archive.config["sas"] = {"time_limit": "1 h", "variables": {"SAS_MEMORY_MODEL": "low"}}
    assert "Nothing to be done" in archive.run().text


def unit_directory(injected: str) -> str:
    """What is in the path of a job's directory, and so tells its task what it works on."""
    return "-".join(injected.split())
