"""The index follows the records: what it gives is what they hold, whatever happens to it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from daxa_wf.archive import contents
from daxa_wf.archive.contents import Contents, read_contents
from daxa_wf.archive.index import INDEX
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.records import Record, read_sound_record, record_paths
from tests.small_archive import MISSION, OBSID, PN, write_small_archive


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An archive whose records are old enough for the index."""
    layout = write_small_archive(tmp_path / "archive")
    age(layout)
    return layout


def age(layout: Layout) -> None:
    for path in record_paths(layout):
        os.utime(path, ns=(10**18, path.stat().st_mtime_ns - 10**10))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps of the records that are read themselves, in order."""
    steps: list[str] = []

    def load(path: Path) -> Record:
        steps.append(path.parent.name)
        return read_sound_record(path)

    table = contents.OUTCOMES
    monkeypatch.setattr(contents, "OUTCOMES", type(table)(table.name, load, table.write, table.read))
    return steps


STEPS = ["espfilt", "espfilt", "images", "merge", "report"]


def test_records_are_read_once_and_then_come_from_the_index(layout: Layout, read: list[str]) -> None:
    first = read_contents(layout)
    assert read == STEPS
    assert read_contents(layout) == first
    assert read_contents(layout, MISSION, OBSID) == first
    assert read == STEPS, "no record is read again"
    (layout.root / INDEX).unlink()
    assert read_contents(layout) == first
    assert read == 2 * STEPS


def test_new_records_are_not_indexed_because_they_may_change_within_a_tick(layout: Layout, read: list[str]) -> None:
    read_contents(layout)
    layout.record("merge", PN).touch()
    assert read_contents(layout) == read_contents(layout)
    assert read == [*STEPS, "merge", "merge"]


def test_changed_removed_and_added_records_are_found(layout: Layout) -> None:
    before = read_contents(layout)
    path = layout.record("merge", PN)
    size = path.stat().st_size
    path.write_text(path.read_text().replace('"reason": ""', '"reason":"x"'))
    assert path.stat().st_size == size, "only the time differs"
    assert [
        outcome.verdict.reason for outcome in read_contents(layout).outcomes if outcome.verdict.step == "merge"
    ] == ["x"]
    path.unlink()
    after = read_contents(layout)
    assert [outcome.verdict.step for outcome in after.outcomes] == ["espfilt", "espfilt", "images", "report"]
    with sqlite3.connect(layout.root / INDEX) as index:
        assert index.execute("SELECT count(*) FROM outcomes WHERE step = 'merge'").fetchone() == (0,)
    path.write_text("{")
    assert read_contents(layout).damaged == [path]
    assert len(before.outcomes) == 5


@pytest.mark.parametrize(
    "damage",
    [b"", b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000],
    ids=["empty", "text", "header"],
)
def test_a_damaged_index_is_replaced(layout: Layout, read: list[str], damage: bytes) -> None:
    whole = read_contents(layout)
    (layout.root / INDEX).write_bytes(damage)
    assert read_contents(layout) == whole
    for _ in range(2):
        assert read_contents(layout) == whole
    assert len(read) <= 4 * len(STEPS)
    count = len(read)
    assert read_contents(layout) == whole
    assert len(read) == count, "the index works again"


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.9])
def test_a_cut_index_gives_nothing_wrong(layout: Layout, cut: float) -> None:
    whole = read_contents(layout)
    path = layout.root / INDEX
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    assert read_contents(layout) == whole
    assert read_contents(layout) == whole


@pytest.mark.parametrize(
    "text", ["{", "[]", "5", '{"a": 1}', json.dumps(["x"] * 10 + [5, [], [], [], [], {}]), "[" * 10_000]
)
def test_rows_of_another_form_are_read_from_the_records(layout: Layout, text: str) -> None:
    whole = read_contents(layout)
    with sqlite3.connect(layout.root / INDEX) as index:
        index.execute("UPDATE outcomes SET part = ?", (text,))
    assert read_contents(layout) == whole


def test_a_row_with_a_path_out_of_the_archive_is_refused(layout: Layout) -> None:
    whole = read_contents(layout)
    with sqlite3.connect(layout.root / INDEX) as index:
        index.execute("UPDATE outcomes SET part = replace(part, 'processed_data/', '../../secret/')")
    assert read_contents(layout) == whole


def test_a_view_in_place_of_the_table_gives_nothing_wrong(layout: Layout) -> None:
    whole = read_contents(layout)
    with sqlite3.connect(layout.root / INDEX) as index:
        index.executescript("ALTER TABLE outcomes RENAME TO other; CREATE VIEW outcomes AS SELECT 1 AS mission")
    for _ in range(3):
        assert read_contents(layout) == whole


def test_a_locked_index_costs_time_alone(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daxa_wf.archive.index.WAIT", 0.01)
    whole = read_contents(layout)
    lock = sqlite3.connect(layout.root / INDEX, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    assert read_contents(layout) == whole
    lock.execute("ROLLBACK")
    lock.close()
    assert read_contents(layout) == whole


def test_an_archive_that_cannot_be_written_to_works_without_an_index(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **_: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    assert len(read_contents(layout).outcomes) == 5
    assert not (layout.root / INDEX).exists()


def test_several_processes_write_it_at_once(layout: Layout) -> None:
    code = (
        "import sys; from pathlib import Path; from daxa_wf.archive.contents import read_contents; "
        "from daxa_wf.archive.layout import Layout; "
        "[Path(sys.argv[1], '.daxa_wf_index.sqlite').unlink(missing_ok=True) or "
        "print(len(read_contents(Layout(Path(sys.argv[1]))).outcomes)) for _ in range(20)]"
    )
    command = [sys.executable, "-c", code, str(layout.root)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [process.communicate() for process in processes]
    assert ends == [("5\n" * 20, "")] * 3
    assert isinstance(read_contents(layout), Contents)
