"""Staleness does not depend on the index: whatever its state, the records decide."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daxa_wf.archive import vouching
from daxa_wf.archive.index import INDEX
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.record_facts import FACTS
from daxa_wf.archive.records import FileStamp, Record, Status, read_record, record_paths, stamp_file, write_record
from daxa_wf.archive.vouching import refresh_records
from daxa_wf.chain.staleness import Conditions, Work, find_stale
from daxa_wf.download.release import NOT_PUBLIC, RetryCondition
from daxa_wf.mission.registry import STEPS
from daxa_wf.units import Unit

OBSIDS = [f"{number:010d}" for number in range(201903501, 201903513)]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
OPTIONS = {"allowed_sigma": 3, "lo_en": "0.2 keV"}
FOLLOWS = "an earlier step is made again"


def unit(obsid: str) -> Unit:
    return Unit("xmm_pointed", obsid, "PN", "S003")


def record_of(layout: Layout, obsid: str, step: str) -> Path:
    return layout.record(step, unit(obsid))


def write_observation(layout: Layout, obsid: str) -> list[Work]:
    """Write the records of espfilt and evselect, which is built on it. Both read one raw file and made one product."""
    raw = layout.root.parent / "data" / f"{obsid}.fits"
    raw.parent.mkdir(exist_ok=True)
    raw.write_text("raw events")
    built_on, work = dict[str, str](), list[Work]()
    for step, kind in (("espfilt", "gti"), ("evselect", "cleanevents")):
        product = layout.product(unit(obsid), kind)
        product.parent.mkdir(parents=True, exist_ok=True)
        product.write_text(kind)
        record = Record(
            step, unit(obsid), Status.DONE, parameters=dict(OPTIONS), built_on=built_on, versions={"daxa_wf": "0.0.1"},
            products=[stamp_file(product, layout.relative(product), kind)], results={"seconds": 10.5},
            raw=[stamp_file(raw, os.path.relpath(raw, layout.root))],
        )  # fmt: skip
        write_record(layout, record)
        path = record_of(layout, obsid, step)
        work.append(Work(path, STEPS[step], tuple(layout.root / name for name in built_on), OPTIONS, (raw,)))
        built_on = {layout.relative(path): record.fingerprint()}
    return work


def age(layout: Layout) -> None:
    """Give new records times that are old enough for the index. Others keep their times, and so their rows."""
    for path in record_paths(layout):
        written = path.stat().st_mtime_ns
        if written > time.time_ns() - 10**11:
            os.utime(path, ns=(10**18, written - 10**12))


def change_everything(layout: Layout, work: list[Work]) -> dict[str, str]:
    """Change one thing in each observation. Return the expected reasons by ObsID and step."""
    damaged, product, raw, other, missing, unlike, more, fewer, same, copied, deleted, sound = OBSIDS
    record_of(layout, damaged, "espfilt").write_text('{"step": "espfilt"}')
    layout.product(unit(product), "cleanevents").write_text("another list")
    (layout.root.parent / "data" / f"{raw}.fits").write_text("raw avents")
    path = record_of(layout, other, "espfilt")
    write_record(layout, replace(read_record(path), results={"seconds": 11}))
    record_of(layout, missing, "espfilt").unlink()
    path = record_of(layout, unlike, "evselect")
    write_record(layout, replace(read_record(path), parameters={"allowed_sigma": 2, "lo_en": "0.2 keV"}))
    further = layout.root.parent / "further.fits"
    further.write_text("a further file")
    for number, item in enumerate(work):
        if item.path == record_of(layout, more, "evselect"):
            work[number] = replace(item, raw=(*item.raw, further))
        if item.path == record_of(layout, fewer, "evselect"):
            work[number] = replace(item, earlier=())
    path = record_of(layout, same, "espfilt")
    write_record(layout, replace(read_record(path), ended="2026-05-05T00:00:00", results={"seconds": 10.5, "runs": 2}))
    os.utime(layout.root.parent / "data" / f"{copied}.fits", (1000, 1000))
    (layout.root.parent / "data" / f"{deleted}.fits").unlink()
    age(layout)
    del sound
    return {
        f"{damaged} espfilt": "the record is damaged", f"{damaged} evselect": FOLLOWS,
        f"{product} evselect": "a product is gone or changed",
        f"{raw} espfilt": "raw data changed", f"{raw} evselect": "raw data changed",
        f"{other} evselect": "an earlier step came to another result",
        f"{missing} evselect": FOLLOWS, f"{unlike} evselect": "options changed",
        f"{more} evselect": "further raw files", f"{fewer} evselect": "an input was removed",
    }  # fmt: skip


def break_rows(layout: Layout) -> None:
    """Give the rows other forms, each of which must be refused."""
    with sqlite3.connect(layout.root / INDEX) as index:
        rows = index.execute(f"SELECT rowid, part FROM {FACTS.name} ORDER BY rowid DESC").fetchall()
        texts = ["", "{", "[]", "5", "[" * 10_000, '{"a": 1}']
        for place, value in (
            (0, [["../../outside", 1, 1, ""]]), (0, [["a", "1", 1, ""]]), (1, [[1, 1, 1, ""]]), (1, [["a", 1]]),
            (2, ["a"]), (2, {"a": 1}), (4, 5), (9, "other"), (12, {}), (12, "{"), (12, "[]"), (13, 7),
        ):  # fmt: skip
            values = json.loads(rows[len(texts) % len(rows)][1])
            values[place] = value
            texts.append(json.dumps(values))
        for text, (row, _) in zip(texts, rows, strict=False):
            index.execute(f"UPDATE {FACTS.name} SET part = ? WHERE rowid = ?", (text, row))


def cut(layout: Layout) -> None:
    path = layout.root / INDEX
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


INDEX_STATES: dict[str, Callable[[Layout], object]] = {
    "of the records before the changes": lambda _: None,
    "absent": lambda layout: (layout.root / INDEX).unlink(),
    "damaged": lambda layout: (layout.root / INDEX).write_bytes(b"SQLite format 3\0" + b"\xff" * 5000),
    "cut": cut,
    "with rows of other forms": break_rows,
    "of the present records": refresh_records,
}


@pytest.mark.parametrize("state", INDEX_STATES)
def test_the_same_records_are_stale_whatever_the_state_of_the_index(tmp_path: Path, state: str) -> None:
    layout = Layout(tmp_path / "archive")
    work = [item for obsid in OBSIDS for item in write_observation(layout, obsid)]
    age(layout)
    refresh_records(layout)
    expected = change_everything(layout, work)
    INDEX_STATES[state](layout)
    before = {path: path.read_bytes() for path in layout.root.rglob("*") if path.is_file()}
    found = find_stale(layout, work, Conditions())
    assert {f"{path.parts[-3]} {path.parts[-2]}": finding.reason for path, finding in found.items()} == expected
    assert list(found) == [item.path for item in work if item.path in found], "in the order of the work"
    assert {path: path.read_bytes() for path in layout.root.rglob("*") if path.is_file()} == before, "as dry runs must"


def test_indexed_records_are_not_read_and_give_the_same_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path / "archive")
    work = write_observation(layout, OBSIDS[0])
    observation = Unit("xmm_pointed", OBSIDS[1])
    condition = RetryCondition(NOW, "").as_results()
    write_record(layout, Record("acquire", observation, Status.REJECTED, NOT_PUBLIC, results=condition))
    work.append(Work(layout.record("acquire", observation), STEPS["acquire"], (), {}))
    age(layout)
    conditions = [
        Conditions(now=NOW - timedelta(days=1)),
        Conditions(now=NOW),
        Conditions(now=NOW - timedelta(days=1), marks={"xmm_pointed": "login"}),
        Conditions(now=NOW - timedelta(days=1), remake_outdated=True),
        Conditions(now=NOW - timedelta(days=1), forced=lambda path: path == work[0].path),
    ]
    without = [find_stale(layout, work, condition) for condition in conditions]
    assert [sorted(path.parent.name for path in found) for found in without] == [
        [], ["acquire"], ["acquire"], ["espfilt", "evselect"], ["espfilt", "evselect"],
    ]  # fmt: skip
    refresh_records(layout)

    def load(path: Path) -> Record:
        raise AssertionError(f"{path} is read")

    monkeypatch.setattr(vouching, "FACTS", replace(FACTS, load=load))
    assert [find_stale(layout, work, condition) for condition in conditions] == without


def test_fingerprints_with_the_places_of_transfers_still_count(tmp_path: Path) -> None:
    """Earlier versions took the URLs of fetched files into the fingerprint of a record."""
    layout = Layout(tmp_path / "archive")
    observation = Unit("xmm_pointed", OBSIDS[0])
    fetched = Record(
        "acquire", observation, Status.DONE, results={"files": [{"sha256": "1", "url": "https://a.b/c"}]},
        raw=[FileStamp("raw/gone.fits", 3, 1, "")],
    )  # fmt: skip
    assert fetched.fingerprint() != fetched.former_fingerprint()
    write_record(layout, fetched)
    place = layout.record("acquire", observation)
    for name, fingerprint, reasons in (
        ("former", fetched.former_fingerprint(), []),
        ("present", fetched.fingerprint(), []),
        ("other", "0" * 64, ["an earlier step came to another result"]),
    ):
        later = Record("inventory", observation, Status.DONE, built_on={layout.relative(place): fingerprint})
        write_record(layout, later)
        age(layout)
        work = [
            Work(place, STEPS["acquire"], (), {}),
            Work(layout.record("inventory", observation), STEPS["inventory"], (place,), {}),
        ]
        for _ in range(2):
            found = find_stale(layout, work, Conditions())
            assert [finding.reason for finding in found.values()] == reasons, name
            refresh_records(layout)
