"""Which records survive copies, restores, power cuts and wrong clocks, and which do not."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from isal import isal_zlib

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.manifest import ManifestRow, read_manifest, write_manifest
from daxa_wf.archive.records import Record, Status, read_record, write_record
from daxa_wf.archive.repair import set_aside_damaged
from daxa_wf.archive.status import read_verdicts
from daxa_wf.archive.vouching import clamp_times, examine_records, refresh_records, set_aside_damaged_records
from daxa_wf.chain.runner import Inputs, Outcome, Workspace, run_step
from daxa_wf.errors import CorruptFileError, Fault
from daxa_wf.mission.registry import STEPS
from daxa_wf.units import Unit

UNIT = Unit("xmm_pointed", "0201903501", "PN", "S003")
FUTURE = (time.time_ns() + 10**9 * 86400 * 365,) * 2


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "project" / "archive")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "data" / "list.fits"
    path.parent.mkdir(parents=True)
    path.write_text("raw events")
    return path


def make(layout: Layout, raw: Path) -> tuple[Record, Record]:
    """Run two steps, the second on the first; both read a raw file and leave a product."""

    def finds(unit: Unit, inputs: Inputs, options: Any, workspace: Workspace) -> Outcome:
        workspace.stage("gti").write_text("intervals")
        return Outcome({"seconds": 10})

    def cleans(unit: Unit, inputs: Inputs, options: Any, workspace: Workspace) -> Outcome:
        workspace.stage("cleanevents").write_text("events")
        return Outcome()

    files = {"events": [raw]}
    first = run_step(STEPS["espfilt"], UNIT, Inputs({}, files), {}, layout, finds)
    return first, run_step(STEPS["evselect"], UNIT, Inputs({"espfilt": [first]}, files), {}, layout, cleans)


def stale(layout: Layout) -> list[Path]:
    return sorted(examine_records(layout).stale)


def paths_of(layout: Layout) -> tuple[Path, Path]:
    return layout.record("espfilt", UNIT), layout.record("evselect", UNIT)


@pytest.mark.parametrize(
    "error", [isal_zlib.error("bad block"), ZeroDivisionError("x"), KeyError("x"), RecursionError(), UnicodeError("x")]
)
def test_every_exception_in_a_step_leaves_a_fault_note(layout: Layout, error: Exception) -> None:
    def fails(*_: Any) -> Outcome:
        raise error

    with pytest.raises(Fault):
        run_step(STEPS["espfilt"], UNIT, Inputs(), {}, layout, fails)
    (verdict,) = read_verdicts(layout)
    assert (verdict.step, verdict.status, verdict.exposure) == ("espfilt", "fault", "S003")
    assert type(error).__name__ in verdict.message


def test_a_record_names_its_raw_files_and_what_it_was_built_on(layout: Layout, raw: Path) -> None:
    first, second = make(layout, raw)
    assert [(stamp.path, stamp.size) for stamp in second.raw] == [(str(raw), 10)]
    assert second.built_on == {"records/xmm_pointed/0201903501/espfilt/0201903501PNS003.json": first.fingerprint()}
    assert stale(layout) == []


def test_a_copied_project_keeps_every_record(layout: Layout, raw: Path, tmp_path: Path) -> None:
    make(layout, raw)
    copy = Layout(tmp_path / "copy" / "archive")
    shutil.copytree(layout.root.parent, copy.root.parent, copy_function=shutil.copyfile)
    _, late = paths_of(copy)
    before = late.read_bytes()
    assert stale(copy) == []
    assert late.read_bytes() == before
    refresh_records(copy)
    (stamp,) = read_record(late).products
    assert stamp.mtime_ns == (copy.root / stamp.path).stat().st_mtime_ns
    assert stale(copy) == []
    written = late.stat().st_mtime_ns
    refresh_records(copy)
    assert late.stat().st_mtime_ns == written


def test_times_without_fractions_of_seconds_as_tar_keeps_them_drop_nothing(layout: Layout, raw: Path) -> None:
    make(layout, raw)
    for path in (path for path in layout.root.rglob("*") if path.is_file()):
        whole = path.stat().st_mtime_ns // 10**9 * 10**9
        os.utime(path, ns=(whole, whole))
    assert stale(layout) == []


def test_an_altered_product_is_found_even_with_its_old_size(layout: Layout, raw: Path) -> None:
    _, second = make(layout, raw)
    (layout.root / second.products[0].path).write_text("evants")
    assert stale(layout) == [layout.record("evselect", UNIT)]


def test_changed_raw_data_are_not_used_silently(layout: Layout, raw: Path) -> None:
    make(layout, raw)
    os.utime(raw, (1000, 1000))
    assert stale(layout) == []
    raw.write_text("raw avents")
    assert stale(layout) == sorted(paths_of(layout))


def test_raw_data_that_were_deleted_leave_the_results_valid(layout: Layout, raw: Path) -> None:
    make(layout, raw)
    raw.unlink()
    assert stale(layout) == []


def test_raw_data_that_change_within_a_run_are_a_fault(layout: Layout, raw: Path) -> None:
    first, _ = make(layout, raw)
    raw.write_text("other")
    with pytest.raises(Fault, match=r"list\.fits has changed since an earlier step read it"):
        run_step(
            STEPS["evselect"], UNIT, Inputs({"espfilt": [first]}, {"events": [raw]}), {}, layout, lambda *_: Outcome()
        )


def test_a_step_is_repeated_if_an_earlier_one_came_to_another_result(layout: Layout, raw: Path) -> None:
    first, _ = make(layout, raw)
    write_record(layout, replace(first, results={"seconds": 11}))
    assert stale(layout) == [layout.record("evselect", UNIT)]


def test_records_of_versions_that_kept_no_such_stamps_stay(layout: Layout, raw: Path) -> None:
    for record in make(layout, raw):
        write_record(layout, replace(record, raw=[], built_on={}))
    assert stale(layout) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "\0" * 100, '{"step": "espfilt", "unit": 3}', "[" * 100_000])
def test_a_damaged_record_is_set_aside_and_stops_nothing(layout: Layout, raw: Path, content: str) -> None:
    make(layout, raw)
    path = layout.record("espfilt", UNIT)
    path.write_text(content)
    (damaged,) = (verdict for verdict in read_verdicts(layout) if verdict.step == "espfilt")
    assert (damaged.step, damaged.status, damaged.reason) == ("espfilt", "fault", "DamagedRecord")
    assert stale(layout) == [path]
    assert path.read_text() == content
    (aside,) = set_aside_damaged_records(layout)
    assert aside.name == f"{path.name}.damaged"
    assert aside.read_text() == content
    assert [verdict.step for verdict in read_verdicts(layout)] == ["evselect"]


def test_damaged_manifests_and_notes_are_set_aside(layout: Layout) -> None:
    write_manifest(layout.manifest, [ManifestRow("xmm_pointed", "0201903501", "PN", "S003")])
    note = layout.fault("espfilt", UNIT)
    note.parent.mkdir(parents=True)
    note.write_text("")
    (verdict,) = read_verdicts(layout)
    assert (verdict.obsid, verdict.step, verdict.status) == ("0201903501", "espfilt", "fault")
    whole = layout.manifest.read_text()
    for content in (b"", whole.encode()[:-30], b"\xff\xfe", whole.replace("PN", "P\0N").encode()):
        layout.manifest.write_bytes(content)
        with pytest.raises(CorruptFileError):
            read_manifest(layout.manifest)
    assert {path.name for path in set_aside_damaged(layout)} == {"manifest.tsv.damaged", f"{note.name}.damaged"}
    assert set_aside_damaged(layout) == []
    assert read_verdicts(layout) == []


def test_times_in_the_future_are_set_to_now(raw: Path) -> None:
    os.utime(raw, ns=FUTURE)
    clamp_times([raw, raw.with_name("absent")])
    assert raw.stat().st_mtime_ns <= time.time_ns()


def test_records_that_do_not_vouch_keep_the_times_that_show_it(layout: Layout, raw: Path) -> None:
    _, second = make(layout, raw)
    product = layout.root / second.products[0].path
    product.write_text("evants")
    refresh_records(layout)
    assert stale(layout) == [layout.record("evselect", UNIT)]


def test_records_that_name_one_another_are_no_endless_work(layout: Layout, raw: Path) -> None:
    first, second = make(layout, raw)
    write_record(
        layout, replace(first, built_on={layout.relative(layout.record("evselect", UNIT)): second.fingerprint()})
    )
    assert stale(layout) == []


def test_a_verdict_without_products_vouches_for_nothing(layout: Layout) -> None:
    write_record(layout, Record("espfilt", UNIT, Status.REJECTED, reason="noCounts"))
    assert stale(layout) == []
