"""A local directory with bad files, run as a user runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.damaged_lists import UNUSABLE, put, small_list

from .conftest import Archive

GOOD, LINK, FOLDER = "0999991001", "0999992001", "0999992002"


def test_bad_files_do_not_end_the_archive_and_are_taken_up_when_mended(make_archive: Any, tmp_path: Path) -> None:
    source = tmp_path / "lists"
    put(source, GOOD, small_list(GOOD))
    UNUSABLE["dangling link"][0](source, LINK)
    UNUSABLE["non-UTF-8 folder"][0](source, FOLDER)
    archive: Archive = make_archive(source)
    run = archive.run()
    assert run.code == 0, run.text
    status = {(row["obsid"], row["step"]): (row["status"], row["reason"]) for row in archive.status()}
    assert status[GOOD, "images"] == ("done", "")
    assert {status[obsid, "espfilt"] for obsid in (LINK, FOLDER)} == {("rejected", "unusableList")}
    assert "which does not exist" in run.text
    (link,) = source.glob(f"*{LINK}*")
    link.unlink()
    put(source, LINK, small_list(LINK), "")
    again = archive.run()
    assert again.code == 0, again.text
    status = {(row["obsid"], row["step"]): row["status"] for row in archive.status()}
    assert status[LINK, "images"] == "done"
