"""`verify` finds every file that is not as its record has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, Status, stamp_file, write_record
from daxa_wf.archive.verification import Discrepancy, mark_altered, recorded_files, verify
from daxa_wf.archive.vouching import examine_records
from daxa_wf.units import Unit

UNIT = Unit("xmm_pointed", "0201903501", "PN", "S003")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An archive with two products of 1000 bytes, a plot and a page."""
    layout = Layout(tmp_path / "archive")
    stamps = []
    for kind in ("gti", "lightcurve"):
        path = layout.product(UNIT, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(kind.encode()[:1] * 1000)
        stamps.append(stamp_file(path, layout.relative(path), kind))
    (layout.observation(UNIT) / "report.html").write_text("page")
    layout.product(UNIT, "hist", suffix=".png").write_text("plot")
    write_record(layout, Record("espfilt", UNIT, Status.DONE, products=stamps))
    return layout


def test_an_archive_as_recorded_has_no_discrepancy(layout: Layout) -> None:
    sizes: list[int] = []
    assert verify(layout, sizes.append) == []
    assert sizes == [1000, 1000]
    assert recorded_files(layout).bytes == 2000


def test_one_altered_byte_is_found_although_size_and_time_are_the_recorded_ones(layout: Layout) -> None:
    path, record = layout.product(UNIT, "gti"), layout.record("espfilt", UNIT)
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(b"g" * 999 + b"h")
    os.utime(path, ns=times)
    assert examine_records(layout).stale == {}, "a run compares size and time only"
    (found,) = verify(layout)
    assert found == Discrepancy("altered", layout.relative(path), "its SHA-256 differs from the one in its record")

    assert mark_altered(layout, [found]) == []
    assert list(examine_records(layout).stale) == [record], "the next run makes it again"


def test_every_kind_of_discrepancy_is_named(layout: Layout) -> None:
    layout.product(UNIT, "gti").unlink()
    layout.product(UNIT, "lightcurve").write_bytes(b"short")
    stray = layout.product(UNIT, "cleanevents")
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    damaged = layout.record("merge", UNIT)
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{")
    found = {(discrepancy.problem, Path(discrepancy.path).name) for discrepancy in verify(layout)}
    assert found == {
        ("missing", layout.product(UNIT, "gti").name), ("altered", layout.product(UNIT, "lightcurve").name),
        ("unrecorded", stray.name), ("damaged record", damaged.name),
    }  # fmt: skip


def test_products_of_an_observation_that_was_moved_to_failed_data_are_found(layout: Layout) -> None:
    failed = layout.failed_observation(UNIT)
    failed.parent.mkdir(parents=True)
    layout.observation(UNIT).rename(failed)
    assert verify(layout) == []
