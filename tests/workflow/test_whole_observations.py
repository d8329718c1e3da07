"""One job for all steps of an observation: the same archive as with a job for each step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.archive.history import read_history
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import read_record
from daxa_wf.archive.versions import differences
from daxa_wf.files import sha256_of

from .conftest import OBSIDS, Archive, rewritten

VARIES = {"started", "ended", "wall_seconds", "peak_memory_mb", "products", "inputs", "built_on"}
"""Fields of a record that hold times or memory, or digests that include them."""


def products(archive: Archive) -> dict[str, str]:
    """Return the SHA-256 of every product, by path."""
    paths = (archive.root / "processed_data").rglob("*.*")
    return {path.relative_to(archive.root).as_posix(): sha256_of(path) for path in paths if path.is_file()}


def verdicts(archive: Archive) -> dict[str, dict[str, Any]]:
    """Return what the records state, by path."""
    paths = sorted((archive.root / "records").rglob("*.json"))
    shown = {path: json.loads(path.read_text()) for path in paths}
    return {
        str(path.relative_to(archive.root)): {
            **{name: value for name, value in record.items() if name not in VARIES},
            "made": [product["path"] for product in record["products"]],
            "from": sorted(record["built_on"]),
        }
        for path, record in shown.items()
    }


def names(root: Path) -> set[str]:
    """Return the paths in an archive. The configurations of both kinds differ; the contents of their versions do not."""
    paths = (path for path in root.rglob("*") if not {".snakemake", "configurations"}.intersection(path.parts))
    return {path.relative_to(root).as_posix() for path in paths}


@pytest.fixture
def both(make_archive: Any, small_observations: Path, tmp_path: Path) -> list[Archive]:
    """Archives of both kinds from one directory, in which the first list of the second observation is cut off."""
    source = tmp_path / "lists"
    shutil.copytree(small_observations, source)
    (broken,) = (source / OBSIDS[1]).rglob("*M1S001MIEVLI*")
    broken.write_bytes(broken.read_bytes()[:20_000])
    return [
        make_archive(source, name=jobs, jobs=jobs, images={"bands": [["0.5 keV", "2.0 keV"]]})
        for jobs in ("step", "observation")
    ]


def test_the_archive_is_the_same_either_way(both: list[Archive], small_observations: Path) -> None:
    runs = [archive.run() for archive in both]
    assert [run.code for run in runs] == [1, 1], runs[1].text
    step, whole = both
    assert verdicts(whole) == verdicts(step)
    assert len(verdicts(whole)) == 12 + 6
    assert products(whole) == products(step)
    assert whole.status() == step.status()
    assert {row["status"] for row in whole.status()} == {"done", "fault", "pending", "blocked"}
    report_log = f"logs/xmm_pointed/{OBSIDS[1]}/report_{OBSIDS[1]}.log"
    assert names(whole.root) == names(step.root) | {report_log}
    assert "gzip stream is damaged or cut off" in (whole.root / report_log).read_text()
    assert [run.text.count("espfilt of xmm_pointed 0999990401M1S001: fault") for run in runs] == [1, 1]
    jobs = [line for line in runs[1].text.splitlines() if " report " in line and ":" in line[:8]]
    assert len(jobs) == 2, runs[1].text

    # The other list is whole again, and an option of images changed: only what depends on them is made again.
    (broken,) = (both[0].folder / "lists" / OBSIDS[1]).rglob("*M1S001MIEVLI*")
    shutil.copyfile(next((small_observations / OBSIDS[1]).rglob("*M1S001MIEVLI*")), broken)
    before = whole.records()
    whole.config["missions"]["xmm_pointed"]["images"]["pixel_size"] = "10 arcsec"
    run = whole.run()
    assert run.code == 0, run.text
    assert "Version 2.0.0 (processing): " in run.text
    causes = {Path(change.product).name: change.cause for change in differences(Layout(whole.root), "1.0.0", "2.0.0")}
    image = f"obsid{OBSIDS[0]}-instM2-subexpALL-en0.5_2.0keV-"
    assert causes[f"{image}image.fits"].startswith("options differ: "), causes
    assert causes[f"{image}expmap.fits"].endswith(f" (images of {OBSIDS[0]}M2)"), causes
    assert {cause for name, cause in causes.items() if OBSIDS[1] in name and "M1S001" in name} <= {"the step was added"}
    again = rewritten(before, whole.records())
    assert {step for step, unit in again if unit.startswith(OBSIDS[0])} == {"images", "exposure_maps", "report"}
    assert ("espfilt", f"{OBSIDS[1]}M1S001") in again
    assert ("inventory", OBSIDS[1]) in again
    before = whole.records()
    assert "Nothing to be done" in whole.run().text

    # A product that is gone is shown by a dry run, which removes no record, and then made again.
    (final,) = whole.root.rglob(f"obsid{OBSIDS[0]}-instM2-*finalevents.fits")
    final.unlink()
    dry = whole.run("-n")
    assert whole.records() == before
    assert "a product is gone or changed" in dry.text
    assert whole.run().code == 0
    again = rewritten(before, whole.records())
    assert {step for step, _ in again} == {"merge", "images", "exposure_maps", "report"}
    assert {unit for _, unit in again} == {f"{OBSIDS[0]}M2", OBSIDS[0]}
    assert read_history(Layout(whole.root)).latest.number == "2.0.0", "the same bytes make no version"
    for path in (whole.root / "records").rglob("*.json"):
        assert read_record(path).done
