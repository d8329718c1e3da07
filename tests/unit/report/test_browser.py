"""The archive's page in a browser: its own script runs, and nothing else is allowed."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, write_record
from daxa_wf.report.archive_page import write_archive_page
from daxa_wf.units import Unit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page of an archive of three observations."""
    layout = Layout(tmp_path / "my archive")
    for number, target in enumerate(("Coma", "Abell 907", "<b>M 31</b>")):
        summary = {
            "target": target,
            "ra": 10.0 * number,
            "dec": 41.0,
            "start": f"200{number}-01-01",
            "exposures": {"XRT": 5e3},
        }
        unit = Unit("swift", f"{number:011d}")
        write_record(layout, Record("report", unit, Status.DONE, results={"usable": True, "summary": summary}))
    return write_archive_page(layout)


def test_the_policy_allows_the_pages_own_script_only(page: Path) -> None:
    text = page.read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.replace("&#39;", "'") == (
        f"default-src 'none'; img-src 'self' file: data:; script-src 'sha256-{digest}'; style-src 'unsafe-inline'"
    )
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_table_can_be_used_in_a_browser(page: Path, tmp_path: Path) -> None:
    command = [
        str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "3 of 3" in done.stdout, "the script ran"
    assert '<div class="tools screen">' in done.stdout, "the tools are no longer hidden"
    assert done.stdout.count('<button type="button">') == 11
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
