"""The workflow, run as a user runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from astropy.io import fits

from daxa_wf.archive.running import is_running
from daxa_wf.observatories.xmm.native.event_list import EpicEventList

from .conftest import OBSIDS, Archive, rewritten

FOLLOWING = {"espfilt", "evselect", "merge", "images", "exposure_maps", "report"}


def test_from_nothing_to_nothing_left_to_do(make_archive: Any, tmp_path: Path) -> None:
    """One archive through its life: made, made again, an option changed, a product deleted."""
    archive: Archive = make_archive(jobs="step", obsids=[OBSIDS[0]])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    archive.config["archive"] = str(tmp_path / "my archive")
    first = archive.run(cwd=elsewhere)
    assert first.code == 0, first.text
    products = archive.root / "processed_data" / "xmm_pointed" / OBSIDS[0]
    for instrument, exposure in (("M1", "S001"), ("M2", "S002")):
        stem = f"obsid{OBSIDS[0]}-inst{instrument}-subexp"
        names = [
            *(
                f"cleaning/{stem}{exposure}-en2.5_8.5keV-{name}"
                for name in ("gti.fits", "hist.qdp", "hist.svg", "lightcurve.fits", "lightcurve.svg")
            ),
            f"events/{stem}{exposure}-cleanevents.fits", f"events/{stem}ALL-finalevents.fits",
            f"images/{stem}ALL-en0.5_2.0keV-image.fits", f"images/{stem}ALL-en2.0_10.0keV-expmap.fits",
        ]  # fmt: skip
        assert [name for name in names if not (products / name).is_file()] == []
    page = (products / "report.html").read_text()
    assert "data:image/png;base64" in page
    assert "<svg" in page
    assert 'href="http' not in page
    assert 'src="http' not in page
    assert (products / "thumbnail.png").is_file()
    assert OBSIDS[0] in (archive.root / "report.html").read_text()
    assert not (archive.root / ".staging").exists() or not list((archive.root / ".staging").iterdir())

    made = archive.records()
    second = archive.run(cwd=elsewhere)
    assert second.code == 0
    assert "Nothing to be done" in second.text
    assert archive.records() == made

    archive.config["missions"]["xmm_pointed"]["espfilt"] = {"allowed_sigma": 2.5}
    assert archive.run(cwd=elsewhere).code == 0
    after = archive.records()
    assert {step for step, _ in rewritten(made, after)} == FOLLOWING

    (products / "events" / f"obsid{OBSIDS[0]}-instM1-subexpALL-finalevents.fits").unlink()
    assert archive.run(cwd=elsewhere).code == 0
    again = archive.records()
    changed = rewritten(after, again)
    assert {("merge", f"{OBSIDS[0]}M1"), ("images", f"{OBSIDS[0]}M1")} <= changed
    assert not {unit for step, unit in changed if unit.endswith("M2") or step in ("espfilt", "evselect")}
    assert (products / "events" / f"obsid{OBSIDS[0]}-instM1-subexpALL-finalevents.fits").is_file()


def test_a_corrupt_list_spoils_nothing_else(make_archive: Any, small_observations: Path, tmp_path: Path) -> None:
    source = tmp_path / "two observations"
    shutil.copytree(small_observations, source)
    (other,) = (source / OBSIDS[0]).rglob("*M2S002MIEVLI*")
    other.unlink()
    (broken,) = (source / OBSIDS[1]).rglob("*M1S001MIEVLI*")
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    archive: Archive = make_archive(source)
    run = archive.run()
    assert run.code == 1
    status = archive.status()
    faults = [row for row in status if row["status"] == "fault"]
    assert [(row["obsid"], row["inst"], row["step"]) for row in faults] == [(OBSIDS[1], "M1", "espfilt")]
    assert "gzip stream is damaged or cut off" in faults[0]["message"]
    assert broken.name in run.text
    done = {(row["obsid"], row["inst"]) for row in status if row["step"] == "exposure_maps" and row["status"] == "done"}
    assert done == {(OBSIDS[0], "M1"), (OBSIDS[1], "M2")}
    assert not list(archive.root.rglob(f"*{OBSIDS[1]}-instM1*.fits"))
    assert "gzip stream" in (archive.root / "report.html").read_text()

    broken.write_bytes(whole)
    before = archive.records()
    mended = archive.run()
    assert mended.code == 0, mended.text
    assert not [row for row in archive.status() if row["status"] == "fault"]
    assert not {unit for _, unit in rewritten(before, archive.records()) if not unit.startswith(OBSIDS[1])}

    broken.write_bytes(b"")
    assert "0999990401M1S001MIEVLI0000.FTZ" in archive.run().text
    told = {(row["step"], row["obsid"], row["inst"]): row["status"] for row in archive.status()}
    steps = ("espfilt", "evselect", "merge", "images", "exposure_maps")
    assert [told[step, OBSIDS[1], "M1"] for step in steps] == ["fault", *["blocked"] * 4]
    assert {told[step, OBSIDS[1], "M2"] for step in steps} == {"done"}
    assert {told[step, OBSIDS[0], "M1"] for step in steps} == {"done"}


def test_a_run_in_which_nothing_succeeds_ends_with_1_and_the_reasons_each_time_until_it_does(make_archive: Any) -> None:
    """What is not usable goes to failed_data, and comes back."""
    archive: Archive = make_archive(obsids=[OBSIDS[1]], espfilt={"gauss_fit_lims": [8.0, 9.5]})
    first = archive.run()
    made = archive.records()
    for run in (first, archive.run()):
        assert run.code == 1, run.text
        for unit in ("M1S001", "M2S002"):
            assert re.search(rf"espfilt of xmm_pointed {OBSIDS[1]}{unit}: (rejected|failed): \w+: ", run.text), run.text
        assert "Nothing succeeded: no observation has a usable product. The reasons are listed above." in run.text
        assert "Traceback" not in run.text
    assert archive.records() == made
    assert not is_running(archive.root)
    assert (archive.root / "failed_data" / "xmm_pointed" / OBSIDS[1] / "report.html").is_file()
    assert not (archive.root / "processed_data" / "xmm_pointed" / OBSIDS[1]).exists()
    del archive.config["missions"]["xmm_pointed"]["espfilt"]
    assert archive.run().code == 0
    assert not (archive.root / "failed_data" / "xmm_pointed" / OBSIDS[1]).exists()
    assert list((archive.root / "processed_data" / "xmm_pointed" / OBSIDS[1]).rglob("*finalevents.fits"))


def test_rejected_exposures_leave_no_products_of_earlier_runs(make_archive: Any) -> None:
    archive: Archive = make_archive(obsids=[OBSIDS[0]], instruments=["M1"])
    assert archive.run().code == 0
    assert list(archive.root.rglob("*.fits"))
    archive.config["missions"]["xmm_pointed"]["espfilt"] = {"gauss_fit_lims": [8.0, 9.5]}
    assert archive.run().code == 1
    assert list(archive.root.rglob("*.fits")) == []


def test_new_files_in_the_directory_are_taken_up(make_archive: Any, small_observations: Path, tmp_path: Path) -> None:
    source = tmp_path / "growing"
    shutil.copytree(small_observations / OBSIDS[0], source / OBSIDS[0])
    archive: Archive = make_archive(source, instruments=["M2"])
    assert archive.run().code == 0
    before = archive.records()
    shutil.copytree(small_observations / OBSIDS[1], source / OBSIDS[1])
    assert archive.run().code == 0
    new = rewritten(before, archive.records())
    assert {unit[:10] for _, unit in new} == {OBSIDS[1]}


def test_two_archives_at_once_from_one_directory(make_archive: Any) -> None:
    one: Archive = make_archive(name="one", obsids=[OBSIDS[0]], instruments=["M1"])
    two: Archive = make_archive(name="two", obsids=[OBSIDS[1]], instruments=["M1"])
    commands = []
    for number, archive in enumerate((one, two)):
        path = one.folder / f"config{number}.yaml"
        path.write_text(yaml.safe_dump(archive.config))
        commands.append([sys.executable, "-m", "daxa_wf", "run", "--cores", "1", str(path)])
    running = [
        subprocess.Popen(command, cwd=one.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for command in commands
    ]
    texts = [process.communicate()[0].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0], texts
    assert one.status() != two.status()


@pytest.mark.parametrize(
    "change", [{"sorce": {}}, {"espfilt": {"allowed_sigma": "3 s"}}, {"source": {"local": "/not/there"}}]
)
def test_snakemake_itself_refuses_a_bad_configuration(make_archive: Any, change: dict) -> None:
    archive: Archive = make_archive(**{})
    archive.config["missions"]["xmm_pointed"].update(change)
    run = archive.run()
    assert run.code == 2
    assert "Traceback" not in run.text
    assert f"missions.xmm_pointed.{next(iter(change))}" in run.text


def test_a_manifest_that_cannot_be_made_is_told(make_archive: Any, tmp_path: Path) -> None:
    (tmp_path / "unscheduled").mkdir()
    (tmp_path / "unscheduled" / f"P{OBSIDS[0]}M1U001MIEVLI0000.FTZ").write_bytes(b"")
    archive: Archive = make_archive(tmp_path / "unscheduled", process_unscheduled=False)
    run = archive.run()
    assert run.code == 1
    assert run.text.count("nothing to process: ") == 1
    assert "Trying to restart" not in run.text
    lines = [line for line in run.text.splitlines() if line]
    (at,) = [number for number, line in enumerate(lines) if "nothing to process" in line]
    assert lines[at - 1] == "Nothing was processed, because the list of observations could not be made:"
    assert len(lines) - at <= 5, run.text
    for name in ("status", "retry"):
        done = command(archive, name)
        assert (done.returncode, "holds no records: nothing to process: the sources" in done.stderr) == (
            2,
            True,
        )


def test_the_real_observation(exod: Path, make_archive: Any) -> None:
    archive: Archive = make_archive(exod.parent, images={"pixel_size": "4.35 arcsec"})
    run = archive.run()
    assert run.code == 0, run.text
    products = archive.root / "processed_data/xmm_pointed/0001730201"
    for instrument, exposure in (("M1", "S001"), ("M2", "S002")):
        clean = archive.record("evselect", f"0001730201{instrument}{exposure}", "0001730201")
        final = products / f"events/obsid0001730201-inst{instrument}-subexpALL-finalevents.fits"
        image = products / f"images/obsid0001730201-inst{instrument}-subexpALL-en0.5_2.0keV-image.fits"
        expmap = products / f"images/obsid0001730201-inst{instrument}-subexpALL-en0.5_2.0keV-expmap.fits"
        events = EpicEventList.open(final)
        assert events.row_count == clean["results"]["selected"] > 10_000
        energy = events.columns("PI")["PI"]
        counts, seconds = fits.getdata(image), fits.getdata(expmap)
        # The next band begins at 2.0 keV, so events of PI 2000 are counted there.
        assert counts.sum() == np.count_nonzero((energy >= 500) & (energy < 2000))
        assert counts[seconds <= 0].sum() <= 0.001 * counts.sum()
    assert "headerDisagrees" not in run.text


def command(archive: Archive, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of daxa-wf on an archive's configuration."""
    return subprocess.run(
        [sys.executable, "-m", "daxa_wf", name, str(archive.path), *arguments],
        cwd=archive.folder, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "300"},
    )  # fmt: skip


def leave_as_if_killed(folder: Path) -> None:
    """Leave the locks that a killed Snakemake leaves where it was started."""
    locks = folder / ".snakemake" / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    for kind in ("input", "output"):
        (locks / f"0.{kind}.lock").write_text("my archive/manifest.tsv\nmy archive/report.html\n")


def test_status_and_retry(make_archive: Any) -> None:
    archive: Archive = make_archive(obsids=[OBSIDS[0]], instruments=["M2"], evselect={"mos_filt_expr": "#NOSUCH == 0"})
    assert archive.run().code == 1
    (row,) = [row for row in archive.status() if row["status"] == "failed"]
    assert (row["step"], row["reason"]) == ("evselect", "badExpression")
    assert "#NOSUCH is not an attribute" in row["message"]
    before = archive.records()
    told = command(archive, "status").stdout
    assert "badExpression" in told
    assert "gone" not in told
    assert "0 records dropped" in command(archive, "retry", "--step", "espfilt").stdout
    wrong = command(archive, "retry", "--unit", f"{OBSIDS[0]}M2S022")
    assert wrong.returncode == 2
    assert f"--unit {OBSIDS[0]}M2S022: {archive.root} has no record of it" in wrong.stderr
    assert f"did you mean '{OBSIDS[0]}M2S002'?" in wrong.stderr
    assert "did you mean 'evselect'?" in command(archive, "retry", "--step", "evselct").stderr
    assert "1 records dropped" in command(archive, "retry").stdout
    (curve,) = archive.root.rglob("*instM2-subexpS002-*-lightcurve.fits")
    curve.unlink()
    assert (
        "1 recorded products are gone, and the next run makes them again; 'daxa-wf" in command(archive, "status").stdout
    )
    assert re.search(
        rf"makes them again:\n  {archive.root}/\S+/{curve.name}\n$", command(archive, "status", "--missing").stdout
    )
    leave_as_if_killed(archive.folder)
    again = command(archive, "run", "--cores", "2")
    assert again.returncode == 1, again.stderr
    assert "gone" not in command(archive, "status").stdout
    assert {step for step, _ in rewritten(before, archive.records())} == FOLLOWING


def test_out_of_time_lists_are_cleaned_alike(observatory: Path, make_archive: Any, tmp_path: Path) -> None:
    source = tmp_path / "with out-of-time list"
    shutil.copytree(observatory / "heasarc/xmm/data/rev0/0999990201", source)
    (science,) = source.rglob("*PNS003PIEVLI*")
    shutil.copy(science, science.with_name(science.name.replace("PIEVLI", "OOEVLI")))
    archive: Archive = make_archive(source, instruments=["PN"])
    assert archive.run().code == 0
    events = archive.root / "processed_data/xmm_pointed/0999990201/events"
    for kind in ("clean", "final"):
        exposure = "S003" if kind == "clean" else "ALL"
        stem = f"obsid0999990201-instPN-subexp{exposure}-{kind}"
        lists = [EpicEventList.open(events / f"{stem}{name}.fits") for name in ("events", "ootevents")]
        assert np.array_equal(lists[0].columns("TIME")["TIME"], lists[1].columns("TIME")["TIME"])


def test_installed_package_finds_its_workflow(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    if not (root / "pyproject.toml").is_file():
        pytest.skip("not a checkout")
    import tomllib

    files = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    shipped = {
        path.relative_to(root) for patterns in files.values() for pattern in patterns for path in root.glob(pattern)
    }
    needed = {
        path.relative_to(root)
        for path in (root / "workflow").rglob("*")
        if path.is_file() and "slurm" not in path.parts
    }
    assert {path for path in needed if "__pycache__" not in path.parts} <= shipped


def test_a_narrowed_configuration_marks_what_it_leaves_behind(make_archive: Any) -> None:
    archive: Archive = make_archive(obsids=list(OBSIDS[:2]), instruments=["M2"])
    assert archive.run().code == 0
    assert {row["status"] for row in archive.status()} == {"done"}
    mission = archive.config["missions"]["xmm_pointed"]
    mission["obsids"], mission["espfilt"] = [OBSIDS[0]], {"allowed_sigma": 2.5}
    before = archive.records()
    narrowed = archive.run()
    assert narrowed.code == 0, narrowed.text
    assert {unit[:10] for _, unit in rewritten(before, archive.records())} == {OBSIDS[0]}
    statuses = {(row["obsid"], row["status"]) for row in archive.status()}
    assert statuses == {(OBSIDS[0], "done"), (OBSIDS[1], "no longer requested")}
    assert "no longer requested" in " ".join(narrowed.text.split())
    page = archive.root / "processed_data" / "xmm_pointed" / OBSIDS[1] / "report.html"
    for text in ((archive.root / "report.html").read_text(), page.read_text()):
        assert "no longer requested" in text
