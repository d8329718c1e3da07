"""An archive through its life, run as a user runs it: made, locked, reproduced elsewhere, damaged, verified, mended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from daxa_wf.mission.registry import MISSIONS
from daxa_wf_simulator.tap_service import serve_tables
from tests.in_process import FIRST, SECOND, put_mirror

from .conftest import OBSIDS, Archive, rewritten
from .test_archives import served_table


def command(archive: Archive, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of daxa-wf in the project."""
    return subprocess.run(
        [sys.executable, "-m", "daxa_wf", *arguments], cwd=archive.folder, capture_output=True, text=True, check=False
    )


def test_another_option_in_a_lock_is_named_and_an_altered_byte_is_found(make_archive: Any, tmp_path: Path) -> None:
    archive: Archive = make_archive(instruments=["M1"], images={"bands": [["0.5 keV", "2.0 keV"]]})
    made = archive.run("--config", "message=the first run")
    assert made.code == 0
    first = archive.path.read_text()
    assert "Version 1.0.0 (first): 16 products added" in made.text
    locked = command(archive, "lock", archive.path.name, "-o", "my.lock.json")
    assert locked.returncode == 0, locked.stderr
    content = json.loads((tmp_path / "my.lock.json").read_text())
    assert {row["obsid"] for row in content["observations"]} == set(OBSIDS)
    products = {path: sha256 for step in content["steps"].values() for path, sha256 in step["products"].items()}
    assert len(products) == 2 * 8

    refused = command(archive, "reproduce", "my.lock.json", "--to", ".")
    assert (refused.returncode, "choose another one" in refused.stderr) == (2, True)

    # Another option in the lock: the products that depend on it differ, and the cause is named.
    content["configuration"]["missions"]["xmm_pointed"]["images"]["pixel_size"] = "10 arcsec"
    (tmp_path / "other.lock.json").write_text(json.dumps(content))
    other = command(archive, "reproduce", "other.lock.json", "--to", "other", "--cores", "2")
    assert other.returncode == 1
    assert "16 products, 4 differences" in other.stdout
    assert other.stdout.count("-image.fits: options differ: ") == 2

    (final,) = archive.root.rglob(f"obsid{OBSIDS[0]}-*finalevents.fits")
    whole, times = final.read_bytes(), (final.stat().st_atime_ns, final.stat().st_mtime_ns)
    final.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    os.utime(final, ns=times)
    assert "Nothing to be done" in archive.run().text, "its size and time are as recorded"
    found = command(archive, "verify", archive.path.name)
    assert found.returncode == 1
    assert f"altered: {final.relative_to(archive.root)}" in found.stdout
    assert archive.run().code == 0
    assert final.read_bytes() == whole
    assert command(archive, "verify", archive.path.name).stdout == "every product is as recorded\n"
    (version,) = json.loads(command(archive, "history", archive.config["archive"], "--json").stdout)["versions"]
    assert (version["message"], version["after"]["products"]) == ("the first run", 16)
    assert (archive.root / f"versions/configurations/{version['configuration'][:16]}.yaml").read_text() == first


def test_an_archive_follows_its_data_centre_and_is_reproduced_byte_for_byte(tmp_path: Path) -> None:
    """Built, updated when an observation appears, without its raw data, with another option, locked and reproduced."""
    table, exposures = MISSIONS["xmm_pointed"].tables[0].table, MISSIONS["xmm_pointed"].exposures[0]
    listed = served_table("xmm_pointed").iloc[:1]
    columns = [column.source for column in exposures.columns]
    tables = {table: listed.assign(observation_id=[FIRST]), exposures.table: pd.DataFrame(columns=columns, dtype=str)}
    put_mirror(tmp_path / "heasarc", FIRST)
    section = {
        "source": {"archives": ["heasarc"]},
        "select": {"positions": [[150.0, 2.0]]},
        "espfilt": {"method": "threshold"},
    }
    archive = Archive(tmp_path, {
        "archive": "my archive", "one_job_per": "observation", "archives": {"heasarc": ["./heasarc"]},
        "missions": {"xmm_pointed": section},
    })  # fmt: skip
    with serve_tables(tables) as url:
        archive.config["services"] = {"heasarc": [url], "xsa": [url]}
        assert archive.run().code == 0

        put_mirror(tmp_path / "heasarc", SECOND)
        tables[table] = pd.concat([tables[table], listed.assign(observation_id=[SECOND])])
        before = archive.records()
        shown = command(archive, "update", archive.path.name)
        assert shown.stdout.startswith(f"new: xmm_pointed {SECOND}: newly in the table\n"), shown
        assert archive.records() == before
        updated = command(archive, "update", archive.path.name, "--apply", "--run", "--cores", "2")
        assert updated.returncode == 0, updated.stderr
    after = archive.records()
    assert rewritten(before, after) == {key for key in after if SECOND in key[1]}
    assert len(after) == 2 * len(before)

    assert command(archive, "delete-raw", archive.path.name, "--yes").returncode == 0
    assert command(archive, "prune", archive.path.name, "--intermediates", "--apply").returncode == 0
    section["images"] = {"pixel_size": "10 arcsec"}
    archive.config["one_job_per"] = "step"
    ended = archive.run()
    assert ended.code == 0
    redone = {step for step, _ in rewritten(after, archive.records())}
    assert redone == {"images", "exposure_maps", "report", "acquire", "evselect"}, ended.text
    assert "Nothing to be done" in archive.run("-n").text

    assert command(archive, "lock", archive.path.name, "-o", "my.lock.json").returncode == 0
    again = command(archive, "reproduce", "my.lock.json", "--to", "again", "--cores", "2")
    products = json.loads((tmp_path / "my.lock.json").read_text())["steps"].values()
    paths = [path for step in products for path in step["products"]]
    assert (again.returncode, f"{len(paths)} products, 0 differences" in again.stdout) == (0, True), again.stdout
    for path in paths:
        assert (tmp_path / "again" / "archive" / path).read_bytes() == (archive.root / path).read_bytes()
