"""What prune and delete-raw remove, what they leave, and that the next run does not miss it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from daxa_wf.archive.access import Archive
from daxa_wf.archive.history import read_history
from daxa_wf.archive.lock import read_lock
from daxa_wf.archive.made_from import Configuration
from daxa_wf.archive.records import read_record
from daxa_wf.archive.verification import verify
from daxa_wf.archive.versions import RunDescription, record_version
from daxa_wf.cli.main import app
from daxa_wf.units import Unit
from tests.in_process import FIRST, OTHER, SECOND, Project, put_mirror, xmm


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive of two observations of XMM-Newton, and one of NuSTAR whose products are links."""
    folder = tmp_path_factory.mktemp("made")
    put_mirror(folder / "heasarc")
    project = project_in(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("daxa_wf.chain.preprocessed.clone_file", lambda *_: False)
        assert len(project.run()) > 15
    assert project.run() == set(), "a second run has nothing to do"
    return folder


def project_in(folder: Path, archive: str = "archive") -> Project:
    nustar = {"source": {"archives": ["heasarc"]}, "obsids": [OTHER.obsid]}
    return Project(
        folder, {"xmm_pointed": xmm(), "nustar_pointed": nustar}, archive, archives={"heasarc": ["./heasarc"]}
    )


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the archive that a test may change."""
    for name in ("heasarc", "archive", "data"):
        shutil.copytree(made / name, tmp_path / name, symlinks=True)
    users = tmp_path / "data" / ".archives"
    shutil.rmtree(users)
    monkeypatch.chdir(tmp_path)
    return project_in(tmp_path)


def call(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of a command, or the message of its error."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return 2, str(result.exception)
    return result.exit_code, result.stdout


def state_of(folder: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file, without the time of the run that held the archive."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".daxa_wf_run"
    }


def products_of(project: Project, obsid: str) -> set[str]:
    root = project.layout.observation(Unit("xmm_pointed", obsid))
    return {path.name.split("-", 1)[1] for path in root.rglob("*.fits")}


def test_a_dropped_observation_and_mission_are_pruned_and_nothing_else(project: Project) -> None:
    project.missions = {"xmm_pointed": xmm(FIRST)}
    assert project.run() == set(), "the other observation was not touched"
    layout, config = project.layout, project.write()
    gone = layout.observation(Unit("xmm_pointed", SECOND))
    (gone / "notes.txt").write_text("mine")
    outside = project.folder / "mine.fits"
    outside.write_text("my own")
    (gone / "images" / "mine.fits").symlink_to(outside)
    before, first = state_of(project.folder), products_of(project, FIRST)

    code, text = call("prune", config)
    assert code == 0
    assert state_of(project.folder) == before, "a dry run changes nothing"
    assert f"daxa-wf prune {config} --apply" in text
    assert "2 files stay (no record has them): " in text
    assert "notes.txt" in text
    code, plain = call("prune", config, "--json")
    listed = {entry["path"]: entry for entry in json.loads(plain)["files"]}
    assert all(Path(path).lstat().st_size == entry["size"] for path, entry in listed.items())

    record_version(layout)
    code, text = call("prune", config, "--apply", "--message", "smaller")
    assert (code, "removed" in text) == (0, True)
    version = read_history(layout).versions[-1]
    assert (version.number, version.message) == ("1.1.0", "smaller")
    products = [entry for entry in listed.values() if entry["content"] == "products"]
    assert version.before.products - version.after.products == len(products)
    assert not any(Path(path).exists() for path in listed)
    assert (gone / "notes.txt").read_text() == "mine"
    assert outside.read_text() == "my own"
    assert (gone / "images" / "mine.fits").is_symlink()
    assert sorted(path.name for path in gone.rglob("*") if not path.is_dir()) == ["mine.fits", "notes.txt"]
    for tree in ("records", "logs", "processed_data", "failed_data"):
        assert not (layout.root / tree / "nustar_pointed").exists()
    assert not (layout.root / "records" / "xmm_pointed" / SECOND).exists()
    assert products_of(project, FIRST) == first
    assert Archive(layout.root).no_longer_requested == []
    assert SECOND not in layout.status.read_text() + layout.report.read_text()
    assert {discrepancy.path for discrepancy in verify(layout)} == {
        layout.relative(gone / "notes.txt"), layout.relative(gone / "images" / "mine.fits")
    }  # fmt: skip
    assert project.run() == set()
    assert "\n0 files, 0 B: " in call("prune", config)[1]
    project.missions = {"xmm_pointed": xmm()}
    assert {name.split()[1][:10] for name in project.run()} == {SECOND}


def test_files_behind_links_out_of_the_archive_stay(project: Project) -> None:
    project.missions = {"xmm_pointed": xmm(FIRST)}
    project.run()
    layout, config = project.layout, project.write()
    gone, elsewhere = layout.observation(Unit("xmm_pointed", SECOND)), project.folder / "elsewhere"
    (gone / "images").rename(elsewhere)
    (gone / "images").symlink_to(elsewhere)
    before = state_of(elsewhere)
    code, text = call("prune", config, "--apply")
    assert (code, "a link on its path leads out of" in text) == (0, True)
    assert state_of(elsewhere) == before
    assert len(before) > 1


def test_prune_refuses_while_the_manifest_is_not_that_of_the_configuration(project: Project) -> None:
    project.missions = {"xmm_pointed": xmm(FIRST)}
    code, text = call("prune", project.write(), "--apply")
    assert code == 2
    assert "nustar_pointed was removed; xmm_pointed: obsids" in text
    assert "make it again first" in text
    project.top["archive"] = "none"
    code, text = call("prune", project.write(), "--apply")
    assert (code, "holds no records yet" in text, (project.folder / "none").exists()) == (2, True, False)


def test_pruned_intermediates_are_not_missed_until_a_step_needs_them(project: Project) -> None:
    layout, config = project.layout, project.write()
    before = state_of(layout.root / "processed_data")
    (pruned,) = layout.root.rglob(f"obsid{FIRST}-*-cleanevents.fits")
    code, text = call("prune", config, "--intermediates", "--apply")
    assert (code, "intermediate products: 2 files" in text) == (0, True), text
    assert not pruned.exists()
    assert project.run() == set()
    assert verify(layout) == []
    assert not Archive(layout.root).products(kind="cleanevents")
    assert "cleanevents" not in (layout.observation(Unit("xmm_pointed", FIRST)) / "report.html").read_text()
    record = read_record(layout.record("evselect", Unit("xmm_pointed", FIRST, "M1", "S001")))
    assert [stamp.path for stamp in record.pruned] == [layout.relative(pruned)]
    assert call("prune", config, "--intermediates")[1].startswith("0 files")

    project.missions["xmm_pointed"]["images"] = {"pixel_size": "10 arcsec"}
    assert {name.split()[0] for name in project.run()} == {"images", "exposure_maps", "report", "evselect"}
    assert pruned.exists(), "the exposure map counts the events of the cleaned list"
    assert project.run() == set()
    del project.missions["xmm_pointed"]["images"]
    project.run()
    after = state_of(layout.root / "processed_data")
    assert {name for name in before if name.endswith(".fits") and before[name] != after[name]} == set()


def test_an_intermediate_product_stays_while_a_step_that_needs_it_is_to_be_made(project: Project) -> None:
    config = project.write()
    (project.layout.record("merge", Unit("xmm_pointed", FIRST, "M1"))).unlink()
    text = call("prune", config, "--intermediates")[1]
    assert f"{SECOND}-instM1-subexpS001-cleanevents" in text
    assert f"{FIRST}-instM1-subexpS001-cleanevents" not in text
    assert "1 intermediate products stay, because steps that need them are not finished" in text


def test_deleted_raw_data_are_fetched_again_only_for_a_step_that_needs_them(project: Project) -> None:
    layout, config = project.layout, project.write()
    raw = layout.raw(Unit("xmm_pointed", FIRST)) / "PPS" / f"P{FIRST}M1S001MIEVLI0000.FTZ"
    assert call("delete-raw", config) == (2, "delete-raw asks before it deletes, and this is no terminal; add --yes")
    assert raw.exists()
    code, text = call("delete-raw", config, "--yes")
    assert (code, raw.exists()) == (0, False), text
    assert "files stay (products are links to them)" in text, "products of NuSTAR"
    assert all(path.exists() for path in layout.observation(Unit("nustar_pointed", OTHER.obsid)).rglob("*events*"))
    assert project.run() == set()
    assert verify(layout) == []

    project.missions["xmm_pointed"]["images"] = {"pixel_size": "10 arcsec"}
    units = {name for name in project.run() if not name.startswith(("images", "exposure_maps", "report"))}
    assert not {name for name in units if name.startswith(("espfilt", "evselect", "merge", "inventory"))}
    assert call("delete-raw", project.write(), "--yes")[0] == 0
    assert not raw.exists()
    project.missions["xmm_pointed"]["espfilt"] = {"method": "sn_optimal"}
    made_steps = {name.split()[0] for name in project.run()}
    assert {"acquire", "espfilt", "evselect"} <= made_steps
    assert "inventory" not in made_steps, "the files came back as they were"
    assert raw.exists()
    assert project.run() == set()


def test_raw_data_of_unfinished_observations_and_of_other_archives_stay(project: Project) -> None:
    config, layout = project.write(), project.layout
    other = project_in(project.folder, "other")
    other.missions = {"xmm_pointed": xmm(SECOND)}
    other.run()
    layout.record("merge", Unit("xmm_pointed", FIRST, "M1")).unlink()
    code, text = call("delete-raw", config, "--yes")
    assert code == 0
    assert f"these are not finished: xmm_pointed {FIRST}" in text
    assert f"because {project.folder / 'other'} uses them too" in text
    for obsid in (FIRST, SECOND):
        assert any((layout.raw(Unit("xmm_pointed", obsid)) / "PPS").iterdir())
    (project.folder / "other").rename(project.folder / "moved")
    assert "1 archives that used" in call("delete-raw", config, "--yes")[1]
    assert not any((layout.raw(Unit("xmm_pointed", SECOND)) / "PPS").glob("*"))


def test_prune_raw_removes_what_no_requested_unit_needs(project: Project) -> None:
    project.missions = {"xmm_pointed": xmm(FIRST)}
    project.run()
    layout, config = project.layout, project.write()
    dropped = layout.raw(Unit("xmm_pointed", SECOND)).resolve()
    (dropped / "mine.txt").write_text("mine")
    kept = layout.raw(Unit("xmm_pointed", FIRST)).resolve()
    before = state_of(kept)
    code, text = call("prune", config, "--raw", "--apply")
    assert code == 0
    assert "1 files stay (they were not downloaded, or have changed since): " in text
    assert sorted(path.name for path in dropped.iterdir() if not path.name.startswith(".")) == ["mine.txt"]
    assert not os.path.lexists(layout.raw(Unit("xmm_pointed", SECOND)))
    assert state_of(kept) == before
    assert not list((project.folder / "data" / "nustar_pointed_raw").rglob("*.gz"))


def test_reprocess_makes_a_unit_and_its_dependants_again(project: Project) -> None:
    config, layout = project.write(), project.layout
    products = state_of(layout.root / "processed_data")
    code, text = call("reprocess", config, "--step", "merge", "--unit", f"{FIRST}M1", "--mission", "xmm_pointed")
    assert (code, f"1 records dropped; 'daxa-wf run {config}' repeats them" in text) == (0, True)
    assert project.run() == {
        f"merge {FIRST}M1", f"images {FIRST}M1", f"exposure_maps {FIRST}M1", f"report {FIRST}"
    }  # fmt: skip
    assert state_of(layout.root / "processed_data") == products
    for wrong, message in (
        ((), "name what to make again: --step, --unit, or both"),
        (("--mission", "xmm_pointed"), "name what to make again: --step, --unit, or both"),
        (("--step", "merge", "--unit", FIRST), rf"no record of merge of {FIRST} that its configuration requests; the units of"),
        (("--unit", "0999991009"), "has no record of it; expected an identifier such as"),
        (("--step", "merg"), "merg"),
        (("--step", "merge", "--mission", "nustar"), "--mission nustar: "),
    ):  # fmt: skip
        code, text = call("reprocess", config, *wrong)
        assert (code, message in text) == (2, True), text
    assert project.run() == set()


def test_an_archive_is_locked_by_its_directory(project: Project) -> None:
    assert "does not hold its configuration" in call("lock", "archive")[1]
    config, layout = project.write(), project.layout
    configuration = Configuration(config.read_text(), project.values)
    record_version(layout, RunDescription(configuration=configuration))
    assert call("lock", "archive")[0] == 0
    by_directory = read_lock(project.folder / "archive.lock.json")
    assert call("lock", config, "-o", "other.json")[0] == 0
    by_file = read_lock(project.folder / "other.json")
    assert (by_directory.configuration["missions"], by_directory.steps) == (
        by_file.configuration["missions"], by_file.steps
    )  # fmt: skip


def test_an_added_mission_does_not_touch_the_others(project: Project) -> None:
    nustar = project.missions.pop("nustar_pointed")
    project.run()
    before = state_of(project.layout.root / "records" / "xmm_pointed")
    assert call("prune", project.write(), "--apply")[0] == 0
    project.missions["nustar_pointed"] = nustar
    assert {name.split()[1] for name in project.run()} == {OTHER.obsid}
    assert state_of(project.layout.root / "records" / "xmm_pointed") == before
