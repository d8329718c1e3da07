"""What update finds upstream, that nothing changes without --apply, and that the next run then does the work."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from daxa_wf.archive.records import read_record
from daxa_wf.cli.main import app
from daxa_wf.download.data_centres import RemoteFile
from daxa_wf.download.upstream import UpstreamChange, upstream_changes
from daxa_wf.mission.registry import MISSIONS
from daxa_wf.units import Unit
from daxa_wf_simulator.mirror_server import serve_mirror
from daxa_wf_simulator.tap_service import serve_tables
from tests.archives import SMALL, fits_bytes, write
from tests.in_process import Project
from tests.workflow.test_archives import served_table

NUSTAR, SWIFT = SMALL["nustar_pointed"], SMALL["swift"]
FIRST, SECOND, THIRD = NUSTAR.obsid, "71010003004", "71010003006"
TABLE = {name: MISSIONS[name].tables[0].table for name in ("nustar_pointed", "swift")}


@dataclass
class World:
    """Services on loopback, whose mirror and tables a test may change, and a project that was run."""

    mirror: Path
    tables: dict[str, pd.DataFrame]
    project: Project

    def put(self, obsid: str) -> Path:
        """Put an observation of NuSTAR into the mirror. Return its directory."""
        folder = self.mirror / NUSTAR.directory.replace(FIRST, obsid)
        for name in NUSTAR.files:
            write(folder / name.replace(FIRST, obsid))
        return folder

    def list_only(self, *obsids: str) -> None:
        """Let the table list these observations."""
        row = served_table("nustar_pointed").iloc[:1]
        self.tables[TABLE["nustar_pointed"]] = pd.concat([row.assign(obsid=obsid) for obsid in obsids])

    def update(self, *arguments: str) -> str:
        result = CliRunner().invoke(app, ["update", str(self.project.write()), *arguments])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    def changes(self) -> dict[str, tuple[str, str]]:
        """ObsID -> change and detail."""
        values = json.loads(self.update("--json"))
        return {change["obsid"]: (change["change"], change["detail"]) for change in values["changes"]}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    mirror, tables = tmp_path / "served", {TABLE[name]: served_table(name) for name in TABLE}
    for name in SWIFT.files:
        write(mirror / SWIFT.directory / name)
    select = {"positions": [[150.0, 2.0]], "science_usable": False}
    missions = {name: {"source": {"archives": ["heasarc"]}, "select": select} for name in ("nustar_pointed", "swift")}
    monkeypatch.chdir(tmp_path)
    with serve_mirror(mirror) as served, serve_tables(tables) as url:
        services, archives = {"heasarc": [url]}, {"heasarc": list(served.bases["heasarc"])}
        world = World(mirror, tables, Project(tmp_path, missions, services=services, archives=archives))
        world.put(FIRST), world.put(SECOND)
        world.list_only(FIRST, SECOND)
        assert f"preprocessed {SECOND}" in world.project.run()
        yield world


def state_of(*folders: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file."""
    paths = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_an_observation_appears_one_vanishes_and_one_is_reprocessed(world: World) -> None:
    project, folder = world.project, world.project.folder
    assert world.update() == "no observation has changed\n"
    world.list_only(FIRST, THIRD)
    world.put(THIRD)
    changed = world.mirror / NUSTAR.directory / "event_cl" / f"nu{FIRST}A01_cl.evt.gz"
    changed.write_bytes(gzip.compress(fits_bytes("reprocessed", 900), mtime=0))
    own = (project.layout.root, folder / "tables", folder / "data")
    before = state_of(*own)
    found = world.changes()
    assert state_of(*own) == before, "nothing changes without --apply"
    assert {obsid: change for obsid, (change, _) in found.items()} == {
        SECOND: "gone", THIRD: "new", FIRST: "reprocessed"
    }  # fmt: skip
    assert found[THIRD][1] == "newly in the table"
    assert found[FIRST][1] == f"event_cl/{changed.name} 10137 bytes, and 995 when it was fetched", "a listing rounds"
    assert project.run() == set(), "the archive is as before"

    text = world.update("--apply")
    assert f"1 gone, 1 new, 1 reprocessed; taken over, and 'daxa-wf run {folder}/archive.yaml' does the work" in text
    made = project.run()
    assert {f"acquire {THIRD}", f"preprocessed {THIRD}", f"acquire {FIRST}", f"preprocessed {FIRST}"} <= made
    assert not {name for name in made if SECOND in name or SWIFT.obsid in name}
    record = read_record(project.layout.record("preprocessed", Unit("nustar_pointed", FIRST)))
    assert hashlib.sha256(changed.read_bytes()).hexdigest() in {stamp.sha256 for stamp in record.products}
    assert world.update() == "no observation has changed\n"
    assert project.run() == set()


def test_a_dead_service_of_one_mission_does_not_spoil_the_other(world: World) -> None:
    world.list_only(FIRST, SECOND, THIRD)
    world.put(THIRD)
    del world.tables[TABLE["swift"]]
    shutil.rmtree(world.mirror / SWIFT.directory)
    before = state_of(world.project.folder / "tables")
    values = json.loads(world.update("--json", "--apply"))
    assert [(change["change"], change["obsid"]) for change in values["changes"]] == [("new", THIRD)]
    assert values["tables"] == ["nustar_pointed"]
    problems = " ".join(values["problems"])
    assert "swift: " in problems
    assert "the table in use is compared" in problems
    assert f"swift: 1 observations could not be compared with their data centres: {SWIFT.obsid}" in problems
    after = state_of(world.project.folder / "tables")
    assert {Path(path).name for path in after if before.get(path) != after[path]} == {
        "nustar_pointed.json", "nustar_pointed.parquet"
    }  # fmt: skip
    assert world.project.run() == {f"{step} {THIRD}" for step in ("acquire", "preprocessed", "report")}


def test_a_file_with_a_new_date_is_fetched_again(world: World) -> None:
    changed = world.mirror / NUSTAR.directory / "event_cl" / f"nu{FIRST}A01_cl.evt.gz"
    later = time.time() + 3 * 86400
    os.utime(changed, (later, later))
    ((change, detail),) = world.changes().values()
    assert (change, "modified on" in detail) == ("reprocessed", True)
    world.update("--apply")
    assert world.project.run() == {f"acquire {FIRST}", f"preprocessed {FIRST}", f"report {FIRST}"}


def test_a_changed_configuration_is_run_before_an_update(world: World) -> None:
    del world.project.missions["swift"]
    result = CliRunner().invoke(app, ["update", str(world.project.write())])
    assert "swift was removed); run it first, then update" in str(result.exception)
    result = CliRunner().invoke(app, ["update", str(world.project.write()), "--run"])
    assert str(result.exception) == "--run works only with --apply"


def remote(path: str, **facts: Any) -> RemoteFile:
    return RemoteFile(path, f"https://archive/{path}", **facts)


OLD = {"path": "a.fits", "size": 5000, "remote_size": 5000, "sha256": "x", "etag": '"' + "0" * 32 + '"',
       "fetched": "2024-05-02T00:00:00+00:00"}  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "detail"),
    [
        (remote("a.fits"), ""),
        (remote("a.fits", size=5000, exact=True), ""),
        (remote("a.fits", size=5001, exact=True), "5001 bytes, and 5000 when it was fetched"),
        (remote("a.fits", size=5120), ""),
        (remote("a.fits", size=9216), "9216 bytes, and 5000 when it was fetched"),
        (remote("a.fits", size=5000, exact=True, md5="0" * 32, modified="2025-01-01T00:00:00Z"), ""),
        (remote("a.fits", size=5000, exact=True, md5="1" * 32), "another MD5 than when it was fetched"),
        (remote("a.fits", modified="2024-05-02T13:00"), ""),
        (remote("a.fits", modified="2024-05-03T13:00"), "modified on 2024-05-03, and fetched on 2024-05-02"),
        (remote("a.fits", modified="2024-05-02T00:00:01Z"), "modified on 2024-05-02, and fetched on 2024-05-02"),
        (remote("a.fits", modified="soon"), ""),
    ],
)
def test_sizes_checksums_and_dates_of_a_listing_are_compared(listed: RemoteFile, detail: str) -> None:
    expected = [UpstreamChange("a.fits", "changed", detail)] if detail else []
    assert upstream_changes([OLD], [listed], str) == expected


def test_files_with_other_names_are_added_and_gone() -> None:
    assert upstream_changes([OLD], [remote("a_v2.fits")], str) == [
        UpstreamChange("a.fits", "gone"), UpstreamChange("a_v2.fits", "added")
    ]  # fmt: skip
