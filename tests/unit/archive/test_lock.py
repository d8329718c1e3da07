"""Locks: what they hold, that they round-trip, and the causes of differences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_wf.archive.causes import LockedFile
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.lock import Lock, compare, make_lock, read_lock, write_lock
from daxa_wf.archive.manifest import ManifestRow, write_manifest
from daxa_wf.archive.records import FileStamp, Record, Status, stamp_file, write_record
from daxa_wf.errors import ConfigError, CorruptFileError
from daxa_wf.units import Unit

UNIT = Unit("xmm_pointed", "0201903501", "PN", "S003")
GTI = "records/xmm_pointed/0201903501/espfilt/0201903501PNS003.json"
EVENTS = "records/xmm_pointed/0201903501/evselect/0201903501PNS003.json"


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    """The lock of an archive with two steps, the second built on the first."""
    layout = Layout(tmp_path / "archive")
    write_manifest_of(layout)
    raw = FileStamp("../lists/P0201903501PNS003PIEVLI0000.FTZ", 10, 1, "a" * 64, "raw")
    earlier: dict[str, str] = {}
    for step, kind in (("espfilt", "gti"), ("evselect", "cleanevents")):
        path = layout.product(UNIT, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(kind)
        record = Record(step, UNIT, Status.DONE, products=[stamp_file(path, layout.relative(path), kind)], raw=[raw],
                        parameters={"allowed_sigma": 3.0}, versions={"daxa_wf": "0.2.0"}, built_on=dict(earlier))  # fmt: skip
        write_record(layout, record)
        earlier[layout.relative(layout.record(step, UNIT))] = record.fingerprint()
    return make_lock(
        layout, {"archive": "archive", "missions": {}, "services": {"xsa": ["https://me:secret@mirror.edu/tap"]}}
    )


def write_manifest_of(layout: Layout) -> None:
    layout.root.mkdir()
    write_manifest(layout.manifest, [ManifestRow(UNIT.mission, UNIT.obsid, UNIT.instrument, UNIT.exposure)])


def test_a_lock_has_observations_sources_steps_and_products_and_no_password(lock: Lock, tmp_path: Path) -> None:
    assert lock.obsids == {"xmm_pointed": ["0201903501"]}
    assert lock.sources == {"../lists/P0201903501PNS003PIEVLI0000.FTZ": LockedFile(10, "a" * 64)}
    assert list(lock.steps) == [GTI, EVENTS]
    assert lock.steps[EVENTS].built_on == [GTI]
    write_lock(tmp_path / "a.lock.json", lock)
    text = (tmp_path / "a.lock.json").read_text()
    assert "secret" not in text
    assert "https://***@mirror.edu/tap" in text
    assert read_lock(tmp_path / "a.lock.json") == lock
    assert compare(lock, lock) == []


def changed(lock: Lock, path: str, sha256: str = "b" * 64, **values: object) -> Lock:
    """Return the lock with another product of a step, and with other values of the step."""
    step = lock.steps[path]
    other = replace(step, products=dict.fromkeys(step.products, sha256), **values)
    return replace(lock, steps={**lock.steps, path: other})


def test_the_cause_of_a_difference_is_the_first_thing_that_differs(lock: Lock) -> None:
    def causes(other: Lock) -> list[str]:
        return [difference.cause for difference in compare(lock, other)]

    same = "unknown: options, source files, earlier steps and versions are the same"
    assert causes(changed(lock, GTI)) == [same]
    assert causes(changed(changed(lock, GTI), EVENTS)) == [same, f"an earlier step differs: {GTI}"]
    assert causes(changed(lock, GTI, parameters={"allowed_sigma": 2.5})) == ["options differ: allowed_sigma"]
    assert causes(changed(lock, GTI, versions={"daxa_wf": "0.3.0"})) == ["versions differ: daxa_wf 0.2.0 and 0.3.0"]
    verdict = "the verdict was done, and is rejected noCounts"
    assert causes(changed(lock, GTI, status="rejected", reason="noCounts")) == [verdict]
    elsewhere = {"/data/P0201903501PNS003PIEVLI0000.FTZ": LockedFile(11, "c" * 64)}
    other = replace(changed(lock, GTI, sources=list(elsewhere)), sources=elsewhere)
    assert causes(other) == ["source files differ: P0201903501PNS003PIEVLI0000.FTZ"]
    assert causes(replace(lock, steps={EVENTS: lock.steps[EVENTS]})) == [
        "only one of the archives has a record of its step"
    ]


def test_another_verdict_of_a_step_without_products_is_a_difference(lock: Lock) -> None:
    step = replace(lock.steps[GTI], products={})
    before = replace(lock, steps={**lock.steps, GTI: replace(step, status="rejected", reason="noCounts")})
    after = replace(lock, steps={**lock.steps, GTI: step})
    difference = compare(before, after)[-1]
    assert (difference.product, difference.cause) == (GTI, "the verdict was rejected noCounts, and is done")


def test_a_file_that_is_not_a_lock_is_refused(lock: Lock, tmp_path: Path) -> None:
    path = tmp_path / "x.lock.json"
    with pytest.raises(ConfigError, match=r"x.lock.json does not exist; name a lock"):
        read_lock(path)
    for text in ("", "[]", "{", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(CorruptFileError, match="is not a lock"):
            read_lock(path)
    write_lock(path, replace(lock, format=2))
    with pytest.raises(ConfigError, match="this version of daxa_wf reads form 1"):
        read_lock(path)


def test_an_archive_without_records_cannot_be_locked(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "archive")
    write_manifest_of(layout)
    with pytest.raises(ConfigError, match="holds no records to lock"):
        make_lock(layout, {})


def test_observations_and_source_files_are_compared(lock: Lock) -> None:
    (row,), (name,) = lock.observations, lock.sources
    other = replace(lock, observations=[{**row, "exposure": "S004"}], sources={name: LockedFile(10, "b" * 64)})
    assert [(difference.product, difference.cause) for difference in compare(lock, other)] == [
        ("xmm_pointed 0201903501PNS003", "the archive that was made does not list it"),
        ("xmm_pointed 0201903501PNS004", "the lock does not list it"),
        (Path(name).name, "this source file is missing, new, or has another content"),
    ]
    elsewhere = {f"other/{Path(name).name}": file for name, file in lock.sources.items()}
    assert compare(lock, replace(lock, sources=elsewhere)) == []


def test_parts_that_a_lock_lacks_are_named(lock: Lock, tmp_path: Path) -> None:
    path = tmp_path / "a.lock.json"
    write_lock(path, lock)
    values = json.loads(path.read_text())
    for changed_values, message in (
        ({key: value for key, value in values.items() if key not in ("format", "steps")}, "it lacks format, steps"),
        ({**values, "configuration": {}}, "the configuration in this lock has no missions"),
        ({"format": 2}, "has the form 2 of locks; this version of daxa_wf reads form 1"),
    ):
        path.write_text(json.dumps(changed_values))
        with pytest.raises(ConfigError, match=message):
            read_lock(path)
