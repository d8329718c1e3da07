"""Reading the Snakefile has no effect; dry runs show what a run would do, stale products included."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from .conftest import OBSIDS, Archive

QUESTIONS = [("-n",), ("--lint",), ("--summary",), ("--dag",)]


def state(folder: Path) -> dict[str, tuple[int, str]]:
    """Time and content of every file of a project, without Snakemake's own directory and the file that `run` writes."""
    parts = {".snakemake", "my config.yaml"}
    paths = (path for path in folder.rglob("*") if not parts.intersection(path.relative_to(folder).parts))
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in paths
    }


def test_questions_change_nothing_and_show_what_is_stale(make_archive: Any, tmp_path: Path) -> None:
    archive: Archive = make_archive(jobs="step", obsids=[OBSIDS[0]], instruments=["M1"])
    archive.write()
    before = state(tmp_path)
    for question in (("-n",), ("--lint",)):
        archive.run(*question)
    assert state(tmp_path) == before, "a question changed a project without an archive"

    assert archive.run().code == 0
    (final,) = archive.root.rglob("*finalevents.fits")
    final.unlink()
    record = archive.root / f"records/xmm_pointed/{OBSIDS[0]}/inventory/{OBSIDS[0]}.json"
    whole = record.read_text()
    (archive.root / ".staging" / "some-host-1-espfilt-x").mkdir(parents=True)
    note = archive.root / f"logs/xmm_pointed/{OBSIDS[0]}/espfilt_{OBSIDS[0]}M1S001.fault.json"
    note.write_text("{")
    before = state(tmp_path)
    runs = {question: archive.run(*question) for question in QUESTIONS}
    assert state(tmp_path) == before
    dry = runs["-n",].text
    assert f"1 record is made again: a product is gone or changed (processed_data/xmm_pointed/{OBSIDS[0]}" in dry
    assert "records are made again: an earlier step is made again" in dry
    for step in ("merge", "images", "exposure_maps", "report"):
        assert re.search(rf"^{step} +1$", dry, re.MULTILINE), step
    assert not re.search(r"^espfilt +\d", dry, re.MULTILINE)
    assert "update pending" in runs["--summary",].text

    record.write_text(whole[:100])
    before = state(tmp_path)
    assert "1 record is made again: the record is damaged" in archive.run("-n").text
    assert state(tmp_path) == before
    run = archive.run()
    assert run.code == 0, run.text
    assert record.with_name(f"{record.name}.damaged").read_text() == whole[:100]
    assert note.with_name(f"{note.name}.damaged").exists()
    assert final.exists()
    assert "Nothing to be done" in archive.run().text

    before = state(tmp_path)
    report = archive.run("--report", "snakemake.html")
    assert report.code == 0, report.text
    page = (tmp_path / "snakemake.html").read_text()
    for text in ("Observations", "status.tsv", "selected, cleaned and organised by daxa_wf", OBSIDS[0]):
        assert text in page
    after = state(tmp_path)
    del after["snakemake.html"]
    assert after == before
