"""A whole run with failing archives: no secret and no escape anywhere, and no second request for data that are not public."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from daxa_wf.mission.registry import MISSIONS
from daxa_wf_simulator.mirror_server import serve_mirror
from daxa_wf_simulator.tap_service import serve_tables
from tests.archives import SMALL, content

from .test_archives import served_table

SECRET = "s3cr3t-w0rd"
MISSIONS_HERE = {"nustar_pointed": "s3", "chandra": "heasarc", "swift": "heasarc"}
"""Mission -> the archive that it is fetched from."""


def run(folder: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "daxa_wf", "run", "my.yaml", "--cores", "2", "--retries", "0"]
    environment = {**os.environ, "DAXA_WF_XSA_USERNAME": "me", "DAXA_WF_XSA_PASSWORD": SECRET}
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, env=environment)


def holding(folder: Path, text: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


def unkind(handler: Any, path: str) -> bool:
    """Closed for one mission; words with escapes and secrets for another; a redirect with secrets for the third."""
    if path == "/s3/":
        handler.page(b"log in", status=403)
    elif "/chandra/" in path:
        handler.page(
            f"<title>\x1b[31m {SECRET} {handler.path} https://me:{SECRET}@host/?token={SECRET}</title>".encode()
        )
    elif "/swift/" in path and path.endswith(".gz") and "gone" not in path:
        handler.send_response(302)
        handler.send_header(
            "Location", f"http://me:{SECRET}@{handler.headers['Host']}/gone{path}?X-Amz-Signature={SECRET}"
        )
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    else:
        return False
    return True


def test_secrets_reach_no_file_and_no_terminal_and_closed_data_are_asked_for_once(tmp_path: Path) -> None:
    for each in SMALL["swift"].files:
        path = tmp_path / "served" / SMALL["swift"].directory / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(path.name))
    tables = {MISSIONS[name].tables[0].table: served_table(name) for name in MISSIONS_HERE}
    tables["numaster"]["public_date"] = 80_000.0
    folder = tmp_path / "project"
    folder.mkdir()
    with serve_mirror(tmp_path / "served") as archives, serve_tables(tables) as url:
        archives.fault = unkind
        select = {"positions": [150.0, 2.0], "science_usable": False}
        config = {
            "archive": "archive", "one_job_per": "observation", "tables": "tables", "data": "data",
            "services": {"heasarc": [f"{archives.base}/none?token={SECRET}", url.replace("://", f"://me:{SECRET}@")]},
            "archives": {
                "heasarc": [f"{archives.base}/none/?access_token={SECRET}",
                            archives.bases["heasarc"][0].replace("://", f"://me:{SECRET}@")],
                "s3": [*archives.bases["s3"]],
            },
            "missions": {name: {"source": {"archives": [archive]}, "select": select}
                         for name, archive in MISSIONS_HERE.items()},
        }  # fmt: skip
        (folder / "my.yaml").write_text(yaml.safe_dump(config))
        first = run(folder)
        asked = archives.requests["/s3/"]
        second = run(folder)
        again = archives.requests["/s3/"]
    text = first.stdout + first.stderr + second.stdout + second.stderr
    assert (first.returncode, second.returncode) == (1, 1), text.decode()
    said = " ".join(text.decode().split())
    assert f"acquire of nustar_pointed {SMALL['nustar_pointed'].obsid}: rejected: notPublic" in said
    assert "is not public until 2077-" in said
    for name in ("chandra", "swift"):
        assert f"acquire of {name} {SMALL[name].obsid}: fault: ServiceError" in said
    assert (asked, again) == (1, 1)
    assert SECRET.encode() not in text
    assert b"\x1b[31m" not in text
    (folder / "my.yaml").unlink()
    assert holding(folder, b"is not public until")
    assert holding(folder, SECRET.encode()) == []
