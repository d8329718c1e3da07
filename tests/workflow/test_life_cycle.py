"""An archive through its life, run as a user runs it: made, locked, reproduced elsewhere, damaged, verified, mended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .conftest import OBSIDS, Archive


def command(archive: Archive, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of daxa-wf in the project."""
    return subprocess.run(
        [sys.executable, "-m", "daxa_wf", *arguments], cwd=archive.folder, capture_output=True, text=True, check=False
    )


def test_a_lock_is_reproduced_without_a_difference_and_an_altered_byte_is_found(
    make_archive: Any, tmp_path: Path
) -> None:
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

    again = command(archive, "reproduce", "my.lock.json", "--to", "again", "--cores", "2")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "16 products, 0 differences" in again.stdout
    for path in products:
        assert (tmp_path / "again" / "archive" / path).read_bytes() == (archive.root / path).read_bytes()
    refused = command(archive, "reproduce", "my.lock.json", "--to", "again")
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
