"""Local directories with bad files: each becomes one row with its problem, and spoils nothing else."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest

from daxa_wf.archive.manifest import ManifestRow, read_manifest, write_manifest
from daxa_wf.archive.origin import read_origin
from daxa_wf.chain.local import file_problem, listing_digest
from daxa_wf.chain.manifest import ignored_files, read_directory
from daxa_wf.chain.plan import Plan
from daxa_wf.chain.preflight import check_before_a_run
from daxa_wf.config.reading import parse_config
from daxa_wf.errors import ConfigError, Fault
from daxa_wf.mission.registry import MISSIONS, engine_of
from daxa_wf.observatories.erosita.local import local_erosita_manifest
from daxa_wf.observatories.xmm.local import local_manifest
from daxa_wf.observatories.xmm.local_odf import local_odf_manifest
from tests.damaged_lists import CORRUPT, UNUSABLE, put, small_list
from tests.xmm_chain import Chain

GOOD = "0999991001"
BAD = {kind: f"09999920{number:02d}" for number, kind in enumerate([*UNUSABLE, *CORRUPT])}
"""Kind of damage -> ObsID."""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one good list, and a bad one of every kind."""
    root = tmp_path_factory.mktemp("mixed")
    put(root, GOOD, small_list(GOOD))
    for kind, (make, _) in {**UNUSABLE, **CORRUPT}.items():
        make(root / BAD[kind], BAD[kind])
    return root


def rows_of(root: Path) -> dict[str, ManifestRow]:
    return {row.obsid: row for row in local_manifest("xmm_pointed", root, None, ["M1", "M2", "PN"])}


def test_every_bad_list_becomes_one_row_with_its_problem_beside_the_good_one(mixed: Path, tmp_path: Path) -> None:
    rows = rows_of(mixed)
    assert set(rows) == {GOOD, *BAD.values()}
    assert (rows[GOOD].problem, rows[GOOD].events) == ("", f"PPS/P{GOOD}M1S001MIEVLI0000.FTZ")
    for kind, (_, message) in {**UNUSABLE, **CORRUPT}.items():
        row = rows[BAD[kind]]
        assert re.search(message, row.problem), (kind, row.problem)
        assert (row.inst, row.exposure, bool(row.events)) == ("M1", "S001", kind in CORRUPT), kind
        assert row.problem.isprintable(), kind
    write_manifest(tmp_path / "manifest.tsv", rows.values())
    assert {row.obsid: row for row in read_manifest(tmp_path / "manifest.tsv")} == rows


def test_the_good_list_is_processed_and_each_bad_one_has_its_verdict(mixed: Path, tmp_path: Path) -> None:
    chain = Chain(tmp_path, mixed, engine="native").make("inventory", "espfilt", "evselect")
    statuses = chain.statuses("espfilt")
    assert statuses[f"{GOOD}M1S001"] == "done"
    assert chain.statuses("evselect")[f"{GOOD}M1S001"] == "done"
    for kind in UNUSABLE:
        assert statuses[f"{BAD[kind]}M1S001"] == "rejected unusableList", kind
        assert re.search(UNUSABLE[kind][1], chain.record("espfilt", f"{BAD[kind]}M1S001").message), kind
    assert {unit for step, unit in chain.faults if step == "espfilt"} == {f"{BAD[kind]}M1S001" for kind in CORRUPT}
    assert not {unit for step, unit in chain.faults if step == "inventory"}


def test_a_list_that_may_not_be_read_or_whose_disk_fails_is_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, failing = put(tmp_path, BAD["empty"], b"", "closed"), put(tmp_path, BAD["cut off"], b"", "failing")
    put(tmp_path, GOOD, small_list(GOOD))
    access, opened = os.access, Path.open

    def open_or_fail(path: Path, *arguments: Any, **named: Any) -> Any:
        if path == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return opened(path, *arguments, **named)

    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
    monkeypatch.setattr(Path, "open", open_or_fail)
    rows = rows_of(tmp_path)
    assert rows[GOOD].problem == ""
    assert rows[BAD["empty"]].problem == f"{closed}: it cannot be read (Permission denied)"
    assert rows[BAD["cut off"]].problem == f"{failing}: it cannot be read (Input/output error)"
    assert [rows[BAD[kind]].events for kind in ("empty", "cut off")] == ["", ""]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "a\\b",
            "the path holds control characters, a backslash or bytes that are not UTF-8; rename the file or its folder",
        ),
        ("{b}", "the path has a brace, which Snakemake takes for a wildcard; rename the file or its folder"),
        ("deleted", "it is gone"),
        ("circle", "it cannot be looked at (Too many levels of symbolic links)"),
        ("folder", "it is not a file"),
    ],
)
def test_problems_keep_the_words_that_existing_archives_record_as_parameters(
    tmp_path: Path, name: str, problem: str
) -> None:
    path = tmp_path / name
    if name == "circle":
        path.symlink_to(path)
    elif name == "folder":
        path.mkdir()
    elif name != "deleted":
        path.touch()
    assert file_problem(path, tmp_path) == problem


def test_a_source_that_may_not_be_looked_at_is_named_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"archive": "archive", "missions": {"xmm_pointed": {"source": {"local": str(tmp_path / "closed")}}}}
    is_dir = Path.is_dir

    def refused(path: Path) -> bool:
        if path.name == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return is_dir(path)

    monkeypatch.setattr(Path, "is_dir", refused)
    with pytest.raises(ConfigError, match=r"source.local: .*closed cannot be read \(Permission denied\)"):
        check_before_a_run(parse_config(config), tmp_path)


def test_a_bad_list_beside_a_good_one_of_the_same_exposure_is_passed_over_and_named(tmp_path: Path) -> None:
    put(tmp_path, GOOD, small_list(GOOD))
    UNUSABLE["short EXPIDSTR"][0](tmp_path / "other", GOOD)
    UNUSABLE["dangling link"][0](tmp_path / "third", GOOD)
    (row,) = rows_of(tmp_path).values()
    assert (row.events, row.problem) == (f"PPS/P{GOOD}M1S001MIEVLI0000.FTZ", "")
    assert "EXPIDSTR is 'S01'" in row.passed_over
    assert "nowhere.FTZ" in row.passed_over


def test_an_attitude_series_that_leads_nowhere_is_named_and_not_an_input(tmp_path: Path) -> None:
    put(tmp_path, GOOD, small_list(GOOD))
    (tmp_path / f"P{GOOD}OBX000ATTTSR0000.FTZ").symlink_to(tmp_path / "nowhere")
    (row,) = rows_of(tmp_path).values()
    assert row.attitude == ""
    assert f"P{GOOD}OBX000ATTTSR0000.FTZ (the link leads to" in row.passed_over


def test_a_list_of_the_same_name_in_a_folder_is_not_mistaken_for_it(tmp_path: Path) -> None:
    from daxa_wf.chain.runner import Inputs

    (tmp_path / "A" / "PPS").mkdir(parents=True)
    nested, own = tmp_path / "A" / "PPS" / "list.FTZ", tmp_path / "PPS" / "list.FTZ"
    inputs = Inputs(files={"events": [nested, own]})
    assert inputs.find("events", "PPS/list.FTZ") == own
    assert inputs.find("events", "A/PPS/list.FTZ") == nested


def test_the_listing_changes_when_a_link_is_mended_or_a_file_made_readable(tmp_path: Path) -> None:
    link = tmp_path / "list.FTZ"
    link.symlink_to(tmp_path / "later")
    (tmp_path / "file").write_bytes(b"")
    before = listing_digest(tmp_path)
    (tmp_path / "file").chmod(0o400)
    assert listing_digest(tmp_path) != before
    before = listing_digest(tmp_path)
    link.unlink()
    link.write_bytes(b"")
    assert listing_digest(tmp_path) != before


@pytest.fixture(params=[errno.EACCES, errno.EIO, errno.ESTALE], ids=lambda code: errno.errorcode[code])
def unreadable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory below a root with one good list, that cannot be listed (also not by root)."""
    put(tmp_path, GOOD, small_list(GOOD))
    closed = tmp_path / "closed"
    closed.mkdir()
    scandir = os.scandir

    def refusing(path: Any = ".") -> Any:
        if Path(os.fsdecode(path)) == closed:
            raise OSError(request.param, os.strerror(request.param), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    return tmp_path


def test_a_directory_that_cannot_be_read_is_an_error(unreadable: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Fault, match=r"closed: the directory cannot be read"):
        rows_of(unreadable)
    with pytest.raises(Fault, match=r"closed: the directory cannot be read"):
        local_erosita_manifest("erosita_calpv", unreadable, None, ["TM1"])
    with pytest.raises(Fault, match=r"closed: the directory cannot be read"):
        local_odf_manifest("xmm_pointed", unreadable, None, ["M1"])
    config = {"archive": "a", "missions": {"xmm_pointed": {"source": {"local": str(unreadable)}}}}
    with pytest.raises(SystemExit) as ended:
        Plan(parse_config(config), unreadable.parent).selection_options()
    assert ended.value.code == 1
    assert "make it readable" in capsys.readouterr().err


def test_erosita_lists_that_cannot_be_opened_are_passed_over_or_have_a_row(tmp_path: Path) -> None:
    names = {"good": "em00_700195_020_EventList_c001.fits", "lost": "em00_700199_020_EventList_c001.fits"}
    (tmp_path / names["good"]).write_bytes(b"")
    for number, name in enumerate([names["good"], names["lost"]]):
        (tmp_path / f"folder{number}").mkdir()
        (tmp_path / f"folder{number}" / name).symlink_to(tmp_path / "nowhere")
    rows = {row.obsid: row for row in local_erosita_manifest("erosita_calpv", tmp_path, None, ["TM1", "TM2"])}
    assert (rows["700195"].events, rows["700195"].problem) == (names["good"], "")
    assert "nowhere" in rows["700195"].passed_over
    assert rows["700199"].events == ""
    assert "the link leads to" in rows["700199"].problem


def test_raw_data_whose_summary_leads_nowhere_have_rows_with_the_problem(tmp_path: Path) -> None:
    for obsid in ("0999991001", "0999991002"):
        folder = tmp_path / obsid
        folder.mkdir()
        (folder / f"1184_{obsid}_M1S00110IME.FIT").touch()
    (tmp_path / "0999991001" / "1184_0999991001_SCX00000SUM.ASC").touch()
    (tmp_path / "0999991002" / "1184_0999991002_SCX00000SUM.ASC").symlink_to("nowhere")
    good, bad = local_odf_manifest("xmm_pointed", tmp_path, None, ["M1"])
    assert (good.odf, good.problem) == ("0999991001", "")
    assert bad.odf == ""
    assert "SUM.ASC: the link leads to nowhere, which does not exist" in bad.problem


def test_a_damaged_list_does_not_displace_a_whole_one_of_the_same_exposure(tmp_path: Path) -> None:
    """Whichever of them comes first."""
    for first, second in (("a", "b"), ("b", "a")):
        root = tmp_path / first
        put(root / first, GOOD, small_list(GOOD))
        (good,) = root.rglob("*.FTZ")
        cut = root / second / good.name
        cut.parent.mkdir(parents=True, exist_ok=True)
        cut.write_bytes(good.read_bytes()[: good.stat().st_size * 2 // 3])
        (row,) = rows_of(root).values()
        assert row.events == good.relative_to(root).as_posix()
        assert row.passed_over == f"{second}/{good.name}"


OTHER_NAMES = {
    "xmm_pointed": (
        "native",
        ("pn_clean.fits", "0122_0201903501_EMOS1_S001_ImagingEvts.ds", "p0201903501m1s001mievli0000.ftz",
         "P0201903501M1S001MIEVLI0000.FTZ.gz"),
        (f"P{GOOD}M1S001MIEVLI0000.FTZ", f"P{GOOD}EPX000OIMAGE8000.FTZ", f"P{GOOD}R1S004EVENLI0000.FTZ", "INDEX.HTM",
         f"P{GOOD}OBX000ATTTSR0000.FTZ", f"0122_{GOOD}_M1S00100IME.FIT", "notes.txt"),
        "P0201903501M1S001MIEVLI0000.FTZ",
    ),
    "erosita_calpv": (
        "native",
        ("events_TM1.fits", "fm00_700199_020_EventList_c001.fit"),
        ("fm00_700199_020_EventList_c001.fits", "em01_134135_020_EventList_c010.fits.gz",
         "em01_134135_024_Image_c010.fits.gz"),
        "em01_134135_020_EventList_c010.fits.gz",
    ),
    "xmm_pointed with SAS": (
        "sas",
        ("M1.fits",),
        (f"0122_{GOOD}_SCX00000SUM.ASC", f"0122_{GOOD}_M1S00100IME.FIT", f"0122_{GOOD}_SCX00000ATS.FIT"),
        "0819_0201903501_SCX00000SUM.ASC",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(OTHER_NAMES))
def test_fits_files_with_other_names_are_counted_and_named(case: str, tmp_path: Path) -> None:
    engine_name, other, known, example = OTHER_NAMES[case]
    mission = case.split()[0]
    engine = engine_of(mission, engine_name)
    folder = tmp_path / "lists" / "of mine"
    folder.mkdir(parents=True)
    for name in other:
        (folder / name).write_bytes(b"SIMPLE")
    instruments = [item.name for item in MISSIONS[mission].instruments]
    files = "1 FITS file" if len(other) == 1 else f"{len(other)} FITS files"
    with pytest.raises(ConfigError, match=rf"expected .* such as .*; ignored {files} below .*not named as"):
        read_directory(mission, tmp_path / "lists", None, instruments, engine)

    for name in known:
        (folder / name).write_bytes(b"SIMPLE")
    (note,) = ignored_files(tmp_path / "lists", engine)
    beginning = f"ignored {files} below {tmp_path / 'lists'}, not named as by a data centre (such as {example}): "
    assert note.startswith(beginning)
    assert sorted(note.removeprefix(beginning).split(", ")) == sorted(f"of mine/{name}" for name in other)
    for name in other:
        (folder / name).unlink()
    assert ignored_files(tmp_path / "lists", engine) == []


def test_raw_data_without_a_summary_are_counted_and_named(tmp_path: Path) -> None:
    (tmp_path / "odf").mkdir()
    (tmp_path / "odf" / f"0122_{GOOD}_M1S00100IME.FIT").write_bytes(b"SIMPLE")
    expected = f"ignored 1 directory of raw data below {tmp_path} without a summary (such as "
    (note,) = ignored_files(tmp_path, engine_of("xmm_pointed", "sas"))
    assert note == f"{expected}0819_0201903501_SCX00000SUM.ASC): odf"
    with pytest.raises(ConfigError, match="1 directory of raw data"):
        local_odf_manifest("xmm_pointed", tmp_path, None, ["M1"])


def test_ignored_files_are_in_the_notes_of_the_manifest(tmp_path: Path) -> None:
    put(tmp_path / "lists", GOOD, small_list(GOOD))
    for number in range(12):
        (tmp_path / "lists" / f"{number:02d}.fits").write_bytes(b"SIMPLE")
    chain = Chain(tmp_path, tmp_path / "lists", engine="native").make("inventory")
    origin = read_origin(chain.layout)
    assert origin is not None
    (note,) = origin.notes
    assert note.startswith("xmm_pointed: ignored 12 FITS files below ")
    assert note.endswith("08.fits, 09.fits and 2 more")
